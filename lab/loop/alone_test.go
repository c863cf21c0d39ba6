//go:build linux

package loop_test

import (
	"os"
	"strconv"
	"testing"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/lab/loop"
	"github.com/doublemount/doublemount/model"
)

// aloneRuns is how many runs each file system is given; runsEnv is a number of
// them for an experiment.
const (
	aloneRuns = 40
	runsEnv   = "DOUBLEMOUNT_LAB_RUNS"
)

// TestAlone: one host alone loses nothing, crashes or not. That is what makes a
// finding with two hosts one of sharing, and not of the harness.
func TestAlone(t *testing.T) {
	runs := aloneRuns
	if n, err := strconv.Atoi(os.Getenv(runsEnv)); err == nil {
		runs = n
	}
	for _, name := range []string{"ext4", "ext4-nojournal", "xfs", "btrfs", "ntfs"} {
		t.Run(name, func(t *testing.T) {
			r := lab(t, name, loop.Options{Hosts: 1})
			judge := checker.New(0, model.Linearizable, model.Capacity, model.Fsck, model.Progress)
			options := fuzz.Options{Seed: 1, Hosts: 1}
			crashes := 0
			for n := range runs {
				caps := r.Capabilities()
				if name == "ntfs" {
					// ntfs-3g keeps no journal: a crash inside a writeback is more than it can
					// bear, one between two operations is not.
					caps.Survives, caps.Holds = model.Crashes, false
				}
				p := options.Program(caps, n)
				run, err := r.Run(t.Context(), p)
				if err != nil {
					t.Fatalf("run %d: %v", n, err)
				}
				for i := range run.History {
					if op := &run.History[i]; op.Kind == model.Crash && !op.Skipped {
						crashes++
					}
				}
				for _, v := range judge(run) {
					if v.Outcome == model.Held {
						continue
					}
					t.Errorf("run %d: %s %v: %s\n%s\n%s\n%s\nmounts that failed: %q\n%v", n, v.Guarantee, v.Outcome, v.Anomaly, v.Proof[0], v.Proof[1], p, r.Refusals(), run.Audit)
					for _, op := range run.History {
						t.Log(op)
					}
				}
			}
			t.Logf("%d runs, %d crashes", runs, crashes)
		})
	}
}
