package cli

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/reports"
)

// summary is what a hunt came to as a whole.
type summary struct {
	flags  *huntFlags
	order  job
	faults model.Faults // that were drawn
	result fuzz.Result
	limit  time.Duration
	took   time.Duration
	weak   []string
}

// code is the exit code. What says that nothing can be relied on comes first.
func (s summary) code() int {
	r := &s.result
	switch {
	case r.HarnessErrors > 0 || len(r.Nondeterministic) > 0 || r.Ended == endedError:
		return exitHarness
	case len(r.Findings) > 0:
		return exitFound
	case r.Inconclusive > 0 || r.Ended == fuzz.EndedSignal || len(s.weak) > 0 || r.Runs == 0:
		return exitWeak
	}
	return exitClean
}

// print writes the summary in the format asked for. What JSON has no field for
// goes to the standard error.
func (s summary) print(a *app, found []reports.Finding) error {
	var b bytes.Buffer
	if s.flags.Format != "json" {
		s.text(&b, found)
		_, err := a.stdout.Write(b.Bytes())
		return err
	}
	s.troubles(&b)
	if _, err := a.stderr.Write(b.Bytes()); err != nil {
		return err
	}
	asked, err := model.ParseGuarantee(string(s.flags.Guarantee))
	if err != nil {
		return err
	}
	r := reports.Report{
		Tool: version(), Design: s.order.Design, Hosts: int(s.flags.Hosts), Guarantee: asked.Name, Rule: asked.Rule, Seed: s.flags.Seed,
		Runs: s.result.Runs, Operations: s.result.Operations, Ended: s.result.Ended, Digest: reports.Hex(s.result.Digest),
		Coverage: coverage(&s.result.Coverage), Inconclusive: s.result.Inconclusive, HarnessErrors: s.result.HarnessErrors,
	}
	for _, f := range found {
		r.Findings = append(r.Findings, f.ForReport())
	}
	return reports.WriteJSON(a.stdout, r)
}

func (s summary) text(b *bytes.Buffer, found []reports.Finding) {
	r := &s.result
	c := &r.Coverage
	rate := int64(0)
	if ms := s.took.Milliseconds(); ms > 0 {
		rate = int64(r.Runs) * 1000 / ms
	}
	fmt.Fprintf(b, "hunted:    %s for %s and %s, seed %d, hosts %d, faults %v\n", s.order.Design, s.order.Guarantees[0], strings.Join(s.order.Guarantees[1:], ", "), s.flags.Seed, s.flags.Hosts, s.faults)
	fmt.Fprintf(b, "runs:      %d, %d operations, in %v (%d runs/s)\n", r.Runs, r.Operations, s.took.Round(10*time.Millisecond), rate)
	fmt.Fprintf(b, "ended:     %s\n", s.why())
	fmt.Fprintf(b, "digest:    %s\n", reports.Hex(r.Digest))
	fmt.Fprintf(b, "reached:   %s of the operations succeeded; %s\n", share(c.Succeeded, c.Attempted), answers(c))
	if c.Traced > 0 {
		fmt.Fprintf(b, "           two hosts wrote one block in %s of the runs, a hold fired in %s\n", share(c.Collided, c.Traced), share(c.Overlapped, c.Shared))
	} else {
		fmt.Fprintf(b, "           operations of two hosts overlapped in %s of the runs\n", share(c.Overlapped, c.Shared))
	}
	s.troubles(b)
	fmt.Fprintf(b, "result:    %s\n", s.verdict())
	for _, f := range found {
		file := "no case file"
		if f.File != "" {
			file = printable(f.File)
		}
		fmt.Fprintf(b, "           %s (%s), %d steps: %s\n", printable(string(f.Verdict.Anomaly)), f.Guarantee.Name, len(f.Run.Program.Steps), file)
	}
}

// troubles is what keeps a hunt from being clean, findings aside.
func (s summary) troubles(b *bytes.Buffer) {
	r := &s.result
	for _, w := range s.weak {
		fmt.Fprintf(b, "weak:      %s\n", w)
	}
	if r.Inconclusive > 0 {
		fmt.Fprintf(b, "undecided: %d runs, the judge reached its limit\n", r.Inconclusive)
	}
	if n := len(r.Nondeterministic); n > 0 {
		fmt.Fprintf(b, "nondeterministic: %d runs differed from themselves, the first is run %d\n", n, r.Nondeterministic[0])
	}
	if r.HarnessErrors > 0 {
		fmt.Fprintf(b, "failed:    %d runs could not be made; run %d: %s\n", r.HarnessErrors, r.Failures[0].Run, r.Failures[0].Text)
	}
}

// why is what ended the hunt.
func (s summary) why() string {
	switch s.result.Ended {
	case fuzz.EndedRuns:
		return fmt.Sprintf("runs (--runs %d)", s.flags.Runs)
	case fuzz.EndedTime:
		return fmt.Sprintf("time (%v)", s.limit)
	case fuzz.EndedFirst:
		return "first (--first)"
	case fuzz.EndedSignal:
		return "signal (interrupted)"
	case endedDeaths:
		return fmt.Sprintf("deaths (%d runs ended their process; the design does it too often to go on)", maxDeaths)
	}
	return s.result.Ended
}

// verdict is the answer in a few words.
func (s summary) verdict() string {
	switch s.code() {
	case exitHarness:
		return fmt.Sprintf("not to be relied on (%d found)", len(s.result.Findings))
	case exitFound:
		return fmt.Sprintf("%d found", len(s.result.Findings))
	case exitWeak:
		return "nothing found, and that says little"
	}
	return "clean"
}

// share is "31 %".
func share(part, whole int) string {
	if whole == 0 {
		return "0 %"
	}
	return fmt.Sprintf("%d %%", part*100/whole)
}

// answers is "57 kinds of answer".
func answers(c *fuzz.Coverage) string {
	n := 0
	for k := range c.Answers {
		for _, count := range c.Answers[k] {
			if count > 0 {
				n++
			}
		}
	}
	return fmt.Sprintf("%d pairs of operation and answer seen", n)
}

// coverage is the counts as JSON has them: the totals, and "create EEXIST" for
// each answer that was seen.
func coverage(c *fuzz.Coverage) map[string]int {
	m := map[string]int{
		"runs": c.Runs, "operations": c.Attempted, "succeeded": c.Succeeded, "skipped": c.Skipped,
		"pending": c.Pending, "events": c.Events, "shared": c.Shared, "traced": c.Traced, "collided": c.Collided,
		"holds_asked": c.HoldsAsked, "holds_fired": c.HoldsFired, "holds_cut": c.HoldsCut, "overlapped": c.Overlapped,
	}
	for k := range c.Answers {
		for e, n := range c.Answers[k] {
			if n > 0 {
				m[model.Kind(k).String()+" "+model.Errno(e).String()] = n
			}
		}
	}
	return m
}
