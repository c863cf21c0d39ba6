//go:build unix

package files

import (
	"os"
	"path"

	"golang.org/x/sys/unix"
)

// rename gives a file or directory another name. It asks the kernel itself, in
// the directories that os.Root has found in the kernel's order: os.Root's Rename
// refuses to replace any directory, and the kernel's refusals are worth testing.
func rename(root *os.Root, from, to string) error {
	source, err := directory(root, path.Dir(from))
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := directory(root, path.Dir(to))
	if err != nil {
		return err
	}
	defer target.Close()
	return unix.Renameat(int(source.Fd()), path.Base(from), int(target.Fd()), path.Base(to))
}

// link gives a file one more name.
func link(root *os.Root, from, to string) error { return root.Link(from, to) }
