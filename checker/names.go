package checker

import (
	"slices"

	"github.com/doublemount/doublemount/model"
)

// maxNames bounds the names of a component, and maxPlaces what renames in a
// circle can make of one of them; beyond, the component is not judged.
const (
	maxNames  = 512
	maxPlaces = 4096
	maxMoves  = 64
)

// move is a rename or link that succeeded or may have: what it does to names.
type move struct {
	op       int // in the history
	from, to int // names
	link     bool
	pairs    []pair // of a rename: the old name and each known one below it, with what it becomes
}

type pair struct{ from, to int }

// place is a name that a file or directory can have come to, and by which moves.
type place struct {
	name int
	by   uint64
}

// reset prepares c for the component of some names of the root directory, of which
// these are the operations, and these the listings of the root.
func (c *component) reset(g model.Guarantee, history []model.Op, info []opInfo, tops []model.Path, own, listings []int32) {
	c.g, c.history, c.info = g, history, info
	c.names, c.parents, c.can = c.names[:0], c.parents[:0], c.can[:0]
	for _, top := range tops {
		c.nameIndex(top, true)
	}
	c.ops, c.moves, c.tooLarge, c.endings = c.ops[:0], c.moves[:0], false, false
	c.width = 0
	appended := 0
	for len(own)+len(listings) > 0 {
		if len(own) == 0 || len(listings) > 0 && listings[0] < own[0] {
			i := int(listings[0])
			if listings = listings[1:]; info[i].used {
				c.ops = append(c.ops, i)
			}
			continue
		}
		i := int(own[0])
		own = own[1:]
		op, path := &history[i], c.pathOf(i)
		name := c.nameIndex(path, true)
		for _, n := range op.Result.Names {
			c.nameIndex(path.Child(n), true)
		}
		if !info[i].used {
			continue
		}
		c.ops = append(c.ops, i)
		c.endings = c.endings || info[i].crash >= 0 && op.Kind.Changes()
		switch op.Kind {
		case model.Write, model.Read:
			c.width = max(c.width, int(op.Off+op.Len))
		case model.Truncate:
			c.width = max(c.width, int(op.Len))
		case model.Append:
			appended += int(op.Len)
		case model.Create, model.Mkdir:
			if c.made(i) {
				c.can[name] |= only(typeMade(op.Kind))
			}
		case model.Rename, model.Link:
			if to := c.nameIndex(op.To, true); c.made(i) {
				c.moves = append(c.moves, move{op: i, from: name, to: to, link: op.Kind == model.Link})
			}
		}
	}
	c.width += appended
	c.story, c.given = c.ops, c.given[:0]
	if len(c.moves) > 0 {
		c.follow()
	}
}

// made reports whether op did what it was called for, or, pending, may have.
func made(op *model.Op) bool { return op.Pending() || op.Result.Errno == model.OK }

// made is the same for operation i, where what a crash cut off may have, too.
func (c *component) made(i int) bool {
	return c.info[i].open || c.history[i].Result.Errno == model.OK
}

// typeMade is what a Create or Mkdir makes.
func typeMade(k model.Kind) model.NodeType {
	if k == model.Create {
		return model.File
	}
	return model.Dir
}

// pathOf is the name that operation i is about, through its handle if need be.
// Of a rename or link it is the old name.
func (c *component) pathOf(i int) model.Path { return pathOf(c.history, c.info, i) }

func pathOf(history []model.Op, info []opInfo, i int) model.Path {
	if o := info[i].opener; o >= 0 {
		return history[o].Path
	}
	return history[i].Path
}

// nameNow is the name that fsync i is of: of a handle the one that it was opened
// by, or what renames by its own host have made of that. It is -1 for none known.
func (c *component) nameNow(i int) int {
	path := c.pathOf(i)
	if opener := c.info[i].opener; opener >= 0 {
		for _, mv := range c.moves {
			if op := &c.history[mv.op]; !mv.link && op.Succeeded() && c.before(int(opener), mv.op) && c.before(mv.op, i) && (path == op.Path || path.Below(op.Path)) {
				path = path.Moved(op.Path, op.To)
			}
		}
	}
	return c.nameIndex(path, false)
}

