package checker

import (
	"fmt"
	"slices"

	"github.com/doublemount/doublemount/model"
)

// explain fills a verdict for a component that no order explains: which
// operation is the first that cannot be explained, what that is called, and two
// facts that contradict each other.
//
// The culprit is found by judging again with less: first the changes alone, some
// of them acknowledged; if all can take effect, some of the observations too, in
// order of return. The first that cannot be added is the one to show.
func (c *component) explain(v *model.Verdict) {
	v.Outcome, v.Limit = model.Violated, "" // another component may have had no answer
	order := slices.Clone(c.ops)
	slices.SortStableFunc(order, func(a, b int) int {
		return int(min(1, max(-1, c.history[a].Return-c.history[b].Return)))
	})
	clear(c.skip)
	clear(c.pending)
	for _, i := range order {
		c.skip[i], c.pending[i] = true, true
	}
	culprit := c.firstViolated(order, func(i int, judged bool) bool {
		c.pending[i] = !judged
		return c.history[i].Kind.Changes() && c.history[i].Succeeded()
	})
	if culprit < 0 {
		culprit = c.firstViolated(order, func(i int, judged bool) bool {
			c.skip[i] = !judged
			return true
		})
	}
	if culprit < 0 { // only together, and only within another limit of steps
		culprit = order[len(order)-1]
	}
	c.culprit = culprit
	f := finding{c: c, v: v, i: culprit, op: &c.history[culprit]}
	f.path = c.pathOf(culprit)
	if f.op.Kind == model.Readdir {
		f.path = c.missedName(culprit)
	}
	v.Path = f.path
	v.Observed = f.op.Answer()
	if f.op.Kind.Changes() && f.op.Succeeded() && !c.pending[culprit] && c.skip[culprit] {
		f.change()
	} else {
		f.observation()
		if openAndGone(c.history, c.info, culprit) && f.vanished() {
			f.v.Anomaly = model.DeleteWhileOpen
		}
	}
	f.finish()
}

// fewOps is among how many operations the first is looked for one by one.
const fewOps = 48

// firstViolated is the first of some operations with which, and all before it, the
// component is violated; -1 if it is not with all of them. judge says whether one is
// judged, and returns whether it can be the answer. More that is judged explains
// less, so it is found by bisection; among few one by one, since to explain costs less
// than to find that nothing does.
func (c *component) firstViolated(order []int, judge func(i int, judged bool) bool) int {
	if len(order) < fewOps {
		for _, i := range order {
			judge(i, false)
		}
		for _, i := range order {
			if judge(i, true) && c.decideAll() == model.Violated {
				return i
			}
		}
		return -1
	}
	last := -1
	for k, i := range order {
		if judge(i, true) {
			last = k
		}
	}
	if last < 0 || c.decideAll() != model.Violated {
		return -1
	}
	ok, bad := 0, last+1 // judging the first bad of them violates; the first ok do not, for all we know
	for bad-ok > 1 {
		half := (ok + bad) / 2
		for k, i := range order[:last+1] {
			judge(i, k < half)
		}
		if c.decideAll() == model.Violated {
			bad = half
		} else {
			ok = half
		}
	}
	for k, i := range order[:last+1] {
		judge(i, k < bad)
	}
	for k := bad; k > 0; k-- {
		if judge(order[k-1], true) {
			return order[k-1]
		}
	}
	return -1
}

// missedName is the name that a listing is wrong about: the first that alone
// cannot be explained.
func (c *component) missedName(i int) model.Path {
	dir := c.history[i].Path
	for _, n := range c.names {
		if n.Parent() != dir || n == dir {
			continue
		}
		c.compile()
		// Only this listing's atom of n.
		kept := c.views[:0]
		for _, v := range c.views {
			if v.op != i {
				kept = append(kept, v)
				continue
			}
			for a := v.first; a < v.last; a++ {
				if c.atoms[a].kind == nameAtom && c.names[c.atoms[a].name] == n {
					kept = append(kept, view{op: v.op, from: v.from, until: v.until, first: a, last: a + 1, alts: 1})
				}
			}
		}
		c.views = kept
		if c.decideOne() == model.Violated {
			return n
		}
	}
	return c.names[0]
}

// finding is a violation on its way to words.
type finding struct {
	c    *component
	v    *model.Verdict
	i    int
	op   *model.Op
	path model.Path
	with *model.Op // the other operation that the proof speaks of
	but  string    // why op comes before with
	fact string    // what speaks against op by itself, when there is no with

	rivals bool // with and op cannot both have succeeded, whichever came first
}

