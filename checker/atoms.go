package checker

import (
	"slices"

	"github.com/doublemount/doublemount/model"
)

func only(t model.NodeType) uint8 { return 1 << t }

const (
	present = 1<<model.File | 1<<model.Dir
	nothing = 1 << model.Absent
	any4    = 1<<model.Absent | 1<<model.File | 1<<model.Dir | 1<<model.FullDir
)

// listed is the mask for a name that a listing has or has not.
func listed(op *model.Op, p model.Path) uint8 {
	if slices.Contains(op.Result.Names, p.Name()) {
		return present
	}
	return nothing
}

func (c *component) nameAtom(op int, alt uint8, name int, mask uint8) {
	c.atoms = append(c.atoms, atom{op: op, alt: alt, kind: nameAtom, name: name, mask: mask, size: -1, bind: -1})
}

// failure adds the atoms of an operation that failed, by reading the name rules
// backwards: one alternative for each way in which parent and name can have
// been so that this was the answer. It returns how many there are.
func (c *component) failure(i, name int) uint8 {
	op := &c.history[i]
	alts := uint8(0)
	parents := []model.NodeType{model.Absent, model.File, model.Dir}
	if name == 0 {
		parents = parents[2:] // the root directory is always there
	}
	for _, parent := range parents {
		var mask uint8
		for entry := model.Absent; entry <= model.FullDir; entry++ {
			if slices.Contains(model.NameResult(op.Kind, parent, entry), op.Result.Errno) {
				mask |= 1 << entry
			}
		}
		if mask == 0 {
			continue
		}
		if mask == 1<<model.FullDir {
			// Something is in it, and any name can be the one.
			for n := range c.names {
				if c.within(n, name) {
					c.nameAtom(i, alts, name, only(model.Dir))
					c.nameAtom(i, alts, n, present)
					alts++
				}
			}
			continue
		}
		if name != 0 {
			c.nameAtom(i, alts, 0, only(parent))
		}
		if mask != any4 {
			c.nameAtom(i, alts, name, mask&^(1<<model.FullDir))
		}
		alts++
	}
	if alts == 0 {
		c.nameAtom(i, 0, name, 0) // no state of the names gives this answer
		alts = 1
	}
	return alts
}

// changeAtoms is what the host of a name change must have seen.
func (c *component) changeAtoms(i, name int) {
	switch c.history[i].Kind {
	case model.Create, model.Mkdir:
		c.nameAtom(i, 0, name, nothing)
	case model.Unlink:
		c.nameAtom(i, 0, name, only(model.File))
	case model.Rmdir:
		c.nameAtom(i, 0, name, only(model.Dir))
		for n := range c.names {
			if c.within(n, name) {
				c.nameAtom(i, 0, n, nothing)
			}
		}
	}
}

// readAtoms is what a read saw of its file.
func (c *component) readAtoms(i, b int) {
	op := &c.history[i]
	n := len(op.Result.Data)
	size := int64(op.Off) + int64(n)
	switch {
	case n == int(op.Len):
		size = -size - 1 // at least
	case n == 0:
		size = endedBefore
	}
	if c.atomic() {
		c.atoms = append(c.atoms, atom{op: i, kind: wholeAtom, bind: b, size: size, off: int(op.Off), data: op.Result.Data})
		return
	}
	c.atoms = append(c.atoms, atom{op: i, kind: sizeAtom, bind: b, size: size, off: int(op.Off)})
	for at := 0; at < n; {
		off := int(op.Off) + at
		end := min(n, at+model.WordsPerBlock-off%model.WordsPerBlock)
		c.atoms = append(c.atoms, atom{op: i, kind: blockAtom, bind: b, size: -1, off: off, data: op.Result.Data[at:end]})
		at = end
	}
}
