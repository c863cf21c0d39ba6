package fuzz

import (
	"context"
	"fmt"
	"math"

	"github.com/doublemount/doublemount/model"
)

// BatchRuns is how many consecutive run numbers a batch has: batch b has those
// from b*BatchRuns on.
const BatchRuns = 256

// BatchResult is what one batch came to. It is plain data and crosses process
// boundaries as JSON.
type BatchResult struct {
	Batch  int
	Digest uint64 // over the digests of its runs, in order
	Tally
}

// RunBatch makes the runs of one batch, cut at opts.Runs: generates each
// Program, runs it, judges it, and minimises the first that violates each
// (guarantee, anomaly).
//
// Where the Runner says that it is deterministic, the first run and each that
// would become a finding are made twice. One that differs from itself is
// recorded as nondeterministic, and no finding comes of it: there would be
// nothing to replay.
//
// A Runner's error is recorded and the batch goes on. The error that RunBatch
// returns means that ctx ended or batch is no batch's number; then there is no
// result, since a part of a batch is nothing that shards could agree on.
//
// On a Runner that is not deterministic no two batches are alike anyway. There the
// result is of what was done until ctx ended, if that was anything, and each
// finding is run again to see how often it comes back.
func RunBatch(ctx context.Context, runner model.Runner, judge model.Judge, opts Options, batch int) (BatchResult, error) {
	if batch < 0 || batch > math.MaxInt/BatchRuns-1 {
		return BatchResult{}, fmt.Errorf("batch %d: want 0 or more", batch)
	}
	first, end := batch*BatchRuns, (batch+1)*BatchRuns
	if opts.Runs > 0 {
		end = min(end, opts.Runs)
	}
	caps := runner.Capabilities()
	b := batcher{runner: runner, judge: judge, opts: opts, caps: caps, gen: NewGenerator(caps, opts)}
	for n := first; n < end; n++ {
		if opts.Skip[n] {
			continue
		}
		if !caps.Deterministic && (opts.enough() || opts.First && len(b.tally.Findings) > 0) {
			break
		}
		if err := b.run(ctx, n); err != nil {
			if !caps.Deterministic && b.tally.Runs > 0 {
				break
			}
			return BatchResult{}, fmt.Errorf("batch %d: run %d: %w", batch, n, err)
		}
	}
	b.tally.Coverage = b.counter.Coverage
	b.tally.Operations = b.counter.Attempted
	return BatchResult{Batch: batch, Digest: b.digest, Tally: b.tally}, nil
}

// batcher is a batch being run.
type batcher struct {
	runner  model.Runner
	judge   model.Judge
	opts    Options
	caps    model.Capabilities
	gen     *Generator
	source  PCG
	digest  uint64
	counter Counter
	tally   Tally
}

// run makes run n. Its error means that ctx ended.
func (b *batcher) run(ctx context.Context, n int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b.source.Reset(b.opts.Seed, n)
	p := b.gen.Generate(&b.source)
	twice := b.tally.Runs == 0
	b.tally.Runs++
	b.digest = fold(b.digest, uint64(n))

	run, err := b.execute(ctx, n, p)
	if err != nil {
		return b.failed(ctx, n, err)
	}
	b.digest = fold(b.digest, run.Digest)
	b.counter.Count(&run)

	fresh, inconclusive := b.fresh(b.judge(run))
	if inconclusive {
		b.tally.Inconclusive++
	}
	digest, seen := run.Digest, run
	if b.caps.Deterministic {
		recycle(b.runner, run)
		seen = model.Run{} // it can be had again
	}
	if b.caps.Deterministic && (twice || len(fresh) > 0) {
		again, err := b.execute(ctx, n, p)
		if err != nil {
			return b.failed(ctx, n, err)
		}
		recycle(b.runner, again)
		if again.Digest != digest {
			b.tally.Nondeterministic = append(b.tally.Nondeterministic, n)
			return nil
		}
	}
	for _, v := range fresh {
		if err := b.minimise(ctx, n, p, v, seen); err != nil {
			return err
		}
	}
	return nil
}

// recycle gives a run back that nothing refers to any more.
func recycle(runner model.Runner, run model.Run) {
	if r, ok := runner.(model.Recycler); ok {
		r.Recycle(run)
	}
}

func (b *batcher) execute(ctx context.Context, n int, p model.Program) (model.Run, error) {
	b.opts.progress(n, p)
	return b.runner.Run(ctx, p)
}

// failed records the error of a Runner, or returns that of ctx.
func (b *batcher) failed(ctx context.Context, n int, err error) error {
	if ctx.Err() != nil {
		b.tally.Runs-- // it was not made
		return ctx.Err()
	}
	b.tally.HarnessErrors++
	if len(b.tally.Failures) < maxFailures {
		b.tally.Failures = append(b.tally.Failures, Failure{Run: n, Text: err.Error()})
	}
	return nil
}

// fresh picks the violations that this batch has no finding of yet.
// inconclusive says that the judge reached a limit and saw no violation at all.
func (b *batcher) fresh(verdicts []model.Verdict) (fresh []model.Verdict, inconclusive bool) {
	violated := false
	for _, v := range verdicts {
		switch v.Outcome {
		case model.Inconclusive:
			inconclusive = true
		case model.Violated:
			violated = true
			if !b.tally.has(v) {
				fresh = append(fresh, v)
			}
		}
	}
	return fresh, inconclusive && !violated
}

func (b *batcher) minimise(ctx context.Context, n int, p model.Program, v model.Verdict, seen model.Run) error {
	if b.tally.has(v) {
		return nil // the judge gave the same verdict twice
	}
	f := Finding{Verdict: v, Program: p, Run: n, Original: len(p.Steps), Seen: seen}
	progress := func(q model.Program) { b.opts.progress(n, q) }
	again := Confirmation{Runner: b.runner, Judge: b.judge, Times: b.opts.reruns(), Progress: progress}
	if !b.caps.Deterministic {
		f.Reruns = again.Times
		err := again.count(ctx, &f)
		if err != nil || f.CameBack*2 <= f.Reruns {
			// What comes back that seldom cannot be told from what is gone.
			f.Cut = true
			b.tally.keep(f)
			return err
		}
	}
	m := Minimiser{Runner: b.runner, Judge: b.judge, Limit: b.opts.Limit, Reruns: b.opts.Reruns, Progress: progress}
	small, err := m.Minimise(ctx, p, v)
	if err != nil && b.caps.Deterministic {
		return err
	}
	f.Verdict, f.Program, f.Executions, f.Cut = small.Verdict, small.Program, small.Executions, small.Cut || err != nil
	if !b.caps.Deterministic && small.Program.String() != p.String() {
		f.Seen = small.Seen
	}
	if err == nil && !b.caps.Deterministic {
		err = again.count(ctx, &f)
	}
	b.tally.keep(f)
	return err
}
