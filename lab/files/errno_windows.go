package files

import (
	"syscall"

	"github.com/doublemount/doublemount/model"
)

// systemErrnos are the errors that only this system has, named as in
// winerror.h.
var systemErrnos = []errnoPair{
	{syscall.ERROR_DIR_NOT_EMPTY, model.ENOTEMPTY},
	{112, model.ENOSPC},  // ERROR_DISK_FULL
	{267, model.ENOTDIR}, // ERROR_DIRECTORY
	{19, model.EROFS},    // ERROR_WRITE_PROTECT
}
