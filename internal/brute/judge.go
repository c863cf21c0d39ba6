package brute

import (
	"fmt"

	"github.com/doublemount/doublemount/model"
)

// rung is how a guarantee judges, whatever its windows are.
type rung uint8

const (
	linear   rung = iota // effect and views of a change are one point
	viewed               // views may be older, and effects later
	lossless             // only Final's views are judged
)

// rungOf is the rung that the fences of a guarantee make.
func rungOf(g model.Guarantee) rung {
	switch {
	case g.FinalOnly:
		return lossless
	case g.Publish == model.PublishReturn && g.Refresh == model.RefreshCall:
		return linear
	}
	return viewed
}

// Judge reports whether the history of run keeps g. It reads run.History only,
// whose operations must be valid steps, in order of call. g is a rung of the
// ladder or one that a user made of the same fields, with any Staleness, Durable
// and StrictReaddir; Judge panics for an axis, and for Ordered and Except, since
// only a mistake in a test can ask for them.
func Judge(run model.Run, g model.Guarantee) (held bool) {
	if g.Axis || g.Ordered || g.Except != 0 {
		panic(fmt.Sprintf("brute: no judge for guarantee %q", g.Name))
	}
	return judge(run.History, g, true)
}

// judge is Judge; quick is false to try all orders and nothing but all orders.
func judge(ops []model.Op, g model.Guarantee, quick bool) bool {
	h := newHistory(ops, g)
	choices, possible := h.choices()
	if !possible {
		return false
	}
	return h.try(h.newGuess(), choices, quick)
}

// try settles the choices one by one in all ways, and searches an order for
// each.
func (h *history) try(g guess, choices []choice, quick bool) bool {
	if len(choices) == 0 {
		s := newSearch(h, g, quick)
		return !s.impossible && s.run(h.blank())
	}
	c := choices[0]
	for _, option := range c.options {
		switch c.about {
		case aboutFile:
			g.file[c.op] = option
		case aboutOffset:
			g.offset[c.op] = option
		case aboutCause:
			g.cause[c.op] = option
		}
		if h.try(g, choices[1:], quick) {
			return true
		}
	}
	return false
}
