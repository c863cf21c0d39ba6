package identity

import (
	"bytes"
	"encoding/binary"
	"testing"

	"pgregory.net/rapid"
)

// TestCompare: what two directories are to each other.
func TestCompare(t *testing.T) {
	world := func(id string) *Disk { return &Disk{Kind: "wwid", ID: id, World: true} }
	serial := func(id string) *Disk { return &Disk{Kind: "serial", ID: id} }
	image := func(id string) *Disk { return &Disk{Kind: "file", ID: id} }
	ext4 := func(kernel, device, uuid string, d *Disk) Identity {
		return Identity{Type: "ext4", Kernel: kernel, Device: device, UUID: uuid, Disk: d}
	}
	for _, test := range []struct {
		name    string
		a, b    Identity
		want    Relation
		certain bool
	}{
		{"one mount", ext4("k", "8:1", "u", nil), ext4("k", "8:1", "u", nil), One, false},
		{"two containers on one mount of NFS", Identity{Type: "nfs4", Kernel: "k", Device: "0:50"}, Identity{Type: "nfs4", Kernel: "k", Device: "0:50"}, One, false},
		{"one volume on two machines", ext4("k", "259:1", "u", world("eui.1")), ext4("l", "259:3", "u", world("eui.1")), Twice, true},
		{"the same, and nobody names the disk", ext4("k", "8:1", "u", nil), ext4("l", "8:1", "u", nil), Twice, false},
		{"the same, with a serial number that machines repeat", ext4("k", "8:1", "u", serial("QM00001")), ext4("l", "8:1", "u", serial("QM00001")), Twice, false},
		{"cloned machines", ext4("k", "8:1", "u", world("naa.1")), ext4("l", "8:1", "u", world("naa.2")), Apart, false},
		{"names that administrators give", ext4("k", "8:1", "u", &Disk{Kind: "dm/uuid", ID: "CRYPT-1"}), ext4("l", "8:1", "u", &Disk{Kind: "dm/uuid", ID: "CRYPT-2"}), Twice, false},
		{"names of two kinds", ext4("k", "8:1", "u", &Disk{Kind: "dm/uuid", ID: "mpath-3600"}), ext4("l", "8:1", "u", world("naa.600")), Twice, false},
		{"two loop devices on one image", ext4("k", "7:0", "u", image("1:2 inode 7")), ext4("k", "7:1", "u", image("1:2 inode 7")), Twice, true},
		{"an image that two mounts show", ext4("k", "7:0", "u", image("1:2 inode 7")), ext4("k", "7:1", "u", image("1:3 inode 7")), Twice, false},
		{"images of two machines have no name in common", ext4("k", "7:0", "u", image("x")), ext4("l", "7:0", "u", image("x")), Twice, false},
		{"two disks", ext4("k", "8:1", "u", nil), ext4("k", "8:2", "v", nil), Apart, false},
		{"no UUID", ext4("k", "8:1", "", nil), ext4("l", "8:1", "", nil), Doubtful, false},
		{"no UUID, and ext4's f_fsid", Identity{Type: "ext4", Kernel: "k", FSID: "f"}, Identity{Type: "ext4", Kernel: "l", FSID: "f"}, Twice, false},
		{"two of those", Identity{Type: "ext4", Kernel: "k", FSID: "f"}, Identity{Type: "ext4", Kernel: "l", FSID: "g"}, Apart, false},
		{"XFS makes its f_fsid from the device", Identity{Type: "xfs", Kernel: "k", FSID: "f"}, Identity{Type: "xfs", Kernel: "l", FSID: "g"}, Doubtful, false},
		{"a cluster file system", Identity{Type: "ocfs2", Kernel: "k", UUID: "u"}, Identity{Type: "ocfs2", Kernel: "l", UUID: "u"}, Unknown, false},
		{"a server's file system and its export", ext4("k", "8:1", "u", nil), Identity{Type: "nfs4", Kernel: "l", Device: "0:50"}, Unknown, false},
		{"Windows", Identity{Type: "NTFS", Kernel: "a", Device: `E:\`, UUID: "1234-5678"}, Identity{Type: "NTFS", Kernel: "b", Device: `E:\`, UUID: "1234-5678"}, Twice, false},
		{"a Cluster Shared Volume", Identity{Type: "CSVFS", Kernel: "a", UUID: "1234-5678"}, Identity{Type: "CSVFS", Kernel: "b", UUID: "1234-5678"}, Unknown, false},
	} {
		if got := Certain(test.a, test.b); got != test.certain {
			t.Errorf("%s: certain %v", test.name, got)
		}
		if got, back := Compare(test.a, test.b), Compare(test.b, test.a); got != test.want || back != got {
			t.Errorf("%s: %v, the other way %v; want %v", test.name, got, back, test.want)
		}
	}
}

// TestSuperblock never panics, whatever a device holds, and knows nothing of noise.
func TestSuperblock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		device := make([]byte, rapid.IntRange(0, 66<<10).Draw(t, "size"))
		for range rapid.IntRange(0, 8).Draw(t, "marks") {
			mark := rapid.SampledFrom([]string{"XFSB", "NTFS    ", "EXFAT   ", "FAT32", "FAT", "_BHRfS_M", "\x53\xef"}).Draw(t, "mark")
			at := rapid.SampledFrom([]int{0, 3, 54, 82, 1024 + 0x38, 64<<10 + 64}).Draw(t, "at")
			if at+len(mark) <= len(device) {
				copy(device[at:], mark)
			}
		}
		kind, uuid := superblock(bytes.NewReader(device))
		if kind == "" && uuid != "" {
			t.Errorf("no file system, and its UUID is %s", uuid)
		}
	})
	fat := make([]byte, 512)
	copy(fat[82:], "FAT32")
	binary.LittleEndian.PutUint32(fat[67:], 0x1A2B3C4D)
	if kind, uuid := superblock(bytes.NewReader(fat)); kind != "vfat" || uuid != "1A2B-3C4D" {
		t.Errorf("%s %s", kind, uuid)
	}
}
