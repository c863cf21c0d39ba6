package brute

import (
	"math"
	"slices"

	"github.com/doublemount/doublemount/model"
)

// point is one moment that an order must place: a view of one thing by a host,
// or the effect of a change.
type point struct {
	kind  pointKind
	op    int
	lo    int64 // not before this time
	hi    int64 // not after this time
	must  bool  // has to be placed; else it may be left out
	first []int // the points that come before this one
	until int   // the cut that it comes before, if at all, or none

	name  look   // nameView
	also  []look // nameView: more of them, at the same point
	file  int    // the file found, or none for any; sizeView, blockView, wholeView: the file
	from  int    // sizeView: least size; blockView, wholeView: the first word
	to    int    // sizeView: largest size
	data  []byte
	sized bool // nameView: from is the size that the file has
}

type pointKind uint8

const (
	nameView  pointKind = iota // the name is as answered
	sizeView                   // the file's size is in a range
	blockView                  // words of one block are as answered
	wholeView                  // a read at linearizable: size and all blocks
	effect                     // the change is made
	cover                      // an fsync, sync or unmount: what took effect before lasts
	cut                        // a crash, fence or power loss
)

// watch is a lookup that the guess says never could find a file.
type watch struct {
	op     int
	name   model.Path
	lo, hi int64
}

// plan is all points of a history under one guess.
type plan struct {
	points  []point
	watches []watch
	effects []int   // for each operation its effect point, or none
	lookups [][]int // for each operation its nameViews

	impossible bool // an acknowledged change has no file
}

func newPlan(h *history, g guess) *plan {
	p := &plan{effects: make([]int, len(h.ops)), lookups: make([][]int, len(h.ops))}
	for i := range h.ops {
		p.effects[i] = none
	}
	cuts := p.addCuts(h)
	for i := range h.ops {
		switch {
		case h.changes(i):
			p.addChange(h, g, i)
		case h.observes(i):
			p.addObservation(h, g, i)
		case h.onlyBinds(i):
			p.addBinding(h, g, i)
		}
	}
	p.orderChanges(h, g)
	p.orderViews(h)
	for _, e := range p.effects {
		if e != none && h.end[p.points[e].op] != none {
			p.points[e].until = cuts[h.end[p.points[e].op]]
		}
	}
	return p
}

// addCuts adds the crashes, fences and power losses, and before them what makes
// changes last: an fsync by any host, a sync or an unmount that overlaps a change
// of its host. A sync after a change needs no point.
func (p *plan) addCuts(h *history) (cuts []int) {
	cuts = make([]int, len(h.ops))
	last := int64(math.MinInt64)
	for i, o := range h.ops {
		if h.cuts(i, o.Host) {
			cuts[i] = p.add(point{kind: cut, op: i, lo: o.Call, hi: o.Return, must: !o.Pending(), file: none})
			last = o.Call
		}
	}
	for i, e := range h.ops {
		if !e.Succeeded() || e.Call > last {
			continue
		}
		covers := e.Kind == model.Fsync
		for j, c := range h.ops {
			overlap := c.Host == e.Host && h.changes(j) && c.Call < e.Return && c.Return > e.Call
			covers = covers || overlap && (e.Kind == model.Sync || e.Kind == model.Unmount ||
				h.promise.Durable == model.DurableClose && h.closes(i, j))
		}
		if covers {
			p.add(point{kind: cover, op: i, lo: e.Call, hi: e.Return, must: true, file: none})
		}
	}
	return cuts
}

func (p *plan) add(pt point) int {
	pt.until = none
	p.points = append(p.points, pt)
	return len(p.points) - 1
}

// view is a view point of operation i in its window.
func (h *history) view(i int, kind pointKind) point {
	o := h.ops[i]
	return point{kind: kind, op: i, lo: h.refresh(i, kind != nameView), hi: o.Return, must: !o.Pending(), file: none}
}

