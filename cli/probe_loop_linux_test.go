package cli_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestProbeTwoMounts probes one ext4 that two loop devices have mounted at the
// same time, without remounts and with: it is not shared, in one sentence. It
// needs root and loop devices.
func TestProbeTwoMounts(t *testing.T) {
	if os.Getenv("DOUBLEMOUNT_LAB") != "1" {
		t.Skip("mounts one disk twice, as root: only with DOUBLEMOUNT_LAB=1")
	}
	top := t.TempDir()
	disk := filepath.Join(top, "disk.img")
	if err := os.WriteFile(disk, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(disk, 64<<20); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mkfs.ext4", "-q", "-F", disk).CombinedOutput(); err != nil {
		t.Skipf("no ext4 can be made: %v %s", err, out)
	}
	args := []string{"probe", "--for", "100ms", "--reruns", "1", "--visible", "300ms", "--out", filepath.Join(top, "cases")}
	var remounts []string
	for _, name := range []string{"A", "B"} {
		dir := filepath.Join(top, name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("losetup", "--find", "--show", disk).Output()
		if err != nil {
			t.Skipf("no loop devices: %v", err)
		}
		loop := strings.TrimSpace(string(out))
		t.Cleanup(func() { exec.Command("losetup", "--detach", loop).Run() })
		if out, err := exec.Command("mount", loop, dir).CombinedOutput(); err != nil {
			t.Skipf("no mounts: %v %s", err, out)
		}
		t.Cleanup(func() {
			if err := syscall.Unmount(dir, 0); err != nil && syscall.Unmount(dir, syscall.MNT_DETACH) == nil {
				t.Errorf("unmount %s: %v", dir, err)
			}
		})
		args = append(args, "--host", fmt.Sprintf("%s=doublemount agent --root %s", name, dir))
		remounts = append(remounts, "--remount", fmt.Sprintf("%s=sh -c 'umount %s && mount %s %s'", name, dir, loop, dir))
	}
	for _, test := range []struct {
		args []string
		want string
	}{
		{args, "not shared: B did not see A's directory after A synced"},
		{append(args, remounts...), "not shared: nothing-lost does not hold ("},
	} {
		var said bytes.Buffer
		cmd := exec.Command("doublemount", test.args...)
		cmd.Stderr = &said
		out, err := cmd.Output()
		exit, ok := errors.AsType[*exec.ExitError](err)
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		if last := lines[len(lines)-1]; !ok || exit.ExitCode() != 1 || !strings.HasPrefix(last, test.want) {
			t.Errorf("%v\n%s%s\nwant %s", err, out, said.String(), test.want)
		}
	}
}