// change names a change that could not take effect with the answer it gave.
func (f *finding) change() {
	final := f.c.g.FinalOnly
	f.v.Observed = naming(f.op) + " answered ok"
	f.rivals = !f.op.Kind.TakesData()
	switch f.op.Kind {
	case model.Create, model.Mkdir:
		f.with = f.find(f.makes)
		f.v.Anomaly = model.InvisibleFile
		if final {
			f.v.Anomaly = model.SplitBrain // both made it, and there is one name for two files
		}
		f.v.Allowed = []string{"EEXIST"}
		f.but = "it answered ok and not EEXIST"
	case model.Unlink, model.Rmdir:
		f.with = f.find(f.takes)
		f.v.Anomaly, f.but = model.PhantomFile, "it answered ok and not ENOENT"
		f.v.Allowed = []string{"ENOENT"}
		if f.op.Kind == model.Rmdir && f.with == nil {
			f.with = f.find(f.fills)
			f.v.Anomaly, f.but = model.InvisibleFile, "it answered ok and not ENOTEMPTY"
			f.v.Allowed = []string{"ENOTEMPTY"}
			if final {
				f.v.Anomaly = model.LostFile
			}
		}
	case model.Rename, model.Link:
		f.move()
	default:
		f.with = f.find(f.takes)
		f.v.Anomaly, f.but = model.PhantomFile, "it answered ok and found a file of that name"
		f.v.Allowed = []string{"ENOENT"}
	}
}

// observation names an answer that no order gives.
func (f *finding) observation() {
	switch {
	case f.op.Kind == model.Read && f.op.Result.Errno == model.OK:
		f.data()
	case f.op.Kind == model.Stat && f.op.Result.Type == model.File && f.find(f.makes) != nil && !f.typeOnly():
		f.v.Anomaly = model.StaleAttributes
		if f.c.atRest(f.op) {
			f.v.Anomaly = model.LostUpdate
		}
		f.with = f.find(f.writes)
		f.but = fmt.Sprintf("it saw a size of %d words", f.op.Result.Size)
		if lost := f.appendOverlap(); lost != nil {
			f.overlapped(lost)
		}
		f.v.Allowed = f.allowedSizes()
	case f.absent():
		f.v.Anomaly = model.InvisibleFile
		if f.c.atRest(f.op) || f.gone() {
			f.v.Anomaly = model.LostFile
		}
		f.with = f.find(f.makes)
		if f.v.Anomaly == model.LostFile && f.neitherName(f.with) {
			f.v.Anomaly = model.NeitherName
		}
		f.but = fmt.Sprintf("it saw no %s, and nobody removed it in between", f.path)
		f.v.Allowed = []string{fmt.Sprintf("%s is there", f.path)}
		if f.op.Kind == model.Readdir && f.op.Result.Errno == model.OK {
			f.v.Observed = fmt.Sprintf("no %s", f.path)
		}
	default:
		f.v.Anomaly = model.PhantomFile
		f.with = f.find(f.takes)
		if f.c.atRest(f.op) && f.with != nil {
			f.v.Anomaly = model.ResurrectedFile
		}
		if f.bothNames(f.with) {
			f.v.Anomaly = model.BothNames
		}
		f.but = fmt.Sprintf("it saw %s (%s)", f.path, f.op.Answer())
		f.v.Allowed = []string{"ENOENT"}
		if f.op.Kind == model.Readdir && f.op.Result.Errno == model.OK {
			f.v.Observed, f.v.Allowed = fmt.Sprintf("%s is listed", f.path), []string{fmt.Sprintf("no %s", f.path)}
		}
		if f.op.Result.Errno == model.OK && f.with == nil {
			// Present, but as something else than what was made last.
			f.with = f.find(f.makes)
			if f.c.atRest(f.op) {
				f.v.Anomaly = model.LostFile
			}
			f.v.Allowed = nil
		}
	}
}

// allowedSizes lists the answers that a stat could have given instead, among the
// sizes that the operations on its file can have left. It tries each in place of
// the one observed.
func (f *finding) allowedSizes() (allowed []string) {
	result := &f.op.Result
	defer func(observed int64) { result.Size = observed }(result.Size)
	sizes := []int64{0}
	for _, i := range f.c.story {
		op := &f.c.history[i]
		if !op.Succeeded() || !f.c.sameFileAt(f.c.pathOf(i), f.path) {
			continue
		}
		switch op.Kind {
		case model.Write, model.Truncate:
			sizes = append(sizes, int64(op.Off+op.Len))
		case model.Append:
			for _, n := range sizes {
				sizes = append(sizes, n+int64(op.Len))
			}
		}
		slices.Sort(sizes)
		if sizes = slices.Compact(sizes); len(sizes) > 16 {
			return nil // too many to try
		}
	}
	for _, result.Size = range sizes {
		if f.c.decideAll() == model.Held {
			allowed = append(allowed, f.op.Answer())
		}
	}
	return allowed
}

