//go:build !unix

package files

import (
	"syscall"

	"github.com/doublemount/doublemount/model"
)

// invented are the names that Go has for errors on systems without errno.h.
var invented = []struct {
	system syscall.Errno
	model  model.Errno
}{
	{syscall.EEXIST, model.EEXIST},
	{syscall.ENOENT, model.ENOENT},
	{syscall.ENOTDIR, model.ENOTDIR},
	{syscall.EISDIR, model.EISDIR},
	{syscall.EPERM, model.EPERM},
	{syscall.EACCES, model.EACCES},
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
}

// named is the model's name for an error number of this system; ok is false if
// it has none.
func named(number syscall.Errno) (e model.Errno, ok bool) {
	for _, pair := range invented {
		if pair.system == number {
			return pair.model, true
		}
	}
	return systemNamed(uint32(number))
}
