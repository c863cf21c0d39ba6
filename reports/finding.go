package reports

import (
	"slices"
	"strings"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/model"
)

// Finding is one violation, minimised and explained.
type Finding struct {
	Design    string
	Guarantee model.Guarantee
	Verdict   model.Verdict
	Run       model.Run     // of the minimal program, with its history and trace
	Cause     checker.Cause // the zero value prints as "cause not isolated"
	File      string        // the case file, or empty when none was written
	Original  int           // steps before minimising; 0 when not known
	Replay    string        // a command line to paste, or empty
	Blocks    Blocks        // what the blocks of the run are; may be nil
	CameBack  int           // of Reruns executions of the program how many had the finding again
	Reruns    int           // 0 where runs are deterministic, or it is not known
}

// Headline is one line that says what happened: "LOST FILE: /a: observed
// ENOENT; allowed: file of 0". It is safe to print.
func (f Finding) Headline() string {
	const enough = 60 // bytes of an observation; the section "observed" has all of it
	v := f.Verdict
	if v.Outcome == model.Inconclusive {
		return "INCONCLUSIVE: " + safeText(v.Limit)
	}
	line := safe(strings.ToUpper(string(v.Anomaly)))
	if line == "" {
		line = strings.ToUpper(v.Outcome.String())
	}
	observed := f.observed()
	if v.Path != "" && !strings.Contains(observed, string(v.Path)) {
		line += ": " + safe(string(v.Path))
	}
	if observed = safeText(observed); len(observed) > enough {
		observed = observed[:enough] + "..."
	}
	if observed != "" {
		line += ": observed " + observed
	}
	if len(v.Allowed) > 0 {
		line += "; allowed: " + f.allowed()
	}
	return line
}

// observed is the verdict's observation, or the defect where the verdict has
// none: a design that panicked answered nothing that could be observed.
func (f Finding) observed() string {
	if f.Verdict.Observed == "" && len(f.Run.Defects) > 0 {
		return f.Run.Defects[0].String()
	}
	return f.Verdict.Observed
}

// speaksOf reports whether the proof or the cause is about step n.
func (f Finding) speaksOf(n int) bool {
	return slices.Contains(f.Verdict.Steps, n) || f.Cause.Kind != "" && f.Cause.Step == n
}

func (f Finding) allowed() string {
	texts := make([]string, len(f.Verdict.Allowed))
	for i, a := range f.Verdict.Allowed {
		texts[i] = safeText(a)
	}
	return strings.Join(texts, " or ")
}

// involved lists the hosts that the program or the history speaks of, in order.
func (f Finding) involved() []model.Host {
	var seen [256]bool
	for _, s := range f.Run.Program.Steps {
		seen[s.Host] = true
	}
	for _, o := range f.Run.History {
		seen[o.Host] = true
	}
	var hosts []model.Host
	for h, ok := range seen[:model.Final] {
		if ok {
			hosts = append(hosts, model.Host(h))
		}
	}
	return hosts
}
