//go:build !unix

package files

import "os"

// writeOnce writes at an offset, in as many system calls as package os makes of
// it.
func writeOnce(file *os.File, p []byte, off int64) (int, error) { return file.WriteAt(p, off) }

// appendOnce writes at the end of a file that was opened for that.
func appendOnce(file *os.File, p []byte) (int, error) { return file.Write(p) }
