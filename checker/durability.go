package checker

import (
	"fmt"

	"github.com/doublemount/doublemount/model"
)

// explainDurability names a violation for what it is where an fsync, sync or
// unmount was called in vain: if the crash had been free to undo a change that one
// of them covers, and everything were explained then, that change is what is gone.
func (c *component) explainDurability(v *model.Verdict) {
	if seen := &c.history[c.culprit]; !c.endings || seen.Host == model.Final && !c.atRest(seen) {
		return // or what was seen may be older than the crash
	}
	c.judgeEverything()
	for _, i := range c.ops {
		c.forget[i] = c.durable(i) != nil
	}
	if c.decideAll() != model.Held {
		return
	}
	gone := -1
	for _, i := range c.ops {
		if !c.forgetOnly(i) {
			continue
		}
		if gone = i; c.decideAll() == model.Held {
			break
		}
	}
	if gone < 0 {
		return
	}
	change, event, crash := &c.history[gone], c.durable(gone), &c.history[c.info[gone].crash]
	seen := &c.history[c.culprit]
	v.Anomaly = model.DurabilityViolation
	v.Path = c.pathOf(gone)
	v.Steps = steps(change, event, crash, seen)
	because := naming(event) + " had made it durable"
	if event == change {
		because = "it had returned"
	}
	v.Proof = [2]string{
		fmt.Sprintf("%s survives %s, because %s.", naming(change), naming(crash), because),
		fmt.Sprintf("however %s answered %s, and that has an explanation only if it did not: a contradiction.", naming(seen), seen.Answer()),
	}
}

// forgetOnly makes operation i the only one that nothing has made durable; false
// where nothing had.
func (c *component) forgetOnly(i int) bool {
	clear(c.forget)
	c.forget[i] = c.durable(i) != nil
	return c.forget[i]
}

// durable is the fsync, sync or unmount that covers a change of a life that a crash
// ended, none if none does. Where a return or close makes durable, that is it.
func (c *component) durable(i int) *model.Op {
	op, in := &c.history[i], &c.info[i]
	if in.crash < 0 || in.cut || !op.Kind.Changes() || !op.Succeeded() {
		return nil
	}
	if c.g.Durable != model.DurableFsync && c.lasts(i) == op.Return && op.Return < c.history[in.crash].Call {
		return op
	}
	for j := i + 1; j < int(in.crash); j++ {
		e := &c.history[j]
		if !e.Succeeded() || e.Call < op.Return || e.Return > c.history[in.crash].Call || c.info[j].zombie {
			continue
		}
		switch {
		case e.Host == op.Host && (e.Kind == model.Sync || e.Kind == model.Unmount):
			return e
		case e.Kind == model.Close && c.g.Durable == model.DurableClose && c.lasts(i) == e.Return && e.Host == op.Host:
			return e
		case e.Kind != model.Fsync:
		case c.sameFileAt(c.pathOf(j), c.pathOf(i)), op.To != "" && c.pathOf(j) == op.To:
			return e
		}
	}
	return nil
}
