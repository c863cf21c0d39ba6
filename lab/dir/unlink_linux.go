package dir

import (
	"os"
	"path"
	"syscall"
)

// unlink removes a file's name. It asks the kernel itself: os.Root's Remove
// would remove a directory too, and the kernel's refusal is worth testing.
func unlink(root *os.Root, name string) error {
	parent, err := root.Open(path.Dir(name))
	if err != nil {
		return err
	}
	defer parent.Close()
	return syscall.Unlinkat(int(parent.Fd()), path.Base(name))
}
