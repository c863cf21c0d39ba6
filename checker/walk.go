package checker

import (
	"math"
	"slices"

	"github.com/doublemount/doublemount/model"
)

// walk looks for a linearization by going through a history once, as it happened,
// with the sequential specification beside it: before anything is compiled, for
// all components at once, and in time that does not depend on what came before.
//
// Of operations that do not overlap there is one order. Where they do, it is the
// greedy one: an observation is taken as soon as it fits, a change as late as its
// window lets it, or when an operation that is about to return needs it. Each is
// taken as a whole, at one moment between its call and its return, and nothing
// that had returned before a crash is undone by it. Where that leads nowhere, a few
// operations are searched for another order (mend.go). So what the walk explains is
// linearizable, on every reading of the rules, and with that kept on every rung
// and variant. Of what it does not explain nothing is said: that component is
// *in trouble*, and judged otherwise.
type walk struct {
	tree    tree
	parts   *parts
	history []model.Op
	info    []opInfo

	found   []int32 // by operation: the file that an open found
	open    []under // called, not returned
	maybe   []under // changes that need not happen: those without an answer
	lapseAt int     // how many of them are looked through for those that no longer can
	roots   []rootView

	mended  []mended // by component
	trouble []int32  // by component: the operation that the walk could not explain, -1 for none
	rescue  *rescue  // searches for it
	depth   int      // how many changes are taken before an operation that is about to return
	tries   int
	seen    []int // of open: those taken since a mark
}

// under is an operation that is under way.
type under struct {
	op    int32
	part  int32 // its component
	until int64
	taken bool
}

// rootView is a listing of the root directory under way, with the names that it
// has not seen as it listed them. It asks about each name apart.
type rootView struct {
	op      int32
	until   int64
	names   []string // sorted, each once
	missing []int32
}

// What one operation that is about to return may cost: how many changes are taken
// before it at most, and how many are tried in all.
const (
	maxHelp  = 3
	maxTries = 200
	maxMaybe = 1000 // the latest of those that need not happen
)

// make goes through a history; it fills trouble. With a rescue it mends what
// it can; depth is how many changes it tries before an operation that is about to return.
func (w *walk) make(history []model.Op, info []opInfo, p *parts, r *rescue, depth int) {
	w.history, w.info, w.parts, w.rescue, w.depth = history, info, p, r, depth
	w.tree.reset(p)
	w.found = resized(w.found, len(history))
	w.open, w.maybe, w.roots, w.lapseAt = w.open[:0], w.maybe[:0], w.roots[:0], 16
	w.trouble = resized(w.trouble, len(p.tops))
	w.mended = resized(w.mended, len(p.tops))
	for i := range w.trouble {
		w.trouble[i] = -1
	}
	for i := range history {
		op, in := &history[i], &info[i]
		if len(w.open)+len(w.roots) > 0 {
			w.returned(op.Call, i)
		}
		if !in.used {
			continue
		}
		if op.Path == model.Root {
			if op.Kind == model.Readdir && !in.cut && !in.open {
				w.list(i)
			}
			continue
		}
		part := p.component(i, info)
		if part < 0 || w.trouble[part] >= 0 || int32(i) < w.mended[part].done {
			continue
		}
		w.call(i, part)
	}
	w.returned(math.MaxInt64, len(history))
}

// call lets operation i begin.
func (w *walk) call(i int, part int32) {
	op, in := &w.history[i], &w.info[i]
	change := op.Kind.Changes() && (in.open || in.cut || op.Result.Errno == model.OK)
	if in.open || in.cut {
		if change {
			until := model.Never
			if in.crash >= 0 {
				until = w.history[in.crash].Call
			}
			if len(w.maybe) >= w.lapseAt {
				w.lapse(op.Call)
			}
			w.maybe = append(w.maybe, under{op: int32(i), part: part, until: until})
		}
		return
	}
	if !change && w.place(i) {
		w.note(i, i+1, part)
		return
	}
	w.open = append(w.open, under{op: int32(i), part: part, until: op.Return})
}

// lapse drops changes that can no longer happen, whenever there are twice as many.
func (w *walk) lapse(now int64) {
	kept := w.maybe[:0]
	for _, u := range w.maybe {
		if !u.taken && u.until > now && w.trouble[u.part] < 0 {
			kept = append(kept, u)
		}
	}
	w.maybe, w.lapseAt = kept, 2*len(kept)+16
}

// place lets operation i happen now if it answers then what it answered.
func (w *walk) place(i int) bool {
	op, in := &w.history[i], &w.info[i]
	open := in.open || in.cut
	if o := in.opener; o >= 0 {
		return (open || op.Result.Errno == model.OK) && w.tree.content(op, w.found[o], open)
	}
	to := int32(-1)
	if op.Kind.TwoPaths() {
		to = w.parts.tos[i]
	}
	node, ok := w.tree.name(op, w.parts.ids[i], to, open)
	if !ok || op.Result.Errno != model.OK && !open {
		return ok
	}
	switch {
	case op.Kind == model.Open:
		w.found[i], w.tree.nodes[node].held = node, true
	case op.Kind.TakesData():
		return w.tree.content(op, node, open)
	}
	return true
}

// returned lets everything return that does so by now, the earliest first, before
// operation next is called.
func (w *walk) returned(now int64, next int) {
	for {
		first, root := -1, -1
		at := now
		for k := range w.open {
			if u := &w.open[k]; u.until <= at {
				first, at = k, u.until
			}
		}
		for k := range w.roots {
			if r := &w.roots[k]; r.until <= at {
				root, at = k, r.until
			}
		}
		switch {
		case root >= 0:
			w.listed(root, at)
		case first >= 0:
			w.ended(first, next)
		default:
			return
		}
	}
}

