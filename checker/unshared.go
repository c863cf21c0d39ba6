package checker

import (
	"fmt"
	"slices"

	"github.com/doublemount/doublemount/model"
)

const (
	unsharedLock = "unshared-lock"
	keptLock     = "kept-lock"
)

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

// kept is for a lock that is refused though nobody has it: it tries whether another
// host's leaving would free it. Then that host's lock had stayed granted.
func (e *explainer) kept() (Cause, bool) {
	if e.verdict.Anomaly != model.StuckLock || len(e.verdict.Steps) != 1 {
		return Cause{}, false
	}
	m := e.verdict.Steps[0]
	refused, ok := e.run.Program.StepAt(m)
	for n := m - 1; ok && n >= 1; n-- {
		had := e.run.Program.Steps[n-1]
		if had.Kind != model.Lock || had.Host == refused.Host || !e.mounted(had.Host, m) {
			continue
		}
		p := e.insert(m, []model.Step{{Host: had.Host, Kind: model.Remount}})
		if _, ok := e.passes(p); !ok {
			continue
		}
		return Cause{Kind: keptLock, Step: n, Host: had.Host, Block: -1, Writer: had.Host, WroteAt: n, Nearest: p,
			Text: fmt.Sprintf("the lock that %v took in step %d stayed granted to it after its handle had given it up: nothing between then and step %d told the other hosts.",
				had.Host, n, m),
			Change: fmt.Sprintf("had %v remounted before step %d%s", had.Host, m, e.held())}, true
	}
	return Cause{}, false
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
