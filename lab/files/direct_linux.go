package files

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// alignment is that of the memory for direct I/O: a page serves every device.
const alignment = 4096

// aligned is n bytes of memory that direct I/O takes.
func aligned(n int) []byte {
	b := make([]byte, n+alignment)
	skip := -int(uintptr(unsafe.Pointer(&b[0]))) & (alignment - 1)
	return b[skip : skip+n : skip+n]
}

// readDirect is pread(2) past the page cache. One call: after a short read at
// the end of the file the next offset would not be that of a block. A flag of an
// open file serves handles whose file has no name any more, too.
func readDirect(file *os.File, p []byte, off int64) (int, error) {
	return withFlag(file, unix.O_DIRECT, func(fd int) (int, error) { return unix.Pread(fd, p, off) })
}

// writeDirect is pwrite(2) past the page cache.
func writeDirect(file *os.File, p []byte, off int64) (int, error) {
	return withFlag(file, unix.O_DIRECT, func(fd int) (int, error) { return unix.Pwrite(fd, p, off) })
}

// TakesDirect tries whether the file system of a directory can do direct I/O in
// blocks of eight words of that size. It makes a file there, and removes it.
func TakesDirect(parent *os.Root, wordSize int) bool {
	name := fresh()
	f, err := parent.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return false
	}
	defer parent.Remove(name)
	defer f.Close()
	block := 8 * wordSize
	p := aligned(block)
	p[0] = 1
	if n, err := writeDirect(f, p, int64(block)); n != block || err != nil {
		return false
	}
	p[0] = 0
	n, err := readDirect(f, p, int64(block))
	return n == block && err == nil && p[0] == 1
}
