package checker

import (
	"fmt"
	"slices"

	"github.com/doublemount/doublemount/model"
)

// patience is how many ticks are let pass for a recovery to come to its end:
// longer than any design waits for a silent host and replays what it left.
const patience = 16

// recovered is the first block that a host went on with before the journal of a
// host that was gone had been replayed. It stands if the guarantee is held when
// time passes first, or the host that was gone mounts again and time passes, and in
// that run a replay puts the block right.
func (e *explainer) recovered() (Cause, bool) {
	for before := 2; before <= len(e.run.Program.Steps)+1; before++ {
		if !e.anyFault(before) {
			continue
		}
		for _, steps := range e.recoveries(before) {
			fixed := e.insert(before, steps)
			if _, ok := e.passes(fixed); !ok {
				continue
			}
			var first model.Record
			var early *replay
			for _, p := range e.tried[fixed.String()].replays {
				if used, ok := e.usedEarly(&p); ok && !p.alive && (early == nil || used.Time < first.Time) {
					first, early = used, &p
				}
			}
			if early != nil {
				return e.earlyGrant(early, first, before, fixed), true
			}
		}
	}
	return Cause{}, false
}

// recoveries lists what can be put in before a step so that what a host has left is
// recovered there.
func (e *explainer) recoveries(before int) (list [][]model.Step) {
	wait := model.Step{Host: model.Everyone, Kind: model.Tick, Len: patience}
	list = append(list, []model.Step{wait})
	for n := range e.run.Program.Hosts {
		h, touched := model.Host(n), false
		for _, s := range e.run.Program.Steps[:before-1] {
			touched = touched || s.Fault() != 0 && (s.Host == h || s.Host == model.Everyone)
		}
		again := model.Step{Host: h, Kind: model.Mount}
		if e.mounted(h, before) {
			again.Kind = model.Remount
		}
		if touched {
			list = append(list, []model.Step{again, wait})
		}
	}
	return list
}

// earlyGrant is what a host used too early, in words.
func (e *explainer) earlyGrant(p *replay, used model.Record, before int, fixed model.Program) Cause {
	c := Cause{Kind: "early-use", Step: int(used.Step), Host: used.Host, Block: p.block,
		Meaning: e.meaning(p.block), Basis: used.Version, Over: -1, Writer: p.logger, WroteAt: p.logged, Nearest: fixed}
	if slices.ContainsFunc(e.run.Trace, func(r model.Record) bool { return r.Kind == model.Sent || r.Kind == model.Locked }) {
		c.Mechanism = GrantBeforeRecovery // where hosts have no locks at all, none was granted
	}
	c.Absent = fmt.Sprintf("no replay of the journal of %v before that", p.logger)
	c.Text = fmt.Sprintf("%v used %s, version %d, %s, without what %v had committed to its journal (%s) %s: %s.",
		c.Host, c.named(c.Block, e), c.Basis, inStep(c.Step), c.Writer, c.named(p.image, e), inStep(c.WroteAt), c.Absent)
	c.Change = fmt.Sprintf("had time passed before step %d, until the journal of %v was replayed%s", before, p.logger, e.held())
	return c
}

// anyFault reports whether a fault, or an unmount that can fail, comes before a step.
func (e *explainer) anyFault(before int) bool {
	for _, s := range e.run.Program.Steps[:before-1] {
		if s.Fault() != 0 {
			return true
		}
	}
	return false
}

// usedEarly is the first time that another host than the logger read a block or
// wrote it, in the run to explain, once the image had been logged that a replay puts
// there, and as long as it was not in its place.
func (e *explainer) usedEarly(p *replay) (used model.Record, ok bool) {
	logged := false
	for i := range e.run.Trace {
		r := &e.run.Trace[i]
		switch {
		case r.Kind == model.BlockWritten && r.Block == p.image && r.Host == p.logger && r.Sum == p.sum:
			logged = true
		case !logged || r.Block != p.block:
		case r.Kind == model.BlockWritten && r.Sum == p.sum:
			return used, false // it is in its place
		case (r.Kind == model.BlockRead || r.Kind == model.BlockWritten) && r.Host != p.logger:
			return *r, true
		}
	}
	return used, false
}
