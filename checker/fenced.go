package checker

import (
	"fmt"
	"slices"

	"github.com/doublemount/doublemount/model"
)

// A host that was silent for a while, since it stood still or did not reach the
// disk or the others, and then went on: if another has taken over meanwhile, it
// has to be kept from the disk. The same is true of every host when the disk has
// forgotten who may write. Whether that is what went wrong is found out by fencing
// the host just before another one mounts, or else at once. Other hosts are not
// tried, since a fence excuses much.

// fenced is the first host that a fence would have kept from doing harm: once the
// disk has forgotten who may write, or else while it was silent.
func (e *explainer) fenced() (Cause, bool) {
	if c, ok := e.fencedSince(model.DiskReset); ok {
		return c, true
	}
	return e.fencedSince(model.Pause, model.Partition)
}

func (e *explainer) fencedSince(kinds ...model.Kind) (Cause, bool) {
	for since, s := range e.run.Program.Steps {
		for n := range e.run.Program.Hosts {
			h := model.Host(n)
			if !slices.Contains(kinds, s.Kind) || s.Kind != model.DiskReset && s.Host != h {
				continue
			}
			for _, before := range e.takeovers(h, since+1) {
				p := e.insert(before, []model.Step{{Host: h, Kind: model.Fence}})
				if _, ok := e.passes(p); ok {
					c := e.unfenced(h, since+1, before, p)
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

// prevented is the write of h from a step on that the fence in a passing run keeps
// from the disk: one over what another host had written before others.
func (e *explainer) prevented(h model.Host, before int, fixed model.Program) (found model.Record, ok bool) {
	still := e.tried[fixed.String()].wrote
	started, destroys := false, false
	for i, r := range e.run.Trace {
		started = started || int(r.Step) >= before
		if !started || r.Kind != model.BlockWritten || r.Host != h ||
			slices.ContainsFunc(still, func(w model.Record) bool { return w.Host == h && w.Block == r.Block && w.Sum == r.Sum }) {
			continue
		}
		over := writerOf(e.run.Trace[:i], &model.Record{Block: r.Block, Version: overwrote(e.run.Trace, i)})
		foreign := over != nil && over.Host != h
		if !ok || foreign && !destroys {
			found, ok, destroys = r, true, foreign
		}
	}
	return found, ok
}

// unfenced is the cause that a fence of h before a step removes: the block that it
// keeps h from writing, after h had been silent since another step.
func (e *explainer) unfenced(h model.Host, since, before int, fixed model.Program) Cause {
	c := Cause{Kind: "unfenced", Host: h, Block: -1, Basis: -1, Step: since}
	if w, ok := e.prevented(h, before, fixed); ok {
		c.Block, c.Step, c.Basis = w.Block, int(w.Step), w.Base
		c.Mechanism = ZombieWrite
	}
	what := "was not kept from the disk"
	if c.Block >= 0 {
		c.Meaning = e.meaning(c.Block)
		what = fmt.Sprintf("wrote %s %s", c.named(c.Block, e), inStep(c.Step))
	}
	took := ""
	if s, ok := e.run.Program.StepAt(before); ok && takesOver(s, h) {
		took = fmt.Sprintf(" although %v had come in step %d (%v)", s.Host, before, s)
	}
	silence, _ := e.run.Program.StepAt(since)
	c.Absent = fmt.Sprintf("nobody had fenced %v before step %d", h, before)
	why := fmt.Sprintf("it was silent since step %d (%v), and nobody had fenced it", since, silence)
	if silence.Kind == model.DiskReset {
		c.Mechanism = FenceLoss
		why = fmt.Sprintf("in step %d (%v) the disk forgot who may write, and nobody had fenced it", since, silence)
	}
	c.Text = fmt.Sprintf("%v %s%s: %s.", h, what, took, why)
	return c
}
