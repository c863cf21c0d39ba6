package checker

import (
	"context"
	"encoding/binary"
	"slices"

	"github.com/anishathalye/porcupine"
	"github.com/cespare/xxhash/v2"
	"github.com/doublemount/doublemount/model"
)

// item is one thing that a search places: something that happens within a
// window (a change takes effect, a bind is made) or a moment that has come (a
// view opens or must have been seen, an fsync has returned).
type item struct {
	kind        itemKind
	index       int
	from, until int64
}

// itemKind is also the order in which items of one moment come.
type itemKind uint8

const (
	viewOpens itemKind = iota
	bindOpens
	fsyncCalls
	bindItem
	changeItem
	crashItem
	bindCloses
	viewCloses
	fsyncReturns
)

// moment reports whether items of kind k are moments, which come in the order of
// their times whatever the search does.
func (k itemKind) moment() bool { return k != bindItem && k != changeItem && k != crashItem }

// place does what an item stands for; false if it cannot be done here.
func (c *component) place(s state, it item) bool {
	switch it.kind {
	case bindItem:
		if !c.choose(s, it.index) {
			return false
		}
	case changeItem:
		at := c.layout.changes + it.index
		switch {
		case s[at] == forgone:
			return true
		case c.take(s, it.index):
			s[at] = effective
		case c.changes[it.index].until == model.Never:
			s[at] = forgone // it was never published, so it need not happen
			return true
		default:
			return false
		}
	case crashItem:
		c.crash(s, it.index)
	default:
		if !c.pass(s, it) {
			return false
		}
		at := s[c.layout.passed:]
		binary.LittleEndian.PutUint16(at, binary.LittleEndian.Uint16(at)+1)
	}
	c.settle(s)
	return true
}

// pass lets a moment come; false if it must not yet.
func (c *component) pass(s state, it item) bool {
	switch it.kind {
	case viewOpens:
		s[c.layout.views+it.index] = open
	case viewCloses:
		return s[c.layout.views+it.index] == seen
	case bindOpens:
		c.setAll(s, it.index, bindOpen) // a crash may come before it closes
	case bindCloses:
		b := &c.binds[it.index]
		switch c.bindState(s, it.index) {
		case bindCould:
			return false // it would have found a file
		case bindOpen:
			if !b.optional && b.until != model.Never {
				return false
			}
			c.setAll(s, it.index, noFile)
		}
	case fsyncCalls:
		c.age(s, it.index)
	case fsyncReturns:
		return c.covered(s, &c.syncs[it.index]) && c.kept(s, it.index)
	}
	return true
}

// allowed reports whether the search need try an item here. Moments come in
// order. A change or bind waits while the next moment can come and hurts nothing:
// a view opens, or what closes there has been seen. To open a view earlier only
// lets it see more, so nothing is lost; and no order of changes is tried that
// nobody can tell from another.
func (c *component) allowed(s state, i int) bool {
	n := int(binary.LittleEndian.Uint16(s[c.layout.passed:]))
	if c.items[i].kind.moment() {
		return n < len(c.moments) && c.moments[n] == i
	}
	if n == len(c.moments) {
		return true
	}
	next := c.items[c.moments[n]]
	switch next.kind {
	case viewOpens, fsyncCalls:
	case bindOpens:
		if c.binds[next.index].optional {
			return true // to open it earlier can make it find a file
		}
	case viewCloses:
		if s[c.layout.views+next.index] != seen {
			return true
		}
	case bindCloses:
		if _, ok := c.bound(s, next.index); !ok {
			return true
		}
	case fsyncReturns:
		if !c.covered(s, &c.syncs[next.index]) || !c.kept(s, next.index) {
			return true
		}
	}
	for k := range c.items { // what has to come before that moment
		it := &c.items[k]
		switch {
		case it.until >= next.until:
		case it.kind == changeItem:
			if s[c.layout.changes+it.index] == waiting {
				return true
			}
		case it.kind == bindItem:
			if _, ok := c.bound(s, it.index); !ok {
				return true
			}
		case it.kind == crashItem:
			if s[c.layout.crashes+it.index] == 0 {
				return true
			}
		}
	}
	return false
}

// list makes the items of a compiled component.
func (c *component) list() {
	c.items = c.items[:0]
	for i, v := range c.views {
		c.items = append(c.items, item{viewOpens, i, v.from, v.from}, item{viewCloses, i, v.until, v.until})
	}
	for i, b := range c.binds {
		sole := c.sole(&c.binds[i])
		if !sole {
			c.items = append(c.items, item{bindItem, i, b.from, b.until})
		}
		if sole || b.optional {
			c.items = append(c.items, item{bindOpens, i, b.from, b.from}, item{bindCloses, i, b.until, b.until})
		}
	}
	for i, ch := range c.changes {
		c.items = append(c.items, item{changeItem, i, ch.from, ch.until})
	}
	for i, p := range c.syncs {
		op := &c.history[p.op]
		c.items = append(c.items, item{fsyncReturns, i, op.Return, op.Return})
		if c.layout.worlds > 1 {
			c.items = append(c.items, item{fsyncCalls, i, op.Call, op.Call})
		}
	}
	for i, crash := range c.crashes {
		op := &c.history[crash]
		c.items = append(c.items, item{crashItem, i, op.Call, op.Return})
	}
}

