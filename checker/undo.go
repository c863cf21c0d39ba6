package checker

import "github.com/doublemount/doublemount/model"

// Crashes, power losses and fences.
//
// A crash of a host undoes some of its changes: any that nothing had made durable.
// Without them every other operation before the crash keeps its result, but for
// the host's own observations. Which they are is guessed (guess.go). With a guess
// in hand the state has worlds: the first is what hosts share; for each set of
// crashes to come there is another, what they would share without the changes
// that those undo. A change takes effect in each world that has it and must
// succeed in all, and an observation must be the same in all but those in which
// it is excused. When the crash comes, the world without its undone changes is
// what remains.

// missing is the set of the parts of a change that are not in the world that is
// looked at.
func (c *component) missing(ch *change) (parts uint64) {
	if c.mask == 0 || ch.ends < 0 {
		return 0
	}
	if c.mask&c.bit(ch.ends) != 0 {
		parts = ch.gone
	}
	if ch.late >= 0 && c.mask&c.bit(ch.late) != 0 {
		parts |= ch.goes
	}
	return parts
}

// wholly reports whether nothing of a change is in the world that is looked at.
func (c *component) wholly(ch *change) bool {
	missing := c.missing(ch)
	return missing != 0 && missing == c.parts(ch.op)
}

// lost reports whether a word of a write that begins at start is not in the world
// that is looked at. Blocks are lost one by one.
func (c *component) lost(ch *change, start, word int) bool {
	missing := c.missing(ch)
	if missing == 0 {
		return false
	}
	part := word/model.WordsPerBlock - start/model.WordsPerBlock
	return missing&(1<<min(part, maxParts-1)) != 0
}

// lastKept is the end of what is left of a write in the world that is looked at,
// 0 if nothing is.
func (c *component) lastKept(ch *change, start int) int {
	for end := start + ch.words; end > start; end-- {
		if !c.lost(ch, start, end-1) {
			return end
		}
	}
	if ch.words == 0 && !c.wholly(ch) {
		return start
	}
	return 0
}

// maxParts is how many blocks of one write can be lost apart; the last stands for
// all beyond.
const maxParts = 16

// parts is the set of the parts of operation i that can be lost apart: the blocks
// of a write, one for any other change.
func (c *component) parts(i int) uint64 {
	op := &c.history[i]
	words := int(op.Len)
	if !c.info[i].open {
		words = min(words, int(op.Result.Size))
	}
	n := 1
	switch {
	case words == 0:
	case op.Kind == model.Write:
		n = (int(op.Off)+words-1)/model.WordsPerBlock - int(op.Off)/model.WordsPerBlock + 1
	case op.Kind == model.Append:
		n = (words+model.WordsPerBlock-2)/model.WordsPerBlock + 1 // wherever it begins
	}
	return 1<<min(n, maxParts) - 1
}

// enter makes a world the one that is looked at.
func (c *component) enter(world int) { c.mask, c.at = world, world*c.layout.share }

// takeAll makes a change take effect in every world that has it. It reports false,
// and leaves s as it was, where it cannot in one of them.
func (c *component) takeAll(s state, ch *change) bool {
	c.saved = append(c.saved[:0], s[:c.layout.changes]...)
	if ch.bind >= 0 {
		if node, ok := c.bound(s, ch.bind); ok {
			c.begin = c.size(s, node)
		}
	}
	defer c.enter(0)
	for world := range c.layout.worlds {
		if c.enter(world); !c.live(s, world) || c.wholly(ch) {
			continue
		}
		if !c.takeOne(s, ch) {
			copy(s, c.saved)
			return false
		}
	}
	return true
}

// everywhere reports whether something is so in every world in which operation op
// has to keep its result.
func (c *component) everywhere(s state, op int, so func() bool) bool {
	defer c.enter(0)
	for world := range c.layout.worlds {
		if !c.live(s, world) || c.excused(s, world, op) {
			continue
		}
		if c.enter(world); !so() {
			return false
		}
	}
	return true
}

// settleApart settles an open view that has several explanations. Another one may
// be right in another world, so what has been seen is noted for each. It reports
// whether that is more than before.
func (c *component) settleApart(s state, v int) (saw bool) {
	view := &c.views[v]
	done := true
	defer c.enter(0)
	for world := range c.layout.worlds {
		if !c.live(s, world) || c.excused(s, world, view.op) {
			continue
		}
		c.enter(world)
		for a := view.first; a < view.last; a++ {
			at := &s[c.layout.atoms+a]
			if *at>>world&1 == 0 && c.atomInOrder(s, a) && c.fitsHere(s, &c.atoms[a]) {
				*at |= 1 << world
				saw = true
			}
		}
		done = done && c.explains(s, view, world)
	}
	if done {
		s[c.layout.views+v] = seen
	}
	return saw
}

