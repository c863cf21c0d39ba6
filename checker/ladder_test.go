package checker_test

import (
	"math/rand/v2"
	"testing"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/internal/brute"
	"github.com/doublemount/doublemount/internal/reference"
	"github.com/doublemount/doublemount/model"
	"pgregory.net/rapid"
)

// drawn is a source of random numbers that rapid draws, and so can make smaller.
type drawn struct{ *rapid.T }

func (d drawn) Uint64() uint64 { return rapid.Uint64().Draw(d.T, "choice") }

// On whatever systems do, right or not, over crashes, with an answer changed or not:
// what is kept on one rung is kept on all below, and what keeps any rung but
// nothing-lost keeps it if it is cut at any time.
func TestLadderIsMonotoneAndPrefixesKeepIt(t *testing.T) {
	systems := append(reference.Systems(), reference.Broken()...)
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(drawn{t})
		run := rapid.SampledFrom(systems).Draw(t, "system").Run(rng, rapid.IntRange(1, 10).Draw(t, "operations"))
		if rapid.Bool().Draw(t, "changed") {
			run = brute.Mutate(rng, run)
		}
		at := rapid.Int64Range(0, run.History[len(run.History)-1].Call).Draw(t, "cut")
		above := model.Violated
		for _, g := range brute.Ladder {
			judge := checker.New(0, g)
			v := judge(run)[0].Outcome
			if above == model.Held && v == model.Violated {
				t.Fatalf("%s violated, the rung above it held\n%s", g.Name, text(run))
			}
			if above = v; v != model.Held || g.FinalOnly {
				continue
			}
			if cut := brute.CutAt(run, at); judge(cut)[0].Outcome == model.Violated {
				t.Fatalf("%s held, but not until %d\n%s", g.Name, at, text(run))
			}
		}
	})
}
