package checker

import (
	"fmt"
	"sort"
	"strings"

	"github.com/doublemount/doublemount/model"
)

// explain names the first event, in order of return, that makes the locks of a
// file impossible: with more events there is no more that explains them.
func (x *exclusion) explain(path model.Path, v *model.Verdict) {
	events := x.events[path]
	k := sort.Search(len(events)-1, func(k int) bool { return x.explained(events, k+1) == model.Violated })
	e := events[k]
	op := &x.history[e.op]
	v.Outcome, v.Path, v.Observed = model.Violated, path, x.naming(op)+" answered "+op.Answer()
	v.Steps = steps(op)
	if e.what == isRefused {
		v.Anomaly, v.Allowed = model.StuckLock, []string{"ok"}
		v.Proof = [2]string{
			fmt.Sprintf("%s was refused, so another open file has a lock of %s that excludes it.", x.naming(op), path),
			"however every such lock had been given up before, or was never taken: a contradiction.",
		}
		return
	}
	v.Anomaly, v.Allowed = model.DoubleGrant, []string{"EAGAIN"}
	with := x.rival(events, e)
	if with < 0 {
		v.Proof = [2]string{
			fmt.Sprintf("%s answered %s.", x.naming(op), op.Answer()),
			fmt.Sprintf("however no order in which the locks of %s were taken and given up gives all answers.", path),
		}
		return
	}
	first := &x.history[with]
	v.Steps = steps(first, op)
	v.Proof = [2]string{
		fmt.Sprintf("%s excludes others from when it returned until it is given up.", x.naming(first)),
		fmt.Sprintf("however %s answered ok before that: a contradiction.", x.naming(op)),
	}
}

// rival is the latest lock that had been taken before an event and excludes it,
// and that nothing which was called before the event returned can have given up;
// -1 if there is none.
func (x *exclusion) rival(events []lockEvent, e lockEvent) int {
	op := &x.history[e.op]
	lock := lockOf(e.handle, op)
	given := map[int]int64{} // by handle: the latest call that may have given up some of its locks
	for _, g := range events {
		other := g.what == takes && x.kind(&x.history[g.op]) != x.kind(op)
		if call := x.history[g.op].Call; (g.what >= gives || other) && call < op.Return {
			given[g.handle] = max(given[g.handle], call)
		}
	}
	found := -1
	for _, o := range events {
		first := &x.history[o.op]
		if o.what == takes && !o.maybe && first.Return <= op.Call && given[o.handle] <= first.Return && o.op > found &&
			x.kind(first) == x.kind(op) && lock.Excludes(lockOf(o.handle, first)) {
			found = o.op
		}
	}
	return found
}

// naming names a lock operation, with the call that it is where there are two.
func (x *exclusion) naming(op *model.Op) string {
	switch text := strings.TrimSuffix(naming(op), ")"); {
	case !x.apart:
		return naming(op)
	case op.Len > 0:
		return text + ", by fcntl(2))"
	default:
		return text + ", by flock(2))"
	}
}
