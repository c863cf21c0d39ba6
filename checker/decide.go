package checker

import (
	"fmt"
	"slices"

	"github.com/doublemount/doublemount/model"
)

// maxAlternatives is how many combinations of explanations of ambiguous errors
// are tried below linearizable before the answer is inconclusive.
const maxAlternatives = 512

// tryCost is what a compilation and its greedy pass count as in steps.
const tryCost = 10

// maxNodes is how many files and directories a component can make, since a
// name's node is one byte of a state.
const maxNodes = 250

// decide says whether some order explains the component.
//
// An error such as ENOENT for /d/f has two explanations: no /d, or no f in it.
// At linearizable, and for the final observation, any that was seen will do.
// Below, where a host's views keep their order, the choice matters to its later
// views, so each combination is a compilation of its own.
func (c *component) decide() model.Outcome {
	c.judgeEverything()
	return c.decideAll()
}

func (c *component) judgeEverything() {
	c.choice = resized(c.choice, len(c.history))
	c.skip = resized(c.skip, len(c.history))
	c.pending = resized(c.pending, len(c.history))
	if c.endings {
		c.forget = resized(c.forget, len(c.history))
		c.undone = resized(c.undone, 2*len(c.history))
	}
}

// obvious reports whether one greedy pass explains the component. If it does
// not, nothing is said.
func (c *component) obvious() bool {
	c.judgeEverything()
	c.compile()
	if c.tooLarge || len(c.nodes) > maxNodes {
		return false
	}
	return c.explained()
}

// overlaps reports whether operations of the component overlap.
func (c *component) overlaps() bool {
	latest := int64(0)
	for _, i := range c.ops {
		if c.history[i].Call < latest {
			return true
		}
		latest = max(latest, c.history[i].Return)
	}
	return false
}

// inSequence reports whether each operation and each crash ends before the next
// begins, and has a result. At linearizable there is then one order.
func (c *component) inSequence() bool {
	if c.overlaps() {
		return false
	}
	for _, i := range c.ops {
		if c.info[i].open || c.info[i].cut || c.pending[i] {
			return false
		}
		if c.endings && c.atCrash(i) {
			return false
		}
	}
	return true
}

// atCrash reports whether operation i overlaps a crash.
func (c *component) atCrash(i int) bool {
	for k := range c.history {
		if e := &c.history[k]; ends(e) && e.Call < c.history[i].Return && c.history[i].Call < e.Return {
			return true
		}
	}
	return false
}

// decideAll is decide with the operations that are skipped and pending as they
// have been set. What crashes undo is guessed: nothing at first.
func (c *component) decideAll() model.Outcome {
	c.steps, c.guesses = 0, 0
	clear(c.undone)
	c.sequential = c.atomic() && c.inSequence()
	answer := c.decideGuess()
	if answer == model.Held || !c.findLosses() {
		return answer
	}
	return c.guess(answer)
}

// decideGuess is decideAll where it is known what crashes undo.
func (c *component) decideGuess() model.Outcome {
	clear(c.choice)
	answer := model.Violated
	for tried := 0; ; tried++ {
		if tried == maxAlternatives {
			return model.Inconclusive
		}
		c.compile()
		c.steps += tryCost
		if c.tooLarge || len(c.nodes) > maxNodes || c.worlds() > maxWorlds || tried > 0 && c.steps > c.limit {
			return model.Inconclusive
		}
		switch c.decideOne() {
		case model.Held:
			return model.Held
		case model.Inconclusive:
			answer = model.Inconclusive
		}
		if !c.nextChoice() {
			return answer
		}
	}
}

func (c *component) decideOne() model.Outcome {
	switch {
	case c.explained():
		return model.Held
	case c.sequential:
		return model.Violated // there is no other order
	case c.screened():
		return model.Violated
	}
	tries := 0
	return c.searchFiles(&tries)
}

// explained reports whether a greedy pass explains what was compiled.
func (c *component) explained() bool {
	c.plan()
	c.list()
	return c.greedy()
}

// nextChoice counts the choices up by one; false after the last.
func (c *component) nextChoice() bool {
	for _, a := range c.several {
		if c.choice[a.op]++; c.choice[a.op] < a.n {
			return true
		}
		c.choice[a.op] = 0
	}
	return false
}

// reason is why there was no answer.
func (c *component) reason() string {
	if c.steps > c.limit {
		return fmt.Sprintf("no answer for %s within %d steps", c.names[0], c.limit)
	}
	if c.tooLarge || len(c.nodes) > maxNodes {
		return fmt.Sprintf("too many names or files that can be %s", c.names[0])
	}
	if c.guesses > 0 {
		return fmt.Sprintf("no answer for %s in %d sets of changes that crashes may have undone", c.names[0], c.guesses)
	}
	return fmt.Sprintf("more than %d ways to explain the errors of %s", maxAlternatives, c.names[0])
}

// resized is p with n zero elements.
func resized[T any](p []T, n int) []T {
	p = slices.Grow(p[:0], n)[:n]
	clear(p)
	return p
}
