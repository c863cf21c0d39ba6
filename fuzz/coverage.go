package fuzz

import (
	"github.com/doublemount/doublemount/model"
)

// Coverage says what a campaign reached, in counts that add up. It does not
// count the closing unmounts nor what the host Final did: they are in every run.
type Coverage struct {
	Runs int // that gave a result

	Attempted int // operations called, events not counted
	Succeeded int
	Skipped   int // of Attempted: the host was not mounted or cannot do it
	Pending   int // of Attempted: never returned
	Events    int // events carried out, with success or without
	Answers   Answers

	Shared   int // runs with two hosts or more
	Traced   int // of Shared: with a trace
	Collided int // of Traced: two hosts wrote one block

	HoldsAsked int
	HoldsFired int // released when they should be, or early
	HoldsCut   int // of HoldsFired: released early, as nothing else could run
	Overlapped int // of Shared: runs in which a hold fired

	Faults          FaultCounts  // how often each happened: events carried out, what ends them not counted, and commands hit
	Strikes         StrikeCounts // commands hit, by what hit them
	StrikesAsked    int
	CrashesAmid     int // crashes of a host, power losses too, with an operation of it under way
	CrashesUnsynced int // ... with a change that neither a sync nor an unmount of that host came after
	LossesUnflushed int // power losses and disk resets with writes after the last flush; only where there is a trace

	Marks []model.Mark // what was reached, by name
}

// Add adds the counts of d to c.
func (c *Coverage) Add(d *Coverage) {
	c.Runs += d.Runs
	c.Attempted += d.Attempted
	c.Succeeded += d.Succeeded
	c.Skipped += d.Skipped
	c.Pending += d.Pending
	c.Events += d.Events
	for k := range c.Answers {
		for e := range c.Answers[k] {
			c.Answers[k][e] += d.Answers[k][e]
		}
	}
	c.Shared += d.Shared
	c.Traced += d.Traced
	c.Collided += d.Collided
	c.HoldsAsked += d.HoldsAsked
	c.HoldsFired += d.HoldsFired
	c.HoldsCut += d.HoldsCut
	c.Overlapped += d.Overlapped
	for i := range c.Faults {
		c.Faults[i] += d.Faults[i]
	}
	for i := range c.Strikes {
		c.Strikes[i] += d.Strikes[i]
	}
	c.StrikesAsked += d.StrikesAsked
	c.CrashesAmid += d.CrashesAmid
	c.CrashesUnsynced += d.CrashesUnsynced
	c.LossesUnflushed += d.LossesUnflushed
	c.Marks = addMarks(c.Marks, d.Marks)
}

// Counter adds runs to a Coverage. It keeps scratch memory between them, so
// that counting a run allocates nothing. The zero value is ready.
type Counter struct {
	Coverage
	wrote map[int32]model.Host // who wrote a block first, in this run
	hosts [model.MaxHosts]hostState
}

// Count adds run.
func (c *Counter) Count(run *model.Run) {
	c.Runs++
	c.hosts = [model.MaxHosts]hostState{}
	for i := range run.History {
		op := &run.History[i]
		if op.Host == model.Final || op.Step < 1 || op.Step > len(run.Program.Steps) || int(op.Kind) >= kinds {
			continue
		}
		c.countOp(run, op)
		c.countFault(op)
	}
	c.countStrikes(run)
	c.Marks = addMarks(c.Marks, run.Marks)
	fired := false
	c.HoldsAsked += len(run.Holds)
	for _, h := range run.Holds {
		if h == model.NeverFired {
			continue
		}
		fired = true
		c.HoldsFired++
		if h == model.FiredEarly {
			c.HoldsCut++
		}
	}
	if run.Program.Hosts < 2 {
		return
	}
	c.Shared++
	if fired {
		c.Overlapped++
	}
	if len(run.Trace) > 0 {
		c.Traced++
		if c.collided(run.Trace) {
			c.Collided++
		}
	}
}

func (c *Counter) countOp(run *model.Run, op *model.Op) {
	event := op.Kind.Event()
	if !event {
		c.Attempted++
	}
	switch {
	case op.Skipped:
		if !event {
			c.Skipped++
		}
		return
	case op.Pending():
		if !event {
			c.Pending++
		}
		return
	}
	// A remount or reboot is two Ops of one step: its answer is the mount's, or
	// the unmount's if that failed. Meanwhile the design may fence a host.
	kind, errno := op.Kind, known(op.Result.Errno)
	if step := run.Program.Steps[op.Step-1].Kind; (step == model.Remount || step == model.Reboot) && !disturbs(kind) {
		if kind == model.Unmount && errno == model.OK {
			return
		}
		kind = step
	}
	c.Answers[kind][errno]++
	switch {
	case event:
		c.Events++
	case errno == model.OK:
		c.Succeeded++
	}
}

// collided reports whether two hosts wrote one block.
func (c *Counter) collided(trace []model.Record) bool {
	if c.wrote == nil {
		c.wrote = map[int32]model.Host{}
	}
	clear(c.wrote)
	for i := range trace {
		r := &trace[i]
		if r.Kind != model.BlockWritten || r.Host == model.Final {
			continue
		}
		first, seen := c.wrote[r.Block]
		if !seen {
			c.wrote[r.Block] = r.Host
		} else if first != r.Host {
			return true
		}
	}
	return false
}

// known is e, or EOTHER for a number that has no name.
func known(e model.Errno) model.Errno {
	if int(e) < errnos {
		return e
	}
	return model.EOTHER
}
