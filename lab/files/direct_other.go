//go:build !linux

package files

import (
	"os"

	"github.com/doublemount/doublemount/model"
)

// Direct I/O is done on Linux only; TakesDirect keeps it from being asked for.

func aligned(n int) []byte { return make([]byte, n) }

func readDirect(*os.File, []byte, int64) (int, error) { return 0, model.EINVAL }

func writeDirect(*os.File, []byte, int64) (int, error) { return 0, model.EINVAL }

// TakesDirect tries whether the file system of a directory can do direct I/O:
// not on this system.
func TakesDirect(*os.Root, int) bool { return false }