// explains reports whether all of one explanation of a view has been seen in a
// world.
func (c *component) explains(s state, view *view, world int) bool {
	var missing uint64 // alternatives with an atom not seen
	for a := view.first; a < view.last; a++ {
		if s[c.layout.atoms+a]>>world&1 == 0 {
			missing |= 1 << c.atoms[a].alt
		}
	}
	return missing != 1<<view.alts-1
}

// excused reports whether what an operation saw need not be so in a world: it is an
// observation by a host that is hit, or belongs to a change, which only has to
// succeed there (takeAll) and to find its file (bindAll).
func (c *component) excused(s state, world, op int) bool {
	return world != 0 && (c.history[op].Kind.Changes() && c.made(op) || c.hit(s, world, op))
}

// hit reports whether a world is one without what a crash of the operation's host,
// or a loss of power, undoes.
func (c *component) hit(s state, world, op int) bool {
	for k, i := range c.crashes {
		if world&c.bit(k) != 0 && c.current(s, k) && (c.history[i].Kind != model.Crash && c.history[i].Kind != model.Fence || c.history[i].Host == c.history[op].Host) {
			return true
		}
	}
	return false
}

// lastingly is wholly, where what crashes have undone already counts, too.
func (c *component) lastingly(s state, ch *change) bool {
	missing := c.missing(ch)
	if ch.ends >= 0 && s[c.layout.crashes+ch.ends] != 0 {
		missing |= ch.gone
	}
	if ch.late >= 0 && s[c.layout.crashes+ch.late] != 0 {
		missing |= ch.goes
	}
	return missing != 0 && missing == c.parts(ch.op)
}

// writable reports whether a change of content can be made in the world that is
// looked at: its file was made there, and its name led to that file, which is asked
// of the host that is hit only for what is durable: data can survive the name that
// it came through.
func (c *component) writable(s state, ch *change, node int) bool {
	if c.lastingly(s, &c.changes[c.makers[node]]) {
		return false
	}
	if v := c.bindState(s, ch.bind); v&elsewhere == 0 || v >= bindOpen {
		return true
	}
	return c.hit(s, c.mask, ch.op) && (c.lasts(ch.op) == model.Never || c.forgotten(ch.op))
}

// bindAll binds a lookup that leads to a node in what hosts share. In the other
// worlds it has to lead there, too, unless its host is hit there.
func (c *component) bindAll(s state, index, node int) bool {
	b := &c.binds[index]
	value := uint32(node) + 1
	if c.layout.worlds <= 1 {
		c.setBound(s, index, value)
		return true
	}
	defer c.enter(0)
	var other [maxWorlds]uint32
	for world := range c.layout.worlds {
		if !c.live(s, world) {
			continue
		}
		c.enter(world)
		if c.seeName(s, b.op, b.name) != node {
			if !b.optional && !c.hit(s, world, b.op) {
				return false
			}
			other[world] = elsewhere
		}
	}
	for world := range c.layout.worlds {
		if c.live(s, world) {
			c.enter(world)
			c.setBound(s, index, value|other[world])
		}
	}
	return true
}

// setAll gives a bind one value in every world.
func (c *component) setAll(s state, index int, v uint32) {
	for world := range c.layout.worlds {
		if c.live(s, world) {
			c.enter(world)
			c.setBound(s, index, v)
		}
	}
	c.enter(0)
}

// age notes which changes had taken effect when an fsync was called: those that it
// is of are durable when it has returned, whoever made them.
func (c *component) age(s state, sync int) {
	for i := range c.changes {
		if c.threatened(s, &c.changes[i]) && s[c.layout.changes+i] == effective {
			s[c.layout.aged+sync*len(c.changes)+i] = 1
		}
	}
}

// threatened reports whether a crash to come undoes something of a change, or the
// name by which it found its file.
func (c *component) threatened(s state, ch *change) bool {
	if ch.gone != 0 && s[c.layout.crashes+ch.ends] == 0 || ch.goes != 0 && s[c.layout.crashes+ch.late] == 0 {
		return true
	}
	return ch.bind >= 0 && c.rootless(s, ch)
}

// rootless reports whether in some world to come the name by which a change found
// its file leads elsewhere.
func (c *component) rootless(s state, ch *change) bool {
	defer c.enter(0)
	for world := 1; world < c.layout.worlds; world++ {
		c.enter(world)
		if v := c.bindState(s, ch.bind); c.live(s, world) && v < bindOpen && v&elsewhere != 0 && !c.lastingly(s, ch) {
			return true
		}
	}
	return false
}

// kept reports whether nothing that an fsync has made durable is to be undone. What
// a crash has undone while the fsync was under way it has not made durable.
func (c *component) kept(s state, sync int) bool {
	if c.layout.worlds <= 1 {
		return true
	}
	p := &c.syncs[sync]
	for i := range c.changes {
		ch := &c.changes[i]
		if s[c.layout.aged+sync*len(c.changes)+i] != 0 && c.threatened(s, ch) && !c.forgotten(ch.op) && c.speaksOf(s, p, i) {
			return false
		}
	}
	return true
}
