package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/reports"
)

// defaultFor is how long a hunt takes that was given neither a number of runs
// nor a time.
const defaultFor = 10 * time.Second

// huntVerb is "hunt".
type huntVerb struct {
	Design *string `arg:"" optional:"" help:"Design or planted bug to hunt (default: the first that \"designs\" lists)."`
	huntFlags

	Real hostFlags `embed:"" group:"Real hosts:"`
}

// huntFlags are those of every verb that hunts.
type huntFlags struct {
	Hosts     hostCount     `env:"DOUBLEMOUNT_HOSTS" placeholder:"N" help:"Hosts that share the disk, 1 to 16 (default: 2)."`
	Seed      uint64        `default:"1" env:"DOUBLEMOUNT_SEED" placeholder:"N" help:"Where the runs come from: the same seed gives the same runs (default: 1)."`
	Runs      runCount      `env:"DOUBLEMOUNT_RUNS" placeholder:"N" help:"Stop after so many runs; alone, there is no limit of time."`
	For       span          `env:"DOUBLEMOUNT_FOR" placeholder:"DURATION" help:"Stop after so long; what was begun is finished (default, without --runs: 10s)."`
	Guarantee guaranteeName `env:"DOUBLEMOUNT_GUARANTEE" placeholder:"G" help:"Guarantee to hold the design to, a rung or one with options such as linearizable+except=append (default: what it declares). Capacity, fsck, exclusion and progress are always judged."`
	Strict    bool          `name:"strict-readdir" env:"DOUBLEMOUNT_STRICT_READDIR" help:"Hold every readdir to be one snapshot: short for the option strict-readdir of the guarantee."`
	Faults    faultSet      `env:"DOUBLEMOUNT_FAULTS" placeholder:"LIST" help:"Faults to draw, of those that the design survives: all, none, or a list such as crash,power-loss (default: all)."`
	Out       string        `default:"doublemount-findings" env:"DOUBLEMOUNT_OUT" placeholder:"DIR" help:"Directory for case files, made when there is something to write (default: ./doublemount-findings)."`
	First     bool          `env:"DOUBLEMOUNT_FIRST" help:"Stop at the first batch of runs that has a finding."`
	Format    format        `default:"text" env:"DOUBLEMOUNT_FORMAT" placeholder:"text|json" help:"How to print what was found (default: text)."`
}

// Help is the long help, with an example.
func (huntVerb) Help() string {
	return fmt.Sprintf(`Exit code: 0 clean, 1 something found, 2 bad usage, 3 the harness failed or a run differed from itself, 4 inconclusive, interrupted or too little reached.

Example, ten seconds of the first design:

    %[1]s hunt

Example, the first thing that breaks a stronger guarantee, for a program to read:

    %[1]s hunt --guarantee linearizable --first --format json

Example, two real hosts; docs/LAB.md has more:

    %[1]s hunt --host A='ssh alice doublemount agent --root /mnt/shared' --host B='ssh bob doublemount agent --root /mnt/shared'`, programName())
}

// run implements verb.
func (v *huntVerb) run(ctx context.Context, a *app) (int, error) {
	if v.Real.given() {
		return v.runReal(ctx, a)
	}
	if err := v.Real.unused(false); err != nil {
		return exitUsage, err
	}
	design := a.designs[0]
	if v.Design != nil {
		var err error
		if design, err = lookup(a.designs, *v.Design); err != nil {
			return exitUsage, err
		}
	}
	if err := v.fill(design.Name, design.Guarantee, design.Survives); err != nil {
		return exitUsage, err
	}
	limit := v.limit()
	c := &campaign{first: v.First, limit: limit, order: job{
		Design: design.Name, Guarantees: v.judged(), Hosts: int(v.Hosts), Faults: v.Faults.drawn, Seed: v.Seed, Runs: int(v.Runs),
	}}
	began := time.Now()
	done := showProgress(a.stderr, c)
	result, failure := c.hunt(ctx)
	took := time.Since(began)
	done()
	if failure != nil && result.Runs == 0 && len(result.Findings) == 0 {
		return exitHarness, failure
	}
	e := explainer{c: c}
	defer e.close()
	h := hunted{order: c.order, caps: c.caps, result: result, limit: limit, took: took, explain: e.explain}
	return v.report(a, h, failure)
}

// fill puts in what depends on what is hunted, and says what does not fit it.
func (v *huntFlags) fill(name string, promised model.Guarantee, survives model.Faults) error {
	if missing := v.Faults.named &^ survives; missing != 0 {
		return fmt.Errorf("--faults: %s does not survive %v, so it promises nothing there\nhint: it survives %v", name, missing, survives)
	}
	if v.Hosts == 0 {
		v.Hosts = 2
	}
	if v.Guarantee == "" {
		v.Guarantee = guaranteeName(promised.Name)
	}
	if err := v.strict(); err != nil {
		return err
	}
	if err := writable(v.Out); err != nil {
		return fmt.Errorf("--out %s: %w\nhint: --out DIR names a directory that can be written to", quoteArg(v.Out), err)
	}
	return nil
}

