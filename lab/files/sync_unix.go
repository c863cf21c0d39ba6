//go:build unix && !linux

package files

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncAll makes everything durable that this host has changed: sync(2), of all
// file systems, as there is none of one; then each file of root, since sync(2)
// need not wait.
func syncAll(root *os.Root) error {
	if err := unix.Sync(); err != nil {
		return err
	}
	return syncEach(root)
}
