//go:build unix

package files

import (
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/doublemount/doublemount/model"
)

// named is the model's name for an error number of this system; ok is false if
// it has none.
func named(number syscall.Errno) (e model.Errno, ok bool) {
	if number == unix.EMFILE {
		return model.ENFILE, true
	}
	return model.ParseErrno(unix.ErrnoName(number))
}
