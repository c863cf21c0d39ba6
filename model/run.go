package model

import "fmt"

// Run is everything that came of executing one Program once. It is the
// caller's: a Runner keeps no reference to what it returned.
type Run struct {
	Program Program
	History []Op     // in order of Call
	Trace   []Record // empty where the Runner does not own the disk
	Digest  uint64   // over every Record and every result; equal digests mean equal runs

	Holds   []HoldState // one for each of Program.Holds
	Defects []Defect    // what the design did that no file system may
	Audit   []Problem   // what fsck found after all hosts had unmounted
	Space   Space       // of the disk, for the judge of capacity
	Strikes []bool      // one for each of Program.Strikes: its command was issued
	Marks   []Mark      // interesting instants that were reached, sorted by name

	// LocksApart says that locks of a whole file and locks of words are of two kinds,
	// flock(2) and fcntl(2), that need not see each other; see [Locks].
	LocksApart bool
}

// Mark is an instant that a run reached, such as "crash between commit and
// checkpoint", and how often. Designs and the simulator set them.
type Mark struct {
	Name  string
	Count int
}

// Instant is a mark that a campaign must reach, or be weak, if the faults that it
// Needs are drawn.
type Instant struct {
	Name  string
	Needs Faults
}

// Space is how much a file system can hold. Blocks of 0 means not known: then
// capacity is not judged.
type Space struct {
	Blocks int // for data, directories and their overhead
	Inodes int // files and directories besides the root
}

// HoldState says what became of a hold.
type HoldState uint8

// A hold that never fired makes a case stale. One released early fired, but
// not for as long as was asked.
const (
	NeverFired HoldState = iota
	Fired
	FiredEarly // released early because nothing else could run
)

// DefectKind is a way for a design to break the rules of being a file system
// at all.
type DefectKind uint8

// The defects.
const (
	Panic    DefectKind = iota // the design panicked
	Hang                       // an operation did not return
	BadIO                      // a block outside the disk, or a buffer that is not a block
	Misuse                     // a host service used as it must not be
	Deadlock                   // an operation waits for a lock for ever
)

// String is the name used as an anomaly.
func (k DefectKind) String() string {
	return [...]string{"panic", "hang", "bad-io", "misuse", "no progress"}[k]
}

// Defect is one such event.
type Defect struct {
	Kind DefectKind
	Host Host
	Step int
	Text string // what was done, in one line
}

// String is "step 3 on A: panic: index out of range".
func (d Defect) String() string {
	return fmt.Sprintf("step %d on %v: %v: %s", d.Step, d.Host, d.Kind, d.Text)
}

// Problem is one finding of a design's fsck.
type Problem struct {
	Anomaly Anomaly // CrossLinked, LeakedSpace, StructureDamage, ...
	Block   int32   // where it shows, or -1
	Text    string  // "block 9 belongs to inode 1 and inode 3"
}

// Missed says what the run did not do of its Program's holds and strikes, in their
// text: a hold that never fired, a strike whose command was never issued. A case
// whose run misses any is stale.
func (r *Run) Missed() (texts []string) {
	for i, h := range r.Program.Holds {
		if i < len(r.Holds) && r.Holds[i] == NeverFired {
			texts = append(texts, h.String()+" never fired")
		}
	}
	for i, k := range r.Program.Strikes {
		if i < len(r.Strikes) && !r.Strikes[i] {
			texts = append(texts, k.String()+" never hit")
		}
	}
	return texts
}
