//go:build linux || darwin

package files

import (
	"golang.org/x/sys/unix"

	"github.com/doublemount/doublemount/model"
)

// systemKinds are the operations that only some systems have.
var systemKinds = model.SetOf(model.Statfs)

// statfs counts in blocks of eight words.
func (c *Client) statfs() (model.Result, error) {
	dir, err := c.root.Open(".")
	if err != nil {
		return model.Result{}, err
	}
	defer dir.Close()
	var s unix.Statfs_t
	if err := unix.Fstatfs(int(dir.Fd()), &s); err != nil {
		return model.Result{}, err
	}
	block := uint64(c.opts.WordSize) * model.WordsPerBlock
	size := uint64(s.Bsize)
	return model.Result{Total: int64(s.Blocks * size / block), Free: int64(s.Bfree * size / block)}, nil
}
