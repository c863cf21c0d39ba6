package checker

import (
	"slices"

	"github.com/doublemount/doublemount/model"
)

// Which file a lookup finds is left to the search, but where an order can depend on
// it that this is known before: a later operation of the host has to wait for what
// the earlier one sees of that file, and for nothing else. A search notes the lookups
// of which it would have had to know that ([component.unsure]).

// fileGuess is the file that the lookup of an operation is to find, 0 for none.
type fileGuess struct {
	op, name int
	file     int
}

// searchFiles is search. If that finds no order where lookups are unsure, and there
// is one if nothing waits for them, it guesses the file of one of them, in every way,
// and so on.
func (c *component) searchFiles(tries *int) model.Outcome {
	c.doubt = fileGuess{op: -1}
	if *tries > 0 && c.greedy() {
		return model.Held
	}
	answer := c.search()
	g := c.doubt
	if answer != model.Violated || g.op < 0 {
		return answer
	}
	c.relaxed = true
	relaxed := c.greedy()
	if !relaxed {
		relaxed = c.search() != model.Violated
	}
	c.relaxed = false
	if !relaxed {
		return model.Violated
	}
	for g.file = range len(c.nodes) {
		if !c.mayFindAtAll(&g) {
			continue
		}
		if *tries++; *tries > maxAlternatives || c.steps > c.limit {
			return model.Inconclusive
		}
		c.steps += tryCost
		c.files = append(c.files, g)
		one := c.searchFiles(tries)
		c.files = c.files[:len(c.files)-1]
		switch one {
		case model.Held:
			return model.Held
		case model.Inconclusive:
			answer = model.Inconclusive
		}
	}
	return answer
}

// mayFindAtAll reports whether a guess is of a file that can be at the name, or of
// none where the operation need not have found one.
func (c *component) mayFindAtAll(g *fileGuess) bool {
	if g.file == 0 {
		return c.info[g.op].open || c.info[g.op].cut
	}
	return c.nodes[g.file] == model.File && c.mayBe(g.file, g.name)
}

// unsure notes that the order would depend on which file an operation finds at a name.
func (c *component) unsure(op, name int) {
	if c.doubt.op < 0 {
		c.doubt = fileGuess{op: op, name: name}
	}
}

// guessedFile is the file that is guessed of the lookup of an operation.
func (c *component) guessedFile(op int) (file int, ok bool) {
	k := slices.IndexFunc(c.files, func(g fileGuess) bool { return g.op == op })
	if k < 0 {
		return 0, false
	}
	return c.files[k].file, true
}

// expected is the file that an operation will find at a name if it finds any: the
// guessed one, or the only one that can ever be there. It is 0 if that is not known.
func (c *component) expected(op, name int) int {
	if file, ok := c.guessedFile(op); ok {
		return file
	}
	if c.creators[name] != 1 {
		return 0
	}
	for node := 1; node < len(c.nodes); node++ {
		if c.nodes[node] == model.File && c.mayBe(node, name) {
			return node
		}
	}
	return 0
}
