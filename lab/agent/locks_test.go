package agent_test

import (
	"math/rand/v2"
	"testing"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/internal/testscale"
	plaindir "github.com/doublemount/doublemount/lab/dir"
	"github.com/doublemount/doublemount/lab/files"
	"github.com/doublemount/doublemount/model"
)

// TestLocksOfOneDirectory: hosts that share a plain directory have one kernel, which
// keeps locks of both kinds as flock(2) and fcntl(2) say; so does the judge. It asks
// that what tells the two kinds apart was met on the way.
func TestLocksOfOneDirectory(t *testing.T) {
	if !files.Kinds().Has(model.Lock) {
		t.Skip("this system has no locks that belong to the open file")
	}
	root := t.TempDir()
	plain, err := plaindir.New(root, plaindir.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		runner model.Runner
	}{
		{"dir", plain},
		{"agents", newRunner(t, cluster(t, root, root))},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !c.runner.Capabilities().LocksApart {
				t.Error("locks of one kind")
			}
			judge := checker.New(0, model.Exclusion)
			granted, refused, together := map[bool]int{}, map[bool]int{}, 0 // by whether it is a range
			for seed := range testscale.Reaching(100, 2_000) {
				p := randomLocks(rand.New(rand.NewPCG(3, uint64(seed))))
				run, err := c.runner.Run(t.Context(), p)
				if err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				if v := judge(run)[0]; v.Outcome != model.Held {
					t.Fatalf("seed %d: %v %s: %v\n%v\n%s", seed, v.Outcome, v.Anomaly, v.Proof, p, story(t, run))
				}
				for _, op := range run.History {
					switch {
					case op.Kind != model.Lock || op.Skipped:
					case op.Result.Errno == model.OK:
						granted[op.Len > 0]++
					case op.Result.Errno == model.EAGAIN:
						refused[op.Len > 0]++
					}
				}
				run.LocksApart = false
				if judge(run)[0].Outcome == model.Violated {
					together++
				}
			}
			t.Logf("whole files: %d granted, %d refused; ranges: %d, %d; %d runs are wrong for locks of one kind",
				granted[false], refused[false], granted[true], refused[true], together)
			if granted[false] == 0 || refused[false] == 0 || together == 0 || files.Ranges && (granted[true] == 0 || refused[true] == 0) {
				t.Error("not all was met")
			}
		})
	}
}

// TestRangesOfEveryHost: words are locked where every host can.
func TestRangesOfEveryHost(t *testing.T) {
	root := t.TempDir()
	c := cluster(t, root, root)
	if got := newRunner(t, c).Capabilities(); got.Ranges != files.Ranges {
		t.Errorf("ranges: %v; want %v", got.Ranges, files.Ranges)
	}
	c.Members[1].Command = self(t, "no ranges", root)
	if got := newRunner(t, c).Capabilities(); got.Ranges || got.Kinds.Has(model.Lock) != files.Kinds().Has(model.Lock) {
		t.Errorf("where one host has none: %+v", got)
	}
}

// randomLocks is a Program of two hosts with two handles each of one file, which
// lock the whole, or words, or both, close and open again, and now and then overlap.
func randomLocks(rng *rand.Rand) model.Program {
	p := mounted(model.Step{Kind: model.Create, Path: "/a"})
	var open [2][3]bool
	turn := func(h model.Host, slot uint8) {
		s := model.Step{Host: h, Kind: model.Open, Path: "/a", File: slot}
		if open[h][slot] {
			s.Kind, s.Path = model.Close, ""
		}
		open[h][slot] = !open[h][slot]
		p.Steps = append(p.Steps, s)
	}
	for _, h := range []model.Host{hostA, hostB} {
		turn(h, 1)
		turn(h, 2)
	}
	ranges := rng.IntN(3) // none, all, some
	for range 6 + rng.IntN(20) {
		s := model.Step{Host: model.Host(rng.IntN(2)), File: uint8(1 + rng.IntN(2)), Kind: model.Lock}
		if rng.IntN(10) == 0 || !open[s.Host][s.File] {
			turn(s.Host, s.File)
			continue
		}
		if rng.IntN(4) == 0 {
			s.Kind = model.Unlock
		}
		s.Shared = s.Kind == model.Lock && rng.IntN(2) == 0
		if ranges == 1 || ranges == 2 && rng.IntN(2) == 0 {
			s.Off, s.Len = int32(rng.IntN(3)), int32(1+rng.IntN(3))
		}
		p.Steps = append(p.Steps, s)
	}
	for n := 8; n < len(p.Steps); n++ {
		if rng.IntN(4) == 0 {
			p.Holds = append(p.Holds, model.Hold{Step: n, At: model.WriteCommand, N: 1, Until: n + 1})
		}
	}
	return p
}
