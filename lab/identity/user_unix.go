//go:build unix

package identity

import (
	"fmt"
	"os"
	"os/user"
)

// userName is "alice (1000)", of whoever this process runs as.
func userName() string {
	id := os.Geteuid()
	if u, err := user.LookupId(fmt.Sprint(id)); err == nil {
		return fmt.Sprintf("%s (%d)", u.Username, id)
	}
	return fmt.Sprint(id)
}