// addLookups adds a nameView for each look; the one at the operation's own path
// finds the guessed file, of the size that a stat answered.
func (p *plan) addLookups(h *history, g guess, i int, looks []look) {
	o := h.ops[i]
	for k, l := range looks {
		pt := h.view(i, nameView)
		pt.name = l
		if h.snapshot(i) && !o.Path.Below(l.name) {
			pt.also = looks[k+1:]
			p.lookups[i] = append(p.lookups[i], p.add(pt))
			return
		}
		if l.name == o.Path {
			pt.file = g.file[i]
			pt.sized = o.Kind == model.Stat && pt.file != none
			pt.from = int(o.Result.Size)
		}
		p.lookups[i] = append(p.lookups[i], p.add(pt))
	}
}

// snapshot reports whether operation i is a listing that saw its directory and all
// names in it at one point.
func (h *history) snapshot(i int) bool {
	return h.promise.StrictReaddir && h.ops[i].Kind == model.Readdir && h.ops[i].Succeeded()
}

// found is the lookups that operation i's data comes after: its own, or those
// of the open of its handle.
func (p *plan) found(h *history, i int) []int {
	if h.slot[i] != none {
		return p.lookups[h.slot[i]]
	}
	return p.lookups[i]
}

// addChange adds the views of change i, as far as the rung judges them, and its
// effect. A pending change that never could find its file gets no points.
func (p *plan) addChange(h *history, g guess, i int) {
	o := h.ops[i]
	data := changesData(o.Kind)
	if data && h.fileOf(i, g) == none {
		_, must := h.publish(i, g) // a handle whose open found nothing
		p.impossible = p.impossible || must
		return
	}
	o.Result.Errno = model.OK // of a pending change: had it succeeded
	if h.rung == viewed && o.Kind.TwoPaths() {
		possible := h.causes(o)
		if len(possible) == 0 || o.Kind == model.Link && g.file[i] == none {
			return // only a pending one can come here
		}
		if !finds(possible[g.cause[i]], o.Path, g.file[i]) {
			p.impossible = true
			return
		}
		p.addLookups(h, g, i, possible[g.cause[i]])
	}
	switch {
	case h.rung == lossless && data && o.Path != "":
		p.addLookups(h, g, i, []look{{o.Path, only(model.File)}})
	case o.Kind.TwoPaths():
	case h.rung == viewed && o.Path != "", h.rung == linear && data && o.Path != "":
		p.addLookups(h, g, i, h.causes(o)[0])
	}
	var views []int
	if o.Kind == model.Append && h.rung != linear {
		pt := h.view(i, sizeView)
		pt.file, pt.from, pt.to = h.fileOf(i, g), g.offset[i], g.offset[i]
		pt.first = p.found(h, i)
		views = append(views, p.add(pt))
	}
	pt := point{kind: effect, op: i, lo: o.Call, file: none}
	pt.hi, pt.must = h.publish(i, g)
	if data {
		pt.file = h.fileOf(i, g)
	}
	pt.first = append(views, p.found(h, i)...)
	p.effects[i] = p.add(pt)
}

// finds reports whether looks allow that there is file, or for none a directory,
// at p.
func finds(looks []look, p model.Path, file int) bool {
	want := only(model.File)
	if file == none {
		want = only(model.Dir)
	}
	return slices.ContainsFunc(looks, func(l look) bool { return l.name == p && l.types&want != 0 })
}

// addObservation adds the views of observation i.
func (p *plan) addObservation(h *history, g guess, i int) {
	o := h.ops[i]
	if o.Path != "" {
		p.addLookups(h, g, i, h.causes(o)[g.cause[i]])
	}
	if o.Kind != model.Read || o.Result.Errno != model.OK {
		return
	}
	view := func(kind pointKind) point {
		pt := h.view(i, kind)
		pt.file, pt.first = h.fileOf(i, g), p.found(h, i)
		return pt
	}
	off, got, asked := int(o.Off), len(o.Result.Data), int(o.Len)
	size := view(sizeView)
	size.from, size.to = off+got, off+got
	if got == 0 {
		size.from = 0
	}
	if got == asked {
		size.to = math.MaxInt
	}
	if h.rung == linear {
		size.kind, size.data = wholeView, o.Result.Data
		p.add(size)
		return
	}
	p.add(size)
	for from := off; from < off+got; {
		to := min(from-from%model.WordsPerBlock+model.WordsPerBlock, off+got)
		block := view(blockView)
		block.from, block.data = from, o.Result.Data[from-off:to-off]
		p.add(block)
		from = to
	}
}

