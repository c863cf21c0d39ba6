package checker

import "github.com/doublemount/doublemount/model"

// A host never looks back: what it sees of a name, or of a block or the size of a
// file, is no older than what its earlier operations saw of that. Which file an
// earlier operation is of may not be known yet when a later one sees its own. Where
// one file alone can be it, that is it. Else a read must not find a file of which a
// later operation has seen the like meanwhile, and what is later than a stat waits
// for it if it may be of the same file. Where that leaves no order, files are guessed
// (files.go).

// atomInOrder checks that the host's earlier views of the same name, block or
// size have been seen. At linearizable the windows of one client say so already;
// the final observation looks at a state that no longer changes.
func (c *component) atomInOrder(s state, index int) bool {
	if c.atomic() || c.g.FinalOnly {
		return true
	}
	a := &c.atoms[index]
	for i := range c.atoms[:index] {
		if b := &c.atoms[i]; s[c.layout.atoms+i] == 0 && !b.free && c.before(b.op, a.op) && c.sameSight(s, a, b) {
			return false
		}
	}
	for i := range c.binds {
		b := &c.binds[i]
		if _, ok := c.bound(s, i); ok || !c.before(b.op, a.op) {
			continue
		}
		if b.name >= 0 && a.kind == nameAtom && a.name == b.name || b.name < 0 && c.seesSizeNow(s, a, b.size) {
			return false
		}
	}
	return true
}

// bindInOrder is atomInOrder for a bind.
func (c *component) bindInOrder(s state, index int) bool {
	if c.atomic() {
		return true
	}
	b := &c.binds[index]
	for i := range c.binds[:index] {
		e := &c.binds[i]
		if _, ok := c.bound(s, i); ok || !c.before(e.op, b.op) {
			continue
		}
		if e.name >= 0 && e.name == b.name || e.name < 0 && b.name < 0 && c.ofOneFile(s, e.size, b.size) {
			return false
		}
	}
	for i := range c.atoms {
		a := &c.atoms[i]
		if s[c.layout.atoms+i] != 0 || a.free || !c.before(a.op, b.op) {
			continue
		}
		if b.name >= 0 && a.kind == nameAtom && a.name == b.name || b.name < 0 && c.seesSizeOf(s, a, b.size) {
			return false
		}
	}
	return true
}

// sameSight reports whether an atom that can be seen now and an earlier one look at
// the same thing. A stat looks at a name and at its file's size.
func (c *component) sameSight(s state, a, earlier *atom) bool {
	switch {
	case a.kind == nameAtom && earlier.kind == nameAtom:
		return a.name == earlier.name
	case a.kind == sizeAtom:
		return c.seesSizeOf(s, earlier, a.bind)
	case earlier.kind == sizeAtom:
		return c.seesSizeNow(s, a, earlier.bind)
	case a.kind == blockAtom && earlier.kind == blockAtom:
		return a.off/model.WordsPerBlock == earlier.off/model.WordsPerBlock && c.ofOneFile(s, a.bind, earlier.bind)
	}
	return false
}

// seesSizeOf reports whether an atom looks at the size of the file that a bind
// gives. Which file a stat will see may not be known before it has; any that can be
// at its name may be it.
func (c *component) seesSizeOf(s state, a *atom, b int) bool {
	switch a.kind {
	case sizeAtom:
		return c.ofOneFile(s, a.bind, b)
	case nameAtom:
		node := c.fileOf(s, b)
		if node == 0 || a.size < 0 || !c.mayBe(node, a.name) {
			return false
		}
		if file := c.expected(a.op, a.name); file > 0 {
			return file == node
		}
		c.unsure(a.op, a.name)
		return !c.relaxed
	}
	return false
}

// seesSizeNow is seesSizeOf for an atom that sees it, if at all, at this moment.
func (c *component) seesSizeNow(s state, a *atom, b int) bool {
	if a.kind != nameAtom {
		return c.seesSizeOf(s, a, b)
	}
	node := c.fileOf(s, b)
	return node > 0 && a.size >= 0 && c.seeName(s, a.op, a.name) == node
}

// ofOneFile reports whether it is known that two binds give the same file, made or
// not yet.
func (c *component) ofOneFile(s state, a, b int) bool {
	m := c.fileOf(s, a)
	return m > 0 && m == c.fileOf(s, b)
}

// fileOf is the file that a bind of a name gives, or can only give; 0 if none, or if
// that is not known.
func (c *component) fileOf(s state, b int) int {
	if node, ok := c.bound(s, b); ok {
		return node
	}
	switch b := &c.binds[b]; {
	case b.name < 0:
		return 0
	case b.optional || b.until == model.Never: // it need not find one
		file, _ := c.guessedFile(b.op)
		return file
	default:
		return c.expected(b.op, b.name)
	}
}

// sight is what a state notes of an atom that is seen: 1, or for a stat the file of
// which it saw the size, and 1, if an earlier operation may yet turn out to be of
// that file.
func (c *component) sight(s state, a *atom) byte {
	if a.kind != nameAtom || a.size < 0 || len(c.moves) == 0 || c.atomic() || c.g.FinalOnly {
		return 1
	}
	node := c.seeName(s, a.op, a.name)
	for i := range c.binds {
		b := &c.binds[i]
		if _, ok := c.bound(s, i); !ok && b.name >= 0 && c.before(b.op, a.op) && c.mayBe(node, b.name) && c.fileOf(s, i) == 0 {
			return byte(node) + 1
		}
	}
	return 1
}

// mayFind reports whether a bind may turn out to be of a file: it is the one that was
// guessed, and no later operation of the host has seen of that file what those that
// the bind is for have yet to see.
func (c *component) mayFind(s state, index, node int) bool {
	b := &c.binds[index]
	if file, ok := c.guessedFile(b.op); ok {
		return file == node
	}
	if len(c.moves) == 0 || c.atomic() || c.g.FinalOnly {
		return true
	}
	looksBack := false
	for i := range c.atoms {
		e := &c.atoms[i]
		if e.kind != nameAtom && e.bind == index && !e.free && c.seenLater(s, e.op, node, e.kind == sizeAtom, e.off) {
			looksBack = true
		}
	}
	for i := range c.binds {
		e := &c.binds[i]
		if e.name < 0 && e.size == index && c.seenLater(s, e.op, node, true, 0) {
			looksBack = true
		}
	}
	if looksBack {
		c.unsure(b.op, b.name)
	}
	return !looksBack || c.relaxed
}

// seenLater reports whether an operation of its host after op has seen the size of a
// file, or its block at off.
func (c *component) seenLater(s state, op, node int, size bool, off int) bool {
	for i := range c.atoms {
		a := &c.atoms[i]
		at := s[c.layout.atoms+i]
		if at == 0 || !c.before(op, a.op) {
			continue
		}
		switch {
		case a.kind == nameAtom:
			if size && a.size >= 0 && int(at) == node+1 {
				return true
			}
		case size == (a.kind == sizeAtom) && (size || a.off/model.WordsPerBlock == off/model.WordsPerBlock):
			if n, ok := c.bound(s, a.bind); ok && n == node {
				return true
			}
		}
	}
	for i := range c.binds {
		b := &c.binds[i]
		if !size || b.name >= 0 || !c.before(op, b.op) {
			continue
		}
		if _, ok := c.bound(s, i); ok {
			if n, ok := c.bound(s, b.size); ok && n == node {
				return true
			}
		}
	}
	return false
}
