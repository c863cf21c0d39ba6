package cli

import (
	"context"
	"slices"
	"time"

	"github.com/doublemount/doublemount/corpus"
	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/model"
)

// kept is what the probe keeps a case of: what broke a rung, what went wrong with
// appends where all else was right, locks, errors.
func (p *probing) kept() []*breach {
	var all []*breach
	for i, b := range p.base.broken {
		if b == nil {
			b = p.appends.broken[i]
		}
		if b != nil {
			all = append(all, b)
		}
	}
	for _, b := range p.locks {
		if b != nil && !slices.Contains(all, b) {
			all = append(all, b)
		}
	}
	return all
}

// small makes what random runs have broken small, as far as there is time, and writes
// a case for each guarantee; one where one program breaks several.
func (p *probing) small(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, p.until(smallUntil))
	defer cancel()
	var cases []corpus.Case
	var first []*breach // of each case
	for _, b := range p.kept() {
		if i := slices.IndexFunc(cases, func(c corpus.Case) bool { return c.Program.String() == b.program.String() }); i >= 0 {
			if !slices.ContainsFunc(cases[i].Expect, func(e corpus.Expectation) bool { return e.Guarantee == b.guarantee.Name }) {
				cases[i].Expect = append(cases[i].Expect, expectation(b.verdict))
			}
			continue
		}
		p.rest(b.resting)
		if !b.fixed && b.verdict.Anomaly != model.NoProgress { // which takes its whole timeout each time
			m := fuzz.Minimiser{Runner: p.runner, Judge: b.judge, Limit: 300, Reruns: p.verb.Real.reruns()}
			small, _ := m.Minimise(ctx, b.program, b.verdict) // as far as it came in time
			b.program, b.verdict = small.Program, small.Verdict
			if small.Seen.Program.Hosts > 0 {
				b.run = small.Seen
			}
		}
		cases = append(cases, corpus.Case{Notes: []string{note(b.verdict.Proof[0]), note(b.verdict.Proof[1])},
			Design: p.runner.Capabilities().Name, Expect: []corpus.Expectation{expectation(b.verdict)}, FoundBy: "probe",
			Program: b.program, Saw: corpus.Recorded(b.program, b.run.History)})
		first = append(first, b)
	}
	for i, c := range cases {
		f := fuzz.Finding{Reruns: p.verb.Real.reruns()}
		var err error
		p.rest(first[i].resting)
		if f.CameBack, err = (fuzz.Confirmation{Runner: p.runner, Judge: first[i].judge, Times: f.Reruns}).Count(ctx, c.Program, first[i].verdict); err == nil {
			c.Notes = append(c.Notes, "It "+cameBack(f)+".")
		}
		file, err := writeCase(p.verb.Out, c)
		if err != nil {
			p.unwritten = err
			return
		}
		p.cases = append(p.cases, file)
	}
}

// staleMost is how long it is waited for something stale to become right, if there is
// that much time.
const staleMost = 70 * time.Second

// stale finds out how long what broke close-to-open stays wrong. It is measured a few
// times, and the longest is told.
func (p *probing) stale(ctx context.Context) {
	b := p.base.broken[p.rank(model.CloseToOpen.Name)]
	if b == nil || len(b.verdict.Steps) == 0 {
		return
	}
	right := func(run model.Run) bool {
		if look := run.History[len(run.History)-1]; look.Skipped || !look.Succeeded() && b.verdict.Observed != "" && look.Result.Errno != model.ENOENT {
			return false // it failed for another reason
		}
		verdicts := b.judge(run)
		i := slices.IndexFunc(verdicts, func(v model.Verdict) bool { return v.Guarantee == model.CloseToOpen.Name })
		return i >= 0 && verdicts[i].Outcome == model.Held
	}
	p.rest(b.resting)
	limit := min(p.until(1), staleMost)
	for range 3 {
		if limit = min(limit, p.until(1)); limit <= 0 {
			return
		}
		took, err := p.runner.Until(ctx, b.program, slices.Max(b.verdict.Steps), right, limit)
		switch {
		case err != nil: // it did not come back, or cannot be asked again
		case took < 0:
			p.staleFor, p.staleLimit = took, limit
			return
		default:
			p.staleFor = max(p.staleFor, took)
		}
	}
}
