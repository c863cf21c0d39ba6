//go:build linux

package script_test

import (
	"os"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/corpus"
	"github.com/doublemount/doublemount/lab/loop"
	"github.com/doublemount/doublemount/lab/script"
	"github.com/doublemount/doublemount/model"
)

func TestMain(m *testing.M) {
	loop.HostMain()
	os.Exit(m.Run())
}

// TestLoop: what a lab has recorded on a real file system, a script that has nothing
// of ours sees too, answer by answer; open files included.
func TestLoop(t *testing.T) {
	if os.Getenv("DOUBLEMOUNT_LAB") != "1" {
		t.Skip("mounts file systems of this kernel, as root: only with DOUBLEMOUNT_LAB=1")
	}
	for name, tests := range map[string]map[string]model.Anomaly{
		"ext4": {
			"1 A mount\n2 B mount\n3 A create /a\n4 B create /b\n5 A sync\n6 B sync\n": model.LostFile,
			"1 A mount\n2 B mount\n3 A create /leader\n4 B create /leader\n":           model.SplitBrain,
			"1 A mount\n2 A create /a\n3 A sync\n4 B mount\n5 B open /a f1\n6 A open /a f2\n7 A append f2 8 #1\n" +
				"8 A fsync f2\n9 B read f1 0 8\n10 A truncate f2 12\n11 A close f2\n12 A stat /a\n13 B stat /a\n": model.StaleRead,
		},
		"ntfs": {"1 A mount\n2 B mount\n3 A create /a\n4 A write /a 0 8 #1\n5 B create /b\n6 A sync\n7 B sync\n": model.LostFile},
	} {
		t.Run(name, func(t *testing.T) {
			system, err := loop.Lookup(name)
			if err != nil {
				t.Fatal(err)
			}
			r, err := loop.New(t.Context(), system, loop.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := r.Close(); err != nil {
					t.Error(err)
				}
			}()
			for steps, anomaly := range tests {
				p := program(t, steps)
				run, err := r.Run(t.Context(), p)
				if err != nil {
					t.Fatal(err)
				}
				verdicts := checker.New(0, model.Linearizable, model.NothingLost)(run)
				if verdicts[0].Anomaly != anomaly && verdicts[1].Anomaly != anomaly {
					t.Errorf("%v; want %v, of\n%v", verdicts, anomaly, run.History)
					continue
				}
				text, err := script.Loop(script.Finding{Program: p, Saw: corpus.Recorded(p, run.History), Claim: string(anomaly)}, system)
				if err != nil {
					t.Fatal(err)
				}
				tmp := t.TempDir()
				code, out := sh(t, text, []string{"TMPDIR=" + tmp})
				if code != 1 || !strings.HasSuffix(out, "\n"+string(anomaly)+": SEEN\n") {
					t.Errorf("exit code %d\n%s", code, out)
				}
				if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
					t.Errorf("left behind: %v, error %v", left, err)
				}
			}
		})
	}
}
