package place

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Base is where every lab has its private directory. Only root can write there.
const Base = "/run/doublemount-lab"

// Place is the private directory of a lab, with a lock that its process holds as
// long as it lives. Whatever is mounted or attached below it is this lab's.
type Place struct {
	Dir  string
	lock *os.File
}

// New makes a private directory. Its path is short, since the name of a loop
// device's file is cut.
func New() (*Place, error) {
	if err := os.MkdirAll(Base, 0o700); err != nil {
		return nil, err
	}
	// Between Mkdir and the lock the directory looks like nobody's.
	all, err := lock(Base, unix.LOCK_EX)
	if err != nil {
		return nil, err
	}
	defer all.Close()
	dir, err := os.MkdirTemp(Base, "")
	if err != nil {
		return nil, err
	}
	p := &Place{Dir: dir}
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

// Sub makes a directory in the place and returns its path.
func (p *Place) Sub(name string) (string, error) {
	path := filepath.Join(p.Dir, name)
	return path, os.Mkdir(path, 0o700)
}

// Close undoes everything that is mounted, attached or running below the place,
// and removes it.
func (p *Place) Close() error {
	err := undo(p.Dir)
	p.lock.Close()
	return err
}

// Clean undoes what labs have left whose process is gone, and returns their
// private directories. Nothing that is not mounted on, attached to a file in, or
// in the network namespace of such a directory is touched. Labs that are at work
// are left alone.
func Clean() ([]string, error) {
	if os.Geteuid() != 0 {
		return nil, Needs("root", "the lab attaches loop devices and mounts, so only root can undo it")
	}
	if _, err := os.Stat(Base); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	all, err := lock(Base, unix.LOCK_EX)
	if err != nil {
		return nil, err
	}
	defer all.Close()
	entries, err := os.ReadDir(Base)
	if err != nil {
		return nil, err
	}
	var cleaned []string
	var errs []error
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		dir := filepath.Join(Base, e.Name())
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
