package files

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncAll makes everything durable that this host has changed on the file system
// of root: syncfs(2).
func syncAll(root *os.Root) error {
	dir, err := root.Open(".")
	if err != nil {
		return err
	}
	defer dir.Close()
	return unix.Syncfs(int(dir.Fd()))
}
