package checker

import (
	"encoding/binary"

	"github.com/doublemount/doublemount/model"
)

// state is where a component stands at one moment of an order: what hosts
// share, which changes have taken effect, what binds chose and which atoms have
// been seen. It is flat bytes, so that it can be copied, hashed and compared at
// once; layout says where things are in it.
type state []byte

// layout of a state, by offset. It begins with the worlds: what hosts share, once
// as it is and once more for each set of crashes as it would be without what they
// undo; names, sizes, words and binds are where they are in each world.
type layout struct {
	share   int // bytes of a world
	worlds  int // how many
	sizes   int // 4 bytes a node
	words   int // width bytes a node
	binds   int // 4 bytes a bind: value+1, 0 while unbound
	changes int // 1 byte a change: a changeState
	moved   int // 1 byte a change: the node that a rename moved; where there are moves
	crashes int // 1 byte a crash: it has happened
	aged    int // 1 byte a change and fsync: it had taken effect at the fsync's call
	atoms   int // 1 byte an atom
	views   int // 1 byte a view: a viewState
	passed  int // 2 bytes: how many moments have come
	end     int
}

type changeState = byte

const (
	waiting   changeState = iota
	effective             // it is in what hosts share
	forgone               // it never will be
)

type viewState = byte

const (
	shut viewState = iota
	open
	seen
)

// What an optional bind ([bind].optional) can have besides a value: its window
// is open; a file could be found meanwhile; there was none to find.
const (
	bindOpen  = 1<<32 - 3
	bindCould = 1<<32 - 2
	noFile    = 1<<32 - 1

	elsewhere = 1 << 30 // in this world the name leads elsewhere
)

func (c *component) plan() {
	l := &c.layout
	l.sizes = len(c.names)
	l.words = l.sizes + 4*len(c.nodes)
	l.binds = l.words + c.width*len(c.nodes)
	l.share = l.binds + 4*len(c.binds)
	l.worlds = c.worlds()
	l.changes = l.share * l.worlds
	l.moved = l.changes + len(c.changes)
	l.crashes = l.moved
	if len(c.moves) > 0 {
		l.crashes += len(c.changes)
	}
	l.aged = l.crashes + len(c.crashes)
	l.atoms = l.aged
	if l.worlds > 1 {
		l.atoms += len(c.changes) * len(c.syncs)
	}
	l.views = l.atoms + len(c.atoms)
	l.passed = l.views + len(c.views)
	l.end = l.passed + 2
}

func (c *component) initial() state {
	if cap(c.scratch) < c.layout.end {
		c.scratch = make(state, c.layout.end)
	}
	s := c.scratch[:c.layout.end]
	clear(s)
	c.fill(s)
	return s
}

func (c *component) size(s state, node int) int {
	return int(binary.LittleEndian.Uint32(s[c.at+c.layout.sizes+4*node:]))
}

func (c *component) setSize(s state, node, n int) {
	binary.LittleEndian.PutUint32(s[c.at+c.layout.sizes+4*node:], uint32(n))
}

func (c *component) content(s state, node int) []byte {
	at := c.at + c.layout.words + c.width*node
	return s[at : at+c.width]
}

// bound is the value of a bind; ok is false while it has none. A bind of a name
// that found no file has node 0.
func (c *component) bound(s state, b int) (value int, ok bool) {
	switch v := c.bindState(s, b) &^ elsewhere; v {
	case noFile &^ elsewhere:
		return 0, true
	case 0, bindOpen &^ elsewhere, bindCould &^ elsewhere:
		return 0, false
	default:
		return int(v) - 1, true
	}
}

func (c *component) bindState(s state, b int) uint32 {
	return binary.LittleEndian.Uint32(s[c.at+c.layout.binds+4*b:])
}

func (c *component) setBound(s state, b int, v uint32) {
	binary.LittleEndian.PutUint32(s[c.at+c.layout.binds+4*b:], v)
}

// before reports whether operation i had returned when operation j was called,
// both of one host.
func (c *component) before(i, j int) bool {
	return c.history[i].Host == c.history[j].Host && c.history[i].Return < c.history[j].Call
}

// own reports whether change ch is laid on top of what operation op's host
// sees: an earlier change of that host and mount that has not taken effect.
func (c *component) own(s state, ch *change, index, op int) bool {
	return s[c.layout.changes+index] != effective && c.before(ch.op, op) && c.info[ch.op].life == c.info[op].life && !c.info[ch.op].open && !c.wholly(ch)
}

// seeName is what operation op's host sees a name to be: a node, 0 for absent.
func (c *component) seeName(s state, op, name int) int {
	node := int(s[c.at+name])
	if c.atomic() {
		return node // its own changes had taken effect when they returned
	}
	if len(c.moves) > 0 {
		return c.seeMoved(s, op, name)
	}
	for i := range c.changes {
		if ch := &c.changes[i]; ch.name == name && c.own(s, ch, i, op) {
			node = ch.node
		}
	}
	return node
}

// seeMoved is seeName where names are moved, so that each change of any name
// counts.
func (c *component) seeMoved(s state, op, name int) int {
	c.laid = append(c.laid[:0], s[c.at:c.at+len(c.names)]...)
	for i := range c.changes {
		ch := &c.changes[i]
		switch {
		case ch.bind >= 0 || !c.own(s, ch, i, op):
		case ch.move >= 0:
			c.carry(c.laid, &c.moves[ch.move])
		default:
			c.laid[ch.name] = byte(ch.node)
		}
	}
	return int(c.laid[name])
}

