package doublemount

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/corpus"
	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/reports"
	"github.com/doublemount/doublemount/sim"
)

// ErrNondeterministic is wrapped by the error of a [Check] whose design
// answered the same Program in two ways, and stands in the failure of a [Run].
var ErrNondeterministic = errors.New("nondeterministic: the same Program gave two different runs")

const nondeterministicHint = "hint: a design keeps its state on its host and on the disk, and takes no clock, goroutine, map order or global variable from elsewhere"

// engine is what both doors run: a design's hosts under watch, and a judge.
type engine struct {
	settings
	w      *watch
	runner watched
	judge  model.Judge
	close  func()
}

// newEngine formats the design's disk and mounts it once, so it is called under
// supervision.
func newEngine(s settings, w *watch) (e *engine, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("design %q: panic: %v", s.design.Name, r)
		}
	}()
	w.begin(model.Program{Hosts: 1, Steps: []model.Step{{Kind: model.Mount}}, Unmounts: []model.Host{0}})
	defer w.end()
	r, err := sim.New(s.design)
	if err != nil {
		return nil, err
	}
	return &engine{settings: s, w: w, runner: watched{r, w}, judge: checker.New(0, s.guarantees...), close: r.Close}, nil
}

// minimise makes a violation small and explains it. The finding is there even
// if the error is not nil: then it is as small and as well explained as it got.
func (e *engine) minimise(ctx context.Context, v violation) (reports.Finding, error) {
	e.w.keep(v)
	small, err := fuzz.Minimiser{Runner: e.runner, Judge: e.judge}.Minimise(ctx, v.program, v.verdict)
	f, err2 := e.explain(ctx, small.Program, small.Verdict)
	f.Original = len(v.program.Steps)
	return f, errors.Join(err, err2)
}

// explain runs a Program that violates a guarantee once more and finds out why.
func (e *engine) explain(ctx context.Context, p model.Program, v model.Verdict) (reports.Finding, error) {
	f := e.bare(p, v)
	run, cause, err := checker.Explain(ctx, e.runner, e.judge, p, v)
	if err != nil {
		return f, fmt.Errorf("explain %s: %w", v.Anomaly, err)
	}
	f.Run, f.Cause = run, cause
	// The last run was not this one but one that was tried.
	if _, err := e.runner.Run(ctx, p); err != nil {
		return f, fmt.Errorf("run %s again: %w", v.Anomaly, err)
	}
	f.Blocks = reports.BlocksOf(run, e.runner.Describe)
	return f, nil
}

// bare is a finding of which nothing is known but the Program and the verdict.
func (s *settings) bare(p model.Program, v model.Verdict) reports.Finding {
	g, err := model.ParseGuarantee(v.Guarantee)
	if err != nil {
		g = model.Guarantee{Name: v.Guarantee}
	}
	return reports.Finding{Design: s.design.Name, Guarantee: g, Verdict: v, Run: model.Run{Program: p}}
}

// write makes the case file of f in dir and notes its name in f.
func (s *settings) write(dir string, f *reports.Finding, foundBy string) error {
	const longest = 200 // bytes of a note; the headline is ASCII
	c := corpus.Case{
		Design:  s.design.Name,
		Expect:  []corpus.Expectation{{Outcome: model.Violated, Guarantee: f.Verdict.Guarantee, Anomaly: f.Verdict.Anomaly}},
		FoundBy: foundBy,
		Program: f.Run.Program,
	}
	for _, note := range []string{f.Headline(), f.Verdict.Proof[0], f.Verdict.Proof[1]} {
		if note = strings.ToValidUTF8(note[:min(len(note), longest)], "?"); note != "" {
			c.Notes = append(c.Notes, note)
		}
	}
	file, err := corpus.WriteFile(dir, c)
	if err != nil {
		return err
	}
	f.File, err = absolute(file)
	return err
}

// violated is the first violation among verdicts, and whether any of them could
// not be decided.
func violated(verdicts []model.Verdict) (v *model.Verdict, inconclusive bool) {
	for i := range verdicts {
		switch verdicts[i].Outcome {
		case model.Violated:
			if v == nil {
				v = &verdicts[i]
			}
		case model.Inconclusive:
			inconclusive = true
		}
	}
	return v, inconclusive
}
