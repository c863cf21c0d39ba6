package checker

import (
	"math/bits"
	"slices"

	"github.com/doublemount/doublemount/model"
)

// loss is one thing that a crash may undo: a change, or one block of a write.
type loss struct {
	op   int
	part uint8
	late bool // by a power loss after the crash
}

// maxLosses is how many losses a set is made of, and maxGuesses how many sets are
// tried.
const (
	maxLosses  = 63
	maxGuesses = 2048
)

// guessed is a set of losses that did not explain everything.
type guessed struct {
	set  uint64
	came int // how many moments the search came to
	next int // the next loss to try otherwise
}

// findLosses lists what crashes may undo; false if that is nothing.
//
// Left out is what cannot have been undone: words that another host saw (then its
// result depended on them, or it saw them after the crash), or that anyone saw
// after it, and what an fsync is known to cover. Of the others those that must have
// been undone are forced, and those that it makes no difference to keep are kept
// (sieve.go).
func (c *component) findLosses() bool {
	c.losses = c.losses[:0]
	if !c.endings || c.tooLarge {
		return false
	}
	for _, i := range c.ops {
		op, in := &c.history[i], &c.info[i]
		if in.crash < 0 || !op.Kind.Changes() || !c.made(i) || op.Kind == model.Write && failed(op) || c.lasts(i) != model.Never && !c.forgotten(i) || c.surelySynced(i) {
			continue
		}
		parts := c.parts(i)
		for part := uint8(0); parts>>part != 0; part++ {
			if op.Kind != model.Write || !c.survived(i, int(part)) {
				c.losses = append(c.losses, loss{op: i, part: part})
			}
			if in.late >= 0 {
				c.losses = append(c.losses, loss{op: i, part: part, late: true})
			}
		}
	}
	if len(c.losses) == 0 {
		return false
	}
	c.sieve()
	return true
}

// after reports whether operation j is of a mount that began after the crash that
// ended the life of operation i.
func (c *component) after(j, i int) bool {
	return c.info[j].mount > c.history[c.info[i].crash].Call && c.history[j].Call > c.history[c.info[i].crash].Call
}

// survived reports whether a read shows that a block of write i was not undone.
func (c *component) survived(i, part int) bool {
	w := &c.history[i]
	alone := c.history[c.info[i].crash].Kind != model.PowerLoss
	for _, j := range c.ops {
		r := &c.history[j]
		if r.Kind != model.Read || !r.Succeeded() || c.skip[j] || c.info[j].cut || c.g.FinalOnly && r.Host != model.Final || !(c.after(j, i) || alone && r.Host != w.Host) {
			continue
		}
		for at, word := range r.Result.Data {
			if word == w.Data && (int(r.Off)+at)/model.WordsPerBlock-int(w.Off)/model.WordsPerBlock == part {
				return true
			}
		}
	}
	return false
}

// guess tries what crashes may have undone, the likeliest first: what observations
// after the crash suggest, all, and then always another thing otherwise in the set
// with which the search came furthest, until no set is left. answer is that of
// nothing undone.
func (c *component) guess(answer model.Outcome) model.Outcome {
	n := min(len(c.losses), maxLosses)
	all := uint64(1)<<n - 1
	known := map[uint64]bool{}
	c.tried = c.tried[:0]
	try := func(set uint64) bool {
		if known[set] || c.needless(set) {
			return false
		}
		known[set] = true
		c.guesses++
		if c.g.Ordered && !c.suffix(set) {
			// No such crash, but others are found from it.
		} else if set != 0 || len(c.forced) > 0 { // else it has been tried
			switch c.decideSet(set) {
			case model.Held:
				return true
			case model.Inconclusive:
				answer = model.Inconclusive
			}
		}
		c.tried = append(c.tried, guessed{set: set, came: c.came})
		return false
	}
	if try(0) || try(c.needed(c.hint())) || try(all) {
		return model.Held
	}
	for len(c.tried) > 0 {
		if c.steps > c.limit || len(known) > maxGuesses {
			return model.Inconclusive
		}
		best := 0
		for k := range c.tried {
			if c.tried[k].came > c.tried[best].came {
				best = k
			}
		}
		g := &c.tried[best]
		if g.next == moves*n {
			c.tried = slices.Delete(c.tried, best, best+1)
			continue
		}
		g.next++
		if try(c.needed(c.otherwise(g.set, g.next-1, n))) {
			return model.Held
		}
	}
	if len(c.losses) > n {
		return model.Inconclusive
	}
	return answer
}

// suffix reports whether of the changes of names that one host made before a crash
// the last are in a set, and none before them.
func (c *component) suffix(set uint64) bool {
	for k, l := range c.losses {
		if k >= maxLosses || set>>k&1 == 0 || c.history[l.op].Kind.TakesData() {
			continue
		}
		for _, i := range c.ops {
			op := &c.history[i]
			if !op.Kind.Changes() || op.Kind.TakesData() || !c.made(i) || c.info[i].crash != c.info[l.op].crash || !c.before(l.op, i) {
				continue
			}
			if j := slices.Index(c.losses, loss{op: i, late: l.late}); j < 0 || j >= maxLosses || set>>j&1 == 0 {
				return false
			}
		}
	}
	return true
}

