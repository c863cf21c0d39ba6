package checker

import (
	"fmt"
	"slices"

	"github.com/doublemount/doublemount/model"
)

const unsharedLock = "unshared-lock"

// unshared is for a lock that two hosts were granted: it tries whether one host
// alone would have kept the two apart. Then what is missing is that the hosts tell
// each other, and the trace says whether the first lock left its host at all.
func (e *explainer) unshared() (Cause, bool) {
	if e.verdict.Anomaly != model.DoubleGrant || len(e.verdict.Steps) != 2 {
		return Cause{}, false
	}
	n, m := e.verdict.Steps[0], e.verdict.Steps[1]
	first, ok := e.run.Program.StepAt(n)
	second, ok2 := e.run.Program.StepAt(m)
	if !ok || !ok2 || first.Host == second.Host {
		return Cause{}, false
	}
	p, ok := onHost(e.run.Program, m, first.Host)
	if !ok {
		return Cause{}, false
	}
	if _, ok := e.passes(p); !ok {
		return Cause{}, false
	}
	c := Cause{Kind: unsharedLock, Step: m, Host: second.Host, Block: -1, Writer: first.Host, WroteAt: n, Nearest: p}
	told := slices.ContainsFunc(e.run.Trace, func(r model.Record) bool {
		return int(r.Step) == n && (r.Kind == model.BlockWritten || r.Kind == model.Sent)
	})
	if told {
		c.Text = fmt.Sprintf("%v was granted the lock in step %d, although %v had it from step %d on.", c.Host, m, first.Host, n)
	} else {
		c.Text = fmt.Sprintf("nothing that %v did in step %d left its memory, no block write and no message, so %v could not know of the lock in step %d.",
			first.Host, n, c.Host, m)
	}
	c.Change = fmt.Sprintf("had both files been open on %v%s", first.Host, e.held())
	return c, true
}

// onHost is a program in which a host uses the handle of step n, which is another
// host's, in a slot that it does not use otherwise; false if it has none.
func onHost(p model.Program, n int, host model.Host) (model.Program, bool) {
	q := p.Clone()
	used := [model.MaxFile + 1]bool{0: true}
	for _, s := range p.Steps {
		used[s.File] = used[s.File] || s.Host == host
	}
	slot := slices.Index(used[:], false)
	own := p.Steps[n-1]
	if slot < 0 {
		return q, false
	}
	open := n - 1
	for open >= 0 && !(p.Steps[open].Kind == model.Open && p.Steps[open].Host == own.Host && p.Steps[open].File == own.File) {
		open--
	}
	if open < 0 {
		return q, false
	}
	for i := open; i < len(p.Steps); i++ {
		s := &q.Steps[i]
		if s.Host != own.Host || s.File != own.File {
			continue
		}
		if i > open && s.Kind == model.Open {
			break
		}
		s.Host, s.File = host, uint8(slot)
	}
	return q, true
}
