package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/reports"
	"github.com/doublemount/doublemount/sim"
)

// ladderVerb is "ladder".
type ladderVerb struct {
	Designs []string     `arg:"" optional:"" name:"design" help:"Designs or planted bugs (default: every design that \"designs\" lists, with its bugs)."`
	Hosts   hostCount    `default:"2" env:"DOUBLEMOUNT_HOSTS" placeholder:"N" help:"Hosts that share the disk, 1 to 16 (default: 2)."`
	Seed    uint64       `default:"1" env:"DOUBLEMOUNT_SEED" placeholder:"N" help:"Where the runs come from: the same seed gives the same table (default: 1)."`
	Runs    runCount     `default:"512" env:"DOUBLEMOUNT_RUNS" placeholder:"N" help:"Runs of each design (default: 512)."`
	Format  ladderFormat `default:"text" env:"DOUBLEMOUNT_FORMAT" placeholder:"text|json|markdown" help:"How to print the table (default: text)."`
}

// ladderFormat is how a ladder is printed.
type ladderFormat string

// UnmarshalText implements encoding.TextUnmarshaler.
func (f *ladderFormat) UnmarshalText(text []byte) error {
	if s := string(text); s != "text" && s != "json" && s != "markdown" {
		return fmt.Errorf("want text, json or markdown, not %q", s)
	}
	*f = ladderFormat(text)
	return nil
}

// Help is the long help, with an example.
func (ladderVerb) Help() string {
	return fmt.Sprintf(`Every design is held to every guarantee, whatever it declares, under the faults that it survives. A number is the steps of the smallest program found that breaks the guarantee; what was kept is kept in as many runs as were made, and that is no proof. The column durable is what a crash or power loss undid although an fsync, sync or unmount covered it, on any rung.

Exit code: 0 if each design keeps what it declares, and the axes; 1 if one does not; 2 bad usage; 3 the harness failed or a run differed from itself; 4 interrupted, or a guarantee that is declared could not be decided.

Example:

    %s ladder local local-journal --runs 2000 --format markdown`, programName())
}

// durable is the column of durability violations. It is an axis of its own: the
// rule of what a crash may undo is the same on every rung.
const durable = "durable"

// ladder is the table as JSON. Fields are only added.
type ladder struct {
	Schema     int         `json:"schema"`
	Tool       string      `json:"tool"`
	Hosts      int         `json:"hosts"`
	Seed       uint64      `json:"seed"`
	Guarantees []string    `json:"guarantees"` // the columns, rungs first, strongest first
	Designs    []ladderRow `json:"designs"`
}

// ladderRow is one design.
type ladderRow struct {
	Design     string       `json:"design"`
	StandsFor  string       `json:"stands_for"`
	Declares   string       `json:"declares"`
	Keeps      string       `json:"keeps"` // the strongest rung that was kept; empty if none
	Runs       int          `json:"runs"`
	Undecided  int          `json:"undecided"` // runs in which the judge reached a limit
	Digest     string       `json:"digest"`
	Guarantees []ladderCell `json:"guarantees"`
}

// ladderCell is one guarantee of one design.
type ladderCell struct {
	Guarantee string `json:"guarantee"`
	Outcome   string `json:"outcome"` // held, violated; inconclusive where not all runs were made
	Steps     int    `json:"steps,omitempty"`
	Anomaly   string `json:"anomaly,omitempty"` // of the smallest case
}

