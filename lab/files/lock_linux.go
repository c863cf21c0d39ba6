package files

import (
	"github.com/doublemount/doublemount/model"
	"golang.org/x/sys/unix"
)

// Ranges says that words of a file can be locked, and not only the whole.
const Ranges = true

// lockRange is an open file description lock (fcntl(2), F_OFD_SETLK).
func lockRange(fd uintptr, s model.Step, wordSize int64) error {
	l := unix.Flock_t{Type: unix.F_WRLCK, Whence: 0, Start: int64(s.Off) * wordSize, Len: int64(s.Len) * wordSize}
	switch {
	case s.Kind == model.Unlock:
		l.Type = unix.F_UNLCK
	case s.Shared:
		l.Type = unix.F_RDLCK
	}
	return unix.FcntlFlock(fd, unix.F_OFD_SETLK, &l)
}
