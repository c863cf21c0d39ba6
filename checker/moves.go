package checker

import "github.com/doublemount/doublemount/model"

const (
	file   = 1 << model.File
	folder = 1 << model.Dir
)

// moveAtoms is what the host of a rename or link that succeeded must have seen,
// and in how many ways.
func (c *component) moveAtoms(i, from, to int) uint8 {
	if c.history[i].Kind == model.Link {
		c.nameAtom(i, 0, from, file)
		c.above(i, 0, to)
		c.nameAtom(i, 0, to, nothing)
		return 1
	}
	if from == to {
		c.nameAtom(i, 0, from, present)
		return 1
	}
	alts := uint8(0)
	add := func(entry, target uint8) {
		if alts > 0 {
			c.above(i, alts, from) // of the first, success has added it
		}
		c.above(i, alts, to)
		c.nameAtom(i, alts, from, entry)
		c.nameAtom(i, alts, to, target)
		alts++
	}
	add(file, file|nothing)
	entries := false
	for n := range c.names {
		entries = entries || c.within(n, to) && c.can[n] != 0
	}
	if !entries {
		add(folder, folder|nothing)
		return alts
	}
	add(folder, nothing)
	add(folder, folder)
	for n := range c.names {
		if c.within(n, to) {
			c.nameAtom(i, alts-1, n, nothing)
		}
	}
	return alts
}

// moveFailure is [model.TwoNamesResult] read backwards: an alternative for each
// condition of the error that a rename or link answered.
func (c *component) moveFailure(i, from, to int) (alts int) {
	op := &c.history[i]
	next := func(met bool, fill func(alt uint8)) {
		if met {
			fill(uint8(alts))
			alts++
		}
	}
	atom := func(name int, mask uint8) func(uint8) {
		return func(alt uint8) {
			c.above(i, alt, name)
			c.nameAtom(i, alt, name, mask)
		}
	}
	both := func(entry, target uint8) func(uint8) {
		return func(alt uint8) {
			atom(from, entry)(alt)
			atom(to, target)(alt)
		}
	}
	full := op.Result.Errno == model.ENOTEMPTY || op.Result.Errno == model.EEXIST
	rename, two := op.Kind == model.Rename, from != to
	switch op.Result.Errno {
	case model.ENOENT:
		alts = c.wayFailure(i, alts, from, model.Absent, -1)
		alts = c.wayFailure(i, alts, to, model.Absent, from)
		next(true, atom(from, nothing))
	case model.ENOTDIR:
		alts = c.wayFailure(i, alts, from, model.File, -1)
		alts = c.wayFailure(i, alts, to, model.File, from)
		next(rename && two, both(folder, file))
	case model.EISDIR:
		next(rename && two, both(file, folder))
	case model.EINVAL:
		next(rename && op.To.Below(op.Path), atom(from, folder))
	case model.EPERM:
		next(!rename, atom(from, folder))
	}
	switch {
	case rename && full && two:
		next(op.Path.Below(op.To), atom(from, present))
		alts = c.notEmpty(i, alts, to)
	case !rename && op.Result.Errno == model.EEXIST:
		next(true, atom(to, present))
	}
	return alts
}

// takeMove makes a rename or link take effect: both names at once. It reports
// false where it cannot succeed.
func (c *component) takeMove(names []byte, mv *move) bool {
	from, to := c.names[mv.from], c.names[mv.to]
	kind := model.Rename
	if mv.link {
		kind = model.Link
	}
	found := model.TwoNames{
		Parent: c.parentType(names, mv.from), Entry: c.entryType(names, mv.from),
		ToParent: c.parentType(names, mv.to), ToEntry: c.entryType(names, mv.to),
		SameFile:   names[mv.from] != 0 && names[mv.from] == names[mv.to],
		IntoItself: to.Below(from), OntoAbove: from.Below(to),
	}
	if model.TwoNamesResult(kind, found)[0] != model.OK {
		return false
	}
	c.carry(names, mv)
	return true
}

// carry does to names what a move does, whether or not it can succeed there: it
// may be a host's own, laid over what the host sees. Where the old name is not
// there any more, the host still has what it moved, if it is known what that was.
func (c *component) carry(names []byte, mv *move) {
	node := int(names[mv.from])
	if node == 0 && !c.g.FinalOnly {
		node = c.onlyAt(mv.from)
	}
	switch {
	case node == 0 || mv.from == mv.to || node == int(names[mv.to]): // not known, or nothing to do
		return
	case mv.link:
		names[mv.to] = byte(node)
		return
	}
	names[mv.from] = byte(node)
	for n, p := range c.names {
		if p.Below(c.names[mv.to]) {
			names[n] = 0
		}
	}
	for _, p := range mv.pairs {
		names[p.to], names[p.from] = names[p.from], 0
	}
}

// onlyAt is the node that alone can ever be found at a name, 0 if there are others
// or none.
func (c *component) onlyAt(name int) int {
	found := 0
	for node := 1; node < len(c.nodes); node++ {
		if c.mayBe(node, name) {
			if found != 0 {
				return 0
			}
			found = node
		}
	}
	return found
}

// changesName reports whether a change of names changes this one. A rename
// changes both its names and, where it is a directory's, what is below.
func (c *component) changesName(ch *change, name int) bool {
	if ch.name == name || ch.to == name {
		return true
	}
	p := c.names[name]
	return ch.to >= 0 && (p.Below(c.names[ch.name]) || p.Below(c.names[ch.to]))
}

// sameNames reports whether two changes change a name entry in common. A link
// keeps its place among the changes of the old name, too.
func (c *component) sameNames(a, b *change) bool {
	if a.move >= 0 && c.moves[a.move].link && c.changesName(b, c.moves[a.move].from) ||
		b.move >= 0 && c.moves[b.move].link && c.changesName(a, c.moves[b.move].from) {
		return true
	}
	if a.to < 0 && b.to < 0 {
		return a.name == b.name
	}
	return c.changesName(a, b.name) || c.changesName(b, a.name) ||
		b.to >= 0 && c.changesName(a, b.to) || a.to >= 0 && c.changesName(b, a.to)
}
