package checker

import (
	"math/bits"
	"slices"

	"github.com/doublemount/doublemount/model"
)

func only(t model.NodeType) uint8 { return 1 << t }

const (
	present = 1<<model.File | 1<<model.Dir
	nothing = 1 << model.Absent
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

// above adds that every directory on the way to a name is one.
func (c *component) above(op int, alt uint8, name int) {
	for p := c.parents[name]; p >= 0; p = c.parents[p] {
		c.nameAtom(op, alt, p, only(model.Dir))
	}
}

// maxAlts is how many explanations one answer can have.
const maxAlts = 64

// failure adds the atoms of an operation that failed, by reading the name rules
// backwards: one alternative for each way in which the names on its path and its
// own name can have been so that this was the answer. It returns how many there
// are.
func (c *component) failure(i, name int) uint8 {
	op := &c.history[i]
	alts := 0
	if op.Kind.TwoPaths() {
		alts = c.moveFailure(i, name, c.nameIndex(op.To, false))
	} else {
		alts = c.nameFailure(i, name)
	}
	if alts == 0 {
		c.nameAtom(i, 0, name, 0) // no state of the names gives this answer
		alts = 1
	}
	if alts > maxAlts {
		c.tooLarge = true
	}
	return uint8(min(alts, maxAlts))
}

// wayFailure adds the alternatives in which the way to a name ends early: at one
// that is of type t, while those before are directories. What is on the way to
// the name other, too, is passed over; other is -1 for none.
func (c *component) wayFailure(i, alts, name int, t model.NodeType, other int) int {
	for p := c.parents[name]; p >= 0; p = c.parents[p] {
		if other >= 0 && c.names[other].Below(c.names[p]) {
			continue
		}
		c.above(i, uint8(alts), p)
		c.nameAtom(i, uint8(alts), p, only(t))
		alts++
	}
	return alts
}

func (c *component) nameFailure(i, name int) (alts int) {
	op := &c.history[i]
	for _, t := range []model.NodeType{model.Absent, model.File} {
		if slices.Contains(model.NameResult(op.Kind, t, model.Absent), op.Result.Errno) {
			alts = c.wayFailure(i, alts, name, t, -1)
		}
	}
	var mask uint8
	for entry := model.Absent; entry <= model.FullDir; entry++ {
		if slices.Contains(model.NameResult(op.Kind, model.Dir, entry), op.Result.Errno) {
			mask |= 1 << entry
		}
	}
	switch mask {
	case 0:
	case 1 << model.FullDir:
		alts = c.notEmpty(i, alts, name)
	default:
		c.above(i, uint8(alts), name)
		c.nameAtom(i, uint8(alts), name, mask&^(1<<model.FullDir))
		alts++
	}
	return alts
}

// notEmpty adds the alternatives for a directory that is not empty: any name can
// be the one in it.
func (c *component) notEmpty(i, alts, name int) int {
	for n := range c.names {
		if c.within(n, name) {
			c.above(i, uint8(alts), n)
			c.nameAtom(i, uint8(alts), n, present)
			alts++
		}
	}
	return alts
}

// possible takes away the alternatives that ask for what can never stand at a
// name, and returns how many are left; one that is impossible is kept if all are.
func (c *component) possible(first int, alts uint8) uint8 {
	var bad uint64
	for _, a := range c.atoms[first:] {
		if a.kind == nameAtom && a.mask&(nothing|c.can[a.name]) == 0 {
			bad |= 1 << a.alt
		}
	}
	if bad == 1<<alts-1 {
		bad &^= 1
	}
	if bad == 0 {
		return alts
	}
	number := func(alt uint8) uint8 { return alt - uint8(bits.OnesCount64(bad&(1<<alt-1))) }
	c.keep(first, func(alt uint8) (uint8, bool) { return number(alt), bad&(1<<alt) == 0 })
	return number(alts)
}

// keep drops atoms from first on by their alternative, and numbers those that
// stay.
func (c *component) keep(first int, which func(alt uint8) (uint8, bool)) {
	kept := c.atoms[:first]
	for _, a := range c.atoms[first:] {
		if alt, ok := which(a.alt); ok {
			a.alt = alt
			kept = append(kept, a)
		}
	}
	c.atoms = kept
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
