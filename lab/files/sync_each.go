//go:build !linux

package files

import (
	"errors"
	"io/fs"
	"os"
)

// syncEach makes every file below root durable. What is gone meanwhile needs
// none.
func syncEach(root *os.Root) error {
	return fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return gone(err)
		}
		f, err := root.OpenFile(name, os.O_RDWR, 0)
		if err != nil {
			return gone(err)
		}
		return errors.Join(f.Sync(), f.Close())
	})
}

func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) || err != nil && refused(err) {
		return nil
	}
	return err
}