// run implements verb.
func (v *ladderVerb) run(ctx context.Context, a *app) (int, error) {
	list := every(a.designs)
	if len(v.Designs) > 0 {
		list = nil
		for _, name := range v.Designs {
			d, err := lookup(a.designs, name)
			if err != nil {
				return exitUsage, err
			}
			list = append(list, d)
		}
	}
	columns := ladderColumns(list)
	l := ladder{Schema: reports.Schema, Tool: version(), Hosts: int(v.Hosts), Seed: v.Seed, Guarantees: append(columnNames(columns), durable), Designs: []ladderRow{}}
	code := exitClean
	for _, d := range list {
		row, rowCode, err := v.climb(ctx, a, d, columns)
		if err != nil {
			return exitHarness, fmt.Errorf("%s: %w", d.Name, err)
		}
		l.Designs = append(l.Designs, row)
		code = worse(code, rowCode)
		if ctx.Err() != nil {
			return exitWeak, errors.New("interrupted")
		}
	}
	var b bytes.Buffer
	switch v.Format {
	case "json":
		if err := writeJSON(&b, l); err != nil {
			return exitHarness, err
		}
	case "markdown":
		l.markdown(&b)
	default:
		l.text(&b)
	}
	if _, err := a.stdout.Write(b.Bytes()); err != nil {
		return exitHarness, fmt.Errorf("write the ladder: %w", err)
	}
	return code, nil
}

// worse is the exit code of two together: a harness that failed says that nothing
// can be relied on, and what was found is more than what was not decided.
func worse(a, b int) int {
	for _, code := range []int{exitHarness, exitFound, exitWeak} {
		if a == code || b == code {
			return code
		}
	}
	return exitClean
}

// ladderColumns is every guarantee that the designs are held to: those of package
// model, and the variants that one of them declares.
func ladderColumns(designs []sim.Design) []model.Guarantee {
	columns := model.Guarantees()
	for _, d := range designs {
		columns = append(columns, d.Guarantee)
	}
	slices.SortFunc(columns, model.Guarantee.Compare)
	return slices.Compact(columns)
}

func columnNames(columns []model.Guarantee) (names []string) {
	for _, g := range columns {
		names = append(names, g.Name)
	}
	return names
}

// climb is the campaign of one design.
func (v *ladderVerb) climb(ctx context.Context, a *app, d sim.Design, columns []model.Guarantee) (ladderRow, int, error) {
	c := &campaign{order: job{Design: d.Name, Guarantees: columnNames(columns), Hosts: int(v.Hosts), Seed: v.Seed, Runs: int(v.Runs)}}
	done := showProgress(a.stderr, c)
	result, err := c.hunt(ctx)
	done()
	if err != nil {
		return ladderRow{}, exitHarness, err
	}
	row := rowOf(d, &result, columns)
	switch {
	case result.HarnessErrors > 0:
		return row, exitHarness, fmt.Errorf("%d runs could not be made; run %d: %s", result.HarnessErrors, result.Failures[0].Run, result.Failures[0].Text)
	case len(result.Nondeterministic) > 0:
		return row, exitHarness, fmt.Errorf("%d runs differed from themselves, the first is run %d", len(result.Nondeterministic), result.Nondeterministic[0])
	case result.Ended == endedError:
		return row, exitHarness, errors.New("the harness failed")
	case row.broke(d.Guarantee):
		return row, exitFound, nil
	case !row.keeps(d.Guarantee):
		return row, exitWeak, nil
	}
	return row, exitClean, nil
}

// rowOf is what the findings of a campaign say of each guarantee.
func rowOf(d sim.Design, result *fuzz.Result, columns []model.Guarantee) ladderRow {
	row := ladderRow{Design: d.Name, StandsFor: d.StandsFor, Declares: d.Guarantee.Name, Runs: result.Runs,
		Undecided: result.Inconclusive, Digest: reports.Hex(result.Digest)}
	unbroken := model.Held
	if result.Ended != fuzz.EndedRuns || result.Inconclusive > 0 { // too many runs ended their process, or the judge gave up
		unbroken = model.Inconclusive
	}
	for _, name := range append(columnNames(columns), durable) {
		cell := ladderCell{Guarantee: name, Outcome: unbroken.String()}
		for _, f := range result.Findings {
			if name != f.Verdict.Guarantee && (name != durable || f.Verdict.Anomaly != model.DurabilityViolation) {
				continue
			}
			if n := len(f.Program.Steps); cell.Steps == 0 || n < cell.Steps {
				cell.Outcome, cell.Steps, cell.Anomaly = model.Violated.String(), n, string(f.Verdict.Anomaly)
			}
		}
		row.Guarantees = append(row.Guarantees, cell)
	}
	for _, g := range columns {
		if !g.Axis && row.Keeps == "" && row.held(g.Name) {
			row.Keeps = g.Name
		}
	}
	return row
}