// addBinding adds the lookup of an operation that is not judged, or watches
// that it could not find anything.
func (p *plan) addBinding(h *history, g guess, i int) {
	o := h.ops[i]
	if g.file[i] == none {
		p.watches = append(p.watches, watch{op: i, name: o.Path, lo: h.refresh(i, false), hi: o.Return})
		return
	}
	p.addLookups(h, g, i, []look{{o.Path, only(model.File)}})
}

// orderChanges orders the effects of one host on the same thing, between two
// cuts; a cut orders what is on its two sides.
func (p *plan) orderChanges(h *history, g guess) {
	for j, second := range p.effects {
		for i, first := range p.effects[:j] {
			a, b := h.ops[i], h.ops[j]
			if first != none && second != none && a.Host == b.Host && a.Return < b.Call && h.end[i] == h.end[j] && h.conflict(i, j, g) {
				p.points[second].first = append(p.points[second].first, first)
			}
		}
	}
}

// conflict reports whether two changes are of the same name, or of the same
// block or the size of one file.
func (h *history) conflict(i, j int, g guess) bool {
	a, b := h.ops[i], h.ops[j]
	if changesData(a.Kind) != changesData(b.Kind) {
		return false
	}
	if !changesData(a.Kind) {
		return sharesName(a, b) || sharesName(b, a)
	}
	if h.fileOf(i, g) != h.fileOf(j, g) {
		return false
	}
	if a.Kind != model.Write || b.Kind != model.Write {
		return true
	}
	const w = model.WordsPerBlock
	aFrom, aTo := int(a.Off)/w, (int(a.Off)+written(a)+w-1)/w
	bFrom, bTo := int(b.Off)/w, (int(b.Off)+written(b)+w-1)/w
	return aFrom < bTo && bFrom < aTo
}

// sharesName reports whether name change b is of a name of a, or of one below a
// name that a may carry along.
func sharesName(a, b model.Op) bool {
	for _, p := range []model.Path{a.Path, a.To} {
		for _, q := range []model.Path{b.Path, b.To} {
			if p != "" && q != "" && (p == q || a.Kind == model.Rename && q.Below(p)) {
				return true
			}
		}
	}
	return false
}

// orderViews orders the judged views of one host of the same thing. At
// linearizable their windows do that. At nothing-lost only Final's are judged.
func (p *plan) orderViews(h *history) {
	if h.rung == linear {
		return
	}
	for j := range p.points {
		for i := range p.points {
			a, b := h.ops[p.points[i].op], h.ops[p.points[j].op]
			if p.points[i].kind >= effect || p.points[j].kind >= effect || a.Host != b.Host || a.Return >= b.Call {
				continue
			}
			if h.rung == lossless && a.Host != model.Final {
				continue
			}
			if sameThing(p.points[i], p.points[j]) {
				p.points[j].first = append(p.points[j].first, i)
			}
		}
	}
}

// names is all that a nameView is of.
func (pt point) names() []look { return append([]look{pt.name}, pt.also...) }

// sameThing reports whether two views are of one name, one size or one block.
// A stat sees name and size in one view.
func sameThing(a, b point) bool {
	switch {
	case a.kind == nameView && b.kind == nameView:
		return slices.ContainsFunc(a.names(), func(l look) bool {
			return slices.ContainsFunc(b.names(), func(other look) bool { return l.name == other.name })
		})
	case a.kind == blockView && b.kind == blockView:
		return a.file == b.file && a.from/model.WordsPerBlock == b.from/model.WordsPerBlock
	case a.kind == blockView || b.kind == blockView:
		return false
	}
	aSize, bSize := a.kind == sizeView || a.sized, b.kind == sizeView || b.sized
	return aSize && bSize && a.file == b.file
}
