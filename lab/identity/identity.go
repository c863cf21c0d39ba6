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

// Disk is a block device below a file system.
type Disk struct {
	// ID is its world-wide name or serial number, or, where File is set, the file
	// that it is an image in, which means something on its own machine only.
	ID   string `json:"id"`
	File bool   `json:"file,omitempty"`
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

// Relation is what two directories are to each other, as far as their identities
// tell.
type Relation uint8

// The relations.
const (
	Unknown Relation = iota // the identities do not tell
	One                     // one mounted file system, of one kernel
	Twice                   // one disk, mounted twice, and the mounts know nothing of each other
	Copies                  // one UUID on two disks: one is a copy of the other
	Apart                   // two file systems without coordination, on two disks
)

// Compare says what two directories are to each other. Twice needs one UUID on two
// mounts of a file system that has no coordination, and no disk that is known to be
// another one: clones of a virtual machine have one UUID, too.
func Compare(a, b Identity) Relation {
	kernel := a.Kernel != "" && a.Kernel == b.Kernel
	switch {
	case kernel && a.Device != "" && a.Device == b.Device:
		return One
	case !a.Alone() || !b.Alone() || a.UUID == "" || b.UUID == "":
		return Unknown
	case a.UUID != b.UUID:
		return Apart
	case a.differs(b, kernel):
		return Copies
	}
	return Twice
}

// differs reports whether two disks are known to be different ones.
func (i Identity) differs(o Identity, kernel bool) bool {
	switch {
	case i.Disk == nil || o.Disk == nil || i.Disk.File != o.Disk.File:
		return false
	case i.Disk.File && !kernel:
		return false
	}
	return i.Disk.ID != o.Disk.ID
}
