package checker

import (
	"slices"

	"github.com/doublemount/doublemount/model"
)

// loss is one thing that a crash may undo: a change, or one block of a write.
type loss struct {
	op   int
	part uint8
	late bool // by a power loss after the crash
}

// maxLosses is how many losses there can be for every set of them to be tried.
const maxLosses = 10

// findLosses lists what crashes may undo; false if that is nothing.
//
// Left out is what cannot have been undone: words that another host saw (then its
// result depended on them, or it saw them after the crash), or that anyone saw
// after it.
func (c *component) findLosses() bool {
	c.losses = c.losses[:0]
	if !c.endings {
		return false
	}
	for _, i := range c.ops {
		op, in := &c.history[i], &c.info[i]
		if in.crash < 0 || !op.Kind.Changes() || !c.made(i) || op.Kind == model.Write && failed(op) || in.sync != model.Never && !c.forgotten(i) {
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
	return len(c.losses) > 0
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
// after the crash say, then that with one thing otherwise, then every set. answer
// is that of nothing undone.
func (c *component) guess(answer model.Outcome) model.Outcome {
	n := len(c.losses)
	hint := c.hint()
	all := uint64(1)<<min(n, 63) - 1
	try := func(set uint64) bool {
		if set == 0 {
			return false
		}
		clear(c.undone)
		for k, l := range c.losses[:min(n, 63)] {
			if set>>k&1 != 0 {
				at := l.op
				if l.late {
					at += len(c.history)
				}
				c.undone[at] |= 1 << l.part
			}
		}
		c.guessed = true
		defer func() { c.guessed = false }()
		switch c.decideGuess() {
		case model.Held:
			return true
		case model.Inconclusive:
			answer = model.Inconclusive
		}
		return false
	}
	if try(hint) || hint != all && try(all) {
		return model.Held
	}
	if n > maxLosses {
		for k := range min(n, 63) {
			if c.steps <= c.limit && try(hint^1<<k) {
				return model.Held
			}
		}
		return model.Inconclusive
	}
	for set := uint64(1); set < all; set++ {
		if c.steps > c.limit {
			return model.Inconclusive
		}
		if set != hint && try(set) {
			return model.Held
		}
	}
	return answer
}

// hint is the set of losses that what was observed after the crash suggests.
func (c *component) hint() (set uint64) {
	for k, l := range c.losses {
		if k < 63 && !l.late && c.looksLost(l) {
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

// looksUnwritten reports whether the first read after the crash of where a block of
// a write should be does not show it, or its file was not there.
func (c *component) looksUnwritten(l loss) bool {
	op := &c.history[l.op]
	path := c.pathOf(l.op)
	for _, j := range c.ops {
		r := &c.history[j]
		if !c.after(j, l.op) || c.skip[j] || !c.sameFileAt(c.pathOf(j), path) {
			continue
		}
		switch {
		case r.Kind == model.Read && r.Succeeded():
			from := (int(op.Off)/model.WordsPerBlock + int(l.part)) * model.WordsPerBlock
			if op.Kind != model.Write {
				return !slices.Contains(r.Result.Data, op.Data)
			}
			if int(r.Off) <= from && from < int(r.Off)+int(r.Len) {
				return true // else it would have survived
			}
		case r.Kind == model.Stat && r.Succeeded() && r.Result.Size == 0:
			return true
		case r.Path == path && r.Result.Errno == model.ENOENT:
			return true
		}
	}
	return false
}
