package checker

import (
	"fmt"
	"slices"
	"strings"

	"github.com/doublemount/doublemount/model"
)

// A crash, a power loss or a strike that a design says it survives, and does not:
// what was left was not made whole, or made whole with what is older than what
// others had written since. That it is so is found out by going without: the host
// unmounts where it crashed, the command is not struck. The block to blame is one
// that got the bytes back which it had before somebody else's write.

// crashed is the first crash or power loss without which the guarantee is held.
func (e *explainer) crashed() (Cause, bool) {
	for i, s := range e.run.Program.Steps {
		if s.Kind != model.Crash && s.Kind != model.PowerLoss && s.Kind != model.Fence {
			continue
		}
		n := i + 1
		p := e.without(n)
		left, ok := e.passesAnew(p)
		if !ok {
			continue
		}
		c := Cause{Kind: "crash", Step: n, Host: s.Host, Block: -1, Basis: -1, Nearest: p}
		c.Text = fmt.Sprintf("what step %d (%v) left was not made whole.", n, s)
		c.Change = fmt.Sprintf("had hosts unmounted in step %d instead%s", n, e.held())
		switch s.Kind {
		case model.Crash:
			c.Change = fmt.Sprintf("had %v unmounted in step %d and not crashed%s", s.Host, n, e.held())
		case model.Fence:
			c.Change = fmt.Sprintf("had %v remounted in step %d and not been fenced%s", s.Host, n, e.held())
		}
		for _, back := range rollbacks(e.run) {
			if back.Step >= n && !slices.ContainsFunc(left, back.again) {
				back.Meaning = e.meaning(back.Block)
				back.Text = fmt.Sprintf("%s So what step %d (%v) left was made whole with what was older.", back.sentence(), n, s)
				back.Kind, back.Nearest, back.Change = c.Kind, c.Nearest, c.Change
				return back, true
			}
		}
		return c, true
	}
	return Cause{}, false
}

// remounted is the first write from a stale copy, or of old bytes, that its host does
// not make if it has remounted before: if it has nothing in its memory, nor in its
// journal, that another host changes afterwards. With all, the others remount before
// it, so that what they had in theirs is in its place.
func (e *explainer) remounted(all bool) (Cause, bool) {
	list := append(slices.Clip(e.suspects), rollbacks(e.run)...)
	slices.SortStableFunc(list, func(a, b Cause) int { return e.bookkeeping(a.Block) - e.bookkeeping(b.Block) })
	for _, s := range list {
		if s.Kind == staleCopy {
			continue
		}
		for before := min(s.Step, len(e.run.Program.Steps)); before > 1; before-- {
			if !all && e.run.Program.Steps[before-1].Host == s.Host || !e.mounted(s.Host, before) {
				continue
			}
			var steps []model.Step
			var who []string
			for n := range e.run.Program.Hosts {
				if h := model.Host(n); all && h != s.Host && e.mounted(h, before) {
					steps = append(steps, model.Step{Host: h, Kind: model.Remount})
					who = append(who, h.String())
				}
			}
			p := e.insert(before, append(steps, model.Step{Host: s.Host, Kind: model.Remount}))
			left, ok := e.passesAnew(p)
			if !ok || s.Kind == rollback && slices.ContainsFunc(left, s.again) || all && s.Kind == staleWrite && slices.ContainsFunc(e.tried[p.String()].left, s.again) {
				continue
			}
			s.Meaning = e.meaning(s.Block)
			s.Text, s.Nearest = s.sentence(), p
			s.Change = fmt.Sprintf("had %s remounted before step %d%s", strings.Join(append(who, s.Host.String()), " and "), before, e.held())
			return s, true
		}
	}
	return Cause{}, false
}

// bookkeeping is 1 for a block that no operation reads: a log, or what mounts alone
// look at. It says less than others do.
func (e *explainer) bookkeeping(block int32) int {
	for i := range e.run.Trace {
		if r := &e.run.Trace[i]; r.Kind == model.BlockRead && r.Block == block {
			if s, ok := e.run.Program.StepAt(int(r.Step)); ok && !s.Kind.Event() {
				return 0
			}
		}
	}
	return 1
}

// struck is the first strike without which the guarantee is held.
func (e *explainer) struck() (Cause, bool) {
	for i, k := range e.run.Program.Strikes {
		p := e.run.Program.Clone()
		p.Strikes = slices.Delete(p.Strikes, i, i+1)
		if _, ok := e.passes(p); !ok {
			continue
		}
		s, _ := p.StepAt(k.Step)
		c := Cause{Kind: "strike", Step: k.Step, Host: s.Host, Block: -1, Basis: -1, Nearest: p}
		c.Text = fmt.Sprintf("%v#%d of step %d (%v) was struck (%v), and nothing made up for it.", k.At, k.N, k.Step, s, k.Kind)
		c.Change = fmt.Sprintf("had it not been%s", e.held())
		return c, true
	}
	return Cause{}, false
}

// without is the program in which hosts unmount where they crashed. A hold until
// then would keep the unmount waiting, so it goes too.
func (e *explainer) without(n int) model.Program {
	s := e.run.Program.Steps[n-1]
	p := e.run.Program
	if s.Kind == model.PowerLoss {
		var down []model.Step
		for h := range p.Hosts {
			if e.mounted(model.Host(h), n) {
				down = append(down, model.Step{Host: model.Host(h), Kind: model.Unmount})
			}
		}
		p = e.insert(n, down)
		p.Steps[n-1+len(down)] = model.Step{Host: model.Everyone, Kind: model.DiskReset, Off: 1<<model.KeptBits - 1}
		n += len(down)
	} else {
		p = p.Clone()
		p.Steps[n-1] = model.Step{Host: s.Host, Kind: model.Unmount}
		if s.Kind == model.Fence {
			p.Steps[n-1].Kind = model.Remount // it stays mounted
		}
	}
	p.Holds = slices.DeleteFunc(p.Holds, func(h model.Hold) bool { return h.Until == n })
	return p
}

// passesAnew is passes for a program in which other things happen: what is left
// of writes that put old bytes back.
func (e *explainer) passesAnew(p model.Program) (left []Cause, ok bool) {
	_, ok = e.passes(p)
	return e.tried[p.String()].back, ok
}

const rollback = "rollback"

// rollbacks lists the writes that gave a block the bytes back which it had before
// another write, latest first.
func rollbacks(run model.Run) (list []Cause) {
	for i := len(run.Trace) - 1; i >= 0; i-- {
		w := &run.Trace[i]
		if w.Kind != model.BlockWritten {
			continue
		}
		over := -1 // the write that made what w replaced
		for j := i - 1; j >= 0; j-- {
			o := &run.Trace[j]
			if o.Kind != model.BlockWritten || o.Block != w.Block {
				continue
			}
			if over < 0 {
				if over = j; o.Sum == w.Sum {
					break // nothing changed
				}
				continue
			}
			if o.Sum == w.Sum {
				by := &run.Trace[over]
				list = append(list, Cause{Kind: rollback, Step: int(w.Step), Host: w.Host, Block: w.Block,
					Basis: o.Version, Over: by.Version, Writer: by.Host, WroteAt: int(by.Step)})
				break
			}
		}
	}
	return list
}
