package fuzz

import (
	"fmt"

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
}

// What a campaign must reach, in percent, once it is long enough to be asked.
const (
	judgedFrom    = 1000 // runs
	wantSucceeded = 30
	wantCollided  = 30
	wantHeld      = 20
)

// Weak says what a campaign on a Runner with caps reached too little of, one
// sentence each; nil means that a campaign without findings is clean. Before
// 1,000 runs only one thing is weak: that no operation at all succeeded.
func (c *Coverage) Weak(caps model.Capabilities) []string {
	if c.Succeeded == 0 {
		return []string{fmt.Sprintf("no operation succeeded in %d runs", c.Runs)}
	}
	if c.Runs < judgedFrom {
		return nil
	}
	var weak []string
	ask := func(what string, part, whole, want int) {
		if part*100 < whole*want {
			weak = append(weak, fmt.Sprintf("%s: %d of %d, that is %d %%; want %d %%", what, part, whole, part*100/whole, want))
		}
	}
	ask("operations that succeeded", c.Succeeded, c.Attempted, wantSucceeded)
	ask("runs in which two hosts wrote one block", c.Collided, c.Traced, wantCollided)
	if caps.Holds {
		ask("runs in which a hold fired", c.Overlapped, c.Shared, wantHeld)
	}
	for k := model.Create; k < model.Refresh; k++ {
		if caps.Kinds.Has(k) && c.Answers.Succeeded(k) == 0 {
			weak = append(weak, fmt.Sprintf("%v never succeeded in %d attempts", k, c.Answers.Of(k)))
		}
	}
	return weak
}

// Counter adds runs to a Coverage. It keeps scratch memory between them, so
// that counting a run allocates nothing. The zero value is ready.
type Counter struct {
	Coverage
	wrote map[int32]model.Host // who wrote a block first, in this run
}

// Count adds run.
func (c *Counter) Count(run *model.Run) {
	c.Runs++
	for i := range run.History {
		c.countOp(run, &run.History[i])
	}
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
	if op.Host == model.Final || op.Step < 1 || op.Step > len(run.Program.Steps) || int(op.Kind) >= kinds {
		return
	}
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
	// the unmount's if that failed.
	kind, errno := run.Program.Steps[op.Step-1].Kind, min(op.Result.Errno, model.EOTHER)
	if kind == model.Remount || kind == model.Reboot {
		if op.Kind == model.Unmount && errno == model.OK {
			return
		}
	} else {
		kind = op.Kind
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
