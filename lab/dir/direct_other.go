//go:build !linux

package dir

import (
	"os"

	"github.com/doublemount/doublemount/model"
)

// Direct I/O is done on Linux only; takesDirect keeps it from being asked for.

func aligned(n int) []byte { return make([]byte, n) }

func readDirect(*os.File, []byte, int64) (int, error) { return 0, model.EINVAL }

func writeDirect(*os.File, []byte, int64) (int, error) { return 0, model.EINVAL }

func takesDirect(string, int) bool { return false }
