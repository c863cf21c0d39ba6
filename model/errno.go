package model

// Errno is the error of an operation in the names of errno.h. The zero value
// is success. Numbers differ between systems; these are our own.
type Errno uint8

// Success, the errors that POSIX gives these operations, those a disk or a
// damaged file system brings, and two of our own.
const (
	OK Errno = iota
	EEXIST
	ENOENT
	ENOTDIR
	EISDIR
	EPERM
	ENOTEMPTY
	ENOSPC
	EBADF  // the handle slot is empty
	EMFILE // the handle slot is in use
	EFBIG
	EINVAL
	ENOMEM
	EIO
	EROFS
	ESTALE
	EUCLEAN // the file system found its own structure damaged
	EBUSY   // mount refused: another host has the disk
	EAGAIN  // another open file has a lock in the way
	ENOLCK  // there is no room for another lock
	EBADE   // a reservation of another host is in the way (Linux reports it so)
	EOTHER  // an error that has no name here

	numErrnos
)

var errnoNames = [numErrnos]string{
	"ok", "EEXIST", "ENOENT", "ENOTDIR", "EISDIR", "EPERM", "ENOTEMPTY", "ENOSPC",
	"EBADF", "EMFILE", "EFBIG", "EINVAL", "ENOMEM", "EIO", "EROFS", "ESTALE",
	"EUCLEAN", "EBUSY", "EAGAIN", "ENOLCK", "EBADE", "EOTHER",
}

// String is "ok" or the errno.h name.
func (e Errno) String() string {
	if e < numErrnos {
		return errnoNames[e]
	}
	return "EOTHER"
}

// Error makes an Errno other than OK an error, so that a design can return it
// as it is. Do not return OK as an error: return nil.
func (e Errno) Error() string { return e.String() }

// ParseErrno is the inverse of [Errno.String]; ok is false for an unknown name.
func ParseErrno(name string) (e Errno, ok bool) {
	for e := OK; e < numErrnos; e++ {
		if errnoNames[e] == name {
			return e, true
		}
	}
	return EOTHER, false
}