// strict adds the option of --strict-readdir to the guarantee.
func (v *huntFlags) strict() error {
	if !v.Strict {
		return nil
	}
	g, err := model.ParseGuarantee(string(v.Guarantee))
	if err != nil {
		return err
	}
	if g.Axis {
		return fmt.Errorf("--strict-readdir: %s says nothing of what a readdir lists\nhint: --guarantee names a rung", g.Name)
	}
	g.StrictReaddir = true
	v.Guarantee = guaranteeName(g.Named().Name)
	return nil
}

// limit is how long the hunt goes on, 0 for no limit.
func (v *huntFlags) limit() time.Duration {
	if v.For == 0 && v.Runs == 0 {
		return defaultFor
	}
	return time.Duration(v.For)
}

// hunted is a hunt that has ended, on a design or on real hosts.
type hunted struct {
	order   job
	caps    model.Capabilities
	result  fuzz.Result
	limit   time.Duration
	took    time.Duration
	explain func(fuzz.Finding) shown
	replay  string                               // the flags with which a case is replayed there
	told    func(fuzz.Result, []reports.Finding) // of what was shown; may be nil
}

// report shows what was found and the summary. The failure, if any, is why the
// hunt ended; what it has found is printed first.
func (v *huntFlags) report(a *app, h hunted, failure error) (int, error) {
	slices.SortStableFunc(h.result.Findings, mostTelling)
	s := summary{flags: v, order: h.order, result: h.result, limit: h.limit, took: h.took}
	within := h.order.options().Within(h.caps)
	s.faults = within.Survives
	if h.result.Runs > 0 {
		s.weak = h.result.Coverage.Weak(within)
	}
	found, unshown := v.show(a, h)
	if h.told != nil {
		h.told(h.result, found)
	}
	if err := s.print(a, found); err != nil {
		return exitHarness, errors.Join(unshown, fmt.Errorf("write the summary: %w", err))
	}
	if failure = errors.Join(unshown, failure); failure != nil {
		return exitHarness, failure
	}
	return s.code(), nil
}

// runReal hunts on real hosts.
func (v *huntVerb) runReal(ctx context.Context, a *app) (code int, err error) {
	if v.Design != nil {
		return exitUsage, fmt.Errorf("%s and --host\nhint: hunt a design, or real hosts", quoteArg(*v.Design))
	}
	c, err := v.Real.cluster(2)
	if err != nil {
		return exitUsage, err
	}
	if n := len(c.Members); v.Hosts != 0 && int(v.Hosts) != n {
		return exitUsage, fmt.Errorf("--hosts %d, and %d of --host\nhint: leave out --hosts, and DOUBLEMOUNT_HOSTS", v.Hosts, n)
	}
	v.Hosts = hostCount(len(c.Members))
	if err := v.possible(); err != nil {
		return exitUsage, err
	}
	if v.Guarantee == "" {
		v.Guarantee = guaranteeName(model.Linearizable.Name)
	}
	if err := v.strict(); err != nil {
		return exitUsage, err
	}
	if err := writable(v.Out); err != nil {
		return exitUsage, fmt.Errorf("--out %s: %w\nhint: --out DIR names a directory that can be written to", quoteArg(v.Out), err)
	}
	g, err := asked(c, v.Guarantee)
	if err != nil {
		return exitUsage, err
	}
	r, err := v.Real.open(ctx, a, c)
	if err != nil {
		return notOpened(err), err
	}
	defer func() { v.Real.leave(ctx, a, r, &code, &err) }()
	l := &live{runner: r, broken: r.Broken, replay: v.Real.again(), reruns: v.Real.reruns(), first: v.First, limit: v.limit(), order: job{
		Design: r.Capabilities().Name, Guarantees: guaranteeNames(g), Hosts: int(v.Hosts), Faults: v.Faults.drawn, Seed: v.Seed, Runs: int(v.Runs),
	}}
	return v.hunt(ctx, a, l)
}

// guaranteeNames is what real hosts are held to: a guarantee, and what can be judged
// without their disk.
func guaranteeNames(g model.Guarantee) []string {
	all := []model.Guarantee{g, model.Exclusion, model.Progress}
	slices.SortFunc(all, model.Guarantee.Compare)
	return columnNames(slices.Compact(all))
}

