package checker

import (
	"slices"

	"github.com/doublemount/doublemount/model"
)

// mended lets the walk go on where it could not explain what a component answered,
// if a search finds an order of what came since the component's state was last
// *plain*: its one name led to nothing, or to something just made and still empty,
// and nothing of it, and no listing of the root, was under way that had not been
// taken. Only those operations are
// gone through again, up to the next moment at which none of them is under way, so
// that a long component costs no second pass for an overlap here and there.
//
// What came before was explained, and led to that state; so what is explained from
// there is explained. The order before may have been the wrong one, so a few earlier
// moments are tried too. Where nothing is found the component is in trouble, and
// looked at as a whole.
type mended struct {
	plain [4]plain // the last moments, latest first
	done  int32    // operations before this one have been taken in a search
}

// plain is a moment at which the state of a component was plain.
type plain struct {
	next int32          // operations before this one had been taken; 0 for no such moment
	kind model.NodeType // what the name was
}

// mostMended is how many operations a search of that kind goes through at most.
const mostMended = 512

// note notes that the state of a component is plain after operation i, which has
// just been taken with nothing before it, if it is.
func (w *walk) note(i, next int, part int32) {
	if len(w.roots) > 0 {
		return // a listing that is under way has yet to see some name
	}
	op, p := &w.history[i], w.parts
	if p.ids[i] < 0 || p.next[part] >= 0 || p.paths[p.ids[i]].dir >= 0 || op.Kind.TwoPaths() || w.info[i].open || w.info[i].cut {
		return
	}
	kind := model.Absent
	switch {
	case op.Result.Errno == model.ENOENT:
	case op.Result.Errno != model.OK:
		return
	case op.Kind == model.Create:
		kind = model.File
	case op.Kind == model.Mkdir:
		kind = model.Dir
	case op.Kind != model.Unlink && op.Kind != model.Rmdir:
		return
	}
	for k := range w.open {
		if u := &w.open[k]; u.part == part && !u.taken && int(u.op) != i {
			return
		}
	}
	m := &w.mended[part]
	copy(m.plain[1:], m.plain[:])
	m.plain[0] = plain{int32(next), kind}
}

// mend searches for an order of what came since the state of a component was plain.
func (w *walk) mend(part, failed int32) bool {
	if w.rescue == nil || len(w.roots) > 0 {
		return false
	}
	for k := range w.maybe {
		if u := &w.maybe[k]; u.part == part && !u.taken {
			return false
		}
	}
	m := &w.mended[part]
	for k, from := range m.plain {
		if from.next == 0 {
			break
		}
		next, ok := w.since(from, part, failed)
		if !ok {
			break
		}
		if w.ordered(from, part) {
			rest := copy(m.plain[:], m.plain[k:]) // later ones are of another order
			clear(m.plain[rest:])
			m.done = next
			for k := range w.open {
				if u := &w.open[k]; u.part == part {
					u.taken = true
				}
			}
			return true
		}
	}
	return false
}

// since gives the rescue the operations of a component from a moment on, up to one
// after an operation at which none of them is under way: before operation next. It
// reports false if they cannot be judged alone.
func (w *walk) since(from plain, part, until int32) (next int32, ok bool) {
	own, listings := w.parts.operations(int(part), w.history, w.info)
	first, _ := slices.BinarySearch(own, from.next)
	r := w.rescue
	r.w, r.part, r.ops = w, part, r.ops[:0]
	end, next := int64(0), int32(len(w.history))
	for _, i := range own[first:] {
		op, in := &w.history[i], &w.info[i]
		if i > until && op.Call >= end {
			next = i
			break
		}
		if !w.settled(i) || in.opener >= 0 && in.opener < from.next || len(r.ops) == mostMended {
			return 0, false
		}
		if in.used {
			r.ops, end = append(r.ops, i), max(end, op.Return)
		}
	}
	k, _ := slices.BinarySearch(listings, from.next)
	return next, k == len(listings) || w.history[listings[k]].Call >= end
}

// ordered reports whether the rescue finds an order of what it has been given.
func (w *walk) ordered(from plain, part int32) bool {
	t := &w.tree
	t.try()
	defer t.keep()
	w.rescue.detach()
	if from.kind != model.Absent {
		t.set(0, w.parts.named[part], t.make(from.kind))
	}
	_, ok := w.rescue.through()
	return ok
}
