package checker

import "github.com/doublemount/doublemount/model"

// inOrder checks that what the change's host saw has been seen, and that its
// earlier changes of the same thing have taken effect. So where an earlier one
// never does, no later one does either.
func (c *component) inOrder(s state, index int) bool {
	if c.atomic() {
		return true // the windows of one client do not overlap
	}
	ch := &c.changes[index]
	for v := range c.views {
		if c.views[v].op == ch.op && s[c.layout.views+v] != seen {
			return false
		}
	}
	for i := range c.changes[:index] {
		if e := &c.changes[i]; e.ends >= 0 && c.info[e.op].life != c.info[ch.op].life {
			continue // what had no effect before its host's life ended has none
		} else if c.info[e.op].open {
			continue // it failed, so nothing waits for it
		}
		if s[c.layout.changes+i] != effective && c.before(c.changes[i].op, ch.op) && c.conflict(s, &c.changes[i], ch) {
			return false
		}
	}
	return true
}

// conflict reports whether two changes change the same name entry, or the same
// block or size of one file.
func (c *component) conflict(s state, a, b *change) bool {
	if a.bind < 0 || b.bind < 0 {
		return a.bind < 0 && b.bind < 0 && (c.g.Ordered && a.ends >= 0 || c.sameNames(a, b))
	}
	m, ok := c.bound(s, a.bind)
	n, ok2 := c.bound(s, b.bind)
	if !ok || !ok2 || m != n {
		return false
	}
	if c.history[a.op].Kind != model.Write || c.history[b.op].Kind != model.Write {
		return true
	}
	const w = model.WordsPerBlock
	return a.off/w <= (b.off+b.words-1)/w && b.off/w <= (a.off+a.words-1)/w
}
