package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/history"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/reports"
)

// judgeVerb is "judge".
type judgeVerb struct {
	History   string          `arg:"" help:"File with a history, one JSON object a line; - is the standard input."`
	Guarantee []guaranteeName `env:"DOUBLEMOUNT_GUARANTEE" placeholder:"G,..." help:"Guarantees to judge (default: every rung that the history can be judged on, and progress where nothing is pending)."`
	Format    format          `default:"text" env:"DOUBLEMOUNT_FORMAT" placeholder:"text|json" help:"How to print the verdicts (default: text)."`
	HTML      string          `name:"porcupine-html" env:"DOUBLEMOUNT_PORCUPINE_HTML" placeholder:"FILE" help:"Write Porcupine's own page for the names that the first guarantee not held is about; - is the standard output, and then the verdicts go to the standard error."`
}

// Help is the long help, with an example.
func (judgeVerb) Help() string {
	return fmt.Sprintf(`A history is what the clients of hosts that share a file system called, what they were answered, and when, recorded by whatever harness. docs/HISTORY.md has the format. The file system is empty before it.

Exit code: 0 all held, 1 something violated, 2 the history is none (line and reason are said), 4 inconclusive.

Example:

    %s judge --guarantee linearizable --format json recorded.jsonl`, programName())
}

// judged is what judge writes as JSON. Fields are only added.
type judged struct {
	Schema     int             `json:"schema"`
	Tool       string          `json:"tool"`
	History    string          `json:"history"`
	Operations int             `json:"operations"` // and events
	Pending    int             `json:"pending"`
	Hosts      int             `json:"hosts"`
	Guarantees []judgedVerdict `json:"guarantees"`
	NotJudged  []notJudged     `json:"not_judged"`
}

// judgedVerdict is the answer for one guarantee.
type judgedVerdict struct {
	Guarantee string      `json:"guarantee"`
	Outcome   string      `json:"outcome"` // held, violated, inconclusive
	Anomaly   string      `json:"anomaly,omitempty"`
	Path      string      `json:"path,omitempty"`
	Observed  string      `json:"observed,omitempty"`
	Allowed   []string    `json:"allowed,omitempty"`
	Proof     []string    `json:"proof,omitempty"`
	Lines     []judgedRef `json:"lines,omitempty"` // that the proof speaks of, as steps
	Limit     string      `json:"limit,omitempty"` // why it is inconclusive
}

// judgedRef is a line that a proof speaks of.
type judgedRef struct {
	Line      int    `json:"line"`
	ID        string `json:"id"`
	Operation string `json:"operation"`
	Data      string `json:"data,omitempty"` // what its write was tagged with
}

type notJudged struct {
	Guarantee string `json:"guarantee"`
	Why       string `json:"why"`
}

// run implements verb.
func (v *judgeVerb) run(ctx context.Context, a *app) (int, error) {
	asked, err := v.asked()
	if err != nil {
		return exitUsage, err
	}
	if err := takes("--porcupine-html", v.HTML); err != nil {
		return exitUsage, err
	}
	type outcome struct {
		j     judged
		err   error
		input bool // it is the history's
	}
	o, err := unlessInterrupted(ctx, func() (outcome, error) {
		h, err := v.read()
		if err == nil {
			err = askable(asked, h)
		}
		if err != nil {
			return outcome{err: err, input: true}, nil
		}
		j, err := v.judge(a, h, asked)
		return outcome{j: j, err: err}, nil
	})
	if err != nil {
		return exitWeak, err
	}
	if o.input {
		return exitUsage, fmt.Errorf("%s: %w", printable(v.History), o.err)
	}
	var b bytes.Buffer
	if v.Format == "json" {
		if err := writeJSON(&b, o.j); err != nil {
			return exitHarness, err
		}
	} else {
		o.j.text(&b)
	}
	if _, err := a.besides(v.HTML).Write(b.Bytes()); err != nil {
		return exitHarness, errors.Join(o.err, fmt.Errorf("write the verdicts: %w", err))
	}
	if o.err != nil { // the page is not all that was asked for
		return exitHarness, o.err
	}
	return o.j.code(), nil
}

func (v *judgeVerb) read() (*history.History, error) {
	if v.History == "-" {
		return history.Read(os.Stdin)
	}
	f, err := os.Open(v.History)
	if errors.Is(err, os.ErrNotExist) {
		return nil, errors.New("no such file")
	}
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	defer f.Close() // it was only read
	return history.Read(f)
}

// unjudgeable is why a bare history cannot be held to a guarantee, empty if it can.
func unjudgeable(name string) string {
	switch name {
	case model.Fsck.Name:
		return "a history has no disk to look at"
	case model.Capacity.Name:
		return "a history does not say how much the disk holds"
	}
	return ""
}

// nobodyLooked is why what is there in the end cannot be judged.
const nobodyLooked = "nothing was observed by the host final"

// asked is the guarantees that were named, in the order that judges want.
func (v *judgeVerb) asked() (asked []model.Guarantee, err error) {
	for _, name := range v.Guarantee {
		if why := unjudgeable(string(name)); why != "" {
			return nil, fmt.Errorf("--guarantee %s: %s", name, why)
		}
		g, err := model.ParseGuarantee(string(name))
		if err != nil {
			return nil, err
		}
		asked = append(asked, g)
	}
	slices.SortFunc(asked, model.Guarantee.Compare)
	return slices.Compact(asked), nil
}