// possible says which of the faults that were asked for real hosts cannot have.
func (v *huntVerb) possible() error {
	can := model.Faults(0)
	if len(v.Real.Crash) > 0 {
		can = model.Crashes
	}
	if missing := v.Faults.named &^ can; missing != 0 {
		return fmt.Errorf("--faults: %v cannot happen to these hosts\nhint: of the faults, real hosts can have %v, by the command that --crash names", missing, model.Crashes)
	}
	return nil
}

// hunt hunts on real hosts of any kind and reports.
func (v *huntFlags) hunt(ctx context.Context, a *app, l *live) (int, error) {
	began := time.Now()
	result, failure := l.hunt(ctx, a.stderr)
	took := time.Since(began)
	if failure != nil && result.Runs == 0 && len(result.Findings) == 0 {
		return exitHarness, failure
	}
	if l.stands != nil {
		result.Findings = slices.DeleteFunc(result.Findings, func(f fuzz.Finding) bool { return !l.stands(ctx, f) })
	}
	explain := l.explain
	if explain == nil {
		explain = l.seen
	}
	return v.report(a, hunted{order: l.order, caps: l.runner.Capabilities(), result: result, limit: l.limit, took: took, replay: l.replay, told: l.told,
		explain: func(f fuzz.Finding) shown { return explain(ctx, f) }}, failure)
}

// judged is the guarantees of every run: the one asked for, and the axes.
func (v *huntFlags) judged() []string {
	names := []string{string(v.Guarantee)}
	for _, g := range model.Axes() {
		if g.Name != names[0] {
			names = append(names, g.Name)
		}
	}
	return names
}

// show explains each finding and writes its case file, then, as text, prints
// them: whatever becomes of the output, what was found is on disk. What cannot
// be written is printed all the same, with its program, and makes the error.
func (v *huntFlags) show(a *app, h hunted) ([]reports.Finding, error) {
	var all []reports.Finding
	var unwritten error
	for _, f := range h.result.Findings {
		s := h.explain(f)
		r := reports.Finding{Design: h.order.Design, Verdict: f.Verdict, Run: s.Run, Cause: s.Cause, Original: f.Original, Blocks: s.Blocks,
			CameBack: f.CameBack, Reruns: f.Reruns}
		var err error
		if r.Guarantee, err = model.ParseGuarantee(f.Verdict.Guarantee); err != nil {
			return all, err
		}
		if r.File, err = writeCase(v.Out, caseOf(h.order, f, s)); err == nil {
			r.Replay = command() + " replay " + h.replay + quoteArg(r.File)
		} else if unwritten == nil {
			unwritten = fmt.Errorf("write a finding to %s: %w", quoteArg(v.Out), err)
		}
		all = append(all, r)
	}
	if v.Format == "json" {
		return all, unwritten
	}
	for _, r := range all {
		if err := reports.Text(a.stdout, r); err != nil {
			return all, fmt.Errorf("write a finding: %w", err)
		}
		program := ""
		if r.File == "" {
			program = "no case file; the program is:\n" + r.Run.Program.String()
		}
		if _, err := fmt.Fprintln(a.stdout, program); err != nil {
			return all, fmt.Errorf("write a finding: %w", err)
		}
	}
	return all, unwritten
}

// mostTelling orders findings for a reader: what the ladder says before the
// axes, a lost file before everything else, then the smaller program.
func mostTelling(a, b fuzz.Finding) int {
	rank := func(f fuzz.Finding) int {
		if g, err := model.ParseGuarantee(f.Verdict.Guarantee); err == nil && g.Axis {
			return 2
		}
		if f.Verdict.Anomaly != model.LostFile {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(len(a.Program.Steps), len(b.Program.Steps)))
}

// explainer looks for the causes of findings, in a child: what it tries is not
// what the campaign ran, and may hang.
type explainer struct {
	c    *campaign
	slot slot
}

func (e *explainer) close() { e.slot.close() }

// explain is the run of a finding, and its cause if that can be found. Where
// the run itself ends the process, or no process can be started, there is
// nothing but the program.
func (e *explainer) explain(f fuzz.Finding) shown {
	s := shown{Run: model.Run{Program: f.Program}, Verdicts: []model.Verdict{f.Verdict}, Cause: checker.Cause{Text: checker.NotIsolated}}
	if e.c.deaths[f.Program.String()] != nil {
		return s
	}
	for _, t := range []task{taskExplain, taskRun} {
		e.slot.c, e.slot.kill = e.c, context.Background()
		if err := e.slot.ready(e.c.order.Design); err != nil {
			return s
		}
		j := e.c.order
		j.Task, j.Program, j.Verdict = t, f.Program, f.Verdict
		a, err := e.slot.child.ask(j)
		if err == nil {
			a.Shown.Cause.Text = cmp.Or(a.Shown.Cause.Text, checker.NotIsolated)
			return *a.Shown
		}
		e.slot.child.close() // it may be dead; the next try has a new one
		e.slot.child = nil
	}
	return s
}
