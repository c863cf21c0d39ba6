package model

// errnoClass is what can be said of an error whatever the operation was.
type errnoClass uint8

const (
	uncertain errnoClass = 1 << iota // see [Errno.Uncertain]
	severed                          // see [Errno.Severed]

	lost = uncertain | severed
)

// errnoAliases are the second names of errors, and those that systems use for
// them inside.
var errnoAliases = map[string]Errno{
	"EWOULDBLOCK": EAGAIN, "EDEADLOCK": errnoNamed("EDEADLK"), "ENOTSUP": EOPNOTSUPP, "EFSCORRUPTED": EUCLEAN, "EFSBADCRC": EBADMSG,
}

func errnoNamed(name string) Errno {
	for e, row := range errnoTable {
		if row.name == name {
			return Errno(e)
		}
	}
	return EOTHER
}

// errnoTable is what is known of each error: Linux's errno.h, as include/uapi has
// it. The place of a row is its number, which digests hold: add at the end.
var errnoTable = [...]struct {
	name    string
	class   errnoClass
	meaning string
}{
	OK:           {"ok", 0, "it succeeded"},
	EEXIST:       {"EEXIST", 0, "the name is there already"},
	ENOENT:       {"ENOENT", 0, "there is nothing of that name"},
	ENOTDIR:      {"ENOTDIR", 0, "something that is no directory stands where one is needed"},
	EISDIR:       {"EISDIR", 0, "a directory stands where a file is needed"},
	EPERM:        {"EPERM", 0, "not permitted: the file system does not allow this to anybody, or to this user"},
	ENOTEMPTY:    {"ENOTEMPTY", 0, "the directory is not empty"},
	ENOSPC:       {"ENOSPC", 0, "there is no space left"},
	EBADF:        {"EBADF", 0, "the handle is not open, or not for that"},
	EMFILE:       {"EMFILE", 0, "the handle is in use"},
	EFBIG:        {"EFBIG", 0, "the file would be larger than this file system or user may have"},
	EINVAL:       {"EINVAL", 0, "the file system does not take this request"},
	ENOMEM:       {"ENOMEM", 0, "there is not enough memory"},
	EIO:          {"EIO", lost, "the device or the server failed to do it"},
	EROFS:        {"EROFS", lost, "the file system is mounted read-only"},
	ESTALE:       {"ESTALE", uncertain, "the handle is of a file that the server does not have any more"},
	EUCLEAN:      {"EUCLEAN", uncertain, "the file system found its own structure damaged"},
	EBUSY:        {"EBUSY", 0, "it is in use"},
	EAGAIN:       {"EAGAIN", 0, "it would have to wait, as for a lock that another one has"},
	ENOLCK:       {"ENOLCK", 0, "no more locks can be had, or no lock service"},
	EBADE:        {"EBADE", lost, "a reservation of another host is in the way"},
	EOTHER:       {"EOTHER", uncertain, "an error that has no name here"},
	EACCES:       {"EACCES", 0, "permission denied to this user"},
	EDQUOT:       {"EDQUOT", 0, "the quota is used up"},
	EINTR:        {"EINTR", uncertain, "it was interrupted by a signal"},
	ENFILE:       {"ENFILE", 0, "too many files are open, in the process or on the machine"},
	ENOSYS:       {"ENOSYS", 0, "the file system does not have this operation"},
	EOPNOTSUPP:   {"EOPNOTSUPP", 0, "the file system does not support this"},
	EXDEV:        {"EXDEV", 0, "the two names are on different file systems"},
	ENAMETOOLONG: {"ENAMETOOLONG", 0, "the name is too long"},
	EBADMSG:      {"EBADMSG", uncertain, "the file system found a wrong checksum"},
	ETIMEDOUT:    {"ETIMEDOUT", lost, "the server did not answer in time"},
	ENODEV:       {"ENODEV", lost, "the device is gone, or cannot do this"},

	// Names only, in the order of errno.h.
	{"ESRCH", 0, "there is no such process"},
	{"ENXIO", lost, "there is no such device, or nobody at its other end"},
	{"E2BIG", 0, "there are too many arguments"},
	{"ENOEXEC", 0, "it is no program that can be executed"},
	{"ECHILD", 0, "there is no child process"},
	{"EFAULT", 0, "the memory that was given is not there"},
	{"ENOTBLK", 0, "a block device is needed"},
	{"ENOTTY", 0, "the file does not have this control operation"},
	{"ETXTBSY", 0, "the file is a program that is running"},
	{"ESPIPE", 0, "there are no offsets in this kind of file"},
	{"EMLINK", 0, "the file has as many names as it can have"},
	{"EPIPE", lost, "nobody reads the other end any more"},
	{"EDOM", 0, "the number is outside of what the function takes"},
	{"ERANGE", 0, "the result does not fit"},
	{"EDEADLK", 0, "to wait for the lock would be a deadlock"},
	{"ELOOP", 0, "there are too many symbolic links on the way"},
	{"ENOMSG", uncertain, "there is no message of that type"},
	{"EIDRM", uncertain, "the object was removed meanwhile"},
	{"ECHRNG", 0, "the channel number is out of range"},
	{"EL2NSYNC", lost, "level 2 of the connection is not in step"},
	{"EL3HLT", lost, "level 3 of the connection has stopped"},
	{"EL3RST", lost, "level 3 of the connection was reset"},
	{"ELNRNG", 0, "the link number is out of range"},
	{"EUNATCH", lost, "the protocol driver is not attached"},
	{"ENOCSI", 0, "there is no such structure"},
	{"EL2HLT", lost, "level 2 of the connection has stopped"},
	{"EBADR", 0, "the request is not a good one"},
	{"EXFULL", 0, "the exchange is full"},
	{"ENOANO", 0, "there is no anode"},
	{"EBADRQC", 0, "there is no such request"},
	{"EBADSLT", 0, "there is no such slot"},
	{"EBFONT", 0, "the font file is not a good one"},
	{"ENOSTR", 0, "it is no stream"},
	{"ENODATA", 0, "there is no data of that kind"},
	{"ETIME", lost, "the time was up"},
	{"ENOSR", 0, "there is no room for streams"},
	{"ENONET", lost, "the machine is on no network"},
	{"ENOPKG", 0, "the package is not installed"},
	{"EREMOTE", 0, "the object is on another machine"},
	{"ENOLINK", lost, "the connection to the server was severed"},
	{"EADV", uncertain, "the advertised resource is still in use"},
	{"ESRMNT", uncertain, "a resource is still mounted elsewhere"},
	{"ECOMM", lost, "sending to the server failed"},
	{"EPROTO", uncertain, "the server said what the protocol does not allow"},
	{"EMULTIHOP", 0, "the way leads over more machines than it may"},
	{"EDOTDOT", 0, "a name on a remote file system goes above its top"},
	{"EOVERFLOW", 0, "the number is larger than the caller's type"},
	{"ENOTUNIQ", 0, "the name is not unique on the network"},
	{"EBADFD", uncertain, "the handle is in a state in which it cannot be used"},
	{"EREMCHG", lost, "the other machine has another address now"},
	{"ELIBACC", 0, "a shared library cannot be had"},
	{"ELIBBAD", 0, "a shared library is damaged"},
	{"ELIBSCN", 0, "a section of the program for shared libraries is damaged"},
	{"ELIBMAX", 0, "there are too many shared libraries"},
	{"ELIBEXEC", 0, "a shared library cannot be executed"},
	{"EILSEQ", 0, "the name has bytes that are no characters there"},
	{"ERESTART", uncertain, "it was interrupted and should be begun again"},
	{"ESTRPIPE", lost, "the stream failed"},
	{"EUSERS", 0, "there are too many users"},
	{"ENOTSOCK", 0, "it is no socket"},
	{"EDESTADDRREQ", 0, "there is no address to send to"},
	{"EMSGSIZE", 0, "the message is too long"},
	{"EPROTOTYPE", 0, "the socket does not have this protocol"},
	{"ENOPROTOOPT", 0, "the protocol does not have this option"},
	{"EPROTONOSUPPORT", 0, "the protocol is not supported"},
	{"ESOCKTNOSUPPORT", 0, "this type of socket is not supported"},
	{"EPFNOSUPPORT", 0, "this family of protocols is not supported"},
	{"EAFNOSUPPORT", 0, "this family of addresses is not supported"},
	{"EADDRINUSE", 0, "the address is in use"},
	{"EADDRNOTAVAIL", 0, "the address is not one of this machine"},
	{"ENETDOWN", lost, "the network is down"},
	{"ENETUNREACH", lost, "the network cannot be reached"},
	{"ENETRESET", lost, "the network has dropped the connection"},
	{"ECONNABORTED", lost, "the connection was given up on this side"},
	{"ECONNRESET", lost, "the connection was reset by the server"},
	{"ENOBUFS", 0, "there are no buffers left"},
	{"EISCONN", 0, "it is connected already"},
	{"ENOTCONN", lost, "there is no connection to the server: its client has ended"},
	{"ESHUTDOWN", lost, "the server or the file system was shut down"},
	{"ETOOMANYREFS", 0, "there are too many references"},
	{"ECONNREFUSED", lost, "the server refuses the connection"},
	{"EHOSTDOWN", lost, "the server is down"},
	{"EHOSTUNREACH", lost, "the server cannot be reached"},
	{"EALREADY", uncertain, "the same is under way already"},
	{"EINPROGRESS", uncertain, "it is under way and has not ended"},
	{"ENOTNAM", 0, "it is no named object"},
	{"ENAVAIL", 0, "there are no semaphores"},
	{"EISNAM", 0, "it is a named object"},
	{"EREMOTEIO", lost, "the server failed, and says no more"},
	{"ENOMEDIUM", lost, "there is no medium in the drive"},
	{"EMEDIUMTYPE", 0, "the medium is of the wrong type"},
	{"ECANCELED", uncertain, "it was cancelled"},
	{"ENOKEY", 0, "the key that is needed is not there: the credentials have expired, or the directory is encrypted"},
	{"EKEYEXPIRED", 0, "the key has expired: the credentials are too old"},
	{"EKEYREVOKED", 0, "the key was revoked"},
	{"EKEYREJECTED", 0, "the server did not accept the key"},
	{"EOWNERDEAD", 0, "the owner of the lock has died"},
	{"ENOTRECOVERABLE", uncertain, "the state cannot be recovered"},
	{"ERFKILL", lost, "the radio is switched off"},
	{"EHWPOISON", lost, "the memory has a hardware fault"},
}
