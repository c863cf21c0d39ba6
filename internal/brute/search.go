package brute

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/doublemount/doublemount/model"
)

// search looks for an order of the points of one plan.
type search struct {
	h *history
	g guess
	*plan
	done  []bool
	order []placed            // the points done, in their order
	own   [][]int             // for each operation the changes that its views have on top
	cuts  []int               // the points that are cuts
	dead  map[string]struct{} // situations that led nowhere
	quick bool
}

func newSearch(h *history, g guess, quick bool) *search {
	s := &search{h: h, g: g, plan: newPlan(h, g), quick: quick, own: make([][]int, len(h.ops))}
	s.done = make([]bool, len(s.points))
	for i := range h.ops {
		s.own[i] = h.overlaid(i)
	}
	for i, pt := range s.points {
		if pt.kind == cut {
			s.cuts = append(s.cuts, i)
		}
	}
	if quick {
		s.dead = map[string]struct{}{}
	}
	return s
}

// run reports whether the points not yet done can be placed after those that
// are, which made st.
func (s *search) run(st state) bool {
	open := 0 // points that have to be placed
	now := int64(math.MinInt64)
	limit := int64(math.MaxInt64) // the next point is not later than this
	for i, pt := range s.points {
		switch {
		case s.done[i]:
			now = max(now, pt.lo)
		case s.required(pt):
			open++
			limit = min(limit, pt.hi)
		}
	}
	for _, w := range s.watches {
		if w.lo <= limit && w.hi >= now && s.h.entry(s.view(w.op, st), w.name) >= 0 {
			return false
		}
	}
	if open == 0 {
		return true
	}
	key := ""
	if s.quick {
		key = s.key(st)
		if _, seen := s.dead[key]; seen {
			return false
		}
	}
	for i, pt := range s.points {
		if s.done[i] || pt.lo > limit || !s.ready(pt) {
			continue
		}
		if pt.kind == cut {
			s.done[i] = true
			if s.undos(i, func(lost losses, left state) bool { return s.then(placed{pt: i, lost: lost}, left) }) {
				return true
			}
			s.done[i] = false
			continue
		}
		at, next, fits := s.place(i, st)
		if !fits {
			continue
		}
		s.done[i] = true
		if s.then(at, next) {
			return true
		}
		s.done[i] = false
		if s.quick && s.harmless(pt) {
			break // taking it now can have spoilt nothing
		}
	}
	if s.quick {
		s.dead[key] = struct{}{}
	}
	return false
}

// then goes on after one more point.
func (s *search) then(at placed, st state) bool {
	s.order = append(s.order, at)
	found := s.run(st)
	s.order = s.order[:len(s.order)-1]
	return found
}

// harmless reports whether a point that fits can be taken at once: a cover, which
// covers the less the sooner it comes, and a view that no cut to come could take
// the reason from.
func (s *search) harmless(pt point) bool {
	if len(s.watches) > 0 || pt.kind == effect {
		return false
	}
	if pt.kind == cover {
		return true
	}
	if s.firm() == len(s.order) {
		return true
	}
	for _, c := range s.cuts {
		if !s.done[c] && (s.h.changes(pt.op) || pt.kind == nameView || !s.h.cuts(s.points[c].op, s.h.ops[pt.op].Host)) {
			return false
		}
	}
	return true
}

// firm is how many points at the start of the order no cut to come can touch.
func (s *search) firm() int {
	for k, at := range s.order {
		pt := s.points[at.pt]
		if pt.kind != effect {
			continue
		}
		for _, c := range s.cuts {
			if !s.done[c] && s.h.cuts(s.points[c].op, s.h.ops[pt.op].Host) && !s.followed(pt.op, at.file) {
				return k
			}
		}
	}
	return len(s.order)
}

// required reports whether a point has to be placed: a view of a pending
// change has to be once the change took effect.
func (s *search) required(pt point) bool {
	if pt.must || pt.kind >= effect {
		return pt.must
	}
	e := s.effects[pt.op]
	return e != none && s.done[e]
}

func (s *search) ready(pt point) bool {
	for _, first := range pt.first {
		if !s.done[first] {
			return false
		}
	}
	return pt.until == none || !s.done[pt.until]
}

