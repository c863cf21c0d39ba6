package checker

import (
	"cmp"
	"fmt"
	"slices"
	"sort"

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
// Judged are the handles of which it is known what file they have: those opened by
// a name at which one file alone can ever have been. Not judged: refusals, where a
// handle took a lock of which that is not known; whether a lock also brings what
// others wrote (the rungs do).
func judgeExclusion(history []model.Op, info []opInfo, limit int, v *model.Verdict) {
	if !locks(history) {
		return
	}
	x := exclusion{history: history, info: info, limit: limit, events: map[model.Path][]lockEvent{}}
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
	givesAll // what the handle has
)

// collect finds the events.
func (x *exclusion) collect() {
	locked := map[int]model.Path{} // handles that may have a lock; asked for one by one
	known := map[model.Path]bool{}
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
	var locks any = model.Locks{}
	some := len(events) // those that have to happen by some time come first
	for some > 0 && events[some-1].until == model.Never {
		some--
	}
	given := make([]bool, len(events)-some)
	for _, e := range events[:some] {
		if e.what == isRefused && x.unknown {
			continue
		}
		after := x.step(locks.(model.Locks), e)
		if len(after) == 0 {
			for k, g := range events[some:] {
				if g.what >= gives && !given[k] && x.history[g.op].Call < e.until {
					locks, given[k] = x.step(locks.(model.Locks), g)[0], true
				}
			}
			after = x.step(locks.(model.Locks), e)
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
			e.maybe, until = true, model.Never
		}
		ops = append(ops, porcupine.Operation{Input: e, Call: x.history[e.op].Call, Return: until})
	}
	x.steps = 0
	exhausted := false
	m := porcupine.NondeterministicModel{
		Init: func() []any { return []any{model.Locks{}} },
		Step: func(state, input, _ any) []any {
			if x.steps++; x.steps > x.limit {
				exhausted = true
				return nil
			}
			return x.step(state.(model.Locks), input.(lockEvent))
		},
		Equal: func(a, b any) bool { return sameLocks(a.(model.Locks), b.(model.Locks)) },
	}
	switch {
	case porcupine.CheckOperations(m.ToModel(), ops):
		return model.Held
	case exhausted:
		return model.Inconclusive
	}
	return model.Violated
}

// step is what an event can make of the locks; nothing where it cannot happen.
func (x *exclusion) step(locks model.Locks, e lockEvent) (after []any) {
	op := &x.history[e.op]
	from, to := op.AsStep().LockRange()
	lock := model.FileLock{Handle: e.handle, From: from, To: to, Shared: op.Shared}
	switch e.what {
	case isRefused:
		if slices.ContainsFunc(locks.Held(), lock.Excludes) {
			after = append(after, locks)
		}
		return after
	case takes:
		if next := locks; next.Take(lock) {
			after = append(after, next)
		}
	case gives:
		next := locks
		next.Release(e.handle, from, to)
		after = append(after, next)
	case givesAll:
		next := locks
		next.Release(e.handle, 0, model.WholeFile)
		after = append(after, next)
	}
	if e.maybe {
		after = append(after, locks)
	}
	return after
}

func sameLocks(a, b model.Locks) bool {
	p, q := a.Held(), b.Held()
	return len(p) == len(q) && !slices.ContainsFunc(p, func(l model.FileLock) bool { return !slices.Contains(q, l) })
}

// explain names the first event, in order of return, that makes the locks of a
// file impossible: with more events there is no more that explains them.
func (x *exclusion) explain(path model.Path, v *model.Verdict) {
	events := x.events[path]
	k := sort.Search(len(events)-1, func(k int) bool { return x.explained(events, k+1) == model.Violated })
	e := events[k]
	op := &x.history[e.op]
	v.Outcome, v.Path, v.Observed = model.Violated, path, naming(op)+" answered "+op.Answer()
	v.Steps = steps(op)
	if e.what == isRefused {
		v.Anomaly, v.Allowed = model.StuckLock, []string{"ok"}
		v.Proof = [2]string{
			fmt.Sprintf("%s was refused, so another open file has a lock of %s that excludes it.", naming(op), path),
			"however every such lock had been given up before, or was never taken: a contradiction.",
		}
		return
	}
	v.Anomaly, v.Allowed = model.DoubleGrant, []string{"EAGAIN"}
	with := x.rival(events, e)
	if with < 0 {
		v.Proof = [2]string{
			fmt.Sprintf("%s answered %s.", naming(op), op.Answer()),
			fmt.Sprintf("however no order in which the locks of %s were taken and given up gives all answers.", path),
		}
		return
	}
	first := &x.history[with]
	v.Steps = steps(first, op)
	v.Proof = [2]string{
		fmt.Sprintf("%s excludes others from when it returned until it is given up.", naming(first)),
		fmt.Sprintf("however %s answered ok before that: a contradiction.", naming(op)),
	}
}

// rival is the latest lock that had been taken before an event and excludes it,
// and that nothing which was called before the event returned can have given up;
// -1 if there is none.
func (x *exclusion) rival(events []lockEvent, e lockEvent) int {
	op := &x.history[e.op]
	from, to := op.AsStep().LockRange()
	lock := model.FileLock{Handle: e.handle, From: from, To: to, Shared: op.Shared}
	given := map[int]int64{} // by handle: the latest call that may have given up some of its locks
	for _, g := range events {
		if call := x.history[g.op].Call; g.what >= gives && call < op.Return {
			given[g.handle] = max(given[g.handle], call)
		}
	}
	found := -1
	for _, o := range events {
		first := &x.history[o.op]
		f, t := first.AsStep().LockRange()
		if o.what == takes && !o.maybe && first.Return <= op.Call && given[o.handle] <= first.Return && o.op > found &&
			lock.Excludes(model.FileLock{Handle: o.handle, From: f, To: t, Shared: first.Shared}) {
			found = o.op
		}
	}
	return found
}
