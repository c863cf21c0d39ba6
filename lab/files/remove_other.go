//go:build !unix

package files

import (
	"io/fs"
	"os"

	"github.com/doublemount/doublemount/model"
)

// unlink removes a file's name. It looks first, since Remove removes
// directories too.
func unlink(root *os.Root, name string) error {
	info, err := root.Lstat(name)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return &fs.PathError{Op: "unlink", Path: name, Err: model.EISDIR}
	}
	return root.Remove(name)
}

// rmdir looks first, since Remove removes files too.
func rmdir(root *os.Root, name string) error {
	info, err := root.Lstat(name)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return &fs.PathError{Op: "rmdir", Path: name, Err: model.ENOTDIR}
	}
	return root.Remove(name)
}