// askable reports why what was asked for cannot be judged on a history.
func askable(asked []model.Guarantee, h *history.History) error {
	for _, g := range asked {
		if g.FinalOnly && !h.Observed {
			return fmt.Errorf("--guarantee %s: %s", g.Name, nobodyLooked)
		}
	}
	return nil
}

// judge judges what was asked for, or all that can be.
func (v *judgeVerb) judge(a *app, h *history.History, asked []model.Guarantee) (judged, error) {
	j := judged{Schema: reports.Schema, Tool: version(), History: v.History, Operations: h.Operations, Pending: h.Pending,
		Hosts: h.Run.Program.Hosts, Guarantees: []judgedVerdict{}, NotJudged: []notJudged{}}
	for _, g := range model.Guarantees() {
		why := unjudgeable(g.Name)
		switch {
		case len(v.Guarantee) > 0:
			continue
		case why != "":
		case g.FinalOnly && !h.Observed:
			why = nobodyLooked
		case g.Name == model.Progress.Name && h.Pending > 0:
			why = "what is pending may have returned after the recording ended; --guarantee progress says that it should have"
		default:
			asked = append(asked, g)
			continue
		}
		j.NotJudged = append(j.NotJudged, notJudged{g.Name, why})
	}
	verdicts := checker.New(0, asked...)(h.Run)
	for _, got := range verdicts {
		j.Guarantees = append(j.Guarantees, judgedVerdictOf(h, got))
	}
	if v.HTML == "" {
		return j, nil
	}
	return j, v.visualise(a, h, asked, verdicts)
}

// visualise writes Porcupine's page: of the first rung that is not held, else of
// the first.
func (v *judgeVerb) visualise(a *app, h *history.History, asked []model.Guarantee, verdicts []model.Verdict) error {
	at := -1
	for i, g := range asked {
		if !g.Axis && (at < 0 || verdicts[at].Outcome == model.Held && verdicts[i].Outcome != model.Held) {
			at = i
		}
	}
	if at < 0 {
		return errors.New("--porcupine-html: no rung was judged")
	}
	var b bytes.Buffer
	if err := checker.Visualise(&b, h.Run, asked[at], verdicts[at].Path); err != nil {
		return fmt.Errorf("--porcupine-html: %w", err)
	}
	return writeWhole(a.stdout, v.HTML, b.Bytes())
}

func judgedVerdictOf(h *history.History, got model.Verdict) judgedVerdict {
	out := judgedVerdict{Guarantee: got.Guarantee, Outcome: got.Outcome.String(), Anomaly: string(got.Anomaly), Path: string(got.Path),
		Observed: got.Observed, Allowed: got.Allowed, Limit: got.Limit}
	if got.Outcome != model.Violated {
		return out
	}
	out.Proof = got.Proof[:]
	for _, n := range got.Steps {
		s, ok := h.Run.Program.StepAt(n)
		if !ok || h.ID(n) == "" {
			continue
		}
		ref := judgedRef{Line: n, ID: h.ID(n), Operation: s.String()}
		if s.Data != 0 {
			ref.Data = h.Tag(s.Data)
		}
		out.Lines = append(out.Lines, ref)
	}
	return out
}

// code is the exit code.
func (j *judged) code() int {
	code := exitClean
	for _, g := range j.Guarantees {
		switch g.Outcome {
		case model.Violated.String():
			return exitFound
		case model.Inconclusive.String():
			code = exitWeak
		}
	}
	return code
}

// text is the verdicts for a person.
func (j *judged) text(b *bytes.Buffer) {
	fmt.Fprintf(b, "history:   %s: %d operations and events, %d pending, hosts %d\n", printable(j.History), j.Operations, j.Pending, j.Hosts)
	for _, g := range j.Guarantees {
		fmt.Fprintf(b, "\n%-14s %s", g.Guarantee, g.Outcome)
		if g.Anomaly != "" {
			fmt.Fprintf(b, ": %s", g.Anomaly)
		}
		if g.Limit != "" {
			fmt.Fprintf(b, ": %s", printable(g.Limit))
		}
		fmt.Fprintln(b)
		for i, p := range g.Proof {
			fmt.Fprintf(b, "%-10s %s\n", [...]string{"  why:", ""}[i], printable(p))
		}
		if len(g.Allowed) > 0 {
			fmt.Fprintf(b, "  allowed: %s\n", printable(strings.Join(g.Allowed, " or ")))
		}
		if g.Observed != "" {
			fmt.Fprintf(b, "  observed:%s\n", " "+printable(g.Observed))
		}
		for _, l := range g.Lines {
			data := ""
			if l.Data != "" {
				data = ", data " + printable(l.Data)
			}
			fmt.Fprintf(b, "  step %-4d id %s%s: %s\n", l.Line, printable(l.ID), data, l.Operation)
		}
	}
	if len(j.NotJudged) > 0 {
		fmt.Fprintln(b)
	}
	for _, n := range j.NotJudged {
		fmt.Fprintf(b, "%-14s not judged: %s\n", n.Guarantee, n.Why)
	}
}
