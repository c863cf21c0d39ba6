package checker_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/internal/brute"
	"github.com/doublemount/doublemount/internal/reference"
	"github.com/doublemount/doublemount/internal/testscale"
	"github.com/doublemount/doublemount/model"
)

// Systems that are right by construction are never flagged at their level, nor below
// it, of 100,000 runs each in the long form.
func TestReferenceSystemsAreNotFlagged(t *testing.T) {
	for _, s := range reference.Systems() {
		t.Run(s.Name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(31, 32))
			judge := checker.New(0, s.Keeps)
			below := rungsBelow(s.Keeps)
			open, higher, runs := 0, 0, testscale.Count(300, 100_000)
			for n := range runs {
				run := s.Run(rng, 6+n%15)
				switch v := judge(run)[0]; v.Outcome {
				case model.Violated:
					t.Fatalf("run %d, %s: %q\n%s\n%s\n%s", n, s.Keeps.Name, v.Anomaly, v.Proof[0], v.Proof[1], text(run))
				case model.Inconclusive:
					open++
				}
				for i, v := range below(run) {
					if v.Outcome == model.Violated {
						t.Fatalf("run %d, rung %d below: %q\n%s", n, i, v.Anomaly, text(run))
					}
				}
				if checker.New(0, model.Linearizable)(run)[0].Outcome == model.Held {
					higher++
				}
			}
			t.Logf("%d runs at %s, %d of them linearizable, %d not decided", runs, s.Keeps.Name, higher, open)
			if open*50 > runs {
				t.Error("too much is not decided: the test shows little")
			}
		})
	}
}

// rungsBelow judges by the rungs of the ladder below g.
func rungsBelow(g model.Guarantee) model.Judge {
	for i, rung := range brute.Ladder {
		if rung.Name == g.Name {
			return checker.New(0, brute.Ladder[i+1:]...)
		}
	}
	return checker.New(0)
}

// On runs of all these systems of up to 8 operations, with operations that a crash
// cut off, and with one answer changed, the judge says what trying every order says:
// so a wrong answer is flagged unless brute force finds it right after all.
func TestAgreesWithBruteForceOnReferenceSystems(t *testing.T) {
	b := rungsAnd(brute.DurableAtClose, brute.DurableAtReturn, brute.NoStaleness)
	rng := rand.New(rand.NewPCG(35, 36))
	judged, flagged, still, pending := 0, 0, 0, 0
	for n := range testscale.Reaching(8, 1000) {
		for _, s := range append(reference.Systems(), reference.Broken()...) {
			run := s.Run(rng, 1+n%8)
			wrong := brute.Mutate(rng, run)
			if !b.agree(t, run) || !b.agree(t, wrong) {
				t.Fatalf("%s without %q", s.Name, s.Lacks)
			}
			judged += 2
			if slices.ContainsFunc(run.History, model.Op.Pending) {
				pending++
			}
			if checker.New(0, s.Keeps)(wrong)[0].Outcome == model.Violated {
				flagged++
			} else {
				still++
			}
		}
	}
	t.Logf("%d histories, %d of runs with operations that never returned; of the changed ones %d flagged, %d still right", judged, pending, flagged, still)
	if flagged < still || still == 0 || pending*50 < judged {
		t.Error("the test shows little")
	}
}

// The same with a piece left out are flagged, each in at least one run of 500.
func TestReferenceSystemsThatLackSomethingAreFlagged(t *testing.T) {
	for _, s := range reference.Broken() {
		t.Run(s.Name+" without "+s.Lacks, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(33, 34))
			judge, lost := checker.New(0, s.Keeps), checker.New(0, model.NothingLost)
			flagged, losses, runs := 0, 0, testscale.Reaching(300, 100_000)
			for n := range runs {
				run := s.Run(rng, 6+n%15)
				if judge(run)[0].Outcome == model.Violated {
					flagged++
				}
				if lost(run)[0].Outcome == model.Violated {
					losses++
				}
			}
			t.Logf("%d runs, %d flagged at %s, %d at nothing-lost", runs, flagged, s.Keeps.Name, losses)
			if flagged*500 < runs {
				t.Error("too few runs are flagged")
			}
		})
	}
}
