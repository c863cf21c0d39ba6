package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/corpus"
	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/lab/agent"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/reports"
)

// probeVerb is "probe".
type probeVerb struct {
	Guarantee guaranteeName `env:"DOUBLEMOUNT_GUARANTEE" placeholder:"G" help:"What is needed: anything weaker is exit code 1 (default: that the storage is shared at all)."`
	Seed      uint64        `default:"1" env:"DOUBLEMOUNT_SEED" placeholder:"N" help:"Where the random runs come from (default: 1)."`
	For       span          `env:"DOUBLEMOUNT_FOR" placeholder:"DURATION" help:"How long the random runs may go on; they end at 2000 operations (default: 30s)."`
	Out       string        `default:"doublemount-findings" env:"DOUBLEMOUNT_OUT" placeholder:"DIR" help:"Directory for case files, made when there is something to write (default: ./doublemount-findings)."`
	Format    format        `default:"text" env:"DOUBLEMOUNT_FORMAT" placeholder:"text|json" help:"How to print the answer (default: text)."`

	Real hostFlags `embed:"" group:"Real hosts:"`
}

// Limits of a probe, which is to take about a minute.
const (
	probeOperations = 2000             // of the random runs
	probeFor        = 30 * time.Second // the same
	probeMinimise   = 20 * time.Second // what then makes a case small
)

