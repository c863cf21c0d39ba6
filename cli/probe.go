package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/lab/agent"
	"github.com/doublemount/doublemount/model"
)

// probeVerb is "probe".
type probeVerb struct {
	Guarantee guaranteeName `env:"DOUBLEMOUNT_GUARANTEE" placeholder:"G" help:"What is needed: anything weaker is exit code 1 (default: close-to-open)."`
	Seed      uint64        `default:"1" env:"DOUBLEMOUNT_SEED" placeholder:"N" help:"Where the random runs come from (default: 1)."`
	For       span          `env:"DOUBLEMOUNT_FOR" placeholder:"DURATION" help:"How long the whole probe may take, with remounts and making cases small (default: 60s)."`
	Out       string        `default:"doublemount-findings" env:"DOUBLEMOUNT_OUT" placeholder:"DIR" help:"Directory for case files, made when there is something to write (default: ./doublemount-findings)."`
	Format    format        `default:"text" env:"DOUBLEMOUNT_FORMAT" placeholder:"text|json" help:"How to print the answer (default: text)."`

	Real hostFlags `embed:"" group:"Real hosts:"`

	cases []string // that were written
	kept  bool     // Guarantee was
}

// Limits of a probe, which is to take about a minute. Of its time the random runs
// have until 0.4 is over, those with appends until 0.5, those with remounts until 0.65; what is then made small
// has until 0.85; the rest is for how long something stays stale.
const (
	probeFor        = 60 * time.Second
	probeOperations = 2000 // of the random runs
	probeAppends    = 500  // of those with appends
	probeRemounts   = 500  // of those with remounts

	randomUntil   = 0.40
	appendsUntil  = 0.50
	remountsUntil = 0.65
	smallUntil    = 0.85
)

// Help is the long help, with an example.
func (probeVerb) Help() string {
	return fmt.Sprintf(`First a table of what each host works on, before anything is written: one disk that is mounted twice by file systems which know nothing of each other is the answer then. Then a fixed suite of short programs and random ones, on two hosts or more, each judged by the ladder of guarantees. The answer is one sentence, in the last line:

    one disk, mounted twice without coordination: ...
    two separate file systems: ...
    shared and linearizable over N operations
    shared, close-to-open and nothing stronger: ...
    shared, but weaker than close-to-open: ... (and how long it stayed so)
    cannot tell, because ...

Beside it are said appends that overwrite each other, advisory locks, and an operation that never returned. For each guarantee that was broken a case file is written. Exit code: 0 answered, 1 not shared, weaker than close-to-open or than --guarantee, or an operation never returned, 2 bad usage, 3 a host was lost, 4 cannot tell.

Guarantees that speak of mounts, and whether the hosts can have the file system in turns, are judged where every host has a --remount.

Example:

    %s probe --host A='ssh alice doublemount agent --root /mnt/shared' --host B='ssh bob doublemount agent --root /mnt/shared'`, programName())
}

// run implements verb.
func (v *probeVerb) run(ctx context.Context, a *app) (code int, err error) {
	if err := writable(v.Out); err != nil {
		return exitUsage, fmt.Errorf("--out %s: %w\nhint: --out DIR names a directory that can be written to", quoteArg(v.Out), err)
	}
	c, err := v.Real.cluster(2)
	if err != nil {
		return exitUsage, err
	}
	rungs := judgeable(c)
	if v.Guarantee != "" {
		g, err := asked(c, v.Guarantee)
		if err != nil {
			return exitUsage, err
		}
		if !g.Axis { // a variant is judged with the rungs
			rungs = append(rungs, g)
			slices.SortFunc(rungs, model.Guarantee.Compare)
			rungs = slices.Compact(rungs)
		}
	}
	p := &probing{verb: v, began: time.Now(), out: a.stdout, rungs: rungs}
	if v.Format == "json" {
		p.out = io.Discard
	}
	if p.total = time.Duration(v.For); p.total == 0 {
		p.total = probeFor
	}
	r, err := agent.NewRunner(ctx, c)
	if err != nil {
		return p.end(a, p.unknown(err))
	}
	defer func() { v.Real.leave(ctx, a, r, &code, &err) }()
	missing(a, c, false)
	p.runner = r
	p.mounts = remountable(c)
	p.judged = append(slices.Clone(rungs), model.Progress, model.Exclusion)
	p.judge = notTorn(checker.New(0, p.judged...))
	p.light = notTorn(checker.New(0, slices.DeleteFunc(slices.Clone(p.judged), func(g model.Guarantee) bool { return !g.Axis && g.Refresh == model.RefreshMount })...))
	p.base.broken, p.appends.broken = make([]*breach, len(p.judged)), make([]*breach, len(p.judged))
	return p.end(a, p.answer(ctx))
}

// answer is the probe from the first look to the sentence.
func (p *probing) answer(ctx context.Context) conclusion {
	roots := p.runner.Roots()
	printRoots(p.out, roots)
	if p.pair = twice(roots); p.pair != nil && p.pair.harmful() && !p.verb.Real.Anyway {
		return p.pair.conclusion("; nothing was written", false)
	}
	err := p.runner.Open(ctx)
	if apart, ok := errors.AsType[*agent.NotShared](err); ok {
		return p.notSeen(apart)
	}
	if e, ok := errors.AsType[*agent.Unusable](err); ok && p.pair != nil {
		return p.pair.conclusion("; "+inTheWay(e), true)
	}
	if err != nil {
		return p.unknown(err)
	}
	if p.pair != nil && p.runner.SeenAfterRemount() {
		p.pair.twice = true // that it is
		return p.pair.conclusion("; a directory that was synced was seen only after a remount", true)
	}
	fmt.Fprintf(p.out, "%-20s %-15s %s\n", "program", "keeps", "asks whether")
	failure := p.ask(ctx)
	if failure == nil && !p.stop {
		failure = p.random(ctx)
	}
	p.small(ctx)
	p.stale(ctx)
	return p.conclude(failure)
}

// until is the time left until a part of the whole is over, 0 if it is.
func (p *probing) until(part float64) time.Duration {
	return max(0, time.Until(p.began.Add(time.Duration(part*float64(p.total)))))
}
