//go:build unix

package files

import (
	"os"
	"path"

	"golang.org/x/sys/unix"
)

// unlink removes a file's name, rmdir an empty directory. They ask the kernel
// itself: os.Root's Remove would remove either, and the kernel's refusals are
// worth testing.
func unlink(root *os.Root, name string) error { return remove(root, name, 0) }

func rmdir(root *os.Root, name string) error { return remove(root, name, unix.AT_REMOVEDIR) }

func remove(root *os.Root, name string, flags int) error {
	parent, err := directory(root, path.Dir(name))
	if err != nil {
		return err
	}
	defer parent.Close()
	return unix.Unlinkat(int(parent.Fd()), path.Base(name), flags)
}

// directory opens one; ENOTDIR if it is none.
func directory(root *os.Root, name string) (*os.File, error) {
	return root.OpenFile(name, os.O_RDONLY|unix.O_DIRECTORY, 0)
}
