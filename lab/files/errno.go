package files

import (
	"errors"
	"io/fs"
	"syscall"

	"github.com/doublemount/doublemount/model"
)

// Errno is the model's name for an error of package os or syscall; nil is OK.
func Errno(err error) model.Errno { return errno(err) }

// errno is the model's name for an error of package os; nil is OK. An EMFILE of
// the system is ENFILE: that a table of open files is full says the same of this
// process and of the machine, and EMFILE says that a handle slot is in use, which
// nobody is judged for.
//
// ENOTEMPTY stands for EEXIST in package errors too, so exact numbers are asked
// first and the classes of package fs last.
func errno(err error) model.Errno {
	if err == nil {
		return model.OK
	}
	if own, ok := errors.AsType[model.Errno](err); ok {
		return own
	}
	if number, ok := errors.AsType[syscall.Errno](err); ok {
		if e, ok := named(number); ok {
			return e
		}
	}
	switch {
	case errors.Is(err, fs.ErrClosed): // another program of the host closed the handle meanwhile
		return model.EBADF
	case errors.Is(err, fs.ErrNotExist):
		return model.ENOENT
	case errors.Is(err, fs.ErrExist):
		return model.EEXIST
	}
	return model.EOTHER
}
