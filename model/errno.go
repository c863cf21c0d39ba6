package model

// Errno is the error of an operation in the names of errno.h. The zero value
// is success. Numbers differ between systems; these are our own.
type Errno uint8

// Success; the errors that this package's rules, designs and disks give; and
// those others that something here is decided by. The rest of errno.h has names
// only ([ParseErrno]).
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
	EACCES
	EDQUOT
	EINTR
	ENFILE
	ENOSYS
	EOPNOTSUPP
	EXDEV
	ENAMETOOLONG
	EBADMSG // a checksum was wrong
	ETIMEDOUT
	ENODEV
)

// NumErrnos is how many errors have a name, OK among them: the size of a table
// over them.
const NumErrnos = len(errnoTable)

// String is "ok" or the errno.h name.
func (e Errno) String() string {
	if int(e) < NumErrnos {
		return errnoTable[e].name
	}
	return "EOTHER"
}

// Error makes an Errno other than OK an error, so that a design can return it
// as it is. Do not return OK as an error: return nil.
func (e Errno) Error() string { return e.String() }

// Meaning is what e says to a person, as a phrase: "permission denied to this
// user".
func (e Errno) Meaning() string {
	if int(e) < NumErrnos {
		return errnoTable[e].meaning
	}
	return errnoTable[EOTHER].meaning
}

// Uncertain reports whether a change that failed with e may have had its effect
// all the same, or a part of it: the answer was lost, or whoever gave it had
// failed on the way.
func (e Errno) Uncertain() bool { return int(e) >= NumErrnos || errnoTable[e].class&uncertain != 0 }

// Severed reports whether e says that the file system, its server or its disk
// cannot be had, and nothing of what was asked.
func (e Errno) Severed() bool { return int(e) < NumErrnos && errnoTable[e].class&severed != 0 }

// ParseErrno is the inverse of [Errno.String], and knows the second names of
// errno.h (EWOULDBLOCK); ok is false for an unknown name.
func ParseErrno(name string) (e Errno, ok bool) {
	if first, ok := errnoAliases[name]; ok {
		return first, true
	}
	for e := range Errno(NumErrnos) {
		if errnoTable[e].name == name {
			return e, true
		}
	}
	return EOTHER, false
}
