package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/doublemount/doublemount/corpus"
	"github.com/doublemount/doublemount/history"
	"github.com/doublemount/doublemount/lab/agent"
	"github.com/doublemount/doublemount/lab/loop"
	"github.com/doublemount/doublemount/lab/mounts"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/reports"
)

// replayVerb is "replay".
type replayVerb struct {
	Cases   []string `arg:"" name:"case" help:"Case files to run."`
	Trace   bool     `env:"DOUBLEMOUNT_TRACE" help:"Print the run as a table, and every record of its trace."`
	On      machine  `default:"sim" env:"DOUBLEMOUNT_ON" placeholder:"sim|dir|SYSTEM" help:"Where to run: on the simulated designs that the cases name, in a plain directory, or on a file system or shared mount as lab does (default: sim; a case that lab found runs where it was found)."`
	History string   `env:"DOUBLEMOUNT_HISTORY" placeholder:"FILE" help:"Write what the hosts called and were answered, as judge reads it; for one case, and of the last run where there are several. - is the standard output, and then the outcome goes to the standard error."`
	Format  format   `default:"text" env:"DOUBLEMOUNT_FORMAT" placeholder:"text|json" help:"How to print the outcome (default: text)."`

	Real hostFlags `embed:"" group:"Real hosts:"`
}

// Help is the long help, with an example.
func (replayVerb) Help() string {
	return fmt.Sprintf(`Each case is run on its design, where every expectation must be met, and on every design that keeps it, where all that it speaks of must be held. A hold that never fires, a strike that never hits, or a step that its host could not do, makes a case stale: it no longer shows what it was made for. Exit code: 0 all as expected, 1 not, 2 a file is missing or is no case; then none is run.

With --on dir the program is run once, unchanged, by hosts that all work in the same plain directory of this machine, and the expectations are the same. Such hosts share one cache, so what needs two caches to go wrong is held, and reported as not reproduced. Steps run one after another there and there is no disk of ours: a case with a hold, a fault, a writeback or a statfs is stale on it, and there is no trace.

With --on ext4, xfs, btrfs or ntfs it is run on real mounts of a disk of ours, as lab does, holds and crashes included. With --host, or --on and the name of a shared mount that lab knows, it is run by real hosts, several times, since they are not deterministic, and most of the runs must come out as expected. Designs that the case names do not matter there.

Example:

    %s replay --trace doublemount-findings/*.case`, programName())
}

// run implements verb.
func (v *replayVerb) run(ctx context.Context, a *app) (code int, failure error) {
	if v.History != "" && len(v.Cases) > 1 {
		return exitUsage, fmt.Errorf("--history is of one run; %d cases were given", len(v.Cases))
	}
	if err := takes("--history", v.History); err != nil {
		return exitUsage, err
	}
	if v.Real.given() && v.On != "sim" {
		return exitUsage, fmt.Errorf("--on %s and --host\nhint: replay there, or on real hosts", v.On)
	}
	system, noSystem := loop.Lookup(string(v.On))
	if err := v.Real.unused(ofLab(string(v.On))); err != nil {
		return exitUsage, err
	}
	files, err := unlessInterrupted(ctx, func() ([]corpus.File, error) { return v.read(a) })
	if errors.Is(err, errInterrupted) {
		return exitWeak, err
	}
	if err != nil {
		return exitUsage, err
	}
	p := player{ctx: ctx}
	defer p.close()
	if err := v.found(files); err != nil {
		return exitUsage, err
	}
	on, replay := string(v.On), func(f corpus.File) (replayed, model.Run, error) { return v.replay(&p, f) }
	if shared, err := mounts.Lookup(string(v.On)); err == nil {
		lab, err := startMounts(ctx, shared)
		if err != nil {
			return startFailed(err), err
		}
		defer func() { failure = errors.Join(failure, lab.Close()) }()
		hosts := labHosts(shared, lab.Cluster())
		v.Real.Host, v.Real.Remount = hosts.Host, hosts.Remount
	}
	if v.Real.given() {
		c, err := v.Real.cluster(1)
		if err != nil {
			return exitUsage, err
		}
		for _, f := range files {
			if n := f.Case.Program.Hosts; n > len(c.Members) {
				return exitUsage, fmt.Errorf("%s: the case has %d hosts; %d were named\nhint: --host once for each", printable(f.Name), n, len(c.Members))
			}
		}
		r, err := v.Real.open(ctx, a, c)
		if err != nil {
			return notOpened(err), err
		}
		defer func() { v.Real.leave(ctx, a, r, &code, &failure) }()
		on, replay = r.Capabilities().Name, func(f corpus.File) (replayed, model.Run, error) {
			return v.onReal(ctx, realReplay{runner: r, judged: func(g model.Guarantee) error { return canJudge(c, g) }}, f)
		}
	} else if noSystem == nil {
		r, err := loop.New(ctx, system, loop.Options{Hosts: mostHosts(files)})
		if err != nil {
			return exitUsage, err
		}
		defer func() { failure = errors.Join(failure, r.Close()) }()
		replay = func(f corpus.File) (replayed, model.Run, error) {
			return v.onReal(ctx, realReplay{runner: r, judged: func(model.Guarantee) error { return nil }}, f)
		}
	}
	out := a.besides(v.History)
	list := replayList{Schema: reports.Schema, Tool: version(), On: on, Cases: []replayed{}}
	for _, f := range files {
		r, run, err := replay(f)
		if ctx.Err() != nil {
			return exitWeak, errors.New("interrupted")
		}
		if err == nil && v.History != "" {
			err = v.record(a, run)
		}
		if err != nil {
			return exitHarness, fmt.Errorf("%s: %w", printable(f.Name), err)
		}
		if !r.OK {
			code = exitFound
		}
		if v.Format == "json" {
			list.Cases = append(list.Cases, r)
		} else if _, err := out.Write(r.text()); err != nil {
			return exitHarness, fmt.Errorf("write the outcome: %w", err)
		}
	}
	if v.Format == "json" {
		if err := writeJSON(out, list); err != nil {
			return exitHarness, fmt.Errorf("write the outcome: %w", err)
		}
	}
	return code, nil
}

