package loop

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// base is where every lab has its private directory. Only root can write there.
const base = "/run/doublemount-lab"

// place is the private directory of a lab: a lock that its process holds as long
// as it lives, the mount point of the disk's files, one for each host. Its name
// is the owner mark: whatever is mounted or attached below it is this lab's.
type place struct {
	dir  string
	lock *os.File
}

// newPlace makes a private directory. Its path is short, since the name of a
// loop device's file is cut.
func newPlace() (*place, error) {
	if err := os.MkdirAll(base, 0o700); err != nil {
		return nil, err
	}
	// Between Mkdir and the lock the directory looks like nobody's.
	all, err := lock(base, unix.LOCK_EX)
	if err != nil {
		return nil, err
	}
	defer all.Close()
	dir, err := os.MkdirTemp(base, "")
	if err != nil {
		return nil, err
	}
	p := &place{dir: dir}
	if p.lock, err = lock(dir, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(err, os.Remove(dir))
	}
	return p, nil
}

// lock takes the lock of a directory.
func lock(dir string, how int) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), how); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock of %s: %w", dir, err)
	}
	return f, nil
}

// sub makes a directory in the place and returns its path.
func (p *place) sub(name string) (string, error) {
	path := filepath.Join(p.dir, name)
	return path, os.Mkdir(path, 0o700)
}

// close undoes everything that is mounted or attached below the place, and
// removes it.
func (p *place) close() error {
	err := undo(p.dir)
	p.lock.Close()
	return err
}

// Clean undoes what labs have left whose process is gone, and returns their
// private directories. Nothing that is not mounted on, or attached to a file in,
// such a directory is touched. Labs that are at work are left alone.
func Clean() ([]string, error) {
	if os.Geteuid() != 0 {
		return nil, needs("root", "the lab attaches loop devices and mounts, so only root can undo it")
	}
	if _, err := os.Stat(base); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	all, err := lock(base, unix.LOCK_EX)
	if err != nil {
		return nil, err
	}
	defer all.Close()
	entries, err := os.ReadDir(base)
	if err != nil {
		return nil, err
	}
	var cleaned []string
	var errs []error
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		dir := filepath.Join(base, e.Name())
		l, err := lock(dir, unix.LOCK_EX|unix.LOCK_NB)
		if errors.Is(err, unix.EWOULDBLOCK) {
			continue // at work
		}
		if err == nil {
			err = undo(dir)
			l.Close()
		}
		if err == nil {
			cleaned = append(cleaned, dir)
		}
		errs = append(errs, err)
	}
	return cleaned, errors.Join(errs...)
}

// undo takes away what is mounted below a directory, latest first, waits for its
// loop devices to detach, detaches them if they do not, and removes it.
func undo(dir string) error {
	errs := []error{undoMounts(dir)}
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
	if mounts, err := mountsBelow(dir); err != nil || len(mounts) > 0 {
		return errors.Join(append(errs, err, fmt.Errorf("%s is still mounted on, and stays", dir))...)
	}
	return errors.Join(append(errs, os.RemoveAll(dir))...)
}

// undoMounts takes away what is mounted below a directory, latest first.
func undoMounts(dir string) error {
	mounts, err := mountsBelow(dir)
	errs := []error{err}
	for _, m := range slices.Backward(mounts) {
		m.abort()
		if err := unix.Unmount(m.at, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW); err != nil {
			errs = append(errs, fmt.Errorf("unmount %s: %w", m.at, err))
		}
	}
	return errors.Join(errs...)
}

// detachWait is how long loop devices have to detach by themselves after their
// last user is gone.
const detachWait = 3 * time.Second

// mounted is a line of the mount table.
type mounted struct {
	at     string
	device string // "0:52"
}

// mountsBelow lists what is mounted on or below a directory, oldest first.
func mountsBelow(dir string) (all []mounted, err error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		// 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw; see proc(5).
		fields := strings.Fields(lines.Text())
		if len(fields) > 4 && strings.HasPrefix(fields[4], dir+"/") {
			all = append(all, mounted{at: fields[4], device: fields[2]})
		}
	}
	return all, lines.Err()
}

// abort ends a FUSE connection, so that nothing waits for a server that is gone
// or does not answer. A mount of something else has none.
func (m mounted) abort() {
	_, minor, _ := strings.Cut(m.device, ":")
	os.WriteFile(filepath.Join("/sys/fs/fuse/connections", minor, "abort"), []byte("1"), 0)
}

// devicesBelow lists the loop devices that are attached to a file below a
// directory. The name that they were given is asked for: the path of a file
// whose mount is in a namespace that is gone has lost its beginning.
func devicesBelow(dir string) (all []string) {
	files, _ := filepath.Glob("/sys/block/loop*/loop/backing_file") // the pattern is right
	for _, f := range files {
		device := "/dev/" + filepath.Base(filepath.Dir(filepath.Dir(f)))
		if d, err := os.Open(device); err == nil {
			if ours(d, dir) {
				all = append(all, device)
			}
			d.Close()
		}
	}
	return all
}

// ours reports whether a loop device is attached to a file below a directory.
func ours(device *os.File, dir string) bool {
	info, err := unix.IoctlLoopGetStatus64(int(device.Fd()))
	if err != nil {
		return false // it is attached to nothing
	}
	name, _, _ := strings.Cut(string(info.File_name[:]), "\x00")
	return strings.HasPrefix(name, dir+"/")
}

// detach detaches a loop device if it is still attached to a file below dir.
func detach(device, dir string) error {
	f, err := os.OpenFile(device, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if !ours(f, dir) {
		return nil // detached meanwhile
	}
	return unix.IoctlSetInt(int(f.Fd()), unix.LOOP_CLR_FD, 0)
}
