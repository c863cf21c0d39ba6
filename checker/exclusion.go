package checker

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/anishathalye/porcupine"
	"github.com/doublemount/doublemount/model"
)

// judgeExclusion: the advisory locks that handles had on a file can have been one
// after the other as [model.Locks] says, each taken or given up at one moment
// between its call and its return, and each refusal has a lock that was in the way
// at such a moment. A close, an unmount or the end of a host gives locks up: the
// end of a host at any time after it, or never, since others must first be sure of
// it. What had not returned, or failed as its disk did, may have happened or not.
//
// It is a promise beside the ladder, the same at every rung, since a lock is
// neither a name nor data: who has one has it at once, for all.
//
// Where whole files and ranges are locked by two kinds of lock
// ([model.Run].LocksApart), each is judged by itself, and a conflict of the two is
// neither asked for nor forbidden: a lock of the other kind excuses a refusal, and
// what a handle does with one kind may give up what it has of the other, as where
// a server has one table for both. A lock of the whole file that is made shared or
// exclusive may be given up first (flock(2)), whether it is then refused or not.
//
// Judged are the handles of which it is known what file they have: those opened by
// a name at which one file alone can ever have been. Not judged: refusals, where a
// handle took a lock of which that is not known; whether a lock also brings what
// others wrote (the rungs do).
func judgeExclusion(run model.Run, info []opInfo, limit int, v *model.Verdict) {
	if !locks(run.History) {
		return
	}
	x := exclusion{history: run.History, info: info, apart: run.LocksApart, limit: limit, events: map[model.Path][]lockEvent{}}
	x.collect()
	for _, path := range x.files {
		events := x.events[path]
		if x.inOrder(events) {
			continue
		}
		switch x.explained(events, len(events)) {
		case model.Inconclusive:
			v.Outcome, v.Limit = model.Inconclusive, fmt.Sprintf("no answer for the locks of %s within %d steps", path, limit)
		case model.Violated:
			x.explain(path, v)
			return
		}
	}
}

// locks reports whether there is a lock in a history: there is none in most.
func locks(history []model.Op) bool {
	for i := range history {
		if history[i].Kind == model.Lock {
			return true
		}
	}
	return false
}

type exclusion struct {
	history []model.Op
	info    []opInfo
	apart   bool // whole files and ranges are locked by two kinds of lock
	limit   int
	steps   int
	files   []model.Path               // that were locked
	events  map[model.Path][]lockEvent // of each, in order of return; asked for by name
	unknown bool                       // a lock may be of any file
}

type lockEvent struct {
	op     int
	handle int // the open that made it
	what   lockEventKind
	until  int64
	maybe  bool // it may not have happened
}

type lockEventKind uint8

const (
	takes lockEventKind = iota
	isRefused
	gives    // a range
	givesOld // the whole file, if the handle has it in the way that the lock is not
	givesAll // what the handle has
)

// collect finds the events.
func (x *exclusion) collect() {
	locked := map[int]model.Path{} // handles that may have a lock; asked for one by one
	known := map[model.Path]bool{}
	converts := x.converts()
	for i := range x.history {
		op, in := &x.history[i], &x.info[i]
		if op.Kind != model.Lock || op.Skipped {
			continue
		}
		if in.zombie { // a fence is of the disk: who grants locks may know nothing of it
			x.unknown = x.unknown || op.Result.Errno != model.EAGAIN
			continue
		}
		if in.opener < 0 {
			continue
		}
		opener := int(in.opener)
		path := x.history[opener].Path
		if _, ok := known[path]; !ok {
			known[path] = x.known(path)
		}
		if !known[path] {
			x.unknown = true
			continue
		}
		if _, ok := x.events[path]; !ok {
			x.files, x.events[path] = append(x.files, path), nil
		}
		locked[opener] = path
		e := lockEvent{op: i, handle: opener, until: op.Return}
		if converts[opener] && op.Len == 0 {
			old := e
			old.what, old.maybe = givesOld, true
			x.events[path] = append(x.events[path], old)
		}
		open := in.cut || op.Pending() || x.troubled(op)
		switch {
		case open:
			e.maybe, e.until = true, model.Never
		case op.Result.Errno == model.EAGAIN:
			e.what = isRefused
		case op.Result.Errno != model.OK:
			continue // ENOLCK, which progress judges
		}
		x.events[path] = append(x.events[path], e)
	}
	if len(x.files) > 0 {
		x.ends(locked)
	}
	for _, path := range x.files {
		slices.SortStableFunc(x.events[path], func(a, b lockEvent) int {
			return cmp.Or(cmp.Compare(a.until, b.until), cmp.Compare(a.op, b.op))
		})
	}
}

