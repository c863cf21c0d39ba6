package dir

import (
	"os"
	"syscall"
	"unsafe"
)

// alignment is that of the memory for direct I/O: a page serves every device.
const alignment = 4096

// aligned is n bytes of memory that direct I/O takes.
func aligned(n int) []byte {
	b := make([]byte, n+alignment)
	skip := -int(uintptr(unsafe.Pointer(&b[0]))) & (alignment - 1)
	return b[skip : skip+n : skip+n]
}

// directly calls f with a descriptor that has O_DIRECT meanwhile. A flag of an
// open file serves handles whose file has no name any more, too.
func directly(file *os.File, f func(fd int) (int, error)) (n int, err error) {
	fd := int(file.Fd())
	flags, err := control(fd, syscall.F_GETFL, 0)
	if err != nil {
		return 0, err
	}
	if _, err := control(fd, syscall.F_SETFL, flags|syscall.O_DIRECT); err != nil {
		return 0, err
	}
	for {
		if n, err = f(fd); err != syscall.EINTR {
			break
		}
	}
	if _, e := control(fd, syscall.F_SETFL, flags); err == nil {
		err = e
	}
	return max(n, 0), err
}

func control(fd, command, flags int) (int, error) {
	n, _, e := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), uintptr(command), uintptr(flags))
	if e != 0 {
		return 0, e
	}
	return int(n), nil
}

// readDirect is pread(2) past the page cache. One call: after a short read at
// the end of the file the next offset would not be that of a block.
func readDirect(file *os.File, p []byte, off int64) (int, error) {
	return directly(file, func(fd int) (int, error) { return syscall.Pread(fd, p, off) })
}

// writeDirect is pwrite(2) past the page cache.
func writeDirect(file *os.File, p []byte, off int64) (int, error) {
	return directly(file, func(fd int) (int, error) { return syscall.Pwrite(fd, p, off) })
}

// takesDirect tries whether the file system of a directory can do direct I/O in
// blocks of that size.
func takesDirect(parent string, block int) bool {
	f, err := os.CreateTemp(parent, "doublemount-")
	if err != nil {
		return false
	}
	defer os.Remove(f.Name())
	defer f.Close()
	p := aligned(block)
	p[0] = 1
	if n, err := writeDirect(f, p, int64(block)); n != block || err != nil {
		return false
	}
	p[0] = 0
	n, err := readDirect(f, p, int64(block))
	return n == block && err == nil && p[0] == 1
}
