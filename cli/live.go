package cli

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/reports"
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
	replay  string                                   // the flags with which a case is replayed there
	told    func(fuzz.Result, []reports.Finding)     // of what was shown; may be nil
	stands  func(context.Context, fuzz.Finding) bool // whether one may be told; may be nil: all
	most    int                                      // executions that minimising one finding may take; 0: as usual

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
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(min(l.limit/4, overtime)))
		defer cancel()
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

// overtime is the most that making small what was found last may take beyond the time
// of a hunt, of which it takes no more than a quarter.
const overtime = time.Minute

func (l *live) judge() (model.Judge, error) {
	promised, err := guarantees(l.order.Guarantees)
	judge := checker.New(0, promised...)
	if l.runner.Capabilities().Overlaps {
		judge = notTorn(judge)
	}
	return judge, err
}

// soFar is for the line of progress: executions, those of the minimiser too.
func (l *live) soFar() (runs, findings int) { return int(l.runs.Load()), 0 }

// seen is the run in which a finding was seen. How often it came back is said
// beside it; another run may not have it, or have another answer.
func (l *live) seen(_ context.Context, f fuzz.Finding) shown {
	s := shown{Run: f.Seen, Verdicts: []model.Verdict{f.Verdict}, Cause: checker.Cause{Text: checker.NotIsolated}}
	if judge, err := l.judge(); err == nil {
		s.Verdicts = judge(f.Seen)
	}
	return s
}

// cameBack is "came back 4 of 5 times", or nothing where the runs are
// deterministic.
func cameBack(f fuzz.Finding) string {
	if f.Reruns == 0 {
		return ""
	}
	return fmt.Sprintf("came back %d of %d times", f.CameBack, f.Reruns)
}
