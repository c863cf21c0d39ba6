package model

import (
	"errors"
	"fmt"
	"slices"
)

// Host is a host's number, from 0. It prints as a letter: A, B, ...
type Host uint8

// MaxHosts is how many ports a shared disk has (the limit of EBS
// Multi-Attach). Final is the observer: a host that mounts the disk after all
// others have unmounted, looks at everything and changes nothing. Everyone is
// the host of the events that happen to all: a power loss, the time that passes.
const (
	MaxHosts      = 16
	Final    Host = 255
	Everyone Host = 254
)

// String is the host's letter, "final", or "all".
func (h Host) String() string {
	switch h {
	case Final:
		return "final"
	case Everyone:
		return "all"
	}
	if h < 26 {
		return string(rune('A' + h))
	}
	return fmt.Sprintf("host%d", uint8(h))
}

// Sizes. A write's words hold its Data number, so a read names the writes it
// saw. Hole is a word never written, Garbage one that no write can have left.
const (
	WordsPerBlock = 8
	MaxData       = 250
	MaxWords      = 1 << 16 // largest offset plus length
	MaxSteps      = 4096
	MaxFile       = 3 // handle slots of a host: f1, f2, f3

	Hole    byte = 0
	Garbage byte = 255
)

// Step is one thing that one host is told to do. Which fields a Kind uses is
// fixed (see [Step.Validate]); the others are zero, so equal steps are equal
// values.
type Step struct {
	Host   Host
	Kind   Kind
	Path   Path  // the operand, or empty when File is used
	To     Path  // Rename, Link: the new name
	File   uint8 // handle slot 1..MaxFile; for Open, the slot to fill
	Off    int32 // in words; see below for events
	Len    int32 // in words; Truncate: the new size; Lock, Unlock: 0 is the whole file; see below for events
	Data   byte  // number of the write, 1..MaxData
	Direct bool  // Read, Write: past the host's cache (O_DIRECT); whole blocks only
	Shared bool  // Lock: others may have it too; else exclusive
}

// What Off and Len are in events.
//
//   - Writeback: of the dirty blocks, oldest first, pass over Off and write the
//     next Len; Len 0 is all. Several steps write them in any order.
//   - Refresh: Len blocks from Off on; Len 0 is all.
//   - Crash, PowerLoss, DiskReset: Off is a set of writes that the disk keeps ([Step.Keeps]).
//   - Partition, Heal: Off is [FromAll], [FromDisk], or 1 plus the host that this
//     one is parted from.
//   - Tick: Len is how much time passes, at least 1.
const (
	FromAll  = 0
	FromDisk = -1
)

// MaxTick is the longest time that one step lets pass.
const MaxTick = 1 << 10

// KeptBits is how many writes a crash or a power loss can tell apart; the n-th
// counts as the one numbered n modulo KeptBits.
const KeptBits = 31

// Keeps reports whether write n, counted from 0, survives s: for a crash, of the
// blocks that the host had on their way to the disk; for a power loss or disk reset, of the
// writes in the disk's volatile cache, oldest first.
func (s Step) Keeps(n int) bool { return s.Off&(1<<(n%KeptBits)) != 0 }

// Fault is the fault that s is, 0 for operations and for ordinary life.
func (s Step) Fault() Faults {
	switch s.Kind {
	case Crash:
		return Crashes
	case PowerLoss:
		return PowerLosses
	case DiskReset:
		return DiskResets
	case Pause, Resume:
		return Pauses
	case Partition, Heal:
		if s.Off == FromDisk {
			return DiskPartitions
		}
		return Partitions
	case Fence:
		return Fences
	case Tick:
		if s.Host != Everyone {
			return SkewedClocks
		}
	}
	return 0
}

// CommandKind is a kind of disk command or message, for the address of a hold.
type CommandKind uint8

// What a step can be held at.
const (
	NoCommand CommandKind = iota
	ReadCommand
	WriteCommand
	FlushCommand
	LockCommand
	CompareCommand // compare-and-write
	ReserveCommand // any reservation command
	SendCommand    // a message to another host
	numCommands
)

// CommandKinds is how many kinds there are, with NoCommand: for tables.
const CommandKinds = int(numCommands)

var commandNames = [numCommands]string{"", "read", "write", "flush", "lock", "cas", "reserve", "send"}

// String is the name used in text.
func (c CommandKind) String() string {
	if c < numCommands {
		return commandNames[c]
	}
	return ""
}

// ParseCommand is the inverse of [CommandKind.String].
func ParseCommand(name string) (c CommandKind, ok bool) {
	for c := ReadCommand; c < numCommands; c++ {
		if commandNames[c] == name {
			return c, true
		}
	}
	return NoCommand, false
}

// Hold makes steps overlap: when step Step issues its N-th command of kind At,
// it stops there until step Until has ended. Steps are numbered from 1. The
// address is a disk command and not a scheduling point, so the same schedule
// can be made on a simulator and on an unmodified kernel.
type Hold struct {
	Step  int
	At    CommandKind
	N     int // from 1
	Until int // > Step
}

