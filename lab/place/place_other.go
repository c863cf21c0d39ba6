//go:build !linux

package place

// Clean is an error that wraps [ErrNeeds].
func Clean() ([]string, error) { return nil, Needs("Linux", OnlyLinux) }
