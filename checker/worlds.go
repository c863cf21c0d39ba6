package checker

import (
	"slices"

	"github.com/doublemount/doublemount/model"
)

// A world is a set of slots. Crashes of which one has come before anything happens
// that the next undoes have a slot in common, one after the other: there is no
// moment at which they are apart.

// maxWorlds is how many worlds a state can have: those of three slots.
const maxWorlds = 8

// slot is for each crash of a component which slot of worlds it has, -1 if it undoes
// nothing, and which crash has it afterwards, -1 if none.
type slot struct{ bit, next int }

// worlds gives the crashes slots, and returns how many worlds that makes.
func (c *component) worlds() int {
	c.at, c.mask = 0, 0
	if len(c.crashes) == 0 {
		return 1
	}
	c.slots = c.slots[:0]
	for range c.crashes {
		c.slots = append(c.slots, slot{-1, -1})
	}
	c.last = c.last[:0]
	for {
		next, begins := -1, int64(model.Never)
		for k := range c.crashes {
			if from := c.undoesFrom(k); c.slots[k].bit < 0 && from < begins {
				next, begins = k, from
			}
		}
		if next < 0 {
			return 1 << min(len(c.last), 8)
		}
		bit := slices.IndexFunc(c.last, func(k int) bool { return c.history[c.crashes[k]].Return < begins })
		if bit < 0 {
			bit = len(c.last)
			c.last = append(c.last, next)
		} else {
			c.slots[c.last[bit]].next = next
			c.last[bit] = next
		}
		c.slots[next].bit = bit
	}
}

// undoesFrom is the call of the first change of which crash k undoes something,
// Never if it undoes nothing.
func (c *component) undoesFrom(k int) int64 {
	from := int64(model.Never)
	for i := range c.changes {
		if ch := &c.changes[i]; ch.ends == k && ch.gone != 0 || ch.late == k && ch.goes != 0 {
			from = min(from, ch.from)
		}
	}
	return from
}

// bit is the slot of crash k as a set, 0 if it has none.
func (c *component) bit(k int) int {
	if bit := c.slots[k].bit; bit >= 0 {
		return 1 << bit
	}
	return 0
}

// current reports whether crash k is the next to come of its slot.
func (c *component) current(s state, k int) bool {
	for i := range c.crashes {
		if c.slots[i].next == k && s[c.layout.crashes+i] == 0 {
			return false
		}
	}
	return s[c.layout.crashes+k] == 0
}

// live reports whether a world is still apart from the others: for each of its slots
// there is a crash to come.
func (c *component) live(s state, world int) bool {
	for bit, k := range c.last {
		if world>>bit&1 != 0 && s[c.layout.crashes+k] != 0 {
			return false
		}
	}
	return true
}

// crash lets crash k come: what its hosts had not made effective never will be, and
// what it undoes was never there.
func (c *component) crash(s state, k int) {
	for i := range c.changes {
		if at := c.layout.changes + i; c.changes[i].ends == k && s[at] == waiting {
			s[at] = forgone
		}
	}
	if bit := c.bit(k); bit != 0 {
		c.settleCrash(s, bit)
		for world := range c.layout.worlds {
			if world&bit == 0 && c.live(s, world) {
				without := s[(world|bit)*c.layout.share:][:c.layout.share]
				copy(s[world*c.layout.share:], without)
			}
		}
		for world := range c.layout.worlds {
			if world&bit != 0 {
				clear(s[world*c.layout.share:][:c.layout.share]) // equal states are to be equal bytes
			}
		}
		if c.slots[k].next >= 0 {
			c.part(s, bit)
		}
	}
	s[c.layout.crashes+k] = 1
}

// part makes the worlds with a slot anew, for its next crash: they are as those
// without it.
func (c *component) part(s state, bit int) {
	for world := range c.layout.worlds {
		if world&bit != 0 {
			copy(s[world*c.layout.share:][:c.layout.share], s[(world&^bit)*c.layout.share:])
		}
	}
	for v := range c.views {
		view := &c.views[v]
		if s[c.layout.views+v] != open || view.alts == 1 {
			continue
		}
		for a := view.first; a < view.last; a++ {
			at := &s[c.layout.atoms+a]
			for world := range c.layout.worlds {
				if world&bit != 0 {
					*at = *at&^(1<<world) | *at>>(world&^bit)&1<<world
				}
			}
		}
	}
}

// settleCrash is for views of several explanations that are open when a crash
// comes. A world and that without what is undone become one: what was seen before
// counts if it was seen in both, or in the second if in the first the view was
// complete.
func (c *component) settleCrash(s state, bit int) {
	for v := range c.views {
		view := &c.views[v]
		if s[c.layout.views+v] != open || view.alts == 1 {
			continue
		}
		for world := range c.layout.worlds {
			if world&bit != 0 || !c.live(s, world) || c.excused(s, world|bit, view.op) {
				continue
			}
			complete := c.explains(s, view, world)
			for a := view.first; a < view.last; a++ {
				at := &s[c.layout.atoms+a]
				if *at>>(world|bit)&1 == 0 || complete {
					*at = *at&^(1<<world) | *at>>(world|bit)&1<<world
				}
			}
		}
	}
}
