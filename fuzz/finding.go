package fuzz

import (
	"cmp"
	"slices"

	"github.com/doublemount/doublemount/model"
)

// Finding is a violation made small. There is one for each guarantee and
// anomaly.
type Finding struct {
	Verdict    model.Verdict // of Program
	Program    model.Program // minimal, if Cut is false
	Run        int           // run number that it was found in
	Original   int           // steps that run had
	Executions int           // that minimising took
	Cut        bool          // minimising stopped at its limit

	// Of several executions of Program after it was found, how many had it again,
	// where the Runner is not deterministic. Else both are 0.
	CameBack, Reruns int

	// Seen is a run of Program that had Verdict, where the Runner is not
	// deterministic: another one may not have it. It stays in this process.
	Seen model.Run `json:"-"`
}

// Failure is a run that the harness could not make.
type Failure struct {
	Run  int
	Text string
}

// maxFailures is how many Failures are kept in words.
const maxFailures = 10

// Tally is what a set of batches came to, whichever they are. Its parts join
// in any order to the same Tally.
type Tally struct {
	Runs         int // run numbers executed and judged, or failed; repetitions not counted
	Operations   int // operations in them, skipped ones too
	Inconclusive int // runs for which the judge reached a limit, and found no violation
	Coverage     Coverage

	HarnessErrors int       // runs that the Runner could not make
	Failures      []Failure // the first of them, by run number, at most 10

	Nondeterministic []int     // run numbers that differed from themselves, in order
	Findings         []Finding // by guarantee, then anomaly
}

// Add joins u to t: counts are added, and of each kind of finding the smallest
// is kept, then that with the lowest run number.
func (t *Tally) Add(u *Tally) {
	t.Runs += u.Runs
	t.Operations += u.Operations
	t.Inconclusive += u.Inconclusive
	t.Coverage.Add(&u.Coverage)
	t.HarnessErrors += u.HarnessErrors
	t.Failures = append(t.Failures, u.Failures...)
	slices.SortFunc(t.Failures, func(a, b Failure) int { return cmp.Compare(a.Run, b.Run) })
	t.Failures = t.Failures[:min(len(t.Failures), maxFailures)]
	t.Nondeterministic = append(t.Nondeterministic, u.Nondeterministic...)
	slices.Sort(t.Nondeterministic)
	for _, f := range u.Findings {
		t.keep(f)
	}
}

// keep puts f in its place among the findings, unless a better one is there.
func (t *Tally) keep(f Finding) {
	i, found := slices.BinarySearchFunc(t.Findings, f, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Verdict.Guarantee, b.Verdict.Guarantee), cmp.Compare(a.Verdict.Anomaly, b.Verdict.Anomaly))
	})
	switch {
	case !found:
		t.Findings = slices.Insert(t.Findings, i, f)
	case compareFindings(f, t.Findings[i]) < 0:
		t.Findings[i] = f
	}
}

// has reports whether there is a finding of v's guarantee and anomaly.
func (t *Tally) has(v model.Verdict) bool {
	return slices.ContainsFunc(t.Findings, func(f Finding) bool { return f.Verdict.Same(v) })
}

// compareFindings orders findings of one kind, better ones first.
func compareFindings(a, b Finding) int {
	p, q := a.Program, b.Program
	if c := cmp.Or(cmp.Compare(len(p.Steps), len(q.Steps)), cmp.Compare(len(p.Holds)+len(p.Strikes), len(q.Holds)+len(q.Strikes))); c != 0 {
		return c
	}
	return cmp.Or(cmp.Compare(len(p.String()), len(q.String())), cmp.Compare(a.Run, b.Run))
}
