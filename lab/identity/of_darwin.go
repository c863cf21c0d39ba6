package identity

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Of says what a directory is. Its error is that of the system.
func Of(path string) (Identity, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return Identity{}, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return Identity{}, &os.PathError{Op: "open", Path: path, Err: unix.ENOTDIR}
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(path, &fs); err != nil {
		return Identity{}, &os.PathError{Op: "statfs", Path: path, Err: err}
	}
	i := Identity{Path: path, Inode: st.Ino, User: userName(), Device: fmt.Sprint(st.Dev),
		Type: unix.ByteSliceToString(fs.Fstypename[:]), Source: unix.ByteSliceToString(fs.Mntfromname[:]), At: unix.ByteSliceToString(fs.Mntonname[:]),
		ReadOnly: fs.Flags&unix.MNT_RDONLY != 0,
		Total:    int64(fs.Blocks) * int64(fs.Bsize), Free: int64(fs.Bavail) * int64(fs.Bsize)}
	i.Machine, _ = os.Hostname() // empty where it has none
	i.Kernel, _ = unix.Sysctl("kern.bootsessionuuid")
	return i, nil
}