// ended lets an operation return: it has to have happened.
func (w *walk) ended(k, next int) {
	u := w.open[k]
	if !u.taken {
		switch {
		case w.place(int(u.op)):
			w.open[k].taken = true
			w.settle(u.part)
			w.note(int(u.op), next, u.part)
		case w.force(int(u.op), u.part, u.until, func() bool { return w.place(int(u.op)) }):
			w.open[k].taken = true
			w.settle(u.part)
		case !w.mend(u.part, u.op):
			w.fail(u.part, u.op)
		}
	}
	last := len(w.open) - 1 // the order of open is that of calls
	copy(w.open[k:], w.open[k+1:])
	w.open = w.open[:last]
}

// fail gives a component up: nothing more of it is looked at.
func (w *walk) fail(part, op int32) {
	w.trouble[part] = op
	for k := range w.open {
		if w.open[k].part == part {
			w.open[k].taken = true
		}
	}
	for k := part; k >= 0; k = w.parts.next[k] {
		if name := w.parts.named[k]; w.tree.rootEntries[name] != 0 {
			w.tree.set(0, name, 0)
		}
	}
}

// settle takes every observation of a component that fits now.
func (w *walk) settle(part int32) {
	for k := range w.open {
		if u := &w.open[k]; u.part == part && !u.taken && !w.changes(u.op) && w.place(int(u.op)) {
			u.taken = true
			w.seen = append(w.seen, k)
		}
	}
	if w.tree.trying {
		return
	}
	w.seen = w.seen[:0]
	for r := range w.roots {
		v := &w.roots[r]
		kept := v.missing[:0]
		for _, name := range v.missing {
			if !w.agrees(v, name) {
				kept = append(kept, name)
			}
		}
		v.missing = kept
	}
}

// changes reports whether operation i is a change that happens.
func (w *walk) changes(i int32) bool {
	op := &w.history[i]
	return op.Kind.Changes() && (op.Result.Errno == model.OK || w.info[i].open || w.info[i].cut)
}

// settled reports whether it is known what came of operation i: it has an answer that
// says so, and nothing undoes it.
func (w *walk) settled(i int32) bool {
	in := &w.info[i]
	return !in.open && !in.cut && (in.crash < 0 || !w.history[i].Kind.Changes())
}

// force lets something happen after a few changes that are under way.
func (w *walk) force(i int, part int32, now int64, happen func() bool) bool {
	w.tries = 0
	w.seen = w.seen[:0]
	done := w.help(i, part, now, happen, w.depth)
	w.tree.keep()
	w.seen = w.seen[:0]
	return done
}

func (w *walk) help(i int, part int32, now int64, happen func() bool, depth int) bool {
	if depth == 0 {
		return false
	}
	for k := range len(w.open) + min(len(w.maybe), maxMaybe) {
		u := w.candidate(k)
		if u.taken || u.part != part || int(u.op) == i || u.until < now || !w.changes(u.op) {
			continue
		}
		if w.tries++; w.tries > maxTries {
			return false
		}
		mark, seen := w.tree.try(), len(w.seen)
		if !w.place(int(u.op)) {
			w.tree.take(mark)
			continue
		}
		u.taken = true
		w.settle(part)
		if happen() || w.help(i, part, now, happen, depth-1) {
			return true
		}
		for _, k := range w.seen[seen:] {
			w.open[k].taken = false
		}
		w.seen = w.seen[:seen]
		u.taken = false
		w.tree.take(mark)
	}
	return false
}

// candidate is the k-th change under way: those that have to happen come first.
func (w *walk) candidate(k int) *under {
	if k < len(w.open) {
		return &w.open[k]
	}
	return &w.maybe[len(w.maybe)-1-(k-len(w.open))]
}

// list lets a listing of the root directory begin: it notes the names that are
// not as it listed them.
func (w *walk) list(i int) {
	op := &w.history[i]
	there := 0
	v := rootView{op: int32(i), until: op.Return, names: inOrder(op.Result.Names)}
	for _, s := range v.names {
		name := w.parts.nameOf[s]
		switch {
		case w.trouble[w.parts.joined[w.parts.topOf[name]]] >= 0:
		case w.tree.rootEntries[name] != 0:
			there++
		default:
			v.missing = append(v.missing, name)
		}
	}
	if there < len(w.tree.live) {
		for _, name := range w.tree.live {
			if _, listed := slices.BinarySearch(v.names, w.parts.names[name]); !listed {
				v.missing = append(v.missing, name)
			}
		}
	}
	if len(v.missing) > 0 {
		w.roots = append(w.roots, v)
	}
}

// agrees reports whether a name of the root directory is as a listing has it.
func (w *walk) agrees(v *rootView, name int32) bool {
	_, listed := slices.BinarySearch(v.names, w.parts.names[name])
	return (w.tree.rootEntries[name] != 0) == listed
}

// listed lets a listing of the root directory return.
func (w *walk) listed(k int, now int64) {
	v := w.roots[k]
	w.roots = append(w.roots[:k], w.roots[k+1:]...)
	for _, name := range v.missing {
		part := w.parts.joined[w.parts.topOf[name]]
		if w.trouble[part] >= 0 || w.agrees(&v, name) {
			continue
		}
		if w.force(-1, part, now, func() bool { return w.agrees(&v, name) }) {
			w.settle(part)
		} else {
			w.fail(part, v.op)
		}
	}
}

// inOrder is the names of a listing sorted and each once, as most are.
func inOrder(names []string) []string {
	for i := range names {
		if i > 0 && names[i] <= names[i-1] {
			names = slices.Clone(names)
			slices.Sort(names)
			return slices.Compact(names)
		}
	}
	return names
}
