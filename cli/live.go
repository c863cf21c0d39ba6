package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/model"
)

// live is a hunt on real hosts. It runs in this process: what can hang or die
// are the agents, which are others.
type live struct {
	runner  model.Runner
	broken  func() bool // no use to go on; may be nil
	order   job         // what is drawn, and judged
	reruns  int
	first   bool
	limit   time.Duration // 0: none
	explain func(context.Context, fuzz.Finding) shown
	replay  string // the flags with which a case is replayed there
	most    int    // executions that minimising one finding may take; 0: as usual

	runs atomic.Int64
}

// hunt runs until the campaign ends. What ctx interrupts is told as far as it
// was found.
func (l *live) hunt(ctx context.Context, stderr io.Writer) (fuzz.Result, error) {
	judge, err := l.judge()
	if err != nil {
		return fuzz.Result{}, err
	}
	var deadline time.Time
	if l.limit > 0 {
		deadline = time.Now().Add(l.limit)
	}
	opts := l.order.options()
	opts.Reruns, opts.First, opts.Limit = l.reruns, l.first, l.most
	opts.Enough = func() bool {
		return l.limit > 0 && !time.Now().Before(deadline) || l.broken != nil && l.broken()
	}
	opts.Progress = func(int, model.Program) { l.runs.Add(1) }
	defer showProgress(stderr, l)()
	return fuzz.Hunt(ctx, l.runner, judge, opts)
}

func (l *live) judge() (model.Judge, error) {
	promised, err := guarantees(l.order.Guarantees)
	return checker.New(0, promised...), err
}

// soFar is for the line of progress: executions, those of the minimiser too.
func (l *live) soFar() (runs, findings int) { return int(l.runs.Load()), 0 }

// again runs a finding until it comes back, a few times at most: a run to show.
func (l *live) again(ctx context.Context, f fuzz.Finding) shown {
	s := shown{Run: model.Run{Program: f.Program}, Verdicts: []model.Verdict{f.Verdict}, Cause: checker.Cause{Text: checker.NotIsolated}}
	judge, err := l.judge()
	if err != nil {
		return s
	}
	if run, verdicts, ok := seen(ctx, l.runner, judge, f.Program, f.Verdict, l.reruns); ok {
		s.Run, s.Verdicts = run, verdicts
	}
	return s
}

// seen runs a program until its finding comes back, so often at most, and returns
// the run that shows it.
func seen(ctx context.Context, r model.Runner, judge model.Judge, p model.Program, v model.Verdict, times int) (model.Run, []model.Verdict, bool) {
	for range times {
		if ctx.Err() != nil {
			break
		}
		run, err := r.Run(ctx, p)
		if err != nil {
			break
		}
		if verdicts := judge(run); slices.ContainsFunc(verdicts, v.Same) {
			return run, verdicts, true
		}
	}
	return model.Run{}, nil, false
}

// cameBack is "came back 4 of 5 times", or nothing where the runs are
// deterministic.
func cameBack(f fuzz.Finding) string {
	if f.Reruns == 0 {
		return ""
	}
	return fmt.Sprintf("came back %d of %d times", f.CameBack, f.Reruns)
}