func (c *component) nameIndex(p model.Path, add bool) int {
	for i, n := range c.names {
		if n == p {
			return i
		}
	}
	if !add {
		return -1
	}
	parent := -1
	if above := p.Parent(); above != model.Root {
		parent = c.nameIndex(above, true)
	}
	c.names, c.parents, c.can = append(c.names, p), append(c.parents, parent), append(c.can, 0)
	return len(c.names) - 1
}

// within reports whether name n stands in the directory name.
func (c *component) within(n, name int) bool { return c.parents[n] == name }

// follow finds the names that moves can give what is made, and what each name
// becomes: names are closed under them. A move happens once, so nothing is moved
// twice by it.
func (c *component) follow() {
	if len(c.moves) > maxMoves {
		c.tooLarge = true
		return
	}
	c.reached, c.reachedBy = c.reached[:0], append(c.reachedBy[:0], 0)
	for _, i := range c.ops {
		op := &c.history[i]
		if op.Kind != model.Create && op.Kind != model.Mkdir || !c.made(i) {
			continue
		}
		c.reachedBy = append(c.reachedBy, len(c.reached))
		c.places = append(c.places[:0], place{name: c.nameIndex(op.Path, false)})
		for k := 0; k < len(c.places); k++ { // places grow meanwhile
			p := c.places[k]
			if !slices.Contains(c.reached[c.reachedBy[len(c.reachedBy)-1]:], p.name) {
				c.reached = append(c.reached, p.name)
				c.can[p.name] |= only(typeMade(op.Kind))
			}
			for m := range c.moves {
				to, ok := c.moved(&c.moves[m], c.names[p.name])
				if !ok || p.by&(1<<m) != 0 {
					continue
				}
				next := place{c.nameIndex(to, true), p.by | 1<<m}
				if !slices.ContainsFunc(c.places, func(q place) bool { return q.name == next.name && q.by&^next.by == 0 }) {
					c.places = append(c.places, next)
				}
			}
			if len(c.names) > maxNames || len(c.places) > maxPlaces {
				c.tooLarge = true
				return
			}
		}
	}
	c.reachedBy = append(c.reachedBy, len(c.reached))
	for m := range c.moves {
		mv := &c.moves[m]
		for n, p := range c.names {
			if to, ok := c.moved(mv, p); ok {
				if t := c.nameIndex(to, false); t >= 0 {
					mv.pairs = append(mv.pairs, pair{n, t})
				}
			}
		}
	}
}

// moved is what a move makes of a name; ok is false where it leaves it alone.
func (c *component) moved(mv *move, p model.Path) (to model.Path, ok bool) {
	from := c.names[mv.from]
	switch {
	case p == from:
		return c.names[mv.to], true
	case !mv.link && p.Below(from):
		return p.Moved(from, c.names[mv.to]), true
	}
	return "", false
}

// mayBe reports whether a node can ever be found at a name.
func (c *component) mayBe(node, name int) bool {
	if len(c.moves) == 0 {
		return c.nodeNames[node] == name
	}
	return node > 0 && slices.Contains(c.reached[c.reachedBy[node]:c.reachedBy[node+1]], name)
}

// parentType is what stands where a name's directory should be: Dir, or the
// type of the first name on the way that is none.
func (c *component) parentType(names []byte, name int) model.NodeType {
	found := model.Dir
	for p := c.parents[name]; p >= 0; p = c.parents[p] {
		if t := c.nodes[names[p]]; t != model.Dir {
			found = t
		}
	}
	return found
}

// entryType is what a name is, FullDir for a directory with a name in it.
func (c *component) entryType(names []byte, name int) model.NodeType {
	t := c.nodes[names[name]]
	if t == model.Dir && c.hasEntries(names, name) {
		return model.FullDir
	}
	return t
}

func (c *component) hasEntries(names []byte, name int) bool {
	for n := range c.names {
		if names[n] != 0 && c.within(n, name) {
			return true
		}
	}
	return false
}
