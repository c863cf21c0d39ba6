package files

import (
	"errors"
	"syscall"
)

// refused reports whether the system refuses an operation because of how files
// are shared.
func refused(err error) bool {
	number, ok := errors.AsType[syscall.Errno](err)
	return ok && windowsRefuses(uint32(number))
}
