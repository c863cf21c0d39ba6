package model

import "fmt"

// Outcome is the judge's answer. Inconclusive is never Held.
type Outcome uint8

// The three answers.
const (
	Held Outcome = iota
	Violated
	Inconclusive // a limit was reached before an answer
)

// String is "held", "violated" or "inconclusive".
func (o Outcome) String() string {
	return [...]string{"held", "violated", "inconclusive"}[o%3]
}

// ParseOutcome is the inverse of [Outcome.String].
func ParseOutcome(name string) (Outcome, error) {
	for _, o := range []Outcome{Held, Violated, Inconclusive} {
		if o.String() == name {
			return o, nil
		}
	}
	return Held, fmt.Errorf("unknown outcome %q\nhint: one of held violated inconclusive", name)
}

// Verdict is the answer for one guarantee on one run.
type Verdict struct {
	Guarantee string
	Outcome   Outcome
	Anomaly   Anomaly   // set when violated
	Proof     [2]string // "X before Y, because ...", "however Y before X, because ...: a contradiction"
	Observed  string    // the result that no allowed order gives
	Allowed   []string  // what would have been allowed there
	Steps     []int     // the steps that the proof speaks of
	Path      Path      // the name it is about, or empty
	Limit     string    // why the judge stopped, when inconclusive
}

// Same reports whether v is the same finding as w: the guarantee, the outcome
// and the anomaly. It is what a minimiser must preserve.
func (v Verdict) Same(w Verdict) bool {
	return v.Guarantee == w.Guarantee && v.Outcome == w.Outcome && v.Anomaly == w.Anomaly
}

// Judge turns a Run into one Verdict for each guarantee it was made for, in a
// fixed order. It is deterministic and keeps nothing of the Run. A Judge may
// keep scratch memory and is then not safe for concurrent use.
type Judge func(Run) []Verdict
