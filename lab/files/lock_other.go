//go:build !linux

package files

import (
	"os"

	"github.com/doublemount/doublemount/model"
)

// lockKinds are the operations on advisory locks: none, since only Linux has locks
// that belong to the open file and cover ranges.
var lockKinds model.KindSet

func lock(*os.File, model.Step, int) error { return model.EOTHER }
