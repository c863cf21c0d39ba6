package checker

import (
	"fmt"
	"slices"

	"github.com/doublemount/doublemount/model"
)

// What a power loss or a crash took that should have been on the disk: the write
// that was missing is found by letting it survive.

// unflushed is the write that was in the disk's cache only when the power went, and
// with which the guarantee is held.
func (e *explainer) unflushed() (Cause, bool) {
	for i, s := range e.run.Program.Steps {
		if s.Kind != model.PowerLoss && s.Kind != model.DiskReset {
			continue
		}
		lost := reverted(&e.run, i+1)
		if len(lost) == 0 {
			continue
		}
		sets := make([]int32, 0, model.KeptBits+1)
		for k := range model.KeptBits {
			sets = append(sets, s.Off|1<<k)
		}
		for _, keep := range append(sets, 1<<model.KeptBits-1) {
			p := e.run.Program.Clone()
			p.Steps[i].Off = keep
			if keep == s.Off || p.Validate() != nil {
				continue
			}
			if _, ok := e.passes(p); !ok {
				continue
			}
			left := e.tried[p.String()].reverted
			for _, r := range lost {
				if slices.ContainsFunc(left, func(l model.Record) bool { return l.Step == r.Step && l.Block == r.Block && l.Base == r.Base }) {
					continue
				}
				return e.unflushedCause(i+1, r, p)
			}
		}
	}
	return Cause{}, false
}

// reverted lists the blocks that a step took versions of.
func reverted(run *model.Run, step int) (list []model.Record) {
	for _, r := range run.Trace {
		if r.Kind == model.Reverted && (step == 0 || int(r.Step) == step) {
			list = append(list, r)
		}
	}
	return list
}

func (e *explainer) unflushedCause(step int, r model.Record, p model.Program) (Cause, bool) {
	for i := range e.run.Trace {
		w := &e.run.Trace[i]
		if w.Kind != model.BlockWritten || w.Block != r.Block || w.Version != r.Base {
			continue
		}
		c := Cause{Kind: "no-flush", Mechanism: LostFlush, Step: int(w.Step), Host: w.Host, Block: w.Block, Meaning: e.meaning(w.Block),
			Basis: w.Base, Over: w.Version, Writer: w.Host, WroteAt: int(w.Step), Nearest: p}
		s, _ := e.run.Program.StepAt(c.Step)
		c.Absent = fmt.Sprintf("no flush of the disk between that write and step %d", step)
		if s.Kind == model.Sync || s.Kind == model.Fsync || s.Kind == model.Unmount {
			c.Absent = fmt.Sprintf("no flush of the disk before step %d (%v) returned", c.Step, s)
		}
		loss, _ := e.run.Program.StepAt(step)
		c.Text = fmt.Sprintf("%v wrote version %d of %s %s, and it was in the disk's cache only when step %d (%v) came: %s.",
			c.Host, w.Version, c.named(w.Block, e), inStep(c.Step), step, loss, c.Absent)
		c.Change = fmt.Sprintf("had that write been on the disk%s", e.held())
		return c, true
	}
	return Cause{}, false
}

// wroteSum reports whether some block ever got the bytes of that sum, in its place
// or in a log.
func (e *explainer) wroteSum(sum uint32) bool {
	return slices.ContainsFunc(e.run.Trace, func(r model.Record) bool { return r.Kind == model.BlockWritten && r.Sum == sum })
}

// unwritten is the block that a host that crashed had in its memory only, and with
// which the guarantee is held.
func (e *explainer) unwritten() (Cause, bool) {
	for i, s := range e.run.Program.Steps {
		if s.Kind != model.Crash && s.Kind != model.PowerLoss {
			continue
		}
		for n := range e.run.Program.Hosts {
			h := model.Host(n)
			if s.Kind == model.Crash && s.Host != h || !e.mounted(h, i+1) {
				continue
			}
			p := e.insert(i+1, []model.Step{{Host: h, Kind: model.Writeback}})
			if _, ok := e.passes(p); !ok {
				continue
			}
			wrote := e.tried[p.String()].wrote
			for _, w := range wrote {
				if int(w.Step) != i+1 || w.Host != h || e.wroteSum(w.Sum) {
					continue
				}
				c := Cause{Kind: "no-write-back", Mechanism: LateWriteback, Step: i + 1, Host: h, Block: w.Block, Meaning: e.meaning(w.Block),
					Basis: w.Base, Over: -1, Writer: h, WroteAt: i + 1, Nearest: p}
				c.Absent = fmt.Sprintf("no write-back of it before step %d (%v)", i+1, s)
				c.Text = fmt.Sprintf("%v had changed %s in its memory only: %s.", h, c.named(w.Block, e), c.Absent)
				c.Change = fmt.Sprintf("had %v written back before step %d%s", h, i+1, e.held())
				return c, true
			}
		}
	}
	return Cause{}, false
}
