package cli

import (
	"context"
	"fmt"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/corpus"
	"github.com/doublemount/doublemount/model"
)

// realReplay replays cases on real hosts: each several times, since they are not
// deterministic.
type realReplay struct {
	runner model.Runner
	judged func(model.Guarantee) error // nil, or why a guarantee is not judged there
	reruns int
}

// replay runs one case and counts, for each expectation, the runs that met it.
// Most of them have to. That something was held which cannot be judged there is
// said, and no difference.
func (p *realReplay) replay(ctx context.Context, f corpus.File) (replayed, model.Run, error) {
	c := f.Case
	r := replayed{File: f.Name, Design: c.Design, Met: []string{}, Differences: []string{}}
	var expect []corpus.Expectation
	var judged []model.Guarantee
	for _, e := range c.Expect {
		g, err := model.ParseGuarantee(e.Guarantee)
		if err != nil {
			return r, model.Run{}, err
		}
		if err := p.judged(g); err != nil {
			if e.Outcome == model.Held {
				r.Met = append(r.Met, e.Guarantee+" not judged there")
			} else {
				r.Differences = append(r.Differences, err.Error())
			}
			continue
		}
		expect, judged = append(expect, e), append(judged, g)
	}
	judge := checker.New(0, judged...)
	if p.runner.Capabilities().Overlaps {
		judge = notTorn(judge)
	}
	met := make([]int, len(expect))
	other := make([]model.Verdict, len(expect))
	var run model.Run
	for range p.reruns {
		var err error
		if run, err = p.runner.Run(ctx, c.Program); err != nil {
			return r, run, err
		}
		for i, got := range judge(run) {
			if expectation(got) == expect[i] {
				met[i]++
			} else {
				other[i] = got
			}
		}
	}
	for i, e := range expect {
		want := model.Verdict{Outcome: e.Outcome, Anomaly: e.Anomaly}
		if met[i]*2 > p.reruns {
			r.Met = append(r.Met, fmt.Sprintf("%s %s (%d of %d)", e.Guarantee, outcomeOf(want), met[i], p.reruns))
			continue
		}
		r.Differences = append(r.Differences, fmt.Sprintf("%s: want %s, got it %d of %d times; else %s", e.Guarantee, outcomeOf(want), met[i], p.reruns, outcomeOf(other[i])))
	}
	r.Differences = append(r.Differences, stale(run)...)
	r.OK = len(r.Differences) == 0
	return r, run, nil
}