// troubled reports whether a lock operation failed so that it is not known what
// it had done.
func (x *exclusion) troubled(op *model.Op) bool { return op.Result.Errno.Uncertain() }

// ends adds what gives up locks of handles: their unlocks, their closes, the unmount
// or the end of their hosts.
func (x *exclusion) ends(locked map[int]model.Path) {
	var open [model.MaxHosts + 1][]int // by host: its handles since it mounted
	add := func(handle int, e lockEvent) {
		e.handle = handle
		x.events[locked[handle]] = append(x.events[locked[handle]], e)
	}
	for i := range x.history {
		op, in := &x.history[i], &x.info[i]
		if op.Skipped {
			continue
		}
		h := min(op.Host, model.MaxHosts)
		e := lockEvent{op: i, what: givesAll, until: op.Return}
		switch {
		case ends(op):
			e.until = model.Never
			for host := range open {
				if model.Host(host) == op.Host || op.Kind == model.PowerLoss {
					for _, handle := range open[host] {
						add(handle, e)
					}
					open[host] = open[host][:0]
				}
			}
		case op.Kind == model.Mount && op.Succeeded():
			open[h] = open[h][:0]
		case in.zombie:
		case op.Kind == model.Open:
			if _, ok := locked[i]; ok {
				open[h] = append(open[h], i)
			}
		case op.Kind == model.Unlock || op.Kind == model.Close:
			if _, ok := locked[int(in.opener)]; !ok || op.Result.Errno == model.EBADF && !op.Pending() {
				continue
			}
			if op.Kind == model.Unlock {
				e.what = gives
			}
			if e.maybe = in.cut || op.Pending() || !op.Succeeded(); e.maybe {
				e.until = model.Never
			}
			add(int(in.opener), e)
		case op.Kind == model.Unmount:
			if !op.Succeeded() {
				e.until = model.Never
			}
			for _, handle := range open[h] {
				add(handle, e)
			}
			if op.Succeeded() {
				open[h] = open[h][:0]
			}
		}
	}
}

// known reports whether one file alone can ever have been at a name.
func (x *exclusion) known(path model.Path) bool {
	made := 0
	for i := range x.history {
		op := &x.history[i]
		switch {
		case op.Skipped:
		case op.Kind == model.Create && op.Path == path:
			if x.info[i].cut || x.info[i].open || op.Result.Errno == model.OK {
				made++
			}
		case op.Kind.TwoPaths() && (op.To == path || path.Below(op.To) || path.Below(op.Path)):
			return false
		}
	}
	return made <= 1
}

// inOrder reports whether the events of a file can have been one after the other as
// they returned, which is so in nearly all runs. What gives locks up at any time does
// so when it has to.
func (x *exclusion) inOrder(events []lockEvent) bool {
	var locks any = fileLocks{}
	some := len(events) // those that have to happen by some time come first
	for some > 0 && events[some-1].until == model.Never {
		some--
	}
	given := make([]bool, len(events)-some)
	for _, e := range events[:some] {
		if e.what == isRefused && x.unknown {
			continue
		}
		after := x.step(locks.(fileLocks), e)
		if len(after) == 0 {
			for k, g := range events[some:] {
				if g.what >= gives && !given[k] && x.history[g.op].Call < e.until {
					locks, given[k] = x.step(locks.(fileLocks), g)[0], true
				}
			}
			after = x.step(locks.(fileLocks), e)
		}
		if len(after) == 0 {
			return false
		}
		locks = after[0]
	}
	return true
}

// explained says whether the first n events of a file, in order of return, can have
// been one after the other; what is later may not have happened.
func (x *exclusion) explained(events []lockEvent, n int) model.Outcome {
	var ops []porcupine.Operation
	for k, e := range events {
		if e.what == isRefused && (x.unknown || k >= n) {
			continue
		}
		until := e.until
		if k >= n {
			if x.history[e.op].Call > events[n-1].until && events[n-1].until != model.Never {
				continue // called after the cut
			}
			if e.what != givesOld { // which never comes after the return
				e.maybe, until = true, model.Never
			}
		}
		ops = append(ops, porcupine.Operation{Input: e, Call: x.history[e.op].Call, Return: until})
	}
	x.steps = 0
	exhausted := false
	m := porcupine.NondeterministicModel{
		Init: func() []any { return []any{fileLocks{}} },
		Step: func(state, input, _ any) []any {
			if x.steps++; x.steps > x.limit {
				exhausted = true
				return nil
			}
			return x.step(state.(fileLocks), input.(lockEvent))
		},
		Equal: func(a, b any) bool { return a.(fileLocks).same(b.(fileLocks)) },
	}
	switch {
	case porcupine.CheckOperations(m.ToModel(), ops):
		return model.Held
	case exhausted:
		return model.Inconclusive
	}
	return model.Violated
}
