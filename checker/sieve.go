package checker

import (
	"slices"

	"github.com/doublemount/doublemount/model"
)

// What crashes undid is known in part before any order is tried. That leaves fewer
// sets to try, and takes no explanation away: each rule here says that where a set
// explains a history, one that obeys the rule does, too.
//
// The rules but the first are about writes to a file that nothing truncates, where
// it is known which file that is. Such a file never becomes shorter, and nothing
// that was written in it becomes a hole or an earlier write, but by a loss. That a
// write need not have had any effect (nothing published it) makes no difference:
// then it can as well have been undone.

// dominance is a loss that makes no difference where none of others is lost.
type dominance struct {
	loss   int
	others uint64
}

// surelySynced reports whether an fsync covers change i whatever the order is: of
// its name, of the handle that it went through, or of the one file that it can be of.
func (c *component) surelySynced(i int) bool {
	op := &c.history[i]
	if c.info[i].open || c.pending[i] || c.forgotten(i) {
		return false
	}
	for _, j := range c.ops {
		p := &c.history[j]
		if p.Kind != model.Fsync || !p.Succeeded() || c.info[j].cut || !c.before(i, j) || c.info[j].life != c.info[i].life {
			continue
		}
		if op.Kind.TakesData() {
			same := c.info[i].opener >= 0 && c.info[i].opener == c.info[j].opener
			if same || !c.g.FinalOnly && c.onlyFile(i) > 0 && c.onlyFile(i) == c.onlyFile(j) {
				return true
			}
		} else if n := c.nameNow(j); n >= 0 && (c.names[n] == op.Path && op.Kind != model.Link || c.names[n] == op.To) {
			return true
		}
	}
	return false
}

// sieve sorts the losses: those that must be go into forced, and those that never
// make a difference are dropped. Those that make none where others are not lost are
// noted in keeps.
func (c *component) sieve() {
	c.forced, c.keeps = c.forced[:0], c.keeps[:0]
	for _, i := range c.ops {
		if c.history[i].Kind == model.Truncate && c.made(i) {
			return
		}
	}
	kept := c.losses[:0]
	for _, l := range c.losses {
		switch {
		case !l.late && c.surelyLost(l):
			c.forced = append(c.forced, l)
		case l.late && slices.Contains(c.forced, loss{op: l.op, part: l.part}):
		default:
			kept = append(kept, l)
		}
	}
	c.losses = kept
	c.dropped = append(c.dropped[:0], c.losses...)
	c.losses = slices.DeleteFunc(c.losses, func(l loss) bool {
		return c.hiders(l, c.dropped, func(others uint64) bool { return others == 0 })
	})
	for k, l := range c.losses {
		c.hiders(l, c.losses, func(others uint64) bool {
			c.keeps = append(c.keeps, dominance{k, others})
			return false
		})
	}
}

// needless reports whether a set has a loss that makes no difference, so that
// another set says the same.
func (c *component) needless(set uint64) bool { return c.needed(set) != set }

// needed is a set without the losses that make no difference.
func (c *component) needed(set uint64) uint64 {
	for _, d := range c.keeps {
		if set&d.others == 0 {
			set &^= 1 << d.loss
		}
	}
	return set
}

// wrote reports whether operation i is a write that has succeeded, to a file that
// is known; file is that.
func (c *component) wrote(i int) (file int, ok bool) {
	op := &c.history[i]
	if op.Kind != model.Write || !op.Succeeded() || c.info[i].open || c.info[i].cut || c.info[i].zombie || c.pending[i] {
		return 0, false
	}
	file = c.onlyFile(i)
	return file, file > 0
}

// onlyFile is the file that alone can be found at the name that operation i uses, 0
// if there are others or none.
func (c *component) onlyFile(i int) int {
	n := c.nameIndex(c.pathOf(i), false)
	if n < 0 {
		return 0
	}
	if f := c.onlyAt(n); c.nodes[f] == model.File {
		return f
	}
	return 0
}

// surelyLost reports whether what was seen after the crash shows that a block of a
// write is not there.
func (c *component) surelyLost(l loss) bool {
	file, ok := c.wrote(l.op)
	if !ok || l.part == maxParts-1 {
		return false
	}
	w, in := &c.history[l.op], &c.info[l.op]
	first, end := block(w, l.part)
	for _, j := range c.ops {
		r := &c.history[j]
		switch {
		case r.Kind != model.Read && r.Kind != model.Stat, !r.Succeeded(), c.skip[j], c.info[j].cut, c.info[j].zombie,
			c.g.FinalOnly && r.Host != model.Final, !c.after(j, l.op), in.late >= 0 && r.Return >= c.history[in.late].Call, c.onlyFile(j) != file:
			continue
		}
		if size, ok := observedEnd(r); ok && size <= first {
			return true
		}
		if r.Kind != model.Read {
			continue
		}
		for word := max(first, int(r.Off)); word < min(end, int(r.Off)+len(r.Result.Data)); word++ {
			if c.older(r.Result.Data[word-int(r.Off)], l.op) {
				return true
			}
		}
	}
	return false
}

// older reports whether a word of number x, a hole or of another write, was there
// before write i was called, in every order.
func (c *component) older(x byte, i int) bool {
	if x == model.Hole {
		return true
	}
	found := -1
	for j := range c.history {
		if op := &c.history[j]; op.Data != x || op.Skipped {
			continue
		}
		if found >= 0 {
			return false
		}
		found = j
	}
	if found < 0 {
		return false
	}
	if _, ok := c.wrote(found); !ok {
		return false
	}
	return c.before(found, i) && c.info[found].life == c.info[i].life || c.atomic() && c.history[found].Return < c.history[i].Call
}

// observedEnd is where a file ended at the latest, in words, if op tells.
func observedEnd(op *model.Op) (end int, ok bool) {
	switch {
	case op.Kind == model.Stat && op.Succeeded() && op.Result.Type == model.File:
		return int(op.Result.Size), true
	case op.Kind == model.Read && op.Succeeded() && len(op.Result.Data) < int(op.Len):
		return int(op.Off) + len(op.Result.Data), true
	}
	return 0, false
}

// block is which words a part of a write is.
func block(op *model.Op, part uint8) (first, end int) {
	first = (int(op.Off)/model.WordsPerBlock + int(part)) * model.WordsPerBlock
	end = min(first+model.WordsPerBlock, int(op.Off)+int(op.Result.Size))
	return max(first, int(op.Off)), end
}

// hiders calls found for each later write that hides all of a loss, with those of
// the losses that take it away, until found returns true, and returns that.
func (c *component) hiders(l loss, losses []loss, found func(others uint64) bool) bool {
	file, ok := c.wrote(l.op)
	if !ok || l.part == maxParts-1 {
		return false
	}
	first, end := block(&c.history[l.op], l.part)
	for _, i := range c.ops {
		f, ok := c.wrote(i)
		if !ok || f != file || !c.before(l.op, i) || c.info[i].life != c.info[l.op].life {
			continue
		}
		w := &c.history[i]
		if first < int(w.Off) || end > int(w.Off)+int(w.Result.Size) {
			continue
		}
		part := first/model.WordsPerBlock - int(w.Off)/model.WordsPerBlock
		if part >= maxParts-1 || slices.Contains(c.forced, loss{op: i, part: uint8(part)}) {
			continue
		}
		others := uint64(0)
		for k, o := range losses {
			if o.op == i && int(o.part) == part {
				if k >= maxLosses {
					return false
				}
				others |= 1 << k
			}
		}
		if found(others) {
			return true
		}
	}
	return false
}
