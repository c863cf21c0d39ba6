package cli_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/lab/mounts"
)

// TestLabMounts probes and hunts on a shared mount with the command, and replays
// there what the probe has found. It needs root, FUSE and bindfs.
func TestLabMounts(t *testing.T) {
	mayMountHere(t)
	top := t.TempDir()
	cases := filepath.Join(top, "cases")
	out, err := exec.Command("doublemount", "lab", "bindfs", "--for", "24s", "--reruns", "1", "--out", cases, "--record", top).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"\nsystem:    bindfs: ", "\ndocuments: guarantee none: ", "\nprobe:     shared, but weaker than close-to-open: ", " of its cases confirmed by a shell script\n", "\nhunt:      held to nothing-lost, progress: 0 found in "} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	text, err := os.ReadFile(filepath.Join(top, "bindfs.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r mounts.Result
	if err := json.Unmarshal(text, &r); err != nil || r.Runs == 0 || r.Operations == 0 || r.Packages["bindfs"] == "" || !strings.HasPrefix(r.Probe, "shared, but weaker than close-to-open: ") {
		t.Errorf("recorded %s: %v", text, err)
	}
	found, err := filepath.Glob(filepath.Join(cases, "lock-granted-twice-*.case"))
	if err != nil || len(found) != 2 { // flock(2) and ranges
		t.Fatalf("cases of locks: %q, %v", found, err)
	}
	out, err = exec.Command("doublemount", "replay", "--on", "bindfs", found[0]).CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "ok ") && !strings.Contains(string(out), "\nok ") {
		t.Errorf("%v\n%s", err, out)
	}
	out, err = exec.Command("doublemount", "lab", "bindfs", "--for", "2s", "--reruns", "1", "--out", cases, "--format", "json").Output()
	var report struct {
		System string
		Probe  struct{ Answer string }
		Hunt   struct{ Runs int }
	}
	if e := json.Unmarshal(out, &report); err != nil || e != nil || report.System != "bindfs" || report.Probe.Answer == "" || report.Hunt.Runs == 0 {
		t.Errorf("%v, %v\n%s", err, e, out)
	}
}
