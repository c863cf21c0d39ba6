package files

import (
	"crypto/rand"
	"errors"
	"os"

	"github.com/doublemount/doublemount/model"
)

// TakesWrites tries whether files can be made, written and removed in a directory:
// model.OK, or the first error of the system. What it made it removes.
func TakesWrites(parent *os.Root) model.Errno {
	name := fresh()
	f, err := parent.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, filePerm)
	if err != nil {
		return errno(err)
	}
	_, err = f.Write(make([]byte, 8*MaxWordSize))
	if err == nil {
		err = f.Sync() // where space is given out late, or a server refuses late
	}
	return errno(errors.Join(err, f.Close(), parent.Remove(name)))
}

// fresh is a name that no host has used: another one may still believe that a file
// is there which has been removed.
func fresh() string { return ".doublemount-" + rand.Text() }
