package model

import "context"

// Runner executes Programs. It is the one seam of the project: a simulated
// design, plain directories and real kernels are Runners, and nothing else asks
// which one it has.
//
// Run executes a valid Program and ends with every host unmounted, then looks
// at what is left through the host [Final]. Its error means that the harness
// failed (or ctx ended), never that the file system did. A Runner need not be
// safe for concurrent use.
type Runner interface {
	Capabilities() Capabilities
	Run(ctx context.Context, p Program) (Run, error)
}

// Capabilities is what a Runner can do; a generator stays within it.
type Capabilities struct {
	Name          string  // of the design or the directory, for messages
	Kinds         KindSet // operations and events it carries out; others are skipped
	MaxHosts      int
	Survives      Faults    // the faults under which what it promises is to hold; no others are drawn
	Direct        bool      // reads and writes past the cache
	Ranges        bool      // locks words of a file, and not only the whole
	LocksApart    bool      // as Run.LocksApart, of all its runs
	Exclusive     bool      // a mount is refused while another host has the disk
	Holds         bool      // can stop a step at a disk command
	Overlaps      bool      // cannot, but takes a hold for a step that others do not wait for
	Instants      []Instant // what a campaign must reach
	Deterministic bool      // the same Program gives the same Run, digest included
	Space         Space

	// Lacks is what single hosts cannot do of Kinds, where hosts differ.
	Lacks [MaxHosts]KindSet
	_     struct{}
}

// Describer is a Runner that can say what a block of the disk was at the end of
// its last Run: "directory block of /", "bitmap", "data of /a".
type Describer interface {
	Describe(block int32) string
}

// Recycler is a Runner that can use the memory of a Run again. A campaign gives
// back every run that it has judged and counted, and then makes no garbage; who
// keeps a Run, or any slice of it, does not give it back.
type Recycler interface {
	Recycle(Run)
}
