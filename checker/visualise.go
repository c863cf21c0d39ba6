package checker

import (
	"fmt"
	"io"
	"slices"

	"github.com/anishathalye/porcupine"
	"github.com/doublemount/doublemount/model"
)

// maxVisual is how many items a component may have to be drawn. Porcupine keeps a
// partial order for every item then, so the memory grows with the square; and what
// is larger than this nobody reads.
const maxVisual = 1000

// Visualise writes Porcupine's own page (HTML with all that it needs inside) for one
// component of a run, judged for a rung: the one that path belongs to, or for an
// empty path the first that is not kept, else the first. It shows the items that
// are searched for an order: effects with their windows, and the moments at which
// views open and must have been seen. It is never a whole history's.
//
// Where a crash may have undone changes, the page is of the order in which it has
// undone nothing.
func Visualise(w io.Writer, run model.Run, g model.Guarantee, path model.Path) error {
	if g.Axis {
		return fmt.Errorf("%s has no order of operations to show", g.Name)
	}
	j := &judge{guarantees: []model.Guarantee{g}}
	j.component.limit = DefaultLimit
	j.windows.make(run.History)
	j.windows.place(run.History, g)
	j.parts.divide(run.History, j.windows.info, g.Ordered || g.StrictReaddir)
	at := j.drawn(run, g, path)
	if at < 0 {
		return fmt.Errorf("no operation speaks of %q, so there is nothing to show", string(path))
	}
	j.reset(g, run, at)
	c := &j.component
	c.judgeEverything()
	c.compile()
	if c.tooLarge || len(c.nodes) > maxNodes {
		return fmt.Errorf("the names joined to %s are too many to be compiled", j.parts.tops[at])
	}
	c.explained() // makes the items
	if n := len(c.items); n > maxVisual {
		return fmt.Errorf("the names joined to %s have %d items to order; the limit of a page is %d\nhint: a shorter history that shows the same can be drawn", j.parts.tops[at], n, maxVisual)
	}
	ops, m, _ := c.searched()
	for i := range ops { // a row for each that overlaps others, since a client has one at a time
		ops[i].ClientId = c.row(ops, i)
	}
	m.DescribeOperation = func(input, _ any) string { return c.describe(c.items[input.(int)]) }
	m.DescribeState = func(any) string { return "" }
	_, info := porcupine.CheckOperationsVerbose(m, ops, 0)
	return porcupine.Visualize(m, info, w)
}

// drawn is which component is shown, -1 for none.
func (j *judge) drawn(run model.Run, g model.Guarantee, path model.Path) int {
	first := -1
	for n := range j.parts.tops {
		members := j.parts.of(n)
		if len(members) == 0 {
			continue
		}
		if path != "" {
			if slices.Contains(members, path.Top()) {
				return n
			}
			continue
		}
		if first < 0 {
			first = n
		}
		if j.reset(g, run, n); j.component.decide() != model.Held {
			return n
		}
	}
	return first
}

// row is the lowest row in which item i overlaps none before it.
func (c *component) row(ops []porcupine.Operation, i int) int {
	for row := 0; ; row++ {
		if !slices.ContainsFunc(ops[:i], func(o porcupine.Operation) bool {
			return o.ClientId == row && o.Call <= ops[i].Return && ops[i].Call <= o.Return
		}) {
			return row
		}
	}
}

// describe is an item in words.
func (c *component) describe(it item) string {
	what := func(op int, text string) string { return fmt.Sprintf("%s: %s", naming(&c.history[op]), text) }
	switch it.kind {
	case bindItem, bindOpens, bindCloses:
		return what(c.binds[it.index].op, map[itemKind]string{bindItem: "finds its file", bindOpens: "can find its file", bindCloses: "has found its file"}[it.kind])
	case changeItem:
		return what(c.changes[it.index].op, "takes effect")
	case crashItem:
		return what(c.crashes[it.index], "undoes changes")
	case viewOpens, viewCloses:
		op := c.views[it.index].op
		if it.kind == viewOpens {
			return what(op, "its view opens")
		}
		return what(op, "has seen "+c.history[op].Answer())
	}
	op := c.syncs[it.index].op
	if it.kind == fsyncCalls {
		return what(op, "is called")
	}
	return what(op, "has published")
}
