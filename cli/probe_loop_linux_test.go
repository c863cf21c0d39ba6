package cli_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestProbeTwoMounts probes one ext4 that two loop devices have mounted at the same
// time, without remounts and with: that is said, and nothing is written. If it is
// told to write it stops at the first name that is seen only after a remount.
func TestProbeTwoMounts(t *testing.T) {
	mayMountHere(t)
	top := t.TempDir()
	disk := filepath.Join(top, "disk.img")
	if err := os.WriteFile(disk, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(disk, 64<<20); err != nil {
		t.Fatal(err)
	}
	sh := func(command string) string {
		t.Helper()
		out, err := exec.Command("sh", "-euc", command).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v: %s", command, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	sh("mkfs.ext4 -q -F " + disk)
	var dirs, remounts []string
	for _, name := range []string{"A", "B"} {
		dir := filepath.Join(top, name)
		loop := sh("losetup --direct-io=on --find --show " + disk)
		t.Cleanup(func() { exec.Command("losetup", "--detach", loop).Run() }) // it may have gone with its mount
		mount(t, loop, dir)
		dirs = append(dirs, dir)
		sh("echo '" + name + " has files' >" + dir + "/" + name)
		remounts = append(remounts, "--remount", fmt.Sprintf("%s=sh -c 'umount %s && mount %s %s'", name, dir, loop, dir))
	}
	hash := func() string {
		sh("sync -f " + dirs[0] + "; sync -f " + dirs[1])
		return sh("sha256sum <" + disk)
	}
	before := hash()
	const twice = "one disk, mounted twice without coordination: A and B both have the ext4 with UUID "
	for _, flags := range [][]string{nil, remounts} {
		if code, last := probed(t, dirs[0], dirs[1], flags...); code != 1 || !strings.HasPrefix(last, twice) || !strings.HasSuffix(last, "; nothing was written") {
			t.Errorf("exit code %d: %s", code, last)
		}
		if after := hash(); after != before {
			t.Errorf("the disk was %s and is %s", before, after)
		}
	}
	sh("mount -o remount,ro " + dirs[1]) // then a write by A does no harm
	if code, last := probed(t, dirs[0], dirs[1], "--visible", "300ms"); code != 1 || !strings.HasPrefix(last, twice) || !strings.HasSuffix(last, "; B did not see A's directory after A synced (waited 0s)") {
		t.Errorf("B read-only: exit code %d: %s", code, last)
	}
	sh("mount -o remount,rw " + dirs[1])
	before = hash()
	code, last := probed(t, dirs[0], dirs[1], append(remounts, "--write-anyway")...)
	if code != 1 || !strings.HasPrefix(last, twice) || !strings.HasSuffix(last, "; a directory that was synced was seen only after a remount; what was written may have damaged it: check it (fsck) before it is used") {
		t.Errorf("exit code %d: %s", code, last)
	}
	if after := hash(); after == before {
		t.Error("nothing was written with --write-anyway")
	}
}
