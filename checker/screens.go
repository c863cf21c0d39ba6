package checker

import "github.com/doublemount/doublemount/model"

// screens holds the changes of a component by the number that they write, for
// tests that need no search: most answers that no order explains are impossible
// for a reason that one or two operations show. Numbers are hardly ever used
// twice, and such a test costs a look at each change for each answer, however many
// of them are under way and might, or might not, have taken effect.
type screens struct {
	writers [256][]int32 // by number: changes, in order
	appends bool
	cuts    []int32 // truncations
}

// screened reports whether some answer is impossible for a reason that needs no
// search:
//
//   - a word that no operation wrote there;
//   - words of two writes at one moment, each of which would have replaced the
//     other's;
//   - a word that had been replaced, or a hole or end where words had been written,
//     all before the operation was called, in the only file that there ever was;
//   - a size that no operation gives.
//
// What it does not find can be impossible all the same.
func (c *component) screened() bool {
	c.index()
	for a := range c.atoms {
		at := &c.atoms[a]
		if at.free || at.kind == nameAtom && at.size < 0 {
			continue // another explanation may be the right one; or it is of a name only
		}
		if at.size >= 0 && c.unsized(at) || c.unwritten(at) || c.torn(at) || c.replaced(at) {
			return true
		}
	}
	return false
}

// index sorts the changes for the tests.
func (c *component) index() {
	s := &c.screens
	for k := range s.writers {
		s.writers[k] = s.writers[k][:0]
	}
	s.appends, s.cuts = false, s.cuts[:0]
	for i := range c.changes {
		ch := &c.changes[i]
		if ch.bind < 0 {
			continue
		}
		switch op := &c.history[ch.op]; op.Kind {
		case model.Truncate:
			s.cuts = append(s.cuts, int32(i))
		case model.Append:
			s.appends = true
			s.writers[op.Data] = append(s.writers[op.Data], int32(i))
		default:
			s.writers[op.Data] = append(s.writers[op.Data], int32(i))
		}
	}
}

// unwritten reports whether a word of an atom is one that nothing wrote there.
func (c *component) unwritten(a *atom) bool {
words:
	for k, word := range a.data {
		if word == model.Hole {
			continue
		}
		for _, i := range c.screens.writers[word] {
			ch := &c.changes[i]
			if ch.from < c.history[a.op].Return && (c.history[ch.op].Kind == model.Append || ch.covers(a.off+k)) {
				continue words
			}
		}
		if !c.givenWord(word) {
			return true
		}
	}
	return false
}

// givenWord reports whether the component begins with such a word in a file.
func (c *component) givenWord(word byte) bool {
	for _, g := range c.given {
		for _, w := range g.words {
			if w == word {
				return true
			}
		}
	}
	return false
}

// covers reports whether a write is of a word.
func (ch *change) covers(word int) bool { return ch.off <= word && word < ch.off+ch.words }

// onlyWrite is the one write of a number, none if there are others.
func (c *component) onlyWrite(word byte) *change {
	if w := c.screens.writers[word]; word != model.Hole && len(w) == 1 && !c.givenWord(word) {
		if ch := &c.changes[w[0]]; c.history[ch.op].Kind == model.Write {
			return ch
		}
	}
	return nil
}

// torn reports whether an atom has words of two writes, each of which covers those
// of the other: whichever came last replaced the other's. A crash can undo a block
// of a write and leave the next, so then only one block is looked at.
func (c *component) torn(a *atom) bool {
	const block = model.WordsPerBlock
	for k := range a.data {
		for n := k + 1; n < len(a.data); n++ {
			if a.data[k] == a.data[n] || n > k+1 && a.data[n] == a.data[n-1] {
				continue
			}
			if (c.endings || a.kind == blockAtom) && (a.off+k)/block != (a.off+n)/block {
				break
			}
			x, y := c.onlyWrite(a.data[k]), c.onlyWrite(a.data[n])
			if x != nil && y != nil && x.covers(a.off+n) && y.covers(a.off+k) {
				return true
			}
		}
	}
	return false
}

// replaced reports whether what an atom saw had been replaced before its operation
// was called: there was one file of that name only, so every change of the name's
// content is of it.
func (c *component) replaced(a *atom) bool {
	if !c.atomic() || c.endings || len(c.moves) > 0 {
		return false
	}
	name := a.name
	if a.kind != nameAtom {
		name = c.binds[a.bind].name
	}
	if c.creators[name] != 1 {
		return false
	}
	call := c.history[a.op].Call
	for i := range c.changes {
		ch := &c.changes[i]
		if ch.bind < 0 || ch.until >= call || c.binds[ch.bind].name != name {
			continue
		}
		switch c.history[ch.op].Kind {
		case model.Write:
			if ch.words > 0 && (c.replacedBy(a, ch) || c.uncut(ch, a) && c.shows(a, ch)) {
				return true
			}
		case model.Truncate:
			if c.replacedBy(a, ch) {
				return true
			}
		}
	}
	return false
}

// replacedBy reports whether an atom has a word that a change had replaced.
func (c *component) replacedBy(a *atom, by *change) bool {
	cut := c.history[by.op].Kind == model.Truncate
	for k, word := range a.data {
		if word == c.history[by.op].Data || cut && a.off+k < by.words || !cut && !by.covers(a.off+k) {
			continue
		}
		if x := c.onlyWrite(word); x != nil && x.until < by.from {
			return true
		}
	}
	return false
}

// uncut reports whether no truncation can have come after a write and before an
// atom was seen.
func (c *component) uncut(ch *change, a *atom) bool {
	for _, i := range c.screens.cuts {
		if t := &c.changes[i]; t.until >= ch.from && t.from < c.history[a.op].Return {
			return false
		}
	}
	return true
}

// shows reports whether an atom shows that a write had not been made: a hole in
// place of its words, or an end before theirs.
func (c *component) shows(a *atom, w *change) bool {
	if end := w.off + w.words; a.size >= 0 && a.size < int64(end) || a.size == endedBefore && a.off < end {
		return true
	}
	for k, word := range a.data {
		if word == model.Hole && w.covers(a.off+k) {
			return true
		}
	}
	return false
}

// unsized reports whether no change gives a file the size that an atom saw. Where a
// crash may have undone something, sizes can be in between.
func (c *component) unsized(a *atom) bool {
	if c.endings || c.screens.appends || a.size == 0 {
		return false
	}
	for i := range c.changes {
		ch := &c.changes[i]
		if ch.bind < 0 || ch.from >= c.history[a.op].Return {
			continue
		}
		end := ch.words
		if c.history[ch.op].Kind == model.Write {
			end += ch.off
		}
		if int64(end) == a.size {
			return false
		}
	}
	for _, g := range c.given {
		if int64(len(g.words)) == a.size {
			return false
		}
	}
	return true
}
