package brute

import (
	"fmt"

	"github.com/doublemount/doublemount/model"
)

// rung is a guarantee of the ladder.
type rung uint8

const (
	linear   rung = iota // model.Linearizable
	synced               // model.SyncToMount
	lossless             // model.NothingLost
)

// Judge reports whether the history of run keeps g. It reads run.History only,
// whose operations must be valid steps, in order of call. g is one of
// Linearizable, SyncToMount and NothingLost; Judge panics for any other, since
// only a mistake in a test can ask for it.
func Judge(run model.Run, g model.Guarantee) (held bool) {
	switch g.Name {
	case model.Linearizable.Name:
		return judge(run.History, linear, true)
	case model.SyncToMount.Name:
		return judge(run.History, synced, true)
	case model.NothingLost.Name:
		return judge(run.History, lossless, true)
	}
	panic(fmt.Sprintf("brute: no judge for guarantee %q", g.Name))
}

// judge is Judge; quick is false to try all orders and nothing but all orders.
func judge(ops []model.Op, r rung, quick bool) bool {
	h := newHistory(ops, r)
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