// view is st as operation i sees it: with its host's own changes on top that
// have not taken effect.
func (s *search) view(i int, st state) state {
	for _, c := range s.own[i] {
		if e := s.effects[c]; e == none || !s.done[e] {
			st = s.h.change(st, c, s.h.fileOf(c, s.g), s.g.offset[c], 0)
		}
	}
	return st
}

// place is the state after point i, which is no cut; fits is false if the point
// cannot come now.
func (s *search) place(i int, st state) (at placed, next state, fits bool) {
	pt := s.points[i]
	at = placed{pt: i, file: pt.file}
	switch pt.kind {
	case cover:
		return at, st, true
	case effect:
		return s.takeEffect(at, st)
	}
	return at, st, s.fits(pt, s.view(pt.op, st))
}

// fits reports whether a view point may see this.
func (s *search) fits(pt point, seen state) bool {
	switch pt.kind {
	case nameView:
		entry := s.h.entry(seen, pt.name.name)
		for _, l := range pt.also {
			if l.types&typeOf(s.h.entry(seen, l.name)) == 0 {
				return false
			}
		}
		return pt.name.types&typeOf(entry) != 0 &&
			(pt.file == none || entry == pt.file) &&
			(!pt.sized || len(seen.words[pt.file]) == pt.from)
	case sizeView:
		size := len(seen.words[pt.file])
		return pt.from <= size && size <= pt.to
	case blockView:
		return holds(seen.words[pt.file], pt.from, pt.data)
	case wholeView:
		size := len(seen.words[pt.file])
		return pt.from <= size && size <= pt.to && holds(seen.words[pt.file], int(s.h.ops[pt.op].Off), pt.data)
	}
	return true
}

// takeEffect makes a change for all hosts.
func (s *search) takeEffect(at placed, st state) (_ placed, next state, fits bool) {
	i := s.points[at.pt].op
	o := s.h.ops[i]
	if changesData(o.Kind) {
		if s.lost(s.order)[s.h.files[at.file]] != 0 {
			return at, st, false // the file was never made
		}
		at.offset = s.g.offset[i]
		if s.h.rung == linear {
			at.offset = len(st.words[at.file])
		}
		return at, s.h.change(st, i, at.file, at.offset, 0), true
	}
	switch s.nameChange(st, o) {
	case refused:
		return at, st, false
	case nothingToDo:
		return at, st, true
	}
	if o.Kind == model.Rename {
		at.file = max(none, s.h.entry(st, o.Path))
	}
	return at, s.h.change(st, i, at.file, 0, 0), true
}

// reply is what a name change meets.
type reply uint8

const (
	refused reply = iota
	carriedOut
	nothingToDo
)

// nameChange is what name change o meets in st. At nothing-lost a delete that
// finds the name gone counts as done.
func (s *search) nameChange(st state, o model.Op) reply {
	switch {
	case s.h.permits(st, o):
		return carriedOut
	case s.h.rung == lossless && (o.Kind == model.Unlink || o.Kind == model.Rmdir) && s.h.entry(st, o.Path) == absent:
		return nothingToDo
	}
	return refused
}

// key is the situation as text: which points are done, and the shared state;
// with a cut to come, also the order of what it can touch, but for that of
// neighbouring views.
func (s *search) key(st state) string {
	var b []byte
	for _, done := range s.done {
		if done {
			b = append(b, 1)
		} else {
			b = append(b, 0)
		}
	}
	for _, entry := range st.names {
		b = binary.AppendVarint(b, int64(entry))
	}
	for _, words := range st.words {
		b = append(binary.AppendUvarint(b, uint64(len(words))), words...)
	}
	for _, pieces := range s.lost(s.order) {
		b = binary.AppendUvarint(b, uint64(pieces))
	}
	var views []int
	flush := func() {
		slices.Sort(views)
		for _, v := range views {
			b = binary.AppendUvarint(b, uint64(v))
		}
		views = views[:0]
	}
	for _, at := range s.order[s.firm():] {
		if s.points[at.pt].kind < effect {
			views = append(views, at.pt)
			continue
		}
		flush()
		b = binary.AppendUvarint(b, uint64(at.pt))
	}
	flush()
	return string(b)
}