// over reports whether change ch is laid over what operation op's host sees of
// a file. known is false where that cannot be said yet: which file the change
// found, or at which offset it appended, is seen later in this order. Then the
// host's view has no meaning here.
func (c *component) over(s state, ch *change, index, op, node int) (yes, known bool) {
	if ch.bind < 0 || !c.own(s, ch, index, op) {
		return false, true
	}
	n, ok := c.bound(s, ch.bind)
	if !ok {
		name := c.binds[ch.bind].name
		if !c.mayBe(node, name) {
			return false, true
		}
		if c.creators[name] > 1 {
			return false, false
		}
		n = node
	}
	if n != node {
		return false, true
	}
	if ch.offset >= 0 {
		_, known := c.bound(s, ch.offset)
		return true, known
	}
	return true, true
}

// seeSize is what operation op's host sees as the size of a file; ok is false
// where its view has no meaning yet.
func (c *component) seeSize(s state, op, node int) (size int, ok bool) {
	size = c.size(s, node)
	if c.atomic() {
		return size, true
	}
	for i := range c.changes {
		yes, known := c.over(s, &c.changes[i], i, op, node)
		if !known {
			return 0, false
		}
		if yes {
			size = c.sizeAfter(s, &c.changes[i], size)
		}
	}
	return size, true
}

// sizeAfter is a file's size after a change of its content.
func (c *component) sizeAfter(s state, ch *change, size int) int {
	if c.history[ch.op].Kind == model.Truncate {
		return ch.words
	}
	if ch.inside {
		return size
	}
	start := c.offsetOf(s, ch, size)
	return max(size, c.lastKept(ch, start))
}

// offsetOf is where a write begins.
func (c *component) offsetOf(s state, ch *change, size int) int {
	if c.history[ch.op].Kind != model.Append {
		return ch.off
	}
	if ch.offset < 0 && c.mask != 0 {
		return c.begin // what made the file longer may be undone, and leaves a hole
	}
	if ch.offset < 0 {
		return size
	}
	v, _ := c.bound(s, ch.offset)
	return v
}

// seeWords fills p with what operation op's host sees of a file from off on; ok
// is false where its view has no meaning yet.
func (c *component) seeWords(s state, op, node, off int, p []byte) (ok bool) {
	copy(p, c.content(s, node)[off:])
	if c.atomic() {
		return true
	}
	for i := range c.changes {
		yes, known := c.over(s, &c.changes[i], i, op, node)
		if !known {
			return false
		}
		if yes {
			c.lay(s, &c.changes[i], p, off)
		}
	}
	return true
}

// lay puts a change of content on top of words that begin at off.
func (c *component) lay(s state, ch *change, p []byte, off int) {
	if c.history[ch.op].Kind == model.Truncate {
		clear(p[min(len(p), max(0, ch.words-off)):])
		return
	}
	start := c.offsetOf(s, ch, 0)
	for w := max(start, off); w < min(start+ch.words, off+len(p)); w++ {
		if !c.lost(ch, start, w) {
			p[w-off] = c.history[ch.op].Data
		}
	}
}

// take makes a change take effect. It reports false, and leaves s as it was,
// where the change cannot take effect with the result that it returned.
func (c *component) take(s state, index int) bool {
	ch := &c.changes[index]
	if !c.inOrder(s, index) {
		return false
	}
	if ch.move >= 0 {
		s[c.layout.moved+index] = s[ch.name]
	}
	if c.layout.worlds > 1 {
		return c.takeAll(s, ch)
	}
	return c.takeOne(s, ch)
}

// takeOne makes a change take effect in the world that is looked at.
func (c *component) takeOne(s state, ch *change) bool {
	if ch.bind < 0 {
		return c.takeName(s[c.at:c.at+len(c.names)], ch)
	}
	return c.takeContent(s, ch)
}

func (c *component) takeContent(s state, ch *change) bool {
	node, ok := c.bound(s, ch.bind)
	if !ok || node == 0 || c.layout.worlds > 1 && !c.writable(s, ch, node) {
		return false
	}
	if ch.offset >= 0 {
		if _, ok := c.bound(s, ch.offset); !ok {
			return false
		}
	}
	size := c.size(s, node)
	content := c.content(s, node)
	if c.history[ch.op].Kind == model.Truncate {
		clear(content[min(len(content), ch.words):])
	} else {
		start := c.offsetOf(s, ch, size)
		if start+ch.words > len(content) {
			return false // an append at an offset that no order gives
		}
		end := start + ch.words
		if ch.inside {
			end = min(end, size)
		}
		for w := start; w < end; w++ {
			if !c.lost(ch, start, w) {
				content[w] = c.history[ch.op].Data
			}
		}
	}
	c.setSize(s, node, c.sizeAfter(s, ch, size))
	return true
}

func (c *component) takeName(names []byte, ch *change) bool {
	kind := c.history[ch.op].Kind
	node := int(names[ch.name])
	switch kind {
	case model.Create, model.Mkdir:
		if node != 0 || c.parentType(names, ch.name) != model.Dir {
			return false
		}
		names[ch.name] = byte(ch.node)
		return true
	case model.Rename, model.Link:
		return c.takeMove(names, &c.moves[ch.move])
	}
	if node == 0 {
		// Who only asks that nothing be lost counts a delete as done when the
		// name is gone already.
		return c.g.FinalOnly
	}
	if kind == model.Unlink && c.nodes[node] != model.File || kind == model.Rmdir && (c.nodes[node] != model.Dir || c.hasEntries(names, ch.name)) {
		return false
	}
	names[ch.name] = 0
	return true
}
