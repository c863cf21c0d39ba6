package identity

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unsafe"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// Of says what a directory is. Its error is that of the system: the directory is
// missing, no directory, or not permitted.
func Of(path string) (Identity, error) {
	dir, err := os.Open(path)
	if err != nil {
		return Identity{}, err
	}
	defer dir.Close()
	fd := int(dir.Fd())
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return Identity{}, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return Identity{}, &os.PathError{Op: "open", Path: path, Err: unix.ENOTDIR}
	}
	var fs unix.Statfs_t
	if err := unix.Fstatfs(fd, &fs); err != nil {
		return Identity{}, &os.PathError{Op: "statfs", Path: path, Err: err}
	}
	i := Identity{Path: path, Inode: st.Ino, Device: number(st.Dev), User: userName(), Kernel: firstLine("/proc/sys/kernel/random/boot_id")}
	i.Machine, _ = os.Hostname() // empty where it has none
	i.Total, i.Free = int64(fs.Blocks)*fs.Bsize, int64(fs.Bavail)*fs.Bsize
	if id := fs.Fsid.Val; id != [2]int32{} {
		i.FSID = fmt.Sprintf("%08x%08x", uint32(id[1]), uint32(id[0]))
	}
	i.ReadOnly = fs.Flags&unix.ST_RDONLY != 0
	if m, ok := mountOf(dir); ok {
		// The device of the table is the file system's; that of stat is a subvolume's on
		// btrfs.
		i.Type, i.At, i.Source, i.Device, i.Options = m.FSType, m.Mountpoint, m.Source, fmt.Sprintf("%d:%d", m.Major, m.Minor), options(m)
	} else {
		i.Type = fmt.Sprintf("%#x", fs.Type)
	}
	i.UUID = uuid(fd, i.Type)
	i.device()
	return i, nil
}

// mountOf finds the line of the mount table for an open directory.
func mountOf(dir *os.File) (*mountinfo.Info, bool) {
	var sx unix.Statx_t
	if unix.Statx(int(dir.Fd()), "", unix.AT_EMPTY_PATH|unix.AT_STATX_DONT_SYNC, unix.STATX_MNT_ID, &sx) != nil || sx.Mask&unix.STATX_MNT_ID == 0 {
		return nil, false
	}
	table, err := mountinfo.GetMounts(func(m *mountinfo.Info) (skip, stop bool) {
		is := uint64(m.ID) == sx.Mnt_id
		return !is, is
	})
	if err != nil || len(table) != 1 {
		return nil, false
	}
	return table[0], true
}

// options lists those of a mount and of its file system, each once.
func options(m *mountinfo.Info) string {
	var all []string
	for o := range strings.SplitSeq(m.Options+","+m.VFSOptions, ",") {
		if !slices.Contains(all, o) {
			all = append(all, o)
		}
	}
	return strings.Join(all, ",")
}

// uuid asks the file system: all of them by one call from Linux 6.9 on, XFS and btrfs
// by their own before. Everybody may.
func uuid(fd int, kind string) string {
	var answer [1024]byte
	ask := func(request uintptr) bool {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(unsafe.Pointer(&answer)))
		return errno == 0
	}
	const (
		getFSUUID     = 0x80111500 // FS_IOC_GETFSUUID of linux/fs.h: _IOR(0x15, 0, struct fsuuid2)
		xfsGeometryV1 = 0x80705864 // XFS_IOC_FSGEOMETRY_V1 of xfs_fs.h: _IOR('X', 100, 112 bytes), the UUID at 64
		btrfsFSInfo   = 0x8400941f // BTRFS_IOC_FS_INFO of linux/btrfs.h: _IOR(0x94, 31, 1024 bytes), flags at 48
		metadataUUID  = 1 << 2     // BTRFS_FS_INFO_FLAG_METADATA_UUID, which is then at 64
	)
	switch {
	case kind == "btrfs":
		// A second mount of one disk has another fsid for the time, and the same metadata.
		if answer[48] = metadataUUID; ask(btrfsFSInfo) && answer[48]&metadataUUID != 0 {
			return format(answer[64:80])
		}
	case ask(getFSUUID) && answer[0] == 16:
		return format(answer[1:17])
	case kind == "xfs" && ask(xfsGeometryV1):
		return format(answer[64:80])
	}
	return ""
}

// device finds out what is below a file system that is on a block device: the disk
// and, where the file system did not say it, the UUID.
func (i *Identity) device() {
	if !strings.HasPrefix(i.Source, "/dev/") {
		return
	}
	var st unix.Stat_t
	if unix.Stat(i.Source, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFBLK {
		return
	}
	i.Disk = diskOf("/sys/dev/block/" + number(st.Rdev))
	if i.UUID != "" && i.Type != "fuseblk" {
		return
	}
	f, err := os.OpenFile(i.Source, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil { // only root may, but udev may have looked
		i.UUID = byUUID(st.Rdev)
		return
	}
	defer f.Close()
	kind, uuid := superblock(f)
	if i.Type == "fuseblk" && kind != "" { // ntfs-3g and others by FUSE
		i.Type = kind
	}
	i.UUID = uuid
}

// byUUID is the UUID that udev has found on a device.
func byUUID(device uint64) string {
	const links = "/dev/disk/by-uuid"
	entries, _ := os.ReadDir(links) // there may be no udev
	for _, e := range entries {
		var st unix.Stat_t
		if unix.Stat(filepath.Join(links, e.Name()), &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFBLK && st.Rdev == device {
			return e.Name()
		}
	}
	return ""
}

// diskOf finds a name of a disk, by its directory in sysfs. A partition is told by
// where it begins.
func diskOf(sys string) *Disk {
	at := ""
	if start := firstLine(sys + "/start"); start != "" { // a partition
		at = "+" + start
		if real, err := filepath.EvalSymlinks(sys); err == nil {
			sys = filepath.Dir(real)
		}
	}
	if file := firstLine(sys + "/loop/backing_file"); file != "" {
		var st unix.Stat_t
		if unix.Stat(file, &st) != nil {
			return nil // it was removed, or is in another namespace
		}
		return &Disk{Kind: "file", ID: fmt.Sprintf("%s inode %d+%s%s", number(st.Dev), st.Ino, firstLine(sys+"/loop/offset"), at)}
	}
	for _, name := range []string{"wwid", "device/wwid", "dm/uuid", "md/uuid", "serial", "device/serial"} {
		if id := firstLine(sys + "/" + name); id != "" {
			// NAA, EUI-64 and UUID names are given out once; T10 vendor names hold any serial number.
			world := strings.HasPrefix(id, "naa.") || strings.HasPrefix(id, "eui.") || strings.HasPrefix(id, "uuid.")
			return &Disk{Kind: filepath.Base(filepath.Dir("/"+name)) + "/" + filepath.Base(name), ID: id + at, World: world && strings.HasSuffix(name, "wwid")}
		}
	}
	return nil
}

func number(device uint64) string {
	return fmt.Sprintf("%d:%d", unix.Major(device), unix.Minor(device))
}

// firstLine is that of a small file of the kernel; empty if there is none.
func firstLine(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSpace(line)
}
