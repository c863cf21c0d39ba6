package checker

import (
	"slices"

	"github.com/doublemount/doublemount/model"
)

// fileLocks are the locks of a file: of all, or where there are two kinds, those of
// the whole file and those of ranges.
type fileLocks [2]model.Locks

// kind is the place in fileLocks of the locks that an operation is about.
func (x *exclusion) kind(op *model.Op) int {
	if x.apart && op.Len > 0 {
		return 1
	}
	return 0
}

// lockOf is the lock that a handle has after an operation that takes one.
func lockOf(handle int, op *model.Op) model.FileLock {
	from, to := op.AsStep().LockRange()
	return model.FileLock{Handle: handle, From: from, To: to, Shared: op.Shared}
}

// converts is the handles that ask for the whole file in both ways, shared and
// exclusive, where that gives up the one before it takes the other.
func (x *exclusion) converts() map[int]bool {
	if !x.apart {
		return nil
	}
	asked, both := map[int]bool{}, map[int]bool{}
	for i := range x.history {
		if op := &x.history[i]; op.Kind == model.Lock && op.Len == 0 && !op.Skipped {
			opener := int(x.info[i].opener)
			shared, before := asked[opener]
			asked[opener] = op.Shared
			both[opener] = both[opener] || before && shared != op.Shared
		}
	}
	return both
}

// step is what an event can make of the locks, the likeliest first; nothing where
// it cannot happen.
func (x *exclusion) step(locks fileLocks, e lockEvent) (after []any) {
	op := &x.history[e.op]
	lock, kind, next := lockOf(e.handle, op), x.kind(op), locks
	switch e.what {
	case isRefused:
		for _, l := range locks {
			if slices.ContainsFunc(l.Held(), lock.Excludes) {
				return []any{locks}
			}
		}
		return nil
	case takes:
		if next[kind].Take(lock) {
			after = append(after, next)
		}
	case gives:
		next[kind].Release(e.handle, lock.From, lock.To)
		after = append(after, next)
	case givesOld:
		if old := (model.FileLock{Handle: e.handle, To: lock.To, Shared: !op.Shared}); slices.Contains(next[kind].Held(), old) {
			next[kind].Release(e.handle, lock.From, lock.To)
			after = append(after, next)
		}
	case givesAll:
		for k := range next {
			next[k].Release(e.handle, 0, model.WholeFile)
		}
		after = append(after, next)
	}
	if other := 1 - kind; x.apart && len(after) > 0 && (e.what == takes || e.what == gives) && has(&next[other], e.handle) {
		next[other].Release(e.handle, lock.From, lock.To)
		after = append(after, next)
	}
	if e.maybe {
		after = append(after, locks)
	}
	return after
}

// has reports whether a handle has any lock.
func has(l *model.Locks, handle int) bool {
	return slices.ContainsFunc(l.Held(), func(h model.FileLock) bool { return h.Handle == handle })
}

func (a fileLocks) same(b fileLocks) bool {
	for k := range a {
		p, q := a[k].Held(), b[k].Held()
		if len(p) != len(q) || slices.ContainsFunc(p, func(l model.FileLock) bool { return !slices.Contains(q, l) }) {
			return false
		}
	}
	return true
}
