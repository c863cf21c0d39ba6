package fuzz

import (
	"context"

	"github.com/doublemount/doublemount/model"
)

// Minimiser makes the Program of a finding small. It works on the Program, not
// on the choices that made it, so a Program from a case file serves as well.
type Minimiser struct {
	Runner   model.Runner
	Judge    model.Judge
	Limit    int                 // executions; 0: 2000
	Reruns   int                 // executions of a candidate where the Runner is not deterministic, most of which must have the finding; 0: 5
	Progress func(model.Program) // if set, called before each execution; must not change or keep it
}

// Minimal is what a Minimiser came to.
type Minimal struct {
	Program    model.Program
	Verdict    model.Verdict // of Program
	Executions int
	Cut        bool // the limit was reached: Program may not be minimal

	// Seen is a run of Program that had Verdict, where the Runner is not
	// deterministic and anything was taken away; else it is empty.
	Seen model.Run
}

// Minimise is Minimiser.Minimise with the usual limit, its answer taken apart.
func Minimise(ctx context.Context, runner model.Runner, judge model.Judge, p model.Program, want model.Verdict) (model.Program, model.Verdict, int, error) {
	small, err := Minimiser{Runner: runner, Judge: judge}.Minimise(ctx, p, want)
	return small.Program, small.Verdict, small.Executions, err
}

// Minimise takes steps, holds, strikes and hosts away from p and makes what is left
// plainer, as long as the judge still gives a verdict that is the Same as want.
// That p itself gives it is taken as known.
//
// On a Runner that is not deterministic a candidate is taken only if more than
// half of its executions have the finding.
//
// Unless Cut, the result is 1-minimal: none of [OneAway] of it has the finding
// any more, on a deterministic Runner. A candidate that the Runner cannot run
// is no candidate. The answer is a function of its arguments; p is not changed.
//
// The error is that p is not valid, or that of ctx when it ended; Minimal then
// holds the best so far.
func (m Minimiser) Minimise(ctx context.Context, p model.Program, want model.Verdict) (Minimal, error) {
	if err := p.Validate(); err != nil {
		return Minimal{Program: p, Verdict: want}, err
	}
	if m.Limit <= 0 {
		m.Limit = defaultLimit
	}
	s := search{Minimiser: m, ctx: ctx, want: want, tried: map[string]bool{}, times: 1}
	if !m.Runner.Capabilities().Deterministic {
		s.times = Options{Reruns: m.Reruns}.reruns()
	}
	s.best = Minimal{Program: p.Clone(), Verdict: want}
	can := Options{}.Within(m.Runner.Capabilities()).Kinds
	for changed := true; changed; {
		changed = false
		for _, rule := range rules {
			for s.improve(rule, can) {
				changed = true
			}
		}
	}
	return s.best, s.err
}

// search is a minimisation at work.
type search struct {
	Minimiser
	ctx   context.Context
	want  model.Verdict
	tried map[string]bool // texts of the candidates executed
	times int             // executions of each, at most
	best  Minimal
	err   error
}

// improve takes the first candidate of rule that keeps the finding, if there is
// one.
func (s *search) improve(rule rule, can model.KindSet) bool {
	improved := false
	rule(s.best.Program, can, func(p model.Program) bool {
		improved = s.keeps(p)
		return !improved && s.err == nil && !s.best.Cut
	})
	return improved
}

// keeps executes p, unless it was before or is not valid (a rule may reach past
// a limit), and makes it the best if it has the finding.
func (s *search) keeps(p model.Program) bool {
	if s.err = s.ctx.Err(); s.err != nil {
		return false
	}
	text := p.String()
	if s.tried[text] || p.Validate() != nil {
		return false
	}
	s.tried[text] = true
	hits, last, seen := 0, model.Verdict{}, model.Run{}
	for misses := 0; hits*2 <= s.times; {
		if s.best.Cut = s.best.Executions >= s.Limit; s.best.Cut {
			return false
		}
		s.best.Executions++
		if s.Progress != nil {
			s.Progress(p)
		}
		if v, run, ok := shows(s.ctx, s.Runner, s.Judge, p, s.want); ok {
			hits, last, seen = hits+1, v, run
		} else if misses++; misses*2 >= s.times {
			s.err = s.ctx.Err()
			return false
		}
	}
	s.best.Program, s.best.Verdict, s.best.Seen = p, last, seen
	return true
}