// found has cases that were found on a file system of the lab replayed there,
// unless it was said where.
func (v *replayVerb) found(files []corpus.File) error {
	for _, f := range files {
		switch {
		case !ofLab(f.Case.Design) || v.On != "sim" || v.Real.given():
		case len(files) > 1 && slices.ContainsFunc(files, func(o corpus.File) bool { return o.Case.Design != f.Case.Design }):
			return fmt.Errorf("%s was found on %s, other cases elsewhere\nhint: replay them by themselves, or say where with --on", printable(f.Name), f.Case.Design)
		default:
			v.On = machine(f.Case.Design)
			return nil
		}
	}
	return nil
}

// mostHosts is how many hosts the largest of the cases has.
func mostHosts(files []corpus.File) int {
	most := 1
	for _, f := range files {
		most = max(most, f.Case.Program.Hosts)
	}
	return most
}

// read reads the cases and looks up what they name, so that nothing is run
// unless all can be. The error is of every file that cannot.
func (v *replayVerb) read(a *app) ([]corpus.File, error) {
	var files []corpus.File
	var errs []error
	for _, name := range v.Cases {
		c, err := corpus.ReadFile(name)
		switch {
		case err == nil || strings.Contains(err.Error(), "\nhint: "):
		case errors.Is(err, os.ErrNotExist):
			err = fmt.Errorf("%s: no such file\nhint: hunt writes cases to ./doublemount-findings", printable(name))
		default:
			err = fmt.Errorf("%w\nhint: a case file is what hunt writes, or made like one", err)
		}
		for _, design := range append([]string{c.Design}, c.Keeps...) {
			if err == nil && v.On == "sim" && !v.Real.given() {
				if _, err = lookup(a.designs, design); err != nil {
					if _, e := mounts.Lookup(design); e == nil || design == agent.Name {
						err = errors.New("it was found on real hosts\nhint: --host A=COMMAND and so on replays it on yours, --on NAME on a system that lab knows")
					}
					err = fmt.Errorf("%s: %w", printable(name), err)
				}
			}
		}
		if err != nil {
			errs = append(errs, err)
		}
		files = append(files, corpus.File{Name: name, Case: c})
	}
	return files, errors.Join(errs...)
}

// replayList is the JSON object that replay writes. Fields are only added.
type replayList struct {
	Schema int        `json:"schema"`
	Tool   string     `json:"tool"`
	On     string     `json:"on"`
	Cases  []replayed `json:"cases"`
}

// replayed is what became of one case.
type replayed struct {
	File        string   `json:"file"`
	Design      string   `json:"design"`
	OK          bool     `json:"ok"`
	Met         []string `json:"met"`         // "nothing-lost violated: lost file", "single keeps it"
	Differences []string `json:"differences"` // "fsck: want held, got violated (double free)"
	Digest      string   `json:"digest"`      // of the run on the case's own design; empty if it did not return
	Trace       []string `json:"trace,omitempty"`

	table string // with --trace
}

// replay runs one case, on everything that it names.
func (v *replayVerb) replay(p *player, f corpus.File) (replayed, model.Run, error) {
	c := f.Case
	r := replayed{File: f.Name, Design: c.Design, Met: []string{}, Differences: []string{}}
	var names []string
	for _, e := range c.Expect {
		names = append(names, e.Guarantee)
	}
	play := p.sim
	if v.On == "dir" {
		play = p.dir
	}
	s, err := play(c.Design, names, c.Program)
	if err != nil {
		return r, model.Run{}, err
	}
	for i, e := range c.Expect {
		got := s.Verdicts[i]
		if expectation(got) == e {
			r.Met = append(r.Met, e.Guarantee+" "+e.Outcome.String()+anomalyOf(got, ": ", ""))
			continue
		}
		text := ""
		if v.On == "dir" && e.Outcome == model.Violated && got.Outcome == model.Held {
			text = ": not reproduced on dir, where the hosts share one cache"
		}
		want := model.Verdict{Outcome: e.Outcome, Anomaly: e.Anomaly}
		r.Differences = append(r.Differences, fmt.Sprintf("%s: want %s, got %s%s", e.Guarantee, outcomeOf(want), outcomeOf(got), text))
	}
	r.Differences = append(r.Differences, stale(s.Run)...)
	if s.Run.Digest != 0 {
		r.Digest = reports.Hex(s.Run.Digest)
	}
	if v.Trace {
		r.show(s)
	}
	if v.On != "dir" {
		if err := r.keepers(p, c, names); err != nil {
			return r, s.Run, err
		}
	}
	r.OK = len(r.Differences) == 0
	return r, s.Run, nil
}

