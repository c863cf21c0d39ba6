package checker

import (
	"fmt"

	"github.com/doublemount/doublemount/model"
)

// A host that was silent for a while, since it stood still or did not reach the
// disk or the others, and then went on: if another has taken over meanwhile, it
// has to be kept from the disk. The same is true of every host when the disk has
// forgotten who may write. Whether that is what went wrong is found out by fencing
// the host just before another one mounts, or else at once. Other hosts are not
// tried, since a fence excuses much.

// fenced is the first host that a fence would have kept from doing harm.
func (e *explainer) fenced() (Cause, bool) {
	for since, s := range e.run.Program.Steps {
		for n := range e.run.Program.Hosts {
			h := model.Host(n)
			if s.Kind != model.DiskReset && (s.Host != h || s.Kind != model.Pause && s.Kind != model.Partition) {
				continue
			}
			for _, before := range e.takeovers(h, since+1) {
				p := e.insert(before, []model.Step{{Host: h, Kind: model.Fence}})
				if _, ok := e.passes(p); ok {
					c := e.unfenced(h, since+1, before)
					c.Nearest = p
					c.Change = fmt.Sprintf("had %v been fenced before step %d%s", h, before, e.held())
					return c, true
				}
			}
		}
	}
	return Cause{}, false
}

// takeovers are the steps before which a fence of h, which was silent since a
// step, may have helped.
func (e *explainer) takeovers(h model.Host, since int) (list []int) {
	steps := e.run.Program.Steps
	for n := since + 1; n <= len(steps); n++ {
		if takesOver(steps[n-1], h) {
			list = append(list, n)
		}
	}
	return append(list, since+1)
}

// takesOver reports whether another host than h mounts.
func takesOver(s model.Step, h model.Host) bool {
	return s.Host != h && (s.Kind == model.Mount || s.Kind == model.Remount || s.Kind == model.Reboot)
}

// unfenced is the cause that a fence of h before a step would have removed: the
// first block that h wrote from then on, after it had been silent since another.
func (e *explainer) unfenced(h model.Host, since, before int) Cause {
	c := Cause{Kind: "unfenced", Host: h, Block: -1, Basis: -1, Step: since}
	started := false
	for _, r := range e.run.Trace {
		started = started || int(r.Step) >= before
		if started && r.Kind == model.BlockWritten && r.Host == h {
			c.Block, c.Step, c.Basis = r.Block, int(r.Step), r.Base
			break
		}
	}
	what := "was not kept from the disk"
	if c.Block >= 0 {
		what = fmt.Sprintf("wrote block %d", c.Block)
		if d, ok := e.runner.(model.Describer); ok {
			if c.Meaning = d.Describe(c.Block); c.Meaning != "" {
				what += " (" + c.Meaning + ")"
			}
		}
		what += fmt.Sprintf(" in step %d", c.Step)
	}
	took := ""
	if s, ok := e.run.Program.StepAt(before); ok && takesOver(s, h) {
		took = fmt.Sprintf(" although %v had come in step %d (%v)", s.Host, before, s)
	}
	silence, _ := e.run.Program.StepAt(since)
	why := fmt.Sprintf("it was silent since step %d (%v), and nobody had fenced it", since, silence)
	if silence.Kind == model.DiskReset {
		why = fmt.Sprintf("in step %d (%v) the disk forgot who may write, and nobody had fenced it", since, silence)
	}
	c.Text = fmt.Sprintf("%v %s%s: %s.", h, what, took, why)
	return c
}
