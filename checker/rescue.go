package checker

import (
	"slices"

	"github.com/doublemount/doublemount/model"
)

// rescue looks again at a component that the walk could not explain. It goes
// through that component alone, from one quiet moment to the next (nothing of it
// is under way), and searches between two of them for an order, branching on
// changes only: an observation that fits is taken. Where there is none, what came
// before the last quiet moments is tried in another order too.
//
// On the way it notes the last quiet moment at which the state of the component is
// *known*: every order leads to it. What is wrong after it can be judged without
// what came before.
type rescue struct {
	w     *walk
	part  int32
	ops   []int32
	taken []bool // of ops
	steps int

	marks []quiet // the quiet moments since the known one, in order
	undo  []int32 // observations taken, for going back

	quiet  []bool  // of ops: before it is a quiet moment
	markAt []int32 // of ops: where the notes of the tree stood there, -1 if no search stood there
	failed map[searched]int32
}

// searched is a quiet moment and a state from which there is no order.
type searched struct {
	op    int32
	state uint64
}

// quiet is a quiet moment: the first operation after it, and where the notes of the
// tree stood.
type quiet struct {
	op   int
	mark int
}

// rescueSteps is how many changes are tried at most, from each quiet moment that a
// search begins at.
const rescueSteps = 5000

// cut is the part of a component's operations that is judged alone, and what its
// names were before.
type cut struct {
	from, to int32 // operations of the history, from included
	given    []given
}

// of are the operations of a list before a cut, and in it.
func (w *cut) of(list []int32) (before, in []int32) {
	from, _ := slices.BinarySearch(list, w.from)
	to, _ := slices.BinarySearch(list, w.to+1)
	return list[:from], list[from:to]
}

// again goes through a component. If it cannot be explained, the cut says where the
// trouble is; ok is false for a cut of what cannot be judged alone.
func (r *rescue) again(w *walk, part int32, own, listings []int32) (explained bool, where cut, ok bool) {
	r.w, r.part, r.ops = w, part, r.ops[:0]
	for len(own)+len(listings) > 0 {
		next := &own
		if len(own) == 0 || len(listings) > 0 && listings[0] < own[0] {
			next = &listings
		}
		i := (*next)[0]
		*next = (*next)[1:]
		in := &w.info[i]
		if !w.settled(i) {
			return false, cut{}, false
		}
		if in.used {
			r.ops = append(r.ops, i)
		}
	}
	t := &w.tree
	t.try()
	defer t.keep()
	defer r.detach()
	if to, ok := r.through(); !ok {
		where, ok = r.cut(to)
		return false, where, ok
	}
	return true, cut{}, false
}

// through goes through ops; ok is false if there is no order of those before to.
func (r *rescue) through() (to int, ok bool) {
	r.taken, r.quiet, r.markAt = resized(r.taken, len(r.ops)), resized(r.quiet, len(r.ops)), resized(r.markAt, len(r.ops))
	r.failed = emptied(r.failed)
	t := &r.w.tree
	r.marks = append(r.marks[:0], quiet{mark: len(t.undo)})
	for from := 0; from < len(r.ops); {
		to, changes := r.segment(from)
		r.steps, r.quiet[from] = 0, true
		clear(r.failed)
		if !r.search(from, to) {
			if !r.back(to) {
				return to, false
			}
			changes = to // in no single order
		}
		if r.known(from, to, changes) {
			t.keep()
			t.try()
			r.marks = r.marks[:0]
		}
		from = to
		r.marks = append(r.marks, quiet{from, len(t.undo)})
	}
	return len(r.ops), true
}

// detach takes the component out of the tree.
func (r *rescue) detach() {
	w := r.w
	for k := r.part; k >= 0; k = w.parts.next[k] {
		if name := w.parts.named[k]; w.tree.rootEntries[name] != 0 {
			w.tree.set(0, name, 0)
		}
	}
}

// segment is where the quiet moment after operation from comes, and how many
// changes are before it.
func (r *rescue) segment(from int) (to, changes int) {
	until := int64(0)
	for to = from; to < len(r.ops) && (to == from || r.w.history[r.ops[to]].Call < until); to++ {
		op := &r.w.history[r.ops[to]]
		until = max(until, op.Return)
		if r.branches(to) {
			changes++
		}
	}
	return to, changes
}

// known reports whether the state at a quiet moment is known: it was at the one
// before, and of the changes since there is one order; or what came between is one
// operation, and says all that there is to say of the component's one name.
func (r *rescue) known(from, to, changes int) bool {
	if len(r.marks) == 1 && changes <= 1 {
		return true
	}
	i := r.ops[from]
	op, p := &r.w.history[i], r.w.parts
	if to != from+1 || p.next[r.part] >= 0 || op.File != 0 && op.Kind != model.Open || op.Path != p.tops[r.part] {
		return false
	}
	switch op.Result.Errno {
	case model.OK:
		return op.Kind == model.Create || op.Kind == model.Mkdir || op.Kind == model.Unlink || op.Kind == model.Rmdir
	case model.ENOENT:
		return !op.Kind.TwoPaths()
	}
	return false
}

