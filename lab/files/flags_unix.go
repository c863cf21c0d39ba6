//go:build unix

package files

import (
	"os"

	"golang.org/x/sys/unix"
)

// withFlag calls f with a descriptor that has a status flag meanwhile, such as
// O_APPEND. The caller has the file to itself.
func withFlag(file *os.File, flag int, f func(fd int) (int, error)) (n int, err error) {
	raw, err := file.SyscallConn()
	if err != nil {
		return 0, err
	}
	controlled := raw.Control(func(descriptor uintptr) {
		fd, flags := int(descriptor), 0
		if flags, err = unix.FcntlInt(descriptor, unix.F_GETFL, 0); err != nil {
			return
		}
		if _, err = unix.FcntlInt(descriptor, unix.F_SETFL, flags|flag); err != nil {
			return
		}
		for {
			if n, err = f(fd); err != unix.EINTR {
				break
			}
		}
		if _, e := unix.FcntlInt(descriptor, unix.F_SETFL, flags); err == nil {
			err = e
		}
	})
	if err == nil {
		err = controlled
	}
	return max(n, 0), err
}

// writeOnce is pwrite(2).
func writeOnce(file *os.File, p []byte, off int64) (int, error) {
	return once(file, func(fd int) (int, error) { return unix.Pwrite(fd, p, off) })
}

// appendOnce is write(2), of a file that was opened with O_APPEND.
func appendOnce(file *os.File, p []byte) (int, error) {
	return once(file, func(fd int) (int, error) { return unix.Write(fd, p) })
}

// once calls f with a descriptor. What a signal has interrupted before it did
// anything is called again.
func once(file *os.File, f func(fd int) (int, error)) (n int, err error) {
	raw, err := file.SyscallConn()
	if err != nil {
		return 0, err
	}
	controlled := raw.Control(func(descriptor uintptr) {
		for {
			if n, err = f(int(descriptor)); err != unix.EINTR {
				break
			}
		}
	})
	if err == nil {
		err = controlled
	}
	return max(n, 0), err
}

// appendTo writes at the end of a file, wherever that is when the file system
// writes.
func appendTo(file *os.File, p []byte) (int, error) {
	return withFlag(file, unix.O_APPEND, func(fd int) (int, error) { return unix.Write(fd, p) })
}