// absent reports whether the operation saw no file where f.path is.
func (f *finding) absent() bool {
	if f.op.Kind == model.Readdir && f.op.Result.Errno == model.OK {
		return !slices.Contains(f.op.Result.Names, f.path.Name()) || f.path.Parent() != f.op.Path
	}
	return f.op.Result.Errno == model.ENOENT
}

// gone reports whether the name, which nobody removed, is not there at the end
// either.
func (f *finding) gone() bool {
	gone := false
	for _, i := range f.c.story {
		op := &f.c.history[i]
		switch {
		case op.Skipped:
		case f.takes(i) && made(op):
			return false
		case op.Kind == model.Stat && op.Path == f.path && f.c.atRest(op):
			gone = op.Result.Errno == model.ENOENT
		}
	}
	return gone
}

// typeOnly reports whether the operation is unexplained even if its size is
// not looked at.
func (f *finding) typeOnly() bool {
	c := f.c
	c.compile()
	for a := range c.atoms {
		if c.atoms[a].op == f.i && c.atoms[a].kind == nameAtom {
			c.atoms[a].size = -1
		}
	}
	return c.decideOne() == model.Violated
}

// finish writes the proof.
func (f *finding) finish() {
	y := naming(f.op)
	if f.with == nil {
		f.v.Steps = steps(f.op)
	} else {
		f.v.Steps = steps(f.with, f.op)
	}
	switch {
	case f.fact != "":
		f.v.Proof = [2]string{
			fmt.Sprintf("%s answered %s.", y, f.op.Answer()),
			fmt.Sprintf("however %s.", f.fact),
		}
	case f.with == nil || !f.rivals && !f.ordered():
		f.v.Proof = [2]string{
			fmt.Sprintf("%s answered %s.", y, f.op.Answer()),
			fmt.Sprintf("however no order of the other operations, each between its call and its %s, gives that answer.", f.publish()),
		}
	case !f.ordered():
		f.v.Proof = [2]string{
			fmt.Sprintf("%s and %s both took effect, one of them first.", naming(f.with), y),
			fmt.Sprintf("however both answered %s, and only the first can: a contradiction.", f.op.Answer()),
		}
	default:
		x := naming(f.with)
		f.v.Proof = [2]string{
			fmt.Sprintf("%s came before %s, because %s.", x, y, f.because()),
			fmt.Sprintf("however %s came before %s, because %s: a contradiction.", y, x, f.but),
		}
	}
}

// ordered reports whether the other operation's window closed before the
// culprit's opened.
func (f *finding) ordered() bool {
	return f.c.publishes(f.c.indexOf(f.with)) < f.from() || f.with.Host == f.op.Host && f.with.Return < f.op.Call
}

// from is when the culprit's window opened.
func (f *finding) from() int64 {
	switch {
	case f.op.Kind.Changes() && f.op.Succeeded():
		return f.op.Call
	case f.op.Kind == model.Read && f.op.Succeeded():
		return f.c.seesWords(f.i)
	}
	return f.c.seesNames(f.i)
}

// because is why the other operation came first: what published it, before what
// the culprit's host refreshed its view with.
func (f *finding) because() string {
	if f.with.Host == f.op.Host || f.c.atomic() {
		return "it had returned before the other was called"
	}
	w := f.c.indexOf(f.with)
	published := fmt.Sprintf("%v had synced or unmounted", f.with.Host)
	switch at := f.c.publishes(w); {
	case at == f.with.Return:
		published = "it had returned"
	case at != f.c.info[w].sync:
		published = fmt.Sprintf("%v had closed the file", f.with.Host)
	}
	in := &f.c.info[f.i]
	switch from := f.from(); {
	case from == in.mount && f.op.Host == model.Final:
		return published + " before the final mount"
	case from == in.mount:
		return fmt.Sprintf("%s before %v mounted", published, f.op.Host)
	case from == f.op.Call:
		return published + " before the other was called"
	case from == in.fresh && f.c.g.Refresh == model.RefreshOpen:
		return fmt.Sprintf("%s %d ticks before the other was called", published, f.c.g.Staleness)
	}
	return fmt.Sprintf("%s before %v opened the file", published, f.op.Host)
}

func (f *finding) publish() string {
	switch f.c.g.Publish {
	case model.PublishReturn:
		return "return"
	case model.PublishClose:
		return "return, of words the close, sync or unmount"
	}
	return "sync or unmount"
}

func (c *component) indexOf(op *model.Op) int {
	for _, i := range c.story {
		if &c.history[i] == op {
			return i
		}
	}
	return 0
}

// steps lists the numbers of operations that are steps of the program.
func steps(ops ...*model.Op) []int {
	var list []int
	for _, op := range ops {
		if op.Step > 0 && !slices.Contains(list, op.Step) {
			list = append(list, op.Step)
		}
	}
	return list
}
