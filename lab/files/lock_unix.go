//go:build linux || darwin

package files

import (
	"os"

	"github.com/doublemount/doublemount/model"
	"golang.org/x/sys/unix"
)

// lockKinds are the operations on advisory locks.
var lockKinds = model.SetOf(model.Lock, model.Unlock)

// lock takes a lock for the open file, or gives it up: with flock(2) if it is of
// the whole file, else with fcntl(2). Both belong to the open file description and
// go with its close; that is all that is asked to be the same.
func lock(file *os.File, s model.Step, wordSize int) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	controlled := raw.Control(func(fd uintptr) {
		for {
			if s.Len == 0 {
				err = lockFile(int(fd), s)
			} else {
				err = lockRange(fd, s, int64(wordSize))
			}
			if err != unix.EINTR {
				return
			}
		}
	})
	switch {
	case controlled != nil:
		return controlled
	case s.Len > 0 && err == unix.EACCES: // POSIX allows fcntl(2) both
		return model.EAGAIN
	}
	return err
}

// lockFile is flock(2), which waits for nobody.
func lockFile(fd int, s model.Step) error {
	how := unix.LOCK_EX
	switch {
	case s.Kind == model.Unlock:
		how = unix.LOCK_UN
	case s.Shared:
		how = unix.LOCK_SH
	}
	return unix.Flock(fd, how|unix.LOCK_NB)
}
