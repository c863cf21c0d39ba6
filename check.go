package doublemount

import (
	"context"
	"errors"
	"fmt"

	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/reports"
	"github.com/doublemount/doublemount/sim"
)

// EndedHang is the Ended of a Result whose last run did not come back.
const EndedHang = "hang"

// Result is what a [Check] came to.
type Result struct {
	Runs         int
	Operations   int           // in them
	Digest       uint64        // over every trace of every run: equal digests mean equal runs
	Coverage     fuzz.Coverage // what was reached
	Weak         []string      // what was reached too little of to call no findings clean, one sentence each
	Inconclusive int           // runs that could not be judged within the limit
	Ended        string        // fuzz.EndedRuns, EndedTime, EndedFirst, EndedSignal, or EndedHang

	Findings []reports.Finding // the smallest of each guarantee and anomaly, by their names
	_        struct{}
}

// Check lets hosts work on the disk of design and judges what they saw, outside
// of any test. It makes batches of [fuzz.BatchRuns] runs until all are made or
// ctx ends; a batch that ctx cut short is left out. Result is a function of
// design, options and seed, unless a run hangs or ctx ends.
//
// Findings are minimised and explained; with [Out] each is also written as a
// case file. That a design breaks its promise is no error. The error means that
// an option or the design cannot be used, that the harness failed, or wraps
// [ErrNondeterministic]; Result then says what was done until then.
func Check(ctx context.Context, design sim.Design, opts ...Option) (Result, error) {
	s, err := newSettings("Check", design, opts)
	if err != nil {
		return Result{}, fmt.Errorf("doublemount: %w", err)
	}
	result, stuck, err := check(ctx, s)
	if stuck != nil {
		// The batches before are whole and can be made again; the one that hangs
		// is no result.
		var before Result
		if s.runs = stuck.run / fuzz.BatchRuns * fuzz.BatchRuns; s.runs > 0 {
			before, _, err = check(ctx, s)
		}
		f := s.hangFinding(stuck)
		if s.out != "" {
			err = errors.Join(err, s.write(s.out, &f, s.foundBy(stuck.run)))
		}
		result = before
		result.Findings = append(result.Findings, f)
		result.Ended = EndedHang
	}
	if err != nil {
		err = fmt.Errorf("doublemount: %w", err)
	}
	return result, err
}

// check is Check until something hangs.
func check(ctx context.Context, s settings) (Result, *hung, error) {
	ctx, cancel := context.WithCancel(ctx) // work that was abandoned stops if it comes back
	defer cancel()
	var w watch
	var result Result
	var err error
	returned := false
	stuck := w.supervise(s.hang, func() {
		result, err = hunt(ctx, s, &w)
		returned = true
	})
	switch {
	case stuck != nil:
		return Result{}, stuck, nil
	case !returned:
		return Result{}, nil, w.left()
	}
	return result, nil, err
}

func (s *settings) foundBy(run int) string { return fmt.Sprintf("seed %d run %d", s.seed, run) }

// hunt runs the campaign and explains what it found.
func hunt(ctx context.Context, s settings, w *watch) (Result, error) {
	e, err := newEngine(s, w)
	if err != nil {
		return Result{}, err
	}
	defer e.close()
	opts := s.options()
	opts.Progress = w.number
	r, err := fuzz.Hunt(ctx, e.runner, e.judge, opts)
	result := Result{Runs: r.Runs, Operations: r.Operations, Digest: r.Digest, Coverage: r.Coverage,
		Inconclusive: r.Inconclusive, Ended: r.Ended}
	if r.Runs > 0 {
		result.Weak = r.Coverage.Weak(s.options().Within(e.runner.Capabilities()))
	}
	if err == nil && r.HarnessErrors > 0 {
		err = fmt.Errorf("%d of %d runs could not be made; run %d: %s", r.HarnessErrors, r.Runs, r.Failures[0].Run, r.Failures[0].Text)
	}
	if n := r.Nondeterministic; len(n) > 0 {
		err = errors.Join(err, fmt.Errorf("%w: run %d and %d more of seed %d\n%s", ErrNondeterministic, n[0], len(n)-1, s.seed, nondeterministicHint))
	}
	for _, found := range r.Findings {
		// What was found in time is worth explaining when time is up.
		f, failed := e.explain(context.WithoutCancel(ctx), found.Program, found.Verdict)
		f.Original = found.Original
		if w.abandoned() {
			return result, err
		}
		if s.out != "" {
			failed = errors.Join(failed, s.write(s.out, &f, s.foundBy(found.Run)))
		}
		err = errors.Join(err, failed)
		result.Findings = append(result.Findings, f)
	}
	return result, err
}
