package cli

import (
	"fmt"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/reports"
)

// workerEnv, if set, makes the process a child that does jobs. hangEnv is how
// long one run may take before the child takes it to hang, as a duration; it
// is there for tests.
const (
	workerEnv = "DOUBLEMOUNT_WORKER"
	hangEnv   = "DOUBLEMOUNT_HANG"
)

// task is a kind of job.
type task string

const (
	taskOpen    task = "open"    // make the design's Runner, say what it can do
	taskBatch   task = "batch"   // make one batch of a campaign
	taskRun     task = "run"     // run and judge Program
	taskExplain task = "explain" // the same, and look for the cause of Verdict
)

// job is what a child is told to do. Everything it needs stands in it: a child
// remembers nothing but the Runner that it used last.
type job struct {
	Task       task
	Design     string
	Guarantees []string

	Hosts  int
	Faults model.Faults
	Seed   uint64
	Runs   int
	Batch  int
	Skip   map[int]bool // run numbers that are known to end the process
	Tell   bool         // say what is about to run, since one run ends the process

	Program model.Program
	Verdict model.Verdict
}

// options are the campaign's, as the search takes them.
func (j *job) options() fuzz.Options {
	return fuzz.Options{Seed: j.Seed, Hosts: j.Hosts, Faults: j.Faults, Runs: j.Runs, Skip: j.Skip}
}

// answer is a line that a child writes: what it is about to run, that it is
// ending because of it, or, once for each job, what came of it.
type answer struct {
	About *execution `json:",omitempty"` // what runs next
	Hang  *hang      `json:",omitempty"` // the child ends

	Error        string              `json:",omitempty"` // the job could not be done
	Capabilities *model.Capabilities `json:",omitempty"`
	Batch        *fuzz.BatchResult   `json:",omitempty"`
	Shown        *shown              `json:",omitempty"`
}

// fits reports whether a has what a task is done for. A design that finds the
// standard output of its process can write anything there.
func (a *answer) fits(t task) bool {
	switch t {
	case taskOpen:
		return a.Capabilities != nil
	case taskBatch:
		return a.Batch != nil
	}
	return a.Shown != nil
}

// execution is one Program being run, by a batch as run number Run.
type execution struct {
	Run     int
	Program model.Program
}

// hang is an execution that did not return.
type hang struct {
	At   *execution // nil: the design did not get as far as a program
	Text string     // how long, and where it was
}

// shown is a run and what is to be said about it.
type shown struct {
	Run      model.Run
	Cut      int // records at the end of its trace that are left out, if above 0
	Verdicts []model.Verdict
	Cause    checker.Cause
	Blocks   reports.Blocks // what its blocks are
}

// guarantees finds guarantees by their names, which are this program's own.
func guarantees(names []string) ([]model.Guarantee, error) {
	var all []model.Guarantee
	for _, name := range names {
		g, err := model.ParseGuarantee(name)
		if err != nil {
			return nil, fmt.Errorf("job: %w", err)
		}
		all = append(all, g)
	}
	return all, nil
}