// moves is in how many ways one thing can be otherwise in a set.
const moves = 3

// otherwise is a set with one thing otherwise: from a loss on, its crash undoes all
// changes of names and none before, as one does that loses the end of a journal; or
// all changes; or just that loss is one or is not.
func (c *component) otherwise(set uint64, move, n int) uint64 {
	k := move % n
	l := c.losses[k]
	if move >= 2*n {
		return set ^ 1<<k
	}
	for i, o := range c.losses[:n] {
		switch {
		case c.info[o.op].crash != c.info[l.op].crash || o.late != l.late || move < n && c.history[o.op].Kind.TakesData():
		case i < k:
			set &^= 1 << i
		default:
			set |= 1 << i
		}
	}
	return set
}

// decideSet is decideGuess with a set of losses, and those that are forced.
func (c *component) decideSet(set uint64) model.Outcome {
	clear(c.undone)
	for _, l := range c.forced {
		c.undo(l)
	}
	for ; set != 0; set &= set - 1 {
		c.undo(c.losses[bits.TrailingZeros64(set)])
	}
	c.guessed = true
	defer func() { c.guessed = false }()
	return c.decideGuess()
}

func (c *component) undo(l loss) {
	at := l.op
	if l.late {
		at += len(c.history)
	}
	c.undone[at] |= 1 << l.part
}

// hint is the set of losses that what was observed after the crash suggests.
func (c *component) hint() (set uint64) {
	for k, l := range c.losses {
		if k < maxLosses && !l.late && c.looksLost(l) {
			set |= 1 << k
		}
	}
	return set
}

func (c *component) looksLost(l loss) bool {
	op := &c.history[l.op]
	if op.Kind.TakesData() {
		return c.looksUnwritten(l)
	}
	name, there := op.Path, op.Kind == model.Create || op.Kind == model.Mkdir
	if op.Kind.TwoPaths() {
		name, there = op.To, true
	}
	for _, j := range c.ops {
		if !c.after(j, l.op) || c.skip[j] {
			continue
		}
		if is, known := standing(&c.history[j], name); known {
			return is != there
		}
	}
	return false
}

// standing is what the answer of op says of a name: that it is there or is not, if
// it says that.
func standing(op *model.Op, name model.Path) (is, known bool) {
	switch {
	case op.Skipped || op.Pending():
	case op.Kind == model.Readdir && op.Result.Errno == model.OK && op.Path == name.Parent():
		return slices.Contains(op.Result.Names, name.Name()), true
	case op.Path != name || op.File != 0 && op.Kind != model.Open:
	case op.Kind == model.Create || op.Kind == model.Mkdir:
		return op.Result.Errno != model.OK, true
	default:
		return op.Result.Errno != model.ENOENT, true
	}
	return false, false
}

// looksUnwritten reports whether what is seen after the crash of where a block of a
// write should be does not show it, nor a later write.
func (c *component) looksUnwritten(l loss) bool {
	op := &c.history[l.op]
	path := c.pathOf(l.op)
	from := (int(op.Off)/model.WordsPerBlock + int(l.part)) * model.WordsPerBlock
	for _, j := range c.ops {
		r := &c.history[j]
		if !c.after(j, l.op) || c.skip[j] || !c.sameFileAt(c.pathOf(j), path) {
			continue
		}
		if op.Kind == model.Write {
			if end, ok := observedEnd(r); ok && end <= from {
				return !c.shortened(l.op, end)
			}
		}
		switch {
		case r.Kind == model.Read && r.Succeeded():
			if slices.Contains(r.Result.Data, op.Data) && op.Kind != model.Write {
				return false
			}
			if op.Kind != model.Write {
				return op.Kind == model.Truncate || !c.shortened(l.op, int(r.Off+r.Len))
			}
			for w := max(from, int(op.Off)); w < min(from+model.WordsPerBlock, int(op.Off+op.Len)); w++ {
				if at := w - int(r.Off); at >= 0 && at < len(r.Result.Data) {
					x := c.writer(r.Result.Data[at])
					return x < l.op // it shows a hole or an earlier one
				}
			}
		case r.Kind == model.Stat && r.Succeeded() && r.Result.Size == 0:
			return true
		case r.Path == path && r.Result.Errno == model.ENOENT:
			return true
		}
	}
	return false
}

// shortened reports whether a truncate to at most so many words came after change i
// in its life.
func (c *component) shortened(i, end int) bool {
	for _, j := range c.ops {
		op := &c.history[j]
		if op.Kind == model.Truncate && op.Succeeded() && int(op.Len) <= end && c.before(i, j) && c.info[j].life == c.info[i].life {
			return true
		}
	}
	return false
}
