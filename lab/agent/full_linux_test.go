package agent_test

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/model"
)

// mayMount skips a test that mounts something, unless it is asked for.
func mayMount(t *testing.T) {
	t.Helper()
	if os.Getenv("DOUBLEMOUNT_LAB") != "1" {
		t.Skip("mounts file systems, as root: only with DOUBLEMOUNT_LAB=1")
	}
}

// One directory of a disk with two pages left: writes are cut short and fail, and
// nothing of that is a violation. It is seen that they were.
func TestAlmostFull(t *testing.T) {
	mayMount(t)
	root := t.TempDir()
	if err := unix.Mount("tmpfs", root, "tmpfs", 0, "size=2m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(root, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	c := cluster(t, root, root)
	r := newRunner(t, c) // which is closed before the unmount, and would refuse a disk that is full from the beginning
	if err := os.WriteFile(filepath.Join(root, "full"), make([]byte, 510*4096), 0o600); err != nil {
		t.Fatal(err)
	}
	judge := checker.New(0, model.Linearizable, model.Progress)
	opts := fuzz.Options{Seed: 1, Hosts: 2, Faults: fuzz.NoFaults}
	short, failed := 0, 0
	for n := range 150 {
		run, err := r.Run(t.Context(), opts.Program(r.Capabilities(), n))
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range judge(run) {
			if v.Outcome != model.Held {
				t.Errorf("%s %v (%s): %v\n%s", v.Guarantee, v.Outcome, v.Anomaly, v.Proof, story(t, run))
			}
		}
		for _, op := range run.History {
			if (op.Kind == model.Write || op.Kind == model.Append) && op.Succeeded() && op.Result.Size < int64(op.Len) {
				short++
			}
			if op.Result.Errno == model.ENOSPC {
				failed++
			}
		}
	}
	t.Logf("%d short writes, %d ENOSPC", short, failed)
	if short == 0 || failed == 0 {
		t.Error("the disk was never full")
	}
}
