//go:build !unix

package files

import "os"

// syncAll makes the files below root durable one by one: only who owns the
// volume may ask for more.
func syncAll(root *os.Root) error { return syncEach(root) }
