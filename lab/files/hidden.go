package files

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/doublemount/doublemount/model"
)

// hiddenNames begin the names that a client makes for an open file which has lost
// its own, until it is closed. Such a name is no file of the specification, and no
// Program can make one: its names have no dots.
var hiddenNames = []string{
	".nfs",             // NFS: Linux fs/nfs/unlink.c, and the BSDs' and macOS's
	".fuse_hidden",     // libfuse, without -o hard_remove
	".__afs",           // AFS: Linux fs/afs/dir_silly.c, OpenAFS
	".smb",             // SMB: macOS's .smbdelete, and Linux's before 6.18
	".__smbfile_silly", // SMB: Linux fs/smb/client
}

// hidden reports whether a name is one of those.
func hidden(name string) bool {
	return slices.ContainsFunc(hiddenNames, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// entries lists a directory without hidden names, in order; concealed says that
// there was one.
func (c *Client) entries(p model.Path) (names []string, concealed bool, err error) {
	f, err := c.root.Open(local(p))
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	if names, err = f.Readdirnames(-1); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, false, err // else it was removed since it was opened, and so it is empty
	}
	all := len(names)
	names = slices.DeleteFunc(names, hidden)
	slices.Sort(names)
	return names, len(names) < all, nil
}

// onlyHidden reports whether an operation that said so found a directory not empty
// because of hidden names alone. Where the directory is empty by now, again says
// that it can be tried once more: nothing was done.
func (c *Client) onlyHidden(s model.Step, err error) (only, again bool) {
	if e := errno(err); e != model.ENOTEMPTY && e != model.EEXIST {
		return false, false
	}
	dir := s.Path
	switch s.Kind {
	case model.Rmdir:
	case model.Rename:
		dir = s.To
	default:
		return false, false
	}
	names, concealed, err := c.entries(dir)
	if err != nil || len(names) > 0 {
		return false, false
	}
	return concealed, !concealed
}

// How long what an agent has made is tried to be removed: a client may take a
// moment to drop the hidden name of a file that was closed.
const (
	removeTries = 20
	removePause = 50 * time.Millisecond
)

// RemoveAll removes a directory with all that is in it, which may be hidden names
// of files that were closed just now.
func RemoveAll(root *os.Root, name string) (err error) {
	for range removeTries {
		if err = root.RemoveAll(name); err == nil {
			return nil
		}
		switch errno(err) {
		case model.ENOTEMPTY, model.EEXIST, model.EBUSY:
			time.Sleep(removePause)
		default:
			return err
		}
	}
	return err
}
