package brute

import (
	"encoding/binary"
	"math"

	"github.com/doublemount/doublemount/model"
)

// search looks for an order of the points of one plan.
type search struct {
	h *history
	g guess
	*plan
	done  []bool
	own   [][]int             // for each operation the changes that its views have on top
	dead  map[string]struct{} // situations that led nowhere
	quick bool
}

func newSearch(h *history, g guess, quick bool) *search {
	s := &search{h: h, g: g, plan: newPlan(h, g), quick: quick, own: make([][]int, len(h.ops))}
	s.done = make([]bool, len(s.points))
	for i := range h.ops {
		s.own[i] = h.overlaid(i)
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
		next, fits := s.place(pt, st)
		if !fits {
			continue
		}
		s.done[i] = true
		if s.run(next) {
			return true
		}
		s.done[i] = false
		if s.quick && pt.kind != effect && len(s.watches) == 0 {
			break // taking a view that fits can have spoilt nothing
		}
	}
	if s.quick {
		s.dead[key] = struct{}{}
	}
	return false
}

// required reports whether a point has to be placed: a view of a pending
// change has to be once the change took effect.
func (s *search) required(pt point) bool {
	if pt.must || pt.kind == effect {
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
	return true
}

// view is st as operation i sees it: with its host's own changes on top that
// have not taken effect.
func (s *search) view(i int, st state) state {
	for _, c := range s.own[i] {
		if e := s.effects[c]; e == none || !s.done[e] {
			st = s.h.change(st, c, s.h.fileOf(c, s.g), s.g.offset[c])
		}
	}
	return st
}

// place is the state after pt; fits is false if pt cannot come now.
func (s *search) place(pt point, st state) (next state, fits bool) {
	if pt.kind == effect {
		return s.takeEffect(pt, st)
	}
	seen := s.view(pt.op, st)
	switch pt.kind {
	case nameView:
		entry := s.h.entry(seen, pt.name.name)
		fits = pt.name.types&typeOf(entry) != 0 &&
			(pt.file == none || entry == pt.file) &&
			(!pt.sized || len(seen.words[pt.file]) == pt.from)
	case sizeView:
		size := len(seen.words[pt.file])
		fits = pt.from <= size && size <= pt.to
	case blockView:
		fits = holds(seen.words[pt.file], pt.from, pt.data)
	case wholeView:
		size := len(seen.words[pt.file])
		fits = pt.from <= size && size <= pt.to && holds(seen.words[pt.file], int(s.h.ops[pt.op].Off), pt.data)
	}
	return st, fits
}

// takeEffect makes a change for all hosts. At nothing-lost a delete that finds
// the name gone counts as done.
func (s *search) takeEffect(pt point, st state) (next state, fits bool) {
	o := s.h.ops[pt.op]
	if changesData(o.Kind) {
		offset := s.g.offset[pt.op]
		if s.h.rung == linear {
			offset = len(st.words[pt.file])
		}
		return s.h.change(st, pt.op, pt.file, offset), true
	}
	if s.h.permits(st, o) {
		return s.h.change(st, pt.op, none, 0), true
	}
	gone := s.h.entry(st, o.Path) == absent
	return st, s.h.rung == lossless && gone && (o.Kind == model.Unlink || o.Kind == model.Rmdir)
}

// key is the situation as text: which points are done, and the shared state.
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
	return string(b)
}