// branches reports whether an operation is one that a search branches on.
func (r *rescue) branches(k int) bool {
	i := r.ops[k]
	return r.w.changes(i) || r.w.history[i].Kind == model.Open && r.w.history[i].Result.Errno == model.OK
}

func (r *rescue) place(k int) bool {
	i := r.ops[k]
	op := &r.w.history[i]
	if op.Path != model.Root {
		return r.w.place(int(i))
	}
	for t := r.part; t >= 0; t = r.w.parts.next[t] { // a listing of the root
		name := r.w.parts.named[t]
		if (r.w.tree.rootEntries[name] != 0) != slices.Contains(op.Result.Names, r.w.parts.names[name]) {
			return false
		}
	}
	return true
}

// back searches from one quiet moment after another, going back.
func (r *rescue) back(to int) bool {
	r.failed = emptied(r.failed)
	last := len(r.marks) - 1
	for n := 1; ; n *= 2 {
		from := r.marks[max(0, last-n)]
		r.w.tree.take(from.mark)
		clear(r.taken[from.op:to])
		for k := from.op; k < to; k++ {
			r.markAt[k] = -1 // of an order before
		}
		r.steps = 0
		if r.search(from.op, to) {
			r.marks = r.marks[:max(0, last-n)]
			for k := from.op; k < to; k++ {
				if r.quiet[k] && r.markAt[k] >= 0 {
					r.marks = append(r.marks, quiet{k, int(r.markAt[k])})
				}
			}
			return true
		}
		if n >= last {
			return false
		}
	}
}

// state is a hash of what the names of the component are. Two states with one hash
// would only make the search see less.
func (r *rescue) state() uint64 {
	p, t := r.w.parts, &r.w.tree
	sum := uint64(0)
	for k := r.part; k >= 0; k = p.next[k] {
		sum = t.hash(sum, t.rootEntries[p.named[k]])
	}
	return sum
}

// search takes the operations from one quiet moment to another in some order.
func (r *rescue) search(from, to int) bool {
	for from < to && r.taken[from] {
		from++
	}
	key := searched{op: int32(from)}
	fresh := r.fresh(from, to)
	if fresh {
		r.markAt[from] = int32(len(r.w.tree.undo))
		key.state = r.state()
		if r.failed[key] != 0 {
			return false
		}
	}
	seen := len(r.undo)
	limit := r.earliest(from, to)
	for k := from; k < to && r.w.history[r.ops[k]].Call < limit; k++ {
		if !r.taken[k] && !r.branches(k) && r.place(k) {
			r.taken[k] = true
			r.undo = append(r.undo, int32(k))
			limit = r.earliest(from, to)
		}
	}
	if limit == model.Never {
		r.undo = r.undo[:seen]
		return true
	}
	for k := from; k < to && r.w.history[r.ops[k]].Call < limit; k++ {
		if r.taken[k] || !r.branches(k) {
			continue
		}
		if r.steps++; r.steps > rescueSteps {
			break
		}
		mark := r.w.tree.try()
		if r.place(k) {
			r.taken[k] = true
			if r.search(from, to) {
				r.undo = r.undo[:seen]
				return true
			}
			r.taken[k] = false
		}
		r.w.tree.take(mark)
	}
	for _, k := range r.undo[seen:] {
		r.taken[k] = false
	}
	r.undo = r.undo[:seen]
	if fresh && r.steps <= rescueSteps {
		r.failed[key] = 1
	}
	return false
}

// fresh reports whether a search stands at a quiet moment: nothing after it has been
// taken.
func (r *rescue) fresh(from, to int) bool {
	if from >= to || !r.quiet[from] {
		return false
	}
	for k := from; k < to && (k == from || !r.quiet[k]); k++ {
		if r.taken[k] {
			return false
		}
	}
	return true
}

// earliest is the first return of what is not taken, Never if all is.
func (r *rescue) earliest(from, to int) int64 {
	limit := model.Never
	for k := from; k < to && r.w.history[r.ops[k]].Call < limit; k++ {
		if !r.taken[k] {
			limit = min(limit, r.w.history[r.ops[k]].Return)
		}
	}
	return limit
}

// cut is what came since the state was known; false if that cannot be judged alone,
// since a handle is of a file from before.
func (r *rescue) cut(to int) (where cut, ok bool) {
	q := r.marks[0]
	r.w.tree.take(q.mark)
	where = cut{from: r.ops[q.op], to: r.ops[to-1]}
	for _, i := range r.ops[q.op:to] {
		if o := r.w.info[i].opener; o >= 0 && o < where.from {
			return cut{}, false
		}
	}
	p, t := r.w.parts, &r.w.tree
	var nodes []int32
	for path := range p.paths {
		if p.joined[p.paths[path].top] != r.part {
			continue
		}
		if dir, kind := t.way(int32(path)); kind == model.Dir {
			if node := t.entry(dir, p.paths[path].name); node != 0 {
				k := slices.Index(nodes, node)
				if k < 0 {
					k, nodes = len(nodes), append(nodes, node)
				}
				n := &t.nodes[node]
				where.given = append(where.given, given{p.full(int32(path)), k + 1, n.kind, slices.Clone(n.words)})
			}
		}
	}
	return where, true
}
