package checker

import "github.com/doublemount/doublemount/model"

// given is a name that a component begins with.
type given struct {
	path  model.Path
	node  int // from 1 on, each when it comes first; names of one node are one file
	kind  model.NodeType
	words []byte
}

// alone makes the component one that begins at a moment at which its state was
// known: it was reset for the operations since, and these names stood there. A
// proof can still speak of what was before. It reports false for what cannot be
// judged so: where an operation can take effect after it returned, or a crash can
// undo it, the state at one moment is not all that matters later.
func (c *component) alone(names []given, before []int) bool {
	if len(c.moves) > 0 || c.endings || !c.atomic() || len(names) > maxNodes {
		return false
	}
	words := 0
	for _, g := range names {
		c.can[c.nameIndex(g.path, true)] |= only(g.kind)
		words = max(words, len(g.words))
	}
	c.given = names
	c.width += words
	c.story = append(before, c.ops...)
	return true
}

// begins adds the nodes that stand there at the beginning.
func (c *component) begins() {
	for _, g := range c.given {
		name := c.nameIndex(g.path, false)
		if g.node == len(c.nodes) {
			c.nodeNames, c.makers = append(c.nodeNames, name), append(c.makers, -1)
			c.nodes = append(c.nodes, g.kind)
		}
		if g.kind == model.File {
			c.creators[name]++
		}
	}
}

// fill puts them into the state that the component begins with.
func (c *component) fill(s state) {
	for _, g := range c.given {
		s[c.nameIndex(g.path, false)] = byte(g.node)
		c.setSize(s, g.node, len(g.words))
		copy(c.content(s, g.node), g.words)
	}
}
