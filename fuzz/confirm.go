package fuzz

import (
	"context"

	"github.com/doublemount/doublemount/model"
)

// Confirmation runs a Program again, to say how often what was found on a Runner
// that is not deterministic comes back.
type Confirmation struct {
	Runner   model.Runner
	Judge    model.Judge
	Times    int                 // executions
	Progress func(model.Program) // if set, called before each; must not change or keep it
}

// Count executes p so often and counts the runs whose verdicts have one that is
// the Same as want. A run that cannot be made has none. The error is that of ctx
// when it ended.
func (c Confirmation) Count(ctx context.Context, p model.Program, want model.Verdict) (cameBack int, err error) {
	for range c.Times {
		if err := ctx.Err(); err != nil {
			return cameBack, err
		}
		if c.Progress != nil {
			c.Progress(p)
		}
		if _, _, ok := shows(ctx, c.Runner, c.Judge, p, want); ok {
			cameBack++
		}
	}
	return cameBack, ctx.Err()
}

// count fills in how often f came back.
func (c Confirmation) count(ctx context.Context, f *Finding) (err error) {
	made := 0
	before := c.Progress
	c.Progress = func(p model.Program) {
		if made++; before != nil {
			before(p)
		}
	}
	f.CameBack, err = c.Count(ctx, f.Program, f.Verdict)
	f.Reruns = made // ctx may have ended it early
	return err
}

// shows executes p once and looks for a verdict that is the Same as want. Where
// it cannot be had again, the run is returned too.
func shows(ctx context.Context, runner model.Runner, judge model.Judge, p model.Program, want model.Verdict) (v model.Verdict, run model.Run, ok bool) {
	run, err := runner.Run(ctx, p)
	if err != nil {
		return v, model.Run{}, false
	}
	verdicts := judge(run)
	if runner.Capabilities().Deterministic {
		recycle(runner, run)
		run = model.Run{}
	}
	for _, v := range verdicts {
		if v.Same(want) {
			return v, run, true
		}
	}
	return v, model.Run{}, false
}
