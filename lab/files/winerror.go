package files

import "github.com/doublemount/doublemount/model"

// windowsErrno is the model's name for an error number of winerror.h that has an
// obvious one. What package fs has a class for, as ERROR_FILE_NOT_FOUND and
// ERROR_ALREADY_EXISTS, is left to that.
func windowsErrno(number uint32) (e model.Errno, ok bool) {
	name, ok := winerror[number]
	if !ok {
		return model.EOTHER, false
	}
	return model.ParseErrno(name)
}

var winerror = map[uint32]string{
	1:    "ENOSYS",       // ERROR_INVALID_FUNCTION
	4:    "ENFILE",       // ERROR_TOO_MANY_OPEN_FILES
	8:    "ENOMEM",       // ERROR_NOT_ENOUGH_MEMORY
	14:   "ENOMEM",       // ERROR_OUTOFMEMORY
	17:   "EXDEV",        // ERROR_NOT_SAME_DEVICE
	19:   "EROFS",        // ERROR_WRITE_PROTECT
	21:   "ENODEV",       // ERROR_NOT_READY
	23:   "EIO",          // ERROR_CRC
	29:   "EIO",          // ERROR_WRITE_FAULT
	30:   "EIO",          // ERROR_READ_FAULT
	31:   "EIO",          // ERROR_GEN_FAILURE
	39:   "ENOSPC",       // ERROR_HANDLE_DISK_FULL
	50:   "EOPNOTSUPP",   // ERROR_NOT_SUPPORTED
	53:   "EHOSTUNREACH", // ERROR_BAD_NETPATH
	55:   "ENODEV",       // ERROR_DEV_NOT_EXIST
	59:   "EREMOTEIO",    // ERROR_UNEXP_NET_ERR
	64:   "ENOLINK",      // ERROR_NETNAME_DELETED
	87:   "EINVAL",       // ERROR_INVALID_PARAMETER
	112:  "ENOSPC",       // ERROR_DISK_FULL
	121:  "ETIMEDOUT",    // ERROR_SEM_TIMEOUT
	145:  "ENOTEMPTY",    // ERROR_DIR_NOT_EMPTY
	170:  "EBUSY",        // ERROR_BUSY
	206:  "ENAMETOOLONG", // ERROR_FILENAME_EXCED_RANGE
	223:  "EFBIG",        // ERROR_FILE_TOO_LARGE
	267:  "ENOTDIR",      // ERROR_DIRECTORY
	995:  "ECANCELED",    // ERROR_OPERATION_ABORTED
	1112: "ENOMEDIUM",    // ERROR_NO_MEDIA_IN_DRIVE
	1117: "EIO",          // ERROR_IO_DEVICE
	1142: "EMLINK",       // ERROR_TOO_MANY_LINKS
	1167: "ENODEV",       // ERROR_DEVICE_NOT_CONNECTED
	1222: "ENONET",       // ERROR_NO_NETWORK
	1231: "ENETUNREACH",  // ERROR_NETWORK_UNREACHABLE
	1232: "EHOSTUNREACH", // ERROR_HOST_UNREACHABLE
	1295: "EDQUOT",       // ERROR_DISK_QUOTA_EXCEEDED
	1392: "EUCLEAN",      // ERROR_FILE_CORRUPT
	1393: "EUCLEAN",      // ERROR_DISK_CORRUPT
}