// greedy tries one order: everything as late as its window lets it, but what an
// observation needs as soon as the observation's own window closes. It reports
// whether that order explains the history; if not, another may.
func (c *component) greedy() bool {
	ends := c.ends[:0]
	for i, it := range c.items {
		opens := it.kind == viewOpens || it.kind == bindOpens || it.kind == fsyncCalls
		if opens || it.kind == changeItem {
			ends = append(ends, end{it.from, i, false})
		}
		if !opens && it.until != model.Never {
			ends = append(ends, end{it.until, i, true})
		}
	}
	c.ends = ends
	slices.SortFunc(ends, func(a, b end) int {
		if a.at != b.at {
			return int(min(1, max(-1, a.at-b.at)))
		}
		return (int(c.items[a.item].kind)-int(c.items[b.item].kind))*len(c.items)*2 + a.item - b.item
	})
	s := c.initial()
	c.open = c.open[:0]
	for _, m := range ends {
		it := c.items[m.item]
		switch {
		case !m.ends && it.kind == changeItem:
			c.open = append(c.open, m.item)
			continue
		case it.kind == changeItem && s[c.layout.changes+it.index] != waiting:
			continue
		case it.kind == fsyncReturns && c.g.Publish != model.PublishReturn:
			c.takeCovered(s, it.index)
		}
		if !c.force(s, it) {
			c.came = int(binary.LittleEndian.Uint16(s[c.layout.passed:]))
			return false
		}
	}
	return true
}

// end is one of the two ends of an item's window.
type end struct {
	at   int64
	item int
	ends bool
}

// takeCovered lets what an fsync publishes take effect.
func (c *component) takeCovered(s state, sync int) {
	for i := range c.changes {
		if s[c.layout.changes+i] == waiting && c.covers(s, &c.syncs[sync], i) {
			c.attempt(s, item{kind: changeItem, index: i})
		}
	}
}

// attempt places an item or leaves the state as it was; nothing that place
// refuses has changed it. A change that need not happen is only placed where it
// can.
func (c *component) attempt(s state, it item) bool {
	if it.kind != changeItem {
		return c.place(s, it)
	}
	at := c.layout.changes + it.index
	if s[at] != waiting || !c.take(s, it.index) {
		return false
	}
	s[at] = effective
	c.settle(s)
	return true
}

// force places an item, after one open change if it needs one.
func (c *component) force(s state, it item) bool {
	if c.attempt(s, it) {
		return true
	}
	c.base = append(c.base[:0], s...)
	for _, o := range c.open {
		change := c.items[o]
		if s[c.layout.changes+change.index] != waiting || change.kind == it.kind && change.index == it.index {
			continue
		}
		if c.attempt(s, change) && c.attempt(s, it) {
			return true
		}
		copy(s, c.base)
	}
	return false
}

// search lets Porcupine look for an order. The answer is Inconclusive when the
// limit of steps is reached.
func (c *component) search() model.Outcome {
	ops, m, exhausted := c.searched()
	switch {
	case porcupine.CheckOperations(m, ops):
		return model.Held
	case *exhausted:
		return model.Inconclusive
	}
	return model.Violated
}

// searched is the component, after a greedy pass, as Porcupine takes it: its
// operations are the items; what they do to a state is place. Once the limit of
// steps is reached every step is refused, so that the search ends at once, and
// exhausted says so; the answer is then read as inconclusive unless an order had
// been found.
func (c *component) searched() (ops []porcupine.Operation, m porcupine.Model, exhausted *bool) {
	ops = make([]porcupine.Operation, len(c.items))
	for i, it := range c.items {
		ops[i] = porcupine.Operation{Input: i, Call: it.from, Return: it.until}
	}
	c.moments = c.moments[:0]
	for _, e := range c.ends {
		if c.items[e.item].kind.moment() {
			c.moments = append(c.moments, e.item)
		}
	}
	for i, it := range c.items {
		if it.kind.moment() && it.until == model.Never {
			c.moments = append(c.moments, i)
		}
	}
	exhausted = new(bool)
	c.came = 0
	return ops, porcupine.Model{
		Init: func() any { return string(c.initial()) },
		StepContext: func(_ context.Context, s, input, _ any) (bool, any) {
			if c.steps++; c.steps > c.limit {
				*exhausted = true
				return false, s
			}
			next := append(c.scratch[:0], s.(string)...)
			c.scratch = next
			if i := input.(int); !c.allowed(next, i) || !c.place(next, c.items[i]) {
				return false, s
			}
			c.came = max(c.came, int(binary.LittleEndian.Uint16(next[c.layout.passed:])))
			return true, string(next)
		},
		Equal: func(a, b any) bool { return a.(string) == b.(string) },
		Hash:  func(s any) uint64 { return xxhash.Sum64String(s.(string)) },
	}, exhausted
}
