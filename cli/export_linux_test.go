package cli_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// export makes a script of a case and writes it to a file.
func export(t *testing.T, args ...string) string {
	t.Helper()
	var said bytes.Buffer
	c := exec.CommandContext(t.Context(), "doublemount", append([]string{"export", "--as", "sh"}, args...)...)
	c.Stderr = &said
	text, err := c.Output()
	if err != nil {
		t.Fatalf("export %v: %v\n%s", args, err, said.String())
	}
	name := filepath.Join(t.TempDir(), "finding.sh")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// shell runs a script and returns its exit code and output.
func shell(t *testing.T, env []string, args ...string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "sh", args...)
	c.WaitDelay = time.Second
	c.Env = append(append(os.Environ(), "TMPDIR="+t.TempDir()), env...)
	out, err := c.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), string(out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0, string(out)
}

// exported are cases of simulated designs in which all that is needed is two caches.
var exported = []string{"incident-o2", "stale-read", "split-brain-write", "writethrough-lost-file", "flock-is-local", "stale-attributes"}

func committed(name string) string { return filepath.Join("..", "corpus", "cases", name+".case") }

// TestExportOneCache: hosts that share one directory show nothing of what needs two
// caches.
func TestExportOneCache(t *testing.T) {
	share, err := os.MkdirTemp("/dev/shm", "doublemount-test-")
	if err != nil {
		share = t.TempDir()
	} else {
		t.Cleanup(func() { os.RemoveAll(share) })
	}
	for _, name := range exported {
		file := export(t, committed(name), "--fs", "dirs")
		code, out := shell(t, []string{"REMOUNT_A=true", "REMOUNT_B=true"}, file, share, share)
		if code != 0 || !strings.HasSuffix(out, ": not seen\n") || !strings.Contains(out, "DIFFERS: it was") {
			t.Errorf("%s: exit code %d\n%s", name, code, out)
		}
	}
}

// TestExportExt4: two mounts of one ext4 show the thing itself, as it was seen in a
// simulated design.
func TestExportExt4(t *testing.T) {
	mayMountHere(t)
	for _, name := range exported {
		code, out := shell(t, nil, export(t, committed(name), "--fs", "ext4"))
		if code != 1 || !strings.HasSuffix(out, ": SEEN\n") {
			t.Errorf("%s: exit code %d\n%s", name, code, out)
		}
	}
}

// TestExportBindfs hunts on two bindfs of one directory, each of which keeps
// attributes for a second, and sees with a script what it has found.
func TestExportBindfs(t *testing.T) {
	mayMountHere(t)
	if _, err := exec.LookPath("bindfs"); err != nil {
		t.Fatal("there is no bindfs; apt-get install bindfs")
	}
	top := t.TempDir()
	var dirs, args []string
	for _, name := range []string{"share", "A", "B"} {
		dir := filepath.Join(top, name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if name == "share" {
			continue
		}
		if out, err := exec.Command("bindfs", filepath.Join(top, "share"), dir).CombinedOutput(); err != nil {
			t.Fatalf("bindfs: %v %s", err, out)
		}
		t.Cleanup(func() {
			if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
				t.Errorf("umount: %v %s", err, out)
			}
		})
		dirs = append(dirs, dir)
		args = append(args, "--host", name+"=doublemount agent --root "+dir)
	}
	cases := filepath.Join(top, "cases")
	// bindfs 1.14 can deadlock in a rename.
	args = append([]string{"hunt", "--for", "20s", "--guarantee", "close-to-open", "--reruns", "3", "--out", cases,
		"--without", "renames"}, args...)
	out, _ := exec.CommandContext(t.Context(), "doublemount", args...).CombinedOutput() // it cannot remove what bindfs hides
	found, err := filepath.Glob(filepath.Join(cases, "stale-read-*.case"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no stale read found, error %v:\n%s", err, out)
	}
	file := export(t, found[0])
	if code, out := shell(t, nil, file, dirs[0], dirs[1], "20"); code != 1 || !strings.HasSuffix(out, ": SEEN\n") || !strings.Contains(out, "stale read") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	share := t.TempDir()
	if code, out := shell(t, nil, file, share, share); code != 0 || !strings.HasSuffix(out, ": not seen\n") {
		t.Errorf("one cache: exit code %d\n%s", code, out)
	}
}
