package files

import (
	"os"
	"syscall"
)

// appendTo writes at the end of a file, wherever that is when the file system
// writes: for that Windows has an offset of all ones (WriteFile, "To write to
// the end of file").
func appendTo(file *os.File, p []byte) (n int, err error) {
	raw, err := file.SyscallConn()
	if err != nil {
		return 0, err
	}
	controlled := raw.Control(func(handle uintptr) {
		var done uint32
		end := syscall.Overlapped{Offset: 1<<32 - 1, OffsetHigh: 1<<32 - 1}
		err = syscall.WriteFile(syscall.Handle(handle), p, &done, &end)
		n = int(done)
	})
	if err == nil {
		err = controlled
	}
	return n, err
}
