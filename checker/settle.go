package checker

import (
	"bytes"

	"github.com/doublemount/doublemount/model"
)

// settle marks every atom of an open view that can be seen now. Taking a sight
// as early as it fits never hurts what comes later: it changes nothing, and
// only lets later views of the same host begin earlier. A bind can wait for what
// its host saw before, and what it saw then for a bind, so it is gone through again
// while that brings more.
func (c *component) settle(s state) {
	for c.settleBinds(s); c.settleViews(s) && c.settleBinds(s); {
	}
}

// settleBinds makes the binds that have no choice and can be made now. It reports
// whether one was made.
func (c *component) settleBinds(s state) (made bool) {
	for i := range c.binds {
		b := &c.binds[i]
		switch {
		case c.bindState(s, i) != bindOpen:
		case c.sole(b):
			if c.find(s, i) {
				made = true
			}
		case c.nodes[c.seeName(s, b.op, b.name)] == model.File:
			c.setBound(s, i, bindCould)
		}
	}
	return made
}

// settleViews marks the atoms that can be seen now. It reports whether there were
// any.
func (c *component) settleViews(s state) (saw bool) {
	for v := range c.views {
		if s[c.layout.views+v] != open {
			continue
		}
		view := &c.views[v]
		if c.layout.worlds > 1 && view.alts > 1 {
			if c.settleApart(s, v) {
				saw = true
			}
			continue
		}
		if view.whole && !c.fitsWhole(s, view) {
			continue
		}
		var missing uint64 // alternatives with an atom not seen
		for a := view.first; a < view.last; a++ {
			at := c.layout.atoms + a
			if s[at] == 0 && c.atomInOrder(s, a) && c.fits(s, &c.atoms[a]) {
				s[at], saw = c.sight(s, &c.atoms[a]), true
			}
			if s[at] == 0 {
				missing |= 1 << c.atoms[a].alt
			}
		}
		if missing != 1<<view.alts-1 {
			s[c.layout.views+v] = seen
		}
	}
	return saw
}

// fitsWhole reports whether all of a view can be seen at this moment.
func (c *component) fitsWhole(s state, v *view) bool {
	for a := v.first; a < v.last; a++ {
		if !c.atomInOrder(s, a) || !c.fits(s, &c.atoms[a]) {
			return false
		}
	}
	return true
}

// fits reports whether an atom can be seen at this moment: in every world in which
// its operation has to keep its result.
func (c *component) fits(s state, a *atom) bool {
	if c.layout.worlds <= 1 {
		return c.fitsHere(s, a)
	}
	return c.everywhere(s, a.op, func() bool { return c.fitsHere(s, a) })
}

// fitsHere is fits for the world that is looked at.
func (c *component) fitsHere(s state, a *atom) bool {
	if a.kind == nameAtom {
		node := c.seeName(s, a.op, a.name)
		if a.mask&(1<<c.nodes[node]) == 0 {
			return false
		}
		if a.size < 0 {
			return true
		}
		if file, ok := c.guessedFile(a.op); ok && file != node && c.mask == 0 {
			return false
		}
		size, ok := c.seeSize(s, a.op, node)
		return ok && int64(size) == a.size
	}
	node, ok := c.bound(s, a.bind)
	if !ok || node == 0 {
		return false
	}
	if a.kind != blockAtom {
		if size, ok := c.seeSize(s, a.op, node); !ok || !sizeFits(size, a) {
			return false
		}
	}
	if len(a.data) == 0 {
		return true
	}
	if c.atomic() {
		return bytes.Equal(c.content(s, node)[a.off:a.off+len(a.data)], a.data)
	}
	if cap(c.words) < len(a.data) {
		c.words = make([]byte, len(a.data))
	}
	p := c.words[:len(a.data)]
	return c.seeWords(s, a.op, node, a.off, p) && bytes.Equal(p, a.data)
}

// sizeFits: a read that got all it asked for says that the file was at least so
// long, one that got nothing that it ended at or before the offset, any other
// how long it was.
func sizeFits(size int, a *atom) bool {
	switch {
	case a.size >= 0:
		return int64(size) == a.size
	case a.size == endedBefore:
		return size <= a.off
	}
	return int64(size) >= -a.size-1
}

// choose makes a bind at this moment. It reports false where there is nothing
// to choose, unless the operation never returned and so need not have chosen.
func (c *component) choose(s state, index int) bool {
	b := &c.binds[index]
	switch {
	case c.find(s, index):
	case !c.bindInOrder(s, index):
		return false
	case b.optional: // bindCloses has the last word
	case b.until == model.Never:
		c.setAll(s, index, noFile)
	default:
		return false
	}
	return true
}

// find makes a bind if there is something to choose.
func (c *component) find(s state, index int) bool {
	b := &c.binds[index]
	if !c.bindInOrder(s, index) {
		return false
	}
	if b.name >= 0 {
		if node := c.seeName(s, b.op, b.name); c.nodes[node] == model.File && c.mayFind(s, index, node) {
			return c.bindAll(s, index, node)
		}
	} else if node, ok := c.bound(s, b.size); ok && node != 0 {
		if size, ok := c.seeSize(s, b.op, node); ok {
			c.setAll(s, index, uint32(size)+1)
			return true
		}
	}
	return false
}

// sole reports whether a bind has no choice: at most one file can ever be found
// at its name. Then it is made as soon as it can be, as an atom is seen.
func (c *component) sole(b *bind) bool { return b.name >= 0 && c.creators[b.name] <= 1 }

// sameFile reports whether two binds gave the same file.
func (c *component) sameFile(s state, a, b int) bool {
	m, ok := c.bound(s, a)
	n, ok2 := c.bound(s, b)
	return ok && ok2 && m == n
}

// covered reports whether all that an fsync publishes has taken effect.
func (c *component) covered(s state, p *syncPoint) bool {
	if _, ok := c.bound(s, p.bind); !ok {
		return false
	}
	for i := range c.changes {
		ch := &c.changes[i]
		if (ch.gone|ch.goes != 0 || c.g.Publish != model.PublishReturn && s[c.layout.changes+i] != effective ||
			c.layout.worlds > 1 && ch.bind >= 0 && c.rootless(s, ch)) && c.covers(s, p, i) {
			return false
		}
	}
	return true
}

// covers reports whether an fsync publishes a change of its host.
func (c *component) covers(s state, p *syncPoint, index int) bool {
	ch := &c.changes[index]
	if !c.before(ch.op, p.op) || c.info[ch.op].life != c.info[p.op].life || c.info[ch.op].open || c.forgotten(ch.op) {
		return false
	}
	return c.speaksOf(s, p, index)
}

// speaksOf reports whether an fsync is of what a change changes: its file's
// content, its file's name (the making or renaming of the file), or the name that
// it was called for.
func (c *component) speaksOf(s state, p *syncPoint, index int) bool {
	ch := &c.changes[index]
	if ch.bind >= 0 {
		return c.sameFile(s, ch.bind, p.bind)
	}
	if p.name >= 0 && (ch.name == p.name || ch.to == p.name) {
		return true
	}
	node, ok := c.bound(s, p.bind)
	switch {
	case !ok || node == 0:
		return false
	case ch.to < 0 || ch.name == ch.to:
		return ch.node == node
	case s[c.layout.changes+index] == effective:
		return int(s[c.layout.moved+index]) == node
	}
	return c.seeName(s, ch.op, ch.name) == node
}
