package sim

import (
	"slices"

	"github.com/doublemount/doublemount/model"
)

// Commands are counted by the step that they are issued for, whichever host
// issues them: what a daemon does because of a message counts for the step that
// had it sent. So a hold or a strike has an address that a kernel could have
// too.

// reach is called for every command and message before it takes effect. Here a
// hold stops the step; what it returns is the strike that hits the command, or
// nil.
func (t *task) reach(kind model.CommandKind) *model.Strike {
	w := t.w
	if !w.addressed || t.number == 0 {
		return nil
	}
	for i := range w.holds {
		if h := &w.program.Holds[i]; h.Step != t.number || h.At != kind {
			continue
		}
		if w.holdCounts[i]++; w.holdCounts[i] == w.program.Holds[i].N && w.holds[i] == model.NeverFired {
			w.holds[i] = model.Fired
			w.hold(t, i)
		}
	}
	var hit *model.Strike
	for i := range w.strikes {
		k := &w.program.Strikes[i]
		if k.Step != t.number || k.At != kind {
			continue
		}
		if w.strikeCounts[i]++; w.strikeCounts[i] == k.N {
			w.strikes[i] = true
			w.record(model.Record{Step: int16(t.number), Host: t.host.id, Kind: model.Struck, Block: int32(i)})
			hit = k
		}
	}
	return hit
}

// hold stops a step at a hold, for no time if what it is held until has ended:
// a daemon can come late to a command of the step.
func (w *world) hold(t *task, i int) {
	r := model.Record{Step: int16(t.number), Host: t.host.id, Kind: model.HoldStarted}
	w.record(r)
	if w.over(w.program.Holds[i].Until) {
		r.Kind = model.HoldEnded
		w.record(r)
		return
	}
	t.hold = i
	t.pause(held)
	t.hold = -1
}

// mayStop reports whether a hold can still stop the step at a command.
func (t *task) mayStop() bool {
	if !t.w.addressed {
		return false
	}
	for i := range t.w.holds {
		if t.w.program.Holds[i].Step == t.number && t.w.holds[i] == model.NeverFired {
			return true
		}
	}
	return false
}

// address makes the world ready for a program's holds and strikes.
func (w *world) address(p model.Program) {
	w.addressed = len(p.Holds)+len(p.Strikes) > 0
	if !w.addressed {
		return
	}
	w.holdCounts = resized(w.holdCounts, len(p.Holds))
	w.strikeCounts = resized(w.strikeCounts, len(p.Strikes))
	if len(p.Holds) > 0 {
		w.holds = make([]model.HoldState, len(p.Holds))
	}
	if len(p.Strikes) > 0 {
		w.strikes = make([]bool, len(p.Strikes))
	}
}

func resized(p []int, n int) []int {
	p = slices.Grow(p[:0], n)[:n]
	clear(p)
	return p
}
