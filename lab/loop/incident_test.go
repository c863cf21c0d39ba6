//go:build linux

package loop_test

import (
	"slices"
	"testing"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/corpus"
	"github.com/doublemount/doublemount/lab/loop"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
	"github.com/doublemount/doublemount/sim/designs"
)

// judge is the verdict of a run for one guarantee.
func judge(t *testing.T, run model.Run, g model.Guarantee) model.Verdict {
	t.Helper()
	verdicts := checker.New(0, g)(run)
	if len(verdicts) != 1 {
		t.Fatalf("%d verdicts", len(verdicts))
	}
	return verdicts[0]
}

// play runs a program, and prints what the hosts saw if the test fails.
func play(t *testing.T, r model.Runner, p model.Program) model.Run {
	t.Helper()
	run, err := r.Run(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			for _, op := range run.History {
				t.Log(op)
			}
		}
	})
	return run
}

// TestIncident is what the engineer saw (O2 to O4, O7 to O9): the cases of the
// corpus that simulated hosts show, with the same verdicts. docs/FIDELITY.md has
// XFS and btrfs, which differ a little. O5 and O6, the full disk, are
// TestTwiceTheCapacity.
func TestIncident(t *testing.T) {
	for _, name := range []string{"ntfs", "ext4"} {
		t.Run(name, func(t *testing.T) {
			r := lab(t, name, loop.Options{})
			for _, file := range []string{"incident-o2", "incident-o3", "incident-o4", "incident-o7", "incident-o8", "incident-o9"} {
				t.Run(file, func(t *testing.T) {
					c, err := corpus.ReadFile("../../corpus/cases/" + file + ".case")
					if err != nil {
						t.Fatal(err)
					}
					run := play(t, r, c.Program)
					for _, e := range c.Expect {
						g, err := model.ParseGuarantee(e.Guarantee)
						if err != nil {
							t.Fatal(err)
						}
						v := judge(t, run, g)
						if v.Outcome != e.Outcome || v.Anomaly != e.Anomaly {
							t.Errorf("%s: want %v %s, got %v %s", e.Guarantee, e.Outcome, e.Anomaly, v.Outcome, v.Anomaly)
						}
					}
				})
			}
		})
	}
}

// TestTwiceTheCapacity is O5 and O6: both hosts fill the disk, both succeed, and
// each can still read its own file, though the disk is as large as it was.
func TestTwiceTheCapacity(t *testing.T) {
	const words = 24 << 20 / 512
	p := program(t, `
1 A mount
2 B mount
3 A create /from-a
4 B create /from-b
5 A write /from-a 0 49152 #1
6 B write /from-b 0 49152 #2
7 A sync
8 B sync
9 A read /from-a 0 49152
10 B read /from-b 0 49152
end A unmount
end B unmount
`)
	for _, name := range []string{"ntfs", "ext4-nojournal", "ext4"} {
		t.Run(name, func(t *testing.T) {
			run := play(t, lab(t, name, loop.Options{Size: 40 << 20}), p)
			for i := range run.History {
				op := &run.History[i]
				if op.Step > 0 && op.Result.Errno != model.OK {
					t.Errorf("%v", op)
				}
				if op.Kind == model.Read && op.Step > 0 {
					own := op.Step - 8
					if len(op.Result.Data) != words || slices.ContainsFunc(op.Result.Data, func(b byte) bool { return int(b) != own }) {
						t.Errorf("step %d: %v does not read what it wrote", op.Step, op.Host)
					}
				}
			}
			if v := judge(t, run, model.Capacity); v.Anomaly != model.CapacityOvercmt {
				t.Errorf("capacity: %v %s, with room for %d blocks", v.Outcome, v.Anomaly, run.Space.Blocks)
			}
		})
	}
}

// TestGuard: with multiple-mount protection the second mount is refused, so
// nothing is lost. Each mount waits for eleven seconds.
func TestGuard(t *testing.T) {
	r := lab(t, "ext4-mmp", loop.Options{})
	run := play(t, r, program(t, "1 A mount\n2 A create /a\n3 B mount\n4 B create /b\nend A unmount\nend B unmount\n"))
	for _, g := range []model.Guarantee{model.Linearizable, model.Fsck, model.Capacity, model.Progress} {
		if v := judge(t, run, g); v.Outcome != model.Held {
			t.Errorf("%s: %v %s", g.Name, v.Outcome, v.Anomaly)
		}
	}
	for _, op := range run.History {
		if op.Step == 3 && op.Result.Errno != model.EBUSY {
			t.Errorf("the second mount: %v", op)
		}
	}
	if len(r.Refusals()) != 1 {
		t.Errorf("refused: %q", r.Refusals())
	}
}

// TestSameSchedule runs one case with a hold on the simulator and on live
// kernels: the hold stops the same step at the same command, and the same is
// lost. Without the hold nothing is.
func TestSameSchedule(t *testing.T) {
	c, err := corpus.ReadFile("../../corpus/cases/mount-during-sync.case")
	if err != nil {
		t.Fatal(err)
	}
	check := func(t *testing.T, r model.Runner) {
		run := play(t, r, c.Program)
		if run.Holds[0] != model.Fired {
			t.Errorf("the hold: %v; want it to have fired and lasted", run.Holds[0])
		}
		if v := judge(t, run, model.NothingLost); v.Anomaly != model.LostFile || v.Path != "/a" {
			t.Errorf("with the hold: %v %s of %q", v.Outcome, v.Anomaly, v.Path)
		}
		without := c.Program.Clone()
		without.Holds = nil
		if v := judge(t, play(t, r, without), model.NothingLost); v.Outcome != model.Held {
			t.Errorf("without the hold: %v %s", v.Outcome, v.Anomaly)
		}
	}
	t.Run("local", func(t *testing.T) {
		r, err := sim.New(designs.Local())
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		check(t, r)
	})
	for _, name := range []string{"ext4"} {
		t.Run(name, func(t *testing.T) { check(t, lab(t, name, loop.Options{})) })
	}
}
