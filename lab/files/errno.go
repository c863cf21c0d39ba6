package files

import (
	"errors"
	"io/fs"
	"syscall"

	"github.com/doublemount/doublemount/model"
)

// errnoPair is an error of the system and the model's name for it.
type errnoPair struct {
	system syscall.Errno
	model  model.Errno
}

// errnos is what this system calls the errors of the model. ENOTEMPTY stands
// for EEXIST in package errors too, so exact numbers are compared first and
// the classes of package fs are asked last.
var errnos = append([]errnoPair{
	{syscall.EEXIST, model.EEXIST},
	{syscall.ENOENT, model.ENOENT},
	{syscall.ENOTDIR, model.ENOTDIR},
	{syscall.EISDIR, model.EISDIR},
	{syscall.EPERM, model.EPERM},
	{syscall.ENOTEMPTY, model.ENOTEMPTY},
	{syscall.ENOSPC, model.ENOSPC},
	{syscall.EBADF, model.EBADF},
	{syscall.EFBIG, model.EFBIG},
	{syscall.EINVAL, model.EINVAL},
	{syscall.ENOMEM, model.ENOMEM},
	{syscall.EIO, model.EIO},
	{syscall.EROFS, model.EROFS},
	{syscall.ESTALE, model.ESTALE},
	{syscall.EBUSY, model.EBUSY},
}, systemErrnos...)

// Errno is the model's name for an error of package os or syscall; nil is OK.
func Errno(err error) model.Errno { return errno(err) }

// errno is the model's name for an error of package os; nil is OK. An EMFILE of
// the system is EOTHER: it says that this process has too many files open, not
// that a handle slot is in use.
func errno(err error) model.Errno {
	if err == nil {
		return model.OK
	}
	if own, ok := errors.AsType[model.Errno](err); ok {
		return own
	}
	if number, ok := errors.AsType[syscall.Errno](err); ok {
		for _, e := range errnos {
			if e.system == number {
				return e.model
			}
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
