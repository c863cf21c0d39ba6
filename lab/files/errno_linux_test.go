package files

import (
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/doublemount/doublemount/model"
)

// Every error that Linux names has that name here.
func TestErrnoOfLinux(t *testing.T) {
	names := 0
	for n := syscall.Errno(1); n < 4096; n++ {
		name := unix.ErrnoName(n)
		if name == "" || n > unix.EHWPOISON {
			continue
		}
		names++
		want, ok := model.ParseErrno(name)
		if n == unix.EMFILE {
			want, ok = model.ENFILE, true
		}
		if got := errno(n); !ok || got != want || got == model.EOTHER {
			t.Errorf("%s (%d) is %v", name, int(n), got)
		}
	}
	if names < 130 {
		t.Errorf("Linux has %d errors; want about 131", names)
	}
}
