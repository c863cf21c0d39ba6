//go:build !linux && !darwin && !windows

package identity

import "os"

// Of says what a directory is: on this system, only where it is and who asks.
func Of(path string) (Identity, error) {
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() {
		err = &os.PathError{Op: "open", Path: path, Err: os.ErrInvalid}
	}
	if err != nil {
		return Identity{}, err
	}
	i := Identity{Path: path}
	i.Machine, _ = os.Hostname() // empty where it has none
	return i, nil
}
