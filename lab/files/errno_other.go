//go:build !linux && !windows

package files

// systemErrnos are the errors that only this system has: none.
var systemErrnos []errnoPair
