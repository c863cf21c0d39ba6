package brute

import "github.com/doublemount/doublemount/model"

// pieceSet is a set of the pieces of one change, the first as bit 0.
type pieceSet uint64

func (p pieceSet) has(piece int) bool { return piece < 64 && p&(1<<piece) != 0 }

// losses is for each operation the pieces of its change that cuts have undone.
type losses []pieceSet

// placed is a point in the order, and what was settled when it was placed.
type placed struct {
	pt     int
	offset int    // effect of an append: where it wrote
	file   int    // effect of a data change, or of a rename of a file: the file
	lost   losses // cut: all that is undone from here on
}

// lost is what is undone at the end of the order.
func (s *search) lost(order []placed) losses {
	for k := len(order) - 1; k >= 0; k-- {
		if order[k].lost != nil {
			return order[k].lost
		}
	}
	return make(losses, len(s.h.ops))
}

// whole reports whether lost has all of the change whose effect is at.
func (s *search) whole(lost losses, at placed) bool {
	op := s.points[at.pt].op
	n := s.h.pieces(op, at.offset)
	return lost[op] == 1<<n-1
}

// undos yields every set of changes that the cut at point c may undo after the
// order, as all that is undone then and the state that is left, until yield
// returns true.
func (s *search) undos(c int, yield func(losses, state) bool) bool {
	before := s.lost(s.order)
	type part struct {
		op    int
		piece pieceSet
	}
	var parts []part
	lasting := make([]bool, len(s.h.ops))
	for k, at := range s.order {
		pt := s.points[at.pt]
		if pt.kind != effect {
			continue
		}
		lasting[pt.op] = s.lasts(k, c)
		if !s.h.cuts(s.points[c].op, s.h.ops[pt.op].Host) || lasting[pt.op] {
			continue
		}
		for n := range s.h.pieces(pt.op, at.offset) {
			if piece := pieceSet(1) << n; before[pt.op]&piece == 0 {
				parts = append(parts, part{pt.op, piece})
			}
		}
	}
	for set := range 1 << len(parts) {
		lost := append(losses(nil), before...)
		for k, p := range parts {
			if set&(1<<k) != 0 {
				lost[p.op] |= p.piece
			}
		}
		if st, kept := s.without(lost, lasting, c); kept && yield(lost, st) {
			return true
		}
	}
	return false
}

// lasts reports whether the change whose effect is k-th in the order cannot be
// undone by the cut c: an event covers it, or it survived a cut before. What
// survived the crash of its host may still be in the disk's cache, so a power
// loss can undo it.
func (s *search) lasts(k, c int) bool {
	at := s.order[k]
	i := s.points[at.pt].op
	if s.followed(i, at.file) || s.h.secured(i) {
		return true
	}
	for _, later := range s.order[k+1:] {
		switch pt := s.points[later.pt]; pt.kind {
		case cover:
			if s.h.covers(pt.op, i, s.g, at.file) || s.h.promise.Durable == model.DurableClose && s.h.closes(pt.op, i) {
				return true
			}
		case cut:
			powerLoss := s.h.ops[s.points[c].op].Kind == model.PowerLoss
			if s.h.cuts(pt.op, s.h.ops[i].Host) && (!powerLoss || s.h.ops[pt.op].Kind == model.PowerLoss) {
				return true
			}
		}
	}
	return false
}

// followed reports whether change i, of which file is the file it moved, was
// followed by an event that makes it last.
func (s *search) followed(i, file int) bool {
	for j := range s.h.ops {
		if s.h.followedBy(i, j) && s.h.covers(j, i, s.g, file) {
			return true
		}
	}
	return false
}

