package identity

import (
	"slices"
	"strings"
)

// Identity is what a directory is. What could not be found out is empty.
type Identity struct {
	Path    string `json:"path"`              // as it was asked for
	Type    string `json:"type"`              // of the file system, in the system's words: "ext4", "fuse.sshfs", "NTFS"
	UUID    string `json:"uuid,omitempty"`    // that its superblock has; of NTFS and FAT the serial number
	FSID    string `json:"fsid,omitempty"`    // f_fsid of statvfs(3), in hexadecimal
	At      string `json:"at,omitempty"`      // where it is mounted: the directory, or one above it
	Source  string `json:"source,omitempty"`  // what is mounted: a device, "server:/export"
	Device  string `json:"device,omitempty"`  // number of the mounted file system on its machine, "8:1"
	Disk    *Disk  `json:"disk,omitempty"`    // below it
	Inode   uint64 `json:"inode,omitempty"`   // of the directory
	Options string `json:"options,omitempty"` // of the mount

	ReadOnly bool  `json:"read_only,omitempty"` // nobody can write through this mount
	Total    int64 `json:"total"`               // bytes; 0 where the file system does not say
	Free     int64 `json:"free"`                // bytes that this user may fill

	User    string `json:"user"`             // "alice (1000)"
	Machine string `json:"machine"`          // its name, for people
	Kernel  string `json:"kernel,omitempty"` // the same for all that share one kernel, as containers do
}

// Disk is the name of a block device below a file system. A disk can have several:
// only two of one Kind can be compared.
type Disk struct {
	Kind string `json:"kind"` // what says it: "wwid", "dm", "file" and so on
	ID   string `json:"id"`

	// World is set for a name that no two disks of the world have. Others are serial
	// numbers, which virtual machines repeat, names that an administrator gives, and
	// files that hold an image, which one mount may show as another one than the next.
	World bool `json:"world,omitempty"`
}

// alone are the file systems that have no coordination between two mounts of one
// disk: each mount caches and allocates as if no other were there. By the names that
// Linux, macOS and Windows have for them, in lower case.
var alone = []string{
	"bcachefs", "btrfs", "exfat", "ext2", "ext3", "ext4", "f2fs", "fat", "fat32", "hfs", "hfsplus", "jfs", "msdos", "nilfs2",
	"ntfs", "ntfs3", "refs", "reiserfs", "vfat", "xfs", "zfs",
}

// Alone reports whether two mounts of one disk with this file system know nothing of
// each other.
func (i Identity) Alone() bool { return slices.Contains(alone, strings.ToLower(i.Type)) }

// id is what tells a file system from every other one of its type, and a copy of it
// does not: its UUID, or, of ext2, ext3 and ext4, f_fsid, which is made from that.
func (i Identity) id() (kind, id string) {
	switch {
	case i.UUID != "":
		return "uuid", i.UUID
	case i.FSID != "" && strings.HasPrefix(strings.ToLower(i.Type), "ext"):
		return "fsid", i.FSID
	}
	return "", ""
}

// Relation is what two directories are to each other, as far as their identities
// tell.
type Relation uint8

// The relations.
const (
	Unknown  Relation = iota // the identities do not tell
	One                      // one mounted file system, of one kernel
	Twice                    // one disk, or a copy of it, mounted twice, and the mounts know nothing of each other
	Doubtful                 // two such mounts, and nothing says whether it is one disk
	Apart                    // two file systems without coordination, on two disks
)

// Compare says what two directories are to each other. Two mounts of a file system
// that has no coordination are never one place that both could share: what is in
// doubt is only whether a write to one damages the other. So Apart wants two UUIDs, or
// two names of disks that no two disks have. ([Certain] tells a disk from a copy.)
func Compare(a, b Identity) Relation {
	if a.Kernel != "" && a.Kernel == b.Kernel && a.Device != "" && a.Device == b.Device {
		return One
	}
	if !a.Alone() || !b.Alone() {
		return Unknown
	}
	kind, id := a.id()
	otherKind, other := b.id()
	worldly := a.Disk != nil && b.Disk != nil && a.Disk.Kind == b.Disk.Kind && a.Disk.World && b.Disk.World
	switch {
	case worldly && a.Disk.ID != b.Disk.ID:
		return Apart
	case kind == "" || kind != otherKind:
		return Doubtful
	case id != other:
		return Apart
	}
	return Twice
}

// Certain reports whether two mounts with one UUID are known to be of one disk, and not
// of a disk and its copy, as clones of a virtual machine have it.
func Certain(a, b Identity) bool {
	return a.Disk != nil && b.Disk != nil && *a.Disk == *b.Disk && (a.Disk.World || a.Disk.Kind == "file" && a.Kernel == b.Kernel)
}
