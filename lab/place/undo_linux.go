package place

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// detachWait is how long loop devices have to detach by themselves after their
// last user is gone; killWait is how long processes have to end that were killed.
const (
	detachWait = 3 * time.Second
	killWait   = 10 * time.Second
)

// undo ends the processes of a directory's network namespace, takes away what is
// mounted below it, waits for its loop devices to detach, detaches them if they do
// not, and removes it. It can be interrupted at any point and done again: the
// network namespace, by which processes are known, goes when they have gone.
func undo(dir string) error {
	var errs []error
	for begun := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		// A process may wait for a mount, and make another before it is killed.
		n, err := killWithin(dir)
		e := UndoMounts(dir)
		if err = errors.Join(err, e); n == 0 || err != nil {
			errs = append(errs, err)
			break
		}
		if time.Since(begun) > killWait {
			return fmt.Errorf("%d processes of %s do not end though they were killed, and it stays", n, dir)
		}
	}
	for begun := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		devices := devicesBelow(dir)
		if len(devices) == 0 {
			break
		}
		if time.Since(begun) < detachWait {
			continue
		}
		for _, d := range devices {
			if err := detach(d, dir); err != nil {
				errs = append(errs, fmt.Errorf("detach %s: %w", d, err))
			}
		}
		break
	}
	mounts, err := Mounts(dir)
	if err != nil || len(withoutNetwork(slices.Clone(mounts), dir)) > 0 {
		return errors.Join(append(errs, err, fmt.Errorf("%s is still mounted on, and stays", dir))...)
	}
	for _, m := range mounts {
		if err := m.undo(); err != nil {
			return errors.Join(append(errs, err)...)
		}
	}
	return errors.Join(append(errs, os.RemoveAll(dir))...)
}

// UndoMounts takes away what is mounted below a directory, latest first, but not
// the network namespace of a place.
func UndoMounts(dir string) error {
	mounts, err := Mounts(dir)
	errs := []error{err}
	for _, m := range slices.Backward(withoutNetwork(mounts, dir)) {
		errs = append(errs, m.undo())
	}
	return errors.Join(errs...)
}

// Mount is a line of the mount table.
type Mount struct {
	At    string
	minor int    // of its device
	kind  string // "fuse.sshfs"
}

// Mounts lists what is mounted below a directory, oldest first.
func Mounts(dir string) ([]Mount, error) {
	table, err := mountinfo.GetMounts(func(m *mountinfo.Info) (skip, stop bool) {
		return !strings.HasPrefix(m.Mountpoint, dir+"/"), false
	})
	var all []Mount
	for _, m := range table {
		all = append(all, Mount{m.Mountpoint, m.Minor, m.FSType})
	}
	return all, err
}

// undo takes a mount away. A FUSE connection is ended first, so that nothing
// waits for a server that is gone or does not answer: through its control file,
// and where that file system is not mounted by a forced unmount.
func (m Mount) undo() error {
	flags := unix.MNT_DETACH | unix.UMOUNT_NOFOLLOW
	if m.kind == "fuse" || m.kind == "fuseblk" || strings.HasPrefix(m.kind, "fuse.") {
		os.WriteFile(filepath.Join("/sys/fs/fuse/connections", strconv.Itoa(m.minor), "abort"), []byte("1"), 0)
		flags |= unix.MNT_FORCE
	}
	if err := unix.Unmount(m.At, flags); err != nil && !errors.Is(err, unix.EINVAL) { // or it has gone meanwhile
		return fmt.Errorf("unmount %s: %w", m.At, err)
	}
	return nil
}