// Help is the long help, with an example.
func (probeVerb) Help() string {
	return fmt.Sprintf(`A fixed suite of short programs, then random ones, on two hosts or more. Each run is judged by the whole ladder of guarantees; the answer is the strongest that all of them kept, as one sentence in the last line. For each stronger one a case file is written that shows it broken. Exit code: 0 answered, 1 not shared, or weaker than --guarantee, 2 bad usage, 3 a host was lost, 4 no answer.

Guarantees that speak of mounts are judged where every host has a --remount.

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
	r, err := open(ctx, a, c)
	if apart, ok := errors.AsType[*agent.NotShared](err); ok {
		return v.print(a, &probing{}, conclusion{Answer: apart.Sentence(), code: exitFound})
	}
	if err != nil {
		return exitHarness, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	p := &probing{verb: v, runner: r, rungs: rungs, judged: append(slices.Clone(rungs), model.Progress, model.Exclusion)}
	p.judge = checker.New(0, p.judged...)
	p.broken = make([]*breach, len(p.judged))
	failure := p.ask(ctx)
	if failure == nil {
		failure = p.random(ctx)
	}
	if errors.Is(failure, context.Canceled) && ctx.Err() != nil {
		failure = errors.New("interrupted")
	}
	if failure != nil && p.weakest() == nil {
		if ctx.Err() != nil {
			return exitWeak, failure
		}
		return exitHarness, fmt.Errorf("no answer after %s operations: %w", thousands(p.operations), failure)
	}
	if err := p.write(ctx); err != nil {
		return exitHarness, err
	}
	return v.print(a, p, p.conclude(v.Guarantee))
}

// probing is a probe at work.
type probing struct {
	verb   *probeVerb
	runner *agent.Runner
	judge  model.Judge
	rungs  []model.Guarantee // that are judged, strongest first
	judged []model.Guarantee // the rungs, progress, exclusion

	rows       []probeRow
	broken     []*breach // by judged: the first run that broke it, or nil
	undecided  int       // runs in which the judge reached its limit
	unseen     string    // "B did not see ...", if a file that was synced was not seen
	operations int
	cases      []string
}

// breach is a run that broke a guarantee.
type breach struct {
	guarantee model.Guarantee
	verdict   model.Verdict
	run       model.Run
	fixed     bool // of the suite: it is small
}

// why is the second sentence of the proof, within another one.
func (b *breach) why() string {
	return strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(b.verdict.Proof[1], "however "), "."), ": a contradiction")
}

// probeRow is a line of the table.
type probeRow struct {
	Name   string `json:"name"`
	Asks   string `json:"asks"`
	Keeps  string `json:"keeps"`            // the strongest guarantee that the run kept, or "none"
	Reason string `json:"reason,omitempty"` // why none stronger
}

// ask puts the questions of the suite.
func (p *probing) ask(ctx context.Context) error {
	all, err := suite(p.runner.Capabilities())
	if err != nil {
		return err
	}
	for _, q := range all {
		run, err := p.runner.Run(ctx, q.Program)
		if err != nil {
			return fmt.Errorf("%s: %w", q.name, err)
		}
		row := p.note(run, true)
		row.Name, row.Asks = q.name, q.asks
		if text := sizes(run); text != "" {
			row.Reason = text
		}
		p.rows = append(p.rows, row)
		p.see(q, run)
	}
	return nil
}

// random makes random runs until there were enough operations or the time is
// up.
func (p *probing) random(ctx context.Context) error {
	limit := time.Duration(p.verb.For)
	if limit == 0 {
		limit = probeFor
	}
	opts := fuzz.Options{Seed: p.verb.Seed, Hosts: len(p.verb.Real.Host), Faults: fuzz.NoFaults}
	caps, before, worst := p.runner.Capabilities(), p.operations, probeRow{Keeps: p.rungs[0].Name}
	runs := 0
	for deadline := time.Now().Add(limit); p.operations-before < probeOperations && time.Now().Before(deadline); runs++ {
		run, err := p.runner.Run(ctx, opts.Program(caps, runs))
		if err != nil {
			return err
		}
		if row := p.note(run, false); p.rank(row.Keeps) > p.rank(worst.Keeps) {
			worst = row
		}
	}
	worst.Name, worst.Asks = "random", fmt.Sprintf("%d random programs, %s operations", runs, thousands(p.operations-before))
	p.rows = append(p.rows, worst)
	return nil
}

// rank is the place of a rung, beyond all for none.
func (p *probing) rank(name string) int {
	if i := slices.IndexFunc(p.rungs, func(g model.Guarantee) bool { return g.Name == name }); i >= 0 {
		return i
	}
	return len(p.rungs)
}

// note judges a run and remembers what it broke.
func (p *probing) note(run model.Run, fixed bool) probeRow {
	for _, op := range run.History {
		if op.Host != model.Final && !op.Kind.Event() && !op.Skipped {
			p.operations++
		}
	}
	row := probeRow{Keeps: "none"}
	undecided := false
	for i, verdict := range p.judge(run) {
		g := p.judged[i]
		switch verdict.Outcome {
		case model.Inconclusive:
			undecided = true
		case model.Violated:
			if p.broken[i] == nil || fixed && !p.broken[i].fixed {
				p.broken[i] = &breach{g, verdict, run, fixed}
			}
			if g.Name == model.Progress.Name {
				row.Keeps = "none"
			}
			if !g.Axis || row.Reason == "" {
				row.Reason = reports.Finding{Guarantee: g, Verdict: verdict, Run: run}.Headline()
			}
		case model.Held:
			if !g.Axis && row.Keeps == "none" {
				row.Keeps = g.Name
			}
		}
	}
	if undecided {
		p.undecided++
	}
	return row
}

// see notes that a host did not see a file that another one had synced. A later
// probe, with a remount, says more than an earlier one without, and may take it
// back.
func (p *probing) see(q probe, run model.Run) {
	remounted := strings.Contains(q.name, "remount")
	if !q.visible() && !remounted {
		return
	}
	if remounted {
		p.unseen = ""
	}
	for _, op := range run.History {
		missing := op.Kind == model.Stat && op.Result.Errno == model.ENOENT || op.Kind == model.Read && op.Result.Errno == model.OK && len(op.Result.Data) == 0
		if op.Host == model.Final || op.Skipped || op.Pending() || !missing || p.unseen != "" {
			continue
		}
		other := run.Program.Steps[2].Host
		p.unseen = fmt.Sprintf("%v did not see %v's file after %v synced", op.Host, other, other)
		if remounted {
			p.unseen += fmt.Sprintf(" and %v remounted", op.Host)
		}
	}
}

// sizes says what a probe for the size of the disk has found; nothing of others.
func sizes(run model.Run) string {
	var all []model.Op
	for _, op := range run.History {
		if op.Kind == model.Statfs && op.Succeeded() {
			all = append(all, op)
		}
	}
	for _, op := range all {
		if op.Result.Total != all[0].Result.Total {
			return fmt.Sprintf("%v has %d blocks, %v has %d", all[0].Host, all[0].Result.Total, op.Host, op.Result.Total)
		}
	}
	return ""
}

// weakest is how the weakest of the rungs was broken, or nil.
func (p *probing) weakest() *breach { return p.broken[len(p.rungs)-1] }

// conclusion is the answer.
type conclusion struct {
	Answer    string `json:"answer"`
	Shared    bool   `json:"shared"`
	Guarantee string `json:"guarantee"` // the strongest that was kept; empty: none
	code      int
}

// conclude says in one sentence what was kept.
func (p *probing) conclude(wanted guaranteeName) conclusion {
	last := len(p.rungs) - 1
	strongest := slices.IndexFunc(p.broken[:len(p.rungs)], func(b *breach) bool { return b == nil })
	over := thousands(p.operations) + " operations"
	c := conclusion{Shared: true}
	switch weakest, hangs := p.weakest(), p.broken[len(p.rungs)]; {
	case p.unseen != "" && (weakest != nil || !p.runner.Mounts()):
		return conclusion{Answer: "not shared: " + p.unseen, code: exitFound}
	case weakest != nil && p.runner.Mounts():
		return conclusion{Answer: fmt.Sprintf("not shared: %s does not hold (%s): %s", p.rungs[last].Name, weakest.verdict.Anomaly, weakest.why()), code: exitFound}
	case weakest != nil:
		return conclusion{Answer: fmt.Sprintf("not shared, or weaker than %s, which needs a --remount of every host to tell (%s): %s",
			p.rungs[last].Name, weakest.verdict.Anomaly, weakest.why()), code: exitFound}
	case hangs != nil:
		return conclusion{Answer: fmt.Sprintf("shared, but progress does not hold (%s): %s", hangs.verdict.Anomaly, hangs.why()), Shared: true, code: exitFound}
	case p.undecided > 0:
		return conclusion{Answer: fmt.Sprintf("no answer: the judge reached its limit in %d runs", p.undecided), Shared: true, code: exitWeak}
	case strongest == 0:
		c.Answer = fmt.Sprintf("%s over %s", p.rungs[0].Name, over)
	default:
		b := p.broken[strongest-1]
		c.Answer = fmt.Sprintf("%s, nothing stronger: %s does not hold (%s), over %s", p.rungs[strongest].Name, b.guarantee.Name, b.verdict.Anomaly, over)
	}
	c.Guarantee = p.rungs[strongest].Name
	if locks := p.broken[len(p.broken)-1]; locks != nil {
		c.Answer += fmt.Sprintf("; but %s does not hold (%s): %s", locks.guarantee.Name, locks.verdict.Anomaly, locks.why())
	}
	if i := slices.IndexFunc(p.judged, func(g model.Guarantee) bool { return g.Name == string(wanted) }); i >= 0 && p.broken[i] != nil {
		c.code = exitFound
	}
	return c
}

// write writes a case for each guarantee that was broken, those of random runs
// made small before; one case where one program breaks several.
func (p *probing) write(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeMinimise)
	defer cancel()
	var cases []corpus.Case
	var first []model.Verdict // of each case
	for _, b := range p.broken {
		if b == nil {
			continue
		}
		if i := slices.IndexFunc(cases, func(c corpus.Case) bool { return c.Program.String() == b.run.Program.String() }); i >= 0 {
			cases[i].Expect = append(cases[i].Expect, expectation(b.verdict))
			continue
		}
		if !b.fixed {
			m := fuzz.Minimiser{Runner: p.runner, Judge: p.judge, Limit: 300, Reruns: p.verb.Real.reruns()}
			small, _ := m.Minimise(ctx, b.run.Program, b.verdict) // as far as it came in time
			b.verdict = small.Verdict
			if run, _, ok := seen(ctx, p.runner, p.judge, small.Program, small.Verdict, p.verb.Real.reruns()); ok {
				b.run = run
			} else {
				b.run = model.Run{Program: small.Program}
			}
		}
		cases = append(cases, corpus.Case{Notes: []string{note(b.verdict.Proof[0]), note(b.verdict.Proof[1])},
			Design: p.runner.Capabilities().Name, Expect: []corpus.Expectation{expectation(b.verdict)}, FoundBy: "probe",
			Program: b.run.Program, Saw: corpus.Recorded(b.run.Program, b.run.History)})
		first = append(first, b.verdict)
	}
	for i, c := range cases {
		f := fuzz.Finding{Reruns: p.verb.Real.reruns()}
		var err error
		if f.CameBack, err = (fuzz.Confirmation{Runner: p.runner, Judge: p.judge, Times: f.Reruns}).Count(ctx, c.Program, first[i]); err == nil {
			c.Notes = append(c.Notes, "It "+cameBack(f)+".")
		}
		file, err := writeCase(p.verb.Out, c)
		if err != nil {
			return fmt.Errorf("write a case to %s: %w", quoteArg(p.verb.Out), err)
		}
		p.cases = append(p.cases, file)
	}
	return nil
}

// probeReport is the JSON object that probe writes. Fields are only added.
type probeReport struct {
	Schema     int        `json:"schema"`
	Tool       string     `json:"tool"`
	Operations int        `json:"operations"`
	Probes     []probeRow `json:"probes"`
	Cases      []string   `json:"cases"`
	conclusion
}

func (v *probeVerb) print(a *app, p *probing, c conclusion) (int, error) {
	var b bytes.Buffer
	if v.Format == "json" {
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		r := probeReport{Schema: reports.Schema, Tool: version(), Operations: p.operations, Probes: append([]probeRow{}, p.rows...),
			Cases: append([]string{}, p.cases...), conclusion: c}
		if err := e.Encode(r); err != nil {
			return exitHarness, err
		}
	} else {
		t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		for _, row := range p.rows {
			fmt.Fprintf(t, "%s\t%s\t%s\n", row.Name, row.Keeps, row.Asks)
			if row.Reason != "" {
				fmt.Fprintf(t, "\t\t  %s\n", printable(row.Reason))
			}
		}
		t.Flush()
		if len(p.rows) > 0 {
			fmt.Fprintln(&b)
		}
		for _, file := range p.cases {
			fmt.Fprintf(&b, "case:   %s\n", printable(file))
		}
		if len(p.cases) > 0 {
			fmt.Fprintf(&b, "replay: %s replay %s%s\n\n", command(), v.Real.again(), quoteArg(p.cases[0]))
		}
		fmt.Fprintln(&b, printable(c.Answer))
	}
	if _, err := a.stdout.Write(b.Bytes()); err != nil {
		return exitHarness, fmt.Errorf("write the answer: %w", err)
	}
	return c.code, nil
}

// thousands is "2,000".
func thousands(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