// held reports whether a guarantee was kept.
func (r *ladderRow) held(name string) bool {
	i := slices.IndexFunc(r.Guarantees, func(c ladderCell) bool { return c.Guarantee == name })
	return i >= 0 && r.Guarantees[i].Outcome == model.Held.String()
}

// keeps reports whether a design was seen to keep what it declares: its rung, and
// every axis. What it declares may be a guarantee of its own.
func (r *ladderRow) keeps(declared model.Guarantee) bool {
	return !slices.ContainsFunc(append(model.Axes(), declared), func(g model.Guarantee) bool { return !r.held(g.Name) })
}

// broke reports whether it was seen to break any of that.
func (r *ladderRow) broke(declared model.Guarantee) bool {
	return slices.ContainsFunc(append(model.Axes(), declared), func(g model.Guarantee) bool {
		return slices.ContainsFunc(r.Guarantees, func(c ladderCell) bool {
			return c.Guarantee == g.Name && c.Outcome == model.Violated.String()
		})
	})
}

// short is a cell in a table: "kept", "?", or the steps of the smallest case.
func (c ladderCell) short() string {
	switch c.Outcome {
	case model.Held.String():
		return "kept"
	case model.Inconclusive.String():
		return "?"
	}
	return fmt.Sprint(c.Steps)
}

// text is the table for a terminal.
func (l *ladder) text(b *bytes.Buffer) {
	wide := len("design")
	for _, r := range l.Designs {
		wide = max(wide, len(r.Design))
	}
	fmt.Fprintf(b, "hosts %d, seed %d; kept in all runs, or the steps of the smallest case that breaks it; * = declared\n\n", l.Hosts, l.Seed)
	fmt.Fprintf(b, "%-*s %6s", wide, "design", "runs")
	for _, g := range l.Guarantees {
		fmt.Fprintf(b, "  %s", g)
	}
	fmt.Fprintln(b)
	for _, r := range l.Designs {
		line := fmt.Sprintf("%-*s %6d", wide, r.Design, r.Runs)
		for _, c := range r.Guarantees {
			line += fmt.Sprintf("  %-*s", len(c.Guarantee), c.short()+r.mark(c))
		}
		fmt.Fprintln(b, strings.TrimRight(line, " "))
		if r.Undecided > 0 {
			fmt.Fprintf(b, "%-*s %d runs undecided, the judge reached its limit\n", wide, "", r.Undecided)
		}
	}
}

// mark is the star of what the design declares.
func (r *ladderRow) mark(c ladderCell) string {
	if c.Guarantee == r.Declares {
		return "*"
	}
	return ""
}

// markdown is the table for a page.
func (l *ladder) markdown(b *bytes.Buffer) {
	fmt.Fprint(b, "| design | runs |")
	for _, g := range l.Guarantees {
		fmt.Fprintf(b, " %s |", g)
	}
	fmt.Fprintf(b, "\n|---|---:|%s\n", strings.Repeat(":---:|", len(l.Guarantees)))
	for _, r := range l.Designs {
		fmt.Fprintf(b, "| `%s` | %d |", r.Design, r.Runs)
		for _, c := range r.Guarantees {
			text := c.short()
			if c.Anomaly != "" {
				text += " (" + c.Anomaly + ")"
			}
			if r.mark(c) != "" {
				text = "**" + text + "**"
			}
			fmt.Fprintf(b, " %s |", text)
		}
		fmt.Fprintln(b)
	}
}
