package files

import (
	"os"

	"github.com/doublemount/doublemount/model"
	"golang.org/x/sys/unix"
)

// lockKinds are the operations on advisory locks.
var lockKinds = model.SetOf(model.Lock, model.Unlock)

// lock takes a lock for the open file, or gives it up: an open file description
// lock (fcntl(2), F_OFD_SETLK), of the whole file or of words.
func lock(file *os.File, s model.Step, wordSize int) error {
	l := unix.Flock_t{Type: unix.F_WRLCK, Whence: 0, Start: int64(s.Off) * int64(wordSize), Len: int64(s.Len) * int64(wordSize)}
	switch {
	case s.Kind == model.Unlock:
		l.Type = unix.F_UNLCK
	case s.Shared:
		l.Type = unix.F_RDLCK
	}
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	if e := raw.Control(func(fd uintptr) { err = unix.FcntlFlock(fd, unix.F_OFD_SETLK, &l) }); e != nil {
		return e
	}
	if err == unix.EACCES || err == unix.EAGAIN { // POSIX allows both
		return model.EAGAIN
	}
	return err
}
