//go:build linux

package loop_test

import (
	"strings"
	"testing"

	"github.com/doublemount/doublemount/lab/loop"
	"github.com/doublemount/doublemount/model"
)

// TestLocksOfTwoKinds: the kernel keeps the programs of one host apart, by flock(2)
// and by fcntl(2), and not those of two; the verdict says by which.
func TestLocksOfTwoKinds(t *testing.T) {
	const opened = "1 A mount\n2 A create /a\n3 A sync\n4 B mount\n5 A open /a f1\n6 A open /a f2\n7 B open /a f1\n"
	for _, name := range []string{"ext4", "xfs", "btrfs"} {
		t.Run(name, func(t *testing.T) {
			r := lab(t, name, loop.Options{})
			for _, c := range []struct{ steps, call, why string }{
				{"8 A lock f1 shared\n9 A lock f2 shared\n10 A lock f1\n11 A lock f2\n12 A lock f1 shared\n", "", "refused, it has lost what it had"},
				{"8 A lock f1 0 8 shared\n9 A lock f2 0 8 shared\n10 A lock f1 0 8\n11 A lock f2 0 8\n", "", "a range is kept"},
				{"8 A lock f1\n9 A lock f2 0 8\n10 A lock f1 0 8\n11 A unlock f1\n12 A lock f2\n", "", "they do not see each other"},
				{"8 A lock f1\n9 B lock f1 0 8\n", "", "nor on two hosts"},
				{"8 A lock f1\n9 B lock f1\n", "by flock(2)", "a kernel has its own"},
				{"8 A lock f1 0 8\n9 B lock f1 4 8\n", "by fcntl(2)", "of both kinds"},
			} {
				run := play(t, r, program(t, opened+c.steps+"end A unmount\nend B unmount\n"))
				v := judge(t, run, model.Exclusion)
				if c.call == "" && v.Outcome != model.Held || c.call != "" && (v.Anomaly != model.DoubleGrant || !strings.Contains(v.Observed+v.Proof[0], c.call)) {
					t.Errorf("%v %s: %s\n%s\n%v", v.Outcome, v.Anomaly, c.why, c.steps, v)
				}
				for _, op := range run.History {
					if op.Skipped && op.Step > 0 {
						t.Errorf("%v", op)
					}
				}
			}
		})
	}
}
