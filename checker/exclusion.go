package checker

import (
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
// Judged are the handles of which it is known what file they have: those opened by
// a name at which one file alone can ever have been. Not judged: refusals, where a
// handle took a lock of which that is not known; whether a lock also brings what
// others wrote (the rungs do).
func judgeExclusion(history []model.Op, info []opInfo, limit int, v *model.Verdict) {
	x := exclusion{history: history, info: info, limit: limit}
	if !x.collect() {
		return
	}
	for _, path := range x.files {
		switch x.explained(path, len(x.events)) {
		case model.Inconclusive:
			v.Outcome, v.Limit = model.Inconclusive, fmt.Sprintf("no answer for the locks of %s within %d steps", path, limit)
		case model.Violated:
			x.explain(path, v)
			return
		}
	}
}

type exclusion struct {
	history []model.Op
	info    []opInfo
	limit   int
	steps   int
	events  []lockEvent // in order of return
	files   []model.Path
	unknown bool // a lock is of a file that is not known
}

// lockEvent is something that takes a lock, is refused one, or gives some up.
type lockEvent struct {
	op     int
	path   model.Path
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

// collect finds the events; false if there are no locks to judge.
func (x *exclusion) collect() bool {
	if !slices.ContainsFunc(x.history, func(op model.Op) bool { return op.Kind == model.Lock && !op.Skipped }) {
		return false
	}
	locked := map[int]model.Path{} // handles that may have a lock; asked for one by one
	var handles []int
	for i := range x.history {
		op, in := &x.history[i], &x.info[i]
		if op.Kind != model.Lock || op.Skipped || in.zombie || in.opener < 0 {
			continue
		}
		opener := int(in.opener)
		path := x.history[opener].Path
		if !x.known(path) {
			x.unknown = true
			continue
		}
		if !slices.Contains(x.files, path) {
			x.files = append(x.files, path)
		}
		if _, ok := locked[opener]; !ok {
			locked[opener] = path
			handles = append(handles, opener)
		}
		e := lockEvent{op: i, path: path, handle: opener, until: op.Return}
		open := in.cut || op.Pending() || x.troubled(op)
		switch {
		case open:
			e.maybe, e.until = true, model.Never
		case op.Result.Errno == model.EAGAIN:
			e.what = isRefused
		case op.Result.Errno != model.OK:
			continue // ENOLCK, which progress judges
		}
		x.events = append(x.events, e)
	}
	for _, handle := range handles {
		x.ends(handle, locked[handle])
	}
	slices.SortStableFunc(x.events, func(a, b lockEvent) int { return int(min(1, max(-1, a.until-b.until))) })
	return len(x.files) > 0
}

// troubled reports whether a lock operation failed so that it is not known what
// it had done.
func (x *exclusion) troubled(op *model.Op) bool {
	switch op.Result.Errno {
	case model.EIO, model.EROFS, model.ESTALE, model.EBADE, model.EUCLEAN, model.EOTHER:
		return true
	}
	return false
}

// ends adds what gives up locks of a handle: its unlocks, its close, the unmount or
// the end of its host.
func (x *exclusion) ends(handle int, path model.Path) {
	host, life := x.history[handle].Host, x.info[handle].life
	closed := false
	for i := handle + 1; i < len(x.history); i++ {
		op, in := &x.history[i], &x.info[i]
		if op.Skipped {
			continue
		}
		e := lockEvent{op: i, path: path, handle: handle, what: givesAll, until: op.Return}
		switch {
		case ends(op) && (op.Host == host || op.Kind == model.PowerLoss):
			if int(x.info[handle].crash) == i {
				e.until, closed = model.Never, true
				x.events = append(x.events, e)
			}
		case op.Host != host || closed || in.zombie:
		case op.Kind == model.Unlock && int(in.opener) == handle, op.Kind == model.Close && int(in.opener) == handle:
			if op.Kind == model.Unlock {
				e.what = gives
			}
			if op.Result.Errno == model.EBADF && !op.Pending() {
				continue
			}
			if e.maybe = in.cut || op.Pending() || !op.Succeeded(); e.maybe {
				e.until = model.Never
			}
			x.events = append(x.events, e)
		case op.Kind == model.Unmount && in.life == life:
			if !op.Succeeded() {
				e.until = model.Never
			}
			x.events = append(x.events, e)
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

// explained says whether the first n events of a file, in order of return, can have
// been one after the other; what is later may not have happened.
func (x *exclusion) explained(path model.Path, n int) model.Outcome {
	var ops []porcupine.Operation
	for k, e := range x.events {
		if e.path != path || e.what == isRefused && (x.unknown || k >= n) {
			continue
		}
		until := e.until
		if k >= n {
			if x.history[e.op].Call > x.events[n-1].until && x.events[n-1].until != model.Never {
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
// file impossible.
func (x *exclusion) explain(path model.Path, v *model.Verdict) {
	k := 0
	for n := 1; n <= len(x.events); n++ {
		if x.events[n-1].path == path && x.explained(path, n) == model.Violated {
			k = n - 1
			break
		}
	}
	e := x.events[k]
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
	with := x.rival(e)
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
func (x *exclusion) rival(e lockEvent) int {
	op := &x.history[e.op]
	from, to := op.AsStep().LockRange()
	lock := model.FileLock{Handle: e.handle, From: from, To: to, Shared: op.Shared}
	found := -1
	for _, o := range x.events {
		first := &x.history[o.op]
		f, t := first.AsStep().LockRange()
		if o.what != takes || o.maybe || o.path != e.path || first.Return > op.Call ||
			!lock.Excludes(model.FileLock{Handle: o.handle, From: f, To: t, Shared: first.Shared}) {
			continue
		}
		given := slices.ContainsFunc(x.events, func(g lockEvent) bool {
			return g.handle == o.handle && g.what >= gives && x.history[g.op].Call > first.Return && x.history[g.op].Call < op.Return
		})
		if !given && o.op > found {
			found = o.op
		}
	}
	return found
}