// record writes the history of a run.
func (v *replayVerb) record(a *app, run model.Run) error {
	var b bytes.Buffer
	if err := history.Write(&b, run); err != nil {
		return err
	}
	return writeWhole(a.stdout, v.History, b.Bytes())
}

// onReal runs one case on real hosts.
func (v *replayVerb) onReal(ctx context.Context, p realReplay, f corpus.File) (replayed, model.Run, error) {
	p.reruns = v.Real.reruns()
	r, run, err := p.replay(ctx, f)
	if v.Trace && err == nil {
		s := shown{Run: run}
		if d, ok := p.runner.(model.Describer); ok {
			s.Blocks = reports.BlocksOf(run, d.Describe)
		}
		r.show(s)
	}
	return r, run, err
}

// show adds the run as a table and the records of its trace.
func (r *replayed) show(s shown) {
	r.Trace = []string{}
	r.table = reports.Table(s.Run, s.Blocks)
	for _, record := range s.Run.Trace {
		r.Trace = append(r.Trace, strings.TrimRight(record.String(), " "))
	}
	if s.Cut > 0 {
		r.Trace = append(r.Trace, fmt.Sprintf("%d more records", s.Cut))
	}
}

// keepers runs the program on the designs that keep it.
func (r *replayed) keepers(p *player, c corpus.Case, names []string) error {
	for _, design := range c.Keeps {
		s, err := p.sim(design, names, c.Program)
		if err != nil {
			return err
		}
		kept := true
		for _, got := range s.Verdicts {
			if got.Outcome != model.Held {
				kept = false
				r.Differences = append(r.Differences, fmt.Sprintf("%s on %s: want held, got %s", got.Guarantee, design, outcomeOf(got)))
			}
		}
		if kept {
			r.Met = append(r.Met, design+" keeps it")
		}
	}
	return nil
}

// stale says what a run did not do of its program: holds that never fired, strikes
// that never hit, and steps that were skipped. A step that a hold waits for has served its purpose
// even so.
func stale(run model.Run) []string {
	var texts []string
	awaited := map[int]bool{}
	for _, missed := range run.Missed() {
		texts = append(texts, "stale: "+missed)
	}
	for _, h := range run.Program.Holds {
		awaited[h.Until] = true
	}
	for _, op := range run.History {
		if op.Skipped && op.Step >= 1 && op.Step <= len(run.Program.Steps) && !awaited[op.Step] {
			texts = append(texts, fmt.Sprintf("stale: step %d (%v) was skipped", op.Step, op.AsStep()))
		}
	}
	return texts
}

// outcomeOf is "held", "violated (lost file)" or "inconclusive (why)".
func outcomeOf(v model.Verdict) string {
	if v.Outcome == model.Inconclusive && v.Limit != "" {
		return v.Outcome.String() + " (" + printable(v.Limit) + ")"
	}
	return v.Outcome.String() + anomalyOf(v, " (", ")")
}

func anomalyOf(v model.Verdict, before, after string) string {
	if v.Anomaly == model.NoAnomaly {
		return ""
	}
	return before + string(v.Anomaly) + after
}

// text is the outcome as lines: one, and one for each difference after the
// first; with --trace also the run as a table and each record of the trace.
func (r replayed) text() []byte {
	var b bytes.Buffer
	if r.OK {
		fmt.Fprintf(&b, "ok    %s  %s\n", printable(r.File), strings.Join(r.Met, ", "))
	} else {
		fmt.Fprintf(&b, "FAIL  %s  %s\n", printable(r.File), r.Differences[0])
		for _, d := range r.Differences[1:] {
			fmt.Fprintf(&b, "      %s\n", d)
		}
	}
	if r.table != "" {
		fmt.Fprintf(&b, "\n%s\n", r.table)
	}
	if len(r.Trace) > 0 {
		fmt.Fprintln(&b, " time step host  record         (step 0: before the steps, and what the final mount saw)")
	}
	for _, line := range r.Trace {
		fmt.Fprintln(&b, line)
	}
	if r.table != "" {
		fmt.Fprintln(&b)
	}
	return b.Bytes()
}

// printable is s, quoted if it has anything in it that a terminal may obey.
func printable(s string) string {
	for _, r := range s {
		if !strconv.IsPrint(r) || r == '\uFFFD' {
			return strconv.QuoteToASCII(s)
		}
	}
	return s
}
