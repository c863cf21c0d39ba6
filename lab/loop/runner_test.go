//go:build linux

package loop_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/corpus"
	"github.com/doublemount/doublemount/lab/loop"
	"github.com/doublemount/doublemount/model"
)

func TestMain(m *testing.M) {
	loop.HostMain()
	if name := os.Getenv(endlessEnv); name != "" {
		endless(name)
	}
	os.Exit(m.Run())
}

// labEnv turns the tests on that mount file systems, and skipping into failing.
const labEnv = "DOUBLEMOUNT_LAB"

// lab makes a Runner, or skips the test.
func lab(t *testing.T, name string, o loop.Options) *loop.Runner {
	t.Helper()
	if os.Getenv(labEnv) != "1" {
		t.Skipf("mounts file systems of this kernel, as root: only with %s=1", labEnv)
	}
	s, err := loop.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	r, err := loop.New(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// program reads the steps of a case.
func program(t *testing.T, steps string) model.Program {
	t.Helper()
	c, err := corpus.Parse("test", []byte("doublemount case 1\ndesign: local\nhosts: 2\nexpect: held nothing-lost\n\n"+strings.TrimLeft(steps, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return c.Program
}

func TestLostFile(t *testing.T) {
	for _, name := range []string{"ext4", "ext4-nojournal", "xfs", "btrfs", "ntfs"} {
		t.Run(name, func(t *testing.T) {
			r := lab(t, name, loop.Options{})
			run, err := r.Run(t.Context(), program(t, "1 A mount\n2 B mount\n3 A create /a\n4 A write /a 0 8 #1\n5 B create /b\n6 A sync\nend A unmount\nend B unmount\n"))
			if err != nil {
				t.Fatal(err)
			}
			for _, op := range run.History {
				t.Log(op)
			}
			for _, v := range checker.New(0, model.NothingLost, model.Fsck, model.Capacity, model.Progress)(run) {
				t.Log(v.Guarantee, v.Outcome, v.Anomaly)
			}
			for _, p := range run.Audit {
				t.Log(p)
			}
			t.Log(len(run.Trace), run.Space)
			begun := time.Now()
			for range 10 {
				if _, err := r.Run(t.Context(), run.Program); err != nil {
					t.Fatal(err)
				}
			}
			t.Log(time.Since(begun) / 10)
		})
	}
}
