//go:build !unix

package files

import (
	"io/fs"
	"os"
	"strings"

	"github.com/doublemount/doublemount/model"
)

// rename gives a file or directory another name. It looks first: os.Root's
// Rename refuses to replace a directory, so an empty one is removed before, and
// Windows has other rules for what may replace what.
func rename(root *os.Root, from, to string) error {
	source, err := root.Lstat(from)
	if err != nil {
		return err
	}
	refuse := func(e model.Errno) error { return &os.LinkError{Op: "rename", Old: from, New: to, Err: e} }
	target, err := root.Lstat(to)
	switch {
	case source.IsDir() && strings.HasPrefix(to, from+"/"):
		if err == nil || os.IsNotExist(err) {
			return refuse(model.EINVAL)
		}
		return err
	case err != nil:
		return root.Rename(from, to)
	case os.SameFile(source, target):
		return nil
	case source.IsDir() && !target.IsDir():
		return refuse(model.ENOTDIR)
	case !source.IsDir() && target.IsDir():
		return refuse(model.EISDIR)
	case target.IsDir():
		if err := root.Remove(to); err != nil {
			return err
		}
	}
	return root.Rename(from, to)
}

// link gives a file one more name. It looks first, since what systems answer for
// a directory differs.
func link(root *os.Root, from, to string) error {
	source, err := root.Lstat(from)
	if err == nil && source.IsDir() {
		err = model.EPERM
		if _, e := root.Lstat(to); e == nil {
			err = model.EEXIST
		} else if !os.IsNotExist(e) || missingParent(root, to) {
			return e
		}
		return &fs.PathError{Op: "link", Path: from, Err: err}
	}
	if err != nil {
		return err
	}
	return root.Link(from, to)
}

// missingParent reports whether the directory of name is not there.
func missingParent(root *os.Root, name string) bool {
	i := strings.LastIndexByte(name, '/')
	if i < 0 {
		return false
	}
	_, err := root.Lstat(name[:i])
	return os.IsNotExist(err)
}
