package files

// What Windows refuses while any program of any host has a file open, or while a
// file that was removed has not been closed by all. Nothing was done then, and a
// program on Windows has to be ready for it, so such a step is skipped, and no
// judge hears of it. Numbers are those of winerror.h.
const (
	errorAccessDenied     = 5
	errorSharingViolation = 32
	errorLockViolation    = 33
	errorDeletePending    = 303
)

// windowsRefuses reports whether a Windows error number says that.
func windowsRefuses(number uint32) bool {
	switch number {
	case errorAccessDenied, errorSharingViolation, errorLockViolation, errorDeletePending:
		return true
	}
	return false
}