// Program is what hosts do: steps in start order, holds, and the order in which
// the hosts unmount at the end (who flushes last wins, so the order matters).
// Without holds a step ends before the next starts. No seed is needed to run it
// again.
//
// Unmounts names each of the Hosts once. A host that is not mounted by then is
// passed over. These unmounts do not count as steps; in traces they carry the
// step numbers after the last.
type Program struct {
	Hosts    int
	Steps    []Step
	Holds    []Hold
	Strikes  []Strike
	Unmounts []Host
}

// ErrProgram is wrapped by every error of [Program.Validate].
var ErrProgram = errors.New("bad program")

// Validate reports the first thing wrong with p: a host, path, slot, size or
// data number out of its range, a field that the Kind does not use, a hold that
// points backwards, an unmount order that does not name each host once.
func (p Program) Validate() error {
	if p.Hosts < 1 || p.Hosts > MaxHosts {
		return fmt.Errorf("%w: %d hosts; want 1 to %d", ErrProgram, p.Hosts, MaxHosts)
	}
	if len(p.Steps) > MaxSteps {
		return fmt.Errorf("%w: %d steps; the limit is %d", ErrProgram, len(p.Steps), MaxSteps)
	}
	var used [256]uint16 // step that has each data number; called for every run, so no map
	for i, s := range p.Steps {
		if int(s.Host) >= p.Hosts && s.Host != Everyone {
			return fmt.Errorf("%w: step %d: host %v of %d hosts", ErrProgram, i+1, s.Host, p.Hosts)
		}
		if (s.Kind == Partition || s.Kind == Heal) && (int(s.Off) > p.Hosts || s.Off == int32(s.Host)+1) {
			return fmt.Errorf("%w: step %d: %v is parted from host %v of %d hosts", ErrProgram, i+1, s.Host, Host(s.Off-1), p.Hosts)
		}
		if err := s.Validate(); err != nil {
			return fmt.Errorf("%w: step %d: %w", ErrProgram, i+1, err)
		}
		if s.Data != 0 {
			if n := used[s.Data]; n != 0 {
				return fmt.Errorf("%w: step %d: data #%d is step %d's; each write has its own", ErrProgram, i+1, s.Data, n)
			}
			used[s.Data] = uint16(i + 1)
		}
	}
	for i, h := range p.Holds {
		switch {
		case h.Step < 1 || h.Step > len(p.Steps):
			return fmt.Errorf("%w: hold of step %d of %d", ErrProgram, h.Step, len(p.Steps))
		case h.Until <= h.Step || h.Until > len(p.Steps):
			return fmt.Errorf("%w: hold of step %d until %d; want a later step up to %d", ErrProgram, h.Step, h.Until, len(p.Steps))
		case h.At == NoCommand || h.At >= numCommands:
			return fmt.Errorf("%w: hold of step %d at no known command", ErrProgram, h.Step)
		case h.N < 1:
			return fmt.Errorf("%w: hold of step %d at %v#%d; counted from 1", ErrProgram, h.Step, h.At, h.N)
		case slices.ContainsFunc(p.Holds[:i], func(earlier Hold) bool { return earlier.Step == h.Step }):
			return fmt.Errorf("%w: step %d is held twice", ErrProgram, h.Step)
		}
	}
	for i, k := range p.Strikes {
		if err := k.validate(len(p.Steps)); err != nil {
			return fmt.Errorf("%w: %w", ErrProgram, err)
		}
		if slices.ContainsFunc(p.Strikes[:i], k.sameCommand) {
			return fmt.Errorf("%w: %v of step %d is struck twice", ErrProgram, k.At, k.Step)
		}
	}
	var seen [MaxHosts]bool
	for _, h := range p.Unmounts {
		if int(h) >= p.Hosts || seen[h] {
			return fmt.Errorf("%w: unmount order names host %v twice or is not of %d hosts", ErrProgram, h, p.Hosts)
		}
		seen[h] = true
	}
	if len(p.Unmounts) != p.Hosts {
		return fmt.Errorf("%w: %d unmounts for %d hosts", ErrProgram, len(p.Unmounts), p.Hosts)
	}
	return nil
}

