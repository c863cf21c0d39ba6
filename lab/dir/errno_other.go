//go:build !linux && !windows

package dir

// systemErrnos are the errors that only this system has: none.
var systemErrnos []errnoPair
