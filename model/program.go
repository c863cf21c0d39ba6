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
// others have unmounted, looks at everything and changes nothing.
const (
	MaxHosts      = 16
	Final    Host = 255
)

// String is the host's letter, or "final".
func (h Host) String() string {
	if h == Final {
		return "final"
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
	Host Host
	Kind Kind
	Path Path  // the operand, or empty when File is used
	File uint8 // handle slot 1..MaxFile; for Open, the slot to fill
	Off  int32 // in words; Refresh: the first block
	Len  int32 // in words; Truncate: the new size; Writeback and Refresh: how many blocks, 0 = all
	Data byte  // number of the write, 1..MaxData
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
	numCommands
)

var commandNames = [numCommands]string{"", "read", "write", "flush", "lock"}

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
		if int(s.Host) >= p.Hosts {
			return fmt.Errorf("%w: step %d: host %v of %d hosts", ErrProgram, i+1, s.Host, p.Hosts)
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
	var path, file, offset, length, data bool // which fields the kind may use
	switch s.Kind {
	case Create, Unlink, Mkdir, Rmdir, Readdir, Stat:
		path = true
	case Open:
		path, file = true, true
	case Close:
		file = true
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
	case Writeback:
		length = true
	case Refresh:
		offset, length = true, true
	case Sync, Statfs, Mount, Unmount, Remount, Reboot:
	default:
		return fmt.Errorf("unknown kind %d", s.Kind)
	}
	switch {
	case path && !s.Path.Valid():
		return fmt.Errorf("%v: bad path %q", s.Kind, string(s.Path))
	case path && s.Path == Root && s.Kind != Readdir && s.Kind != Stat:
		return fmt.Errorf("%v: the root directory takes readdir and stat only", s.Kind)
	case !path && s.Path != "":
		return fmt.Errorf("%v: takes no path", s.Kind)
	case file && (s.File < 1 || s.File > MaxFile):
		return fmt.Errorf("%v: handle slot f%d; want f1 to f%d", s.Kind, s.File, MaxFile)
	case !file && s.File != 0:
		return fmt.Errorf("%v: takes no handle slot", s.Kind)
	case !offset && s.Off != 0 || !length && s.Len != 0:
		return fmt.Errorf("%v: takes no offset or length", s.Kind)
	case s.Off < 0 || s.Len < 0 || int64(s.Off)+int64(s.Len) > MaxWords:
		return fmt.Errorf("%v: offset %d and length %d; at most %d words", s.Kind, s.Off, s.Len, MaxWords)
	case s.Kind == Refresh && s.Len == 0 && s.Off != 0:
		return fmt.Errorf("%v: first block %d of no blocks", s.Kind, s.Off)
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
