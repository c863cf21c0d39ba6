package identity

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestOf: directories of this machine.
func TestOf(t *testing.T) {
	dir := t.TempDir()
	i, err := Of(dir)
	if err != nil {
		t.Fatal(err)
	}
	if i.Type == "" || i.Device == "" || i.Kernel == "" || i.User == "" || i.Inode == 0 || i.Total == 0 || i.ReadOnly {
		t.Errorf("%+v", i)
	}
	if same, err := Of(filepath.Join(dir, ".")); err != nil || Compare(i, same) != One {
		t.Errorf("%+v, %v: not one with itself", same, err)
	}
	if proc, err := Of("/proc"); err != nil || proc.Type != "proc" || proc.Source != "proc" || Compare(i, proc) == One {
		t.Errorf("%+v, %v", proc, err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Of(file); !errors.Is(err, unix.ENOTDIR) {
		t.Errorf("a file: %v", err)
	}
	if _, err := Of(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("nothing: %v", err)
	}
}

// TestOfMounts mounts images, each twice and once as a copy, and holds the UUIDs
// against blkid's.
func TestOfMounts(t *testing.T) {
	if os.Getenv("DOUBLEMOUNT_LAB") == "" {
		t.Skip("mounts file systems: set DOUBLEMOUNT_LAB=1, as root")
	}
	sh := func(command string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), "sh", "-euc", command).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v: %s", command, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	for _, test := range []struct{ name, mkfs, mount string }{
		{"ext4", "mkfs.ext4 -q -F", "mount -t ext4"},
		{"xfs", "mkfs.xfs -q -f", "mount -t xfs -o nouuid"},
		{"btrfs", "mkfs.btrfs -q -f", "mount -t btrfs"},
		{"ntfs", "mkntfs -F -Q -q", "ntfs-3g"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			image, copied := dir+"/image", dir+"/copy"
			sh("truncate -s 320M " + image + "; " + test.mkfs + " " + image + "; cp --sparse=always " + image + " " + copied)
			var all [3]Identity
			for n, file := range []string{image, image, copied} {
				if test.name == "btrfs" && n == 2 {
					break // Linux mounts no copy of a btrfs that is mounted
				}
				at := filepath.Join(dir, string(rune('A'+n)))
				device := sh("mkdir " + at + "; losetup --direct-io=on -f --show " + file)
				t.Cleanup(func() { exec.Command("losetup", "-d", device).Run() }) // the second may be detached with its mount
				sh(test.mount + " " + device + " " + at)
				t.Cleanup(func() { sh("umount " + at) })
				i, err := Of(at)
				if err != nil {
					t.Fatal(err)
				}
				want := sh("blkid -p -o value -s UUID " + device)
				if i.Type != test.name || !strings.EqualFold(i.UUID, want) || !i.Alone() || i.Disk == nil || i.Disk.Kind != "file" {
					t.Errorf("%+v, disk %+v; want a %s with UUID %s", i, i.Disk, test.name, want)
				}
				all[n] = i
			}
			if got := Compare(all[0], all[1]); got != Twice || !Certain(all[0], all[1]) {
				t.Errorf("two mounts of one image: %v", got)
			}
			dir0, err := os.Open(all[0].Path)
			if err != nil {
				t.Fatal(err)
			}
			defer dir0.Close()
			if got := uuid(int(dir0.Fd()), test.name); got != "" && got != all[0].UUID {
				t.Errorf("the file system says %s; the superblock %s", got, all[0].UUID)
			}
			if all[2].Path == "" {
				return
			}
			if got := Compare(all[0], all[2]); got != Twice || Certain(all[0], all[2]) {
				t.Errorf("an image and its copy: %v", got)
			}
		})
	}
}