// Validate reports a field of s that is out of range or not used by its Kind.
// It cannot know how many hosts there are.
func (s Step) Validate() error {
	var path, to, file, offset, length, data bool // which fields the kind may use
	switch s.Kind {
	case Rename, Link:
		path, to = true, true
	case Create, Unlink, Mkdir, Rmdir, Readdir, Stat:
		path = true
	case Open:
		path, file = true, true
	case Close:
		file = true
	case Lock, Unlock:
		file, offset, length = true, true, true
	case Read:
		path, file, offset, length = s.File == 0, s.File != 0, true, true
	case Write:
		path, file, offset, length, data = s.File == 0, s.File != 0, true, true, true
	case Append:
		path, file, length, data = s.File == 0, s.File != 0, true, true
	case Truncate:
		path, file, length = s.File == 0, s.File != 0, true
	case Fsync:
		path, file = s.File == 0, s.File != 0
	case Writeback, Refresh:
		offset, length = true, true
	case Crash, PowerLoss, DiskReset, Partition, Heal:
		offset = true
	case Tick:
		length = true
	case Sync, Statfs, Mount, Unmount, Remount, Reboot, Pause, Resume, Fence:
	default:
		return fmt.Errorf("unknown kind %d", s.Kind)
	}
	keeps := s.Kind == Crash || s.Kind == PowerLoss || s.Kind == DiskReset
	parts := s.Kind == Partition || s.Kind == Heal
	switch {
	case path && !s.Path.Valid():
		return fmt.Errorf("%v: bad path %q", s.Kind, string(s.Path))
	case path && s.Path == Root && s.Kind != Readdir && s.Kind != Stat:
		return fmt.Errorf("%v: the root directory takes readdir and stat only", s.Kind)
	case !path && s.Path != "" || !to && s.To != "":
		return fmt.Errorf("%v: takes no path, or no second one", s.Kind)
	case to && (!s.To.Valid() || s.To == Root):
		return fmt.Errorf("%v: bad new name %q", s.Kind, string(s.To))
	case (s.Host == Everyone) != (s.Kind == PowerLoss || s.Kind == DiskReset) && !(s.Host == Everyone && s.Kind == Tick):
		return fmt.Errorf("%v: host %v; a power loss or disk reset happens to all, a tick to one or all, anything else to one", s.Kind, s.Host)
	case file && (s.File < 1 || s.File > MaxFile):
		return fmt.Errorf("%v: handle slot f%d; want f1 to f%d", s.Kind, s.File, MaxFile)
	case !file && s.File != 0:
		return fmt.Errorf("%v: takes no handle slot", s.Kind)
	case !offset && s.Off != 0 || !length && s.Len != 0:
		return fmt.Errorf("%v: takes no offset or length", s.Kind)
	case keeps && s.Off < 0:
		return fmt.Errorf("%v: set of kept writes %d is negative", s.Kind, s.Off)
	case parts && (s.Off < FromDisk || s.Off > MaxHosts):
		return fmt.Errorf("%v: from %d; want the disk, all, or a host", s.Kind, s.Off)
	case s.Kind == Tick && (s.Len < 1 || s.Len > MaxTick):
		return fmt.Errorf("%v: %d; want 1 to %d", s.Kind, s.Len, MaxTick)
	case !keeps && !parts && (s.Off < 0 || s.Len < 0 || int64(s.Off)+int64(s.Len) > MaxWords):
		return fmt.Errorf("%v: offset %d and length %d; at most %d words", s.Kind, s.Off, s.Len, MaxWords)
	case (s.Kind == Refresh || s.Kind == Writeback) && s.Len == 0 && s.Off != 0:
		return fmt.Errorf("%v: first block %d of no blocks", s.Kind, s.Off)
	case s.Shared && s.Kind != Lock:
		return fmt.Errorf("%v: only a lock can be shared", s.Kind)
	case (s.Kind == Lock || s.Kind == Unlock) && s.Len == 0 && s.Off != 0:
		return fmt.Errorf("%v: from word %d for no words; want neither, for the whole file, or a length", s.Kind, s.Off)
	case s.Direct && s.Kind != Read && s.Kind != Write:
		return fmt.Errorf("%v: only a read or write can be direct", s.Kind)
	case s.Direct && (s.Off%WordsPerBlock != 0 || s.Len%WordsPerBlock != 0):
		return fmt.Errorf("%v: direct at %d for %d words; want whole blocks of %d", s.Kind, s.Off, s.Len, WordsPerBlock)
	case (s.Kind == Read || s.Kind == Write || s.Kind == Append) && s.Len == 0:
		return fmt.Errorf("%v: length 0", s.Kind)
	case data && (s.Data < 1 || s.Data > MaxData):
		return fmt.Errorf("%v: data #%d; want #1 to #%d", s.Kind, s.Data, MaxData)
	case !data && s.Data != 0:
		return fmt.Errorf("%v: takes no data", s.Kind)
	}
	return nil
}

// Clone is a copy that shares nothing with p.
func (p Program) Clone() Program {
	p.Steps = append([]Step(nil), p.Steps...)
	p.Holds = append([]Hold(nil), p.Holds...)
	p.Strikes = append([]Strike(nil), p.Strikes...)
	p.Unmounts = append([]Host(nil), p.Unmounts...)
	return p
}

// StepAt is step n of the run of p, numbered from 1; the numbers after the last
// step are the closing unmounts. ok is false for any other number.
func (p Program) StepAt(n int) (s Step, ok bool) {
	switch {
	case n >= 1 && n <= len(p.Steps):
		return p.Steps[n-1], true
	case n > len(p.Steps) && n <= len(p.Steps)+len(p.Unmounts):
		return Step{Host: p.Unmounts[n-len(p.Steps)-1], Kind: Unmount}, true
	}
	return Step{}, false
}
