package agent_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/model"
)

// bindMounts mounts one directory twice by bindfs, which is libfuse: it keeps an
// open file without a name under one of its own.
func bindMounts(t *testing.T) (a, b string) {
	t.Helper()
	mayMount(t)
	if _, err := exec.LookPath("bindfs"); err != nil {
		t.Fatalf("%v\nhint: apt-get install bindfs", err)
	}
	dir := t.TempDir()
	mount := func() string {
		at := t.TempDir()
		out, err := exec.Command("bindfs", "-o", "attr_timeout=0,entry_timeout=0,negative_timeout=0", dir, at).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		t.Cleanup(func() {
			if out, err := exec.Command("fusermount", "-u", at).CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
		return at
	}
	return mount(), mount()
}

func TestHiddenNamesOfFUSE(t *testing.T) {
	a, b := bindMounts(t)
	r := newRunner(t, cluster(t, a, b))
	p := mounted(
		model.Step{Host: hostA, Kind: model.Mkdir, Path: "/d"},
		model.Step{Host: hostA, Kind: model.Mkdir, Path: "/e"},
		model.Step{Host: hostA, Kind: model.Create, Path: "/d/x"},
		model.Step{Host: hostA, Kind: model.Open, Path: "/d/x", File: 1},
		model.Step{Host: hostA, Kind: model.Unlink, Path: "/d/x"},
		model.Step{Host: hostB, Kind: model.Readdir, Path: "/d"},
		model.Step{Host: hostB, Kind: model.Rmdir, Path: "/d"},
		model.Step{Host: hostB, Kind: model.Rename, Path: "/e", To: "/d"},
	)
	run, err := r.Run(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	got := story(t, run)
	for _, want := range []string{"B readdir /d -> empty\n", "B rmdir /d -> skipped\n", "B rename /e /d -> skipped\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	for _, v := range checker.New(0, model.Linearizable, model.Progress)(run) {
		if v.Outcome != model.Held {
			t.Errorf("%s: %v %s %v", v.Guarantee, v.Outcome, v.Anomaly, v.Proof)
		}
	}
	// No hidden name makes a listing or an error wrong in random programs either.
	opts := fuzz.Options{Seed: 3, Hosts: 2, Faults: fuzz.NoFaults}
	for n := range 60 {
		run, err := r.Run(t.Context(), opts.Program(r.Capabilities(), n))
		if err != nil {
			t.Fatal(err)
		}
		if text := story(t, run); strings.Contains(text, "fuse_hidden") {
			t.Errorf("a hidden name is listed:\n%s", text)
		}
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	for _, root := range []string{a, b} {
		if left, err := os.ReadDir(root); err != nil || len(left) > 0 {
			t.Errorf("left in %s: %v, %v", root, left, err)
		}
	}
}
