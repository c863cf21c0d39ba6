//go:build !unix && !windows

package files

import (
	"os"

	"github.com/doublemount/doublemount/model"
)

// appendTo would write at the end of a file: not through a handle on this
// system.
func appendTo(*os.File, []byte) (int, error) { return 0, model.EINVAL }
