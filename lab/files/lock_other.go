//go:build !linux && !darwin

package files

import (
	"os"

	"github.com/doublemount/doublemount/model"
)

// lockKinds are the operations on advisory locks: none, since only flock(2) and
// Linux's fcntl(2) have locks that belong to the open file.
var lockKinds model.KindSet

// Ranges says that words of a file can be locked, and not only the whole.
const Ranges = false

func lock(*os.File, model.Step, int) error { return model.EOTHER }
