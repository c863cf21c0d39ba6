package checker

import (
	"fmt"
	"slices"

	"github.com/doublemount/doublemount/model"
)

// Causes that are no block write: what an operation left in a host's memory, an
// open handle that nobody asked for, a host that was taken for dead.

// leftBehind is the operation after which a remount of its host makes the others
// go on, and before which it does not: it has left something behind that they wait for.
func (e *explainer) leftBehind() (Cause, bool) {
	if e.verdict.Anomaly != model.NoProgress || len(e.verdict.Steps) == 0 {
		return Cause{}, false
	}
	waits := e.verdict.Steps[0]
	for n := min(waits-1, len(e.run.Program.Steps)); n >= 1; n-- {
		s := e.run.Program.Steps[n-1]
		if s.Kind.Event() || !e.mounted(s.Host, n) {
			continue
		}
		remount := []model.Step{{Host: s.Host, Kind: model.Remount}}
		after := e.insert(n+1, remount)
		if _, ok := e.passes(after); !ok {
			continue
		}
		if _, ok := e.passes(e.insert(n, remount)); ok {
			continue
		}
		waiting, _ := e.run.Program.StepAt(waits)
		c := Cause{Kind: "left-behind", Mechanism: StuckLock, Step: n, Host: s.Host, Block: -1, Basis: -1, Nearest: after}
		c.Absent = fmt.Sprintf("nothing let it go when step %d returned", n)
		c.Text = fmt.Sprintf("step %d (%v) took something that step %d (%v) waits for: %s.", n, s, waits, waiting, c.Absent)
		c.Change = fmt.Sprintf("had %v remounted after step %d%s", s.Host, n, e.held())
		return c, true
	}
	return Cause{}, false
}

// freedOpen is the removal of a name while a handle of the file was in use: it
// stands if the guarantee is held when the same removal comes after the last use of
// that handle.
func (e *explainer) freedOpen() (Cause, bool) {
	if len(e.run.Program.Holds)+len(e.run.Program.Strikes) > 0 {
		return Cause{}, false // steps are told apart by their numbers there
	}
	var w windows
	w.make(e.run.History)
	for i := range e.run.History {
		gone := removal(e.run.History, w.info, i)
		if gone < 0 {
			continue
		}
		open := &e.run.History[w.info[i].opener]
		last := lastUse(e.run.History, w.info, int(w.info[i].opener))
		if n := e.run.History[gone].Step; n > open.Step && n < last && last <= len(e.run.Program.Steps) {
			s := e.run.Program.Steps[n-1]
			p := e.run.Program.Clone()
			p.Steps = slices.Delete(p.Steps, n-1, n)
			p.Steps = slices.Insert(p.Steps, last-1, s)
			if _, ok := e.passes(p); !ok {
				continue
			}
			c := Cause{Kind: "early-free", Mechanism: EarlyFree, Step: n, Host: s.Host, Block: -1, Basis: -1, Writer: open.Host, WroteAt: open.Step, Nearest: p}
			c.Absent = fmt.Sprintf("nothing told %v of the handle f%d of %v", s.Host, open.File, open.Host)
			c.Text = fmt.Sprintf("step %d (%v) freed what %v had open since step %d and used until step %d: %s.", n, s, open.Host, open.Step, last, c.Absent)
			c.Change = fmt.Sprintf("had it come after step %d%s", last, e.held())
			return c, true
		}
	}
	return Cause{}, false
}

// lastUse is the last step that went through the handle that an open made.
func lastUse(history []model.Op, info []opInfo, open int) (step int) {
	for i := range history {
		op := &history[i]
		closes := op.Kind == model.Close && op.Host == history[open].Host && op.File == history[open].File && info[i].life == info[open].life
		if int(info[i].opener) == open || closes && op.Call > history[open].Return {
			step = max(step, op.Step)
		}
	}
	return step
}

// falselyFenced is the step by which a host that was well was fenced, or reset. It
// stands if the guarantee is held when that host has unmounted before.
func (e *explainer) falselyFenced() (Cause, bool) {
	if e.verdict.Anomaly != model.AccessLoss {
		return Cause{}, false
	}
	for i := range e.run.History {
		op := &e.run.History[i]
		if op.Kind != model.Fence && op.Kind != model.Crash || ordered(&e.run, i) {
			continue
		}
		s, ok := e.run.Program.StepAt(op.Step)
		if !ok || s.Host == op.Host || !e.mounted(op.Host, op.Step) || op.Step > len(e.run.Program.Steps) {
			continue
		}
		p := e.insert(op.Step, []model.Step{{Host: op.Host, Kind: model.Unmount}})
		if !e.heldWithout(p, op.Host) {
			continue
		}
		c := Cause{Kind: "false-fence", Mechanism: FalseFencing, Step: op.Step, Host: s.Host, Block: -1, Basis: -1, Writer: op.Host, Nearest: p}
		c.Absent = fmt.Sprintf("nothing made %v wait for a sign of life of %v", s.Host, op.Host)
		c.Text = fmt.Sprintf("step %d (%v) threw %v out, which was mounted and well: %s.", op.Step, s, op.Host, c.Absent)
		c.Change = fmt.Sprintf("had %v unmounted before step %d%s", op.Host, op.Step, e.held())
		return c, true
	}
	return Cause{}, false
}

// heldWithout reports whether the guarantee is held in a run in which no host but h
// skips more than before.
func (e *explainer) heldWithout(p model.Program, h model.Host) bool {
	run, err := e.runner.Run(e.ctx, p)
	if err != nil {
		return false
	}
	skipped := func(history []model.Op) (n int) {
		for i := range history {
			if history[i].Skipped && history[i].Host != h {
				n++
			}
		}
		return n
	}
	return skipped(run.History) <= skipped(e.run.History) && slices.ContainsFunc(e.judge(run), func(v model.Verdict) bool {
		return v.Guarantee == e.verdict.Guarantee && v.Outcome == model.Held
	})
}