// without is the state at the end of the order without what is in lost. kept is
// false if an operation in the order, other than what is in lost and the
// observations of the hosts that the cut c is of, does not keep its result.
func (s *search) without(lost losses, lasting []bool, c int) (st state, kept bool) {
	h := s.h
	hit := func(i int) bool { return h.cuts(s.points[c].op, h.ops[i].Host) }
	needed := make([]bool, len(s.points)) // lookups that surviving data changes rest on
	for _, at := range s.order {
		pt := s.points[at.pt]
		needed[at.pt] = needed[at.pt] || pt.kind == nameView && h.changes(pt.op) && changesData(h.ops[pt.op].Kind) && !hit(pt.op)
		if pt.kind != effect || !changesData(h.ops[pt.op].Kind) || s.whole(lost, at) {
			continue
		}
		if lost[h.files[at.file]] != 0 {
			return st, false
		}
		if lasting[pt.op] || !hit(pt.op) {
			for _, l := range s.found(h, pt.op) {
				needed[l] = true
			}
		}
	}
	st = h.blank()
	effective := make([]bool, len(h.ops))
	seen := map[int][]sight{}
	for k, at := range s.order {
		pt := s.points[at.pt]
		switch pt.kind {
		case effect:
			effective[pt.op] = true
			if st, kept = s.redo(at, st, lost); !kept {
				return st, false
			}
		case cut:
			if st, kept = s.redoAll(s.order[:k], union(lost, at.lost)); !kept {
				return st, false
			}
		case nameView, sizeView, blockView, wholeView:
			observes := h.observes(pt.op) && !hit(pt.op)
			if !observes && !needed[at.pt] {
				continue
			}
			view := s.viewWithout(pt.op, st, effective, lost)
			if pt.kind == nameView && observes {
				seen[pt.op] = append(seen[pt.op], sight{at.pt, view})
			} else if !s.fits(pt, view) {
				return st, false
			}
		}
	}
	for i := range h.ops {
		if len(seen[i]) > 0 && !s.explained(i, seen[i], needed) {
			return st, false
		}
	}
	return st, true
}

// redo makes an effect again, but for what is in lost.
func (s *search) redo(at placed, st state, lost losses) (next state, kept bool) {
	i := s.points[at.pt].op
	if s.whole(lost, at) {
		return st, true
	}
	if !changesData(s.h.ops[i].Kind) {
		switch s.nameChange(st, s.h.ops[i]) {
		case refused:
			return st, false
		case nothingToDo:
			return st, true
		}
	}
	return s.h.change(st, i, at.file, at.offset, lost[i]), true
}

// redoAll is the state that an order leaves but for what is in lost.
func (s *search) redoAll(order []placed, lost losses) (st state, kept bool) {
	st = s.h.blank()
	for _, at := range order {
		if s.points[at.pt].kind != effect {
			continue
		}
		if st, kept = s.redo(at, st, lost); !kept {
			return st, false
		}
	}
	return st, true
}

func union(a, b losses) losses {
	all := append(losses(nil), a...)
	for i, pieces := range b {
		all[i] |= pieces
	}
	return all
}

// viewWithout is st as operation i sees it, as [search.view], in an order in
// which the operations in lost were never called.
func (s *search) viewWithout(i int, st state, effective []bool, lost losses) state {
	for _, c := range s.own[i] {
		if !effective[c] && lost[c] == 0 {
			st = s.h.change(st, c, s.h.fileOf(c, s.g), s.g.offset[c], 0)
		}
	}
	return st
}

// sight is what an observation saw at one of its points.
type sight struct {
	pt   int
	view state
}

// explained reports whether what observation i saw explains its answer, for the
// cause guessed or for another one. Of a name that it did not ask about, any of
// its points may tell.
func (s *search) explained(i int, seen []sight, needed []bool) bool {
	all := true
	for _, at := range seen {
		all = all && s.fits(s.points[at.pt], at.view)
	}
	if all || len(seen) < len(s.lookups[i]) || s.h.snapshot(i) {
		return all
	}
	for _, at := range seen {
		if needed[at.pt] {
			return false
		}
	}
	for _, cause := range s.h.causes(s.h.ops[i]) {
		fits := true
		for _, l := range cause {
			fits = fits && s.sees(l, i, seen)
		}
		if fits {
			return true
		}
	}
	return false
}

// sees reports whether observation i can have seen l.
func (s *search) sees(l look, i int, seen []sight) bool {
	asked := false
	for _, at := range seen {
		asked = asked || s.points[at.pt].name.name == l.name
	}
	for _, at := range seen {
		pt := s.points[at.pt]
		if asked && pt.name.name != l.name {
			continue
		}
		pt.name = l
		if l.name != s.h.ops[i].Path {
			pt.file, pt.sized = none, false
		}
		if s.fits(pt, at.view) {
			return true
		}
	}
	return false
}
