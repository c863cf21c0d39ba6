package place

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// network is the name of the file in a place on which its network namespace is
// mounted.
const network = "net"

// Network makes a network namespace with nothing but a loopback interface, which
// is up. It is mounted on a file of the place: that keeps it alive, and makes
// every process in it one of this lab.
func (p *Place) Network() (err error) {
	at := filepath.Join(p.Dir, network)
	if err := os.WriteFile(at, nil, 0o600); err != nil {
		return err
	}
	runtime.LockOSThread()
	own, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer own.Close()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("a network namespace: %w", err)
	}
	defer func() {
		// Where there is no way back, the thread stays ours and ends with us.
		if e := unix.Setns(int(own.Fd()), unix.CLONE_NEWNET); e != nil {
			err = errors.Join(err, fmt.Errorf("leave a network namespace: %w", e))
			return
		}
		runtime.UnlockOSThread()
	}()
	if err := loopbackUp(); err != nil {
		return fmt.Errorf("loopback of a network namespace: %w", err)
	}
	if err := unix.Mount("/proc/thread-self/ns/net", at, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mount a network namespace: %w", err)
	}
	return nil
}

// loopbackUp sets the loopback interface of the thread's namespace up.
func loopbackUp() error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	if err := unix.IoctlIfreq(s, unix.SIOCGIFFLAGS, lo); err != nil {
		return err
	}
	lo.SetUint16(lo.Uint16() | unix.IFF_UP)
	return unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, lo)
}

// Within is a command, in words, as run in the network namespace of the place.
// A process is known as the lab's from its first moment: by the lock of the place,
// which it inherits, until it is nsenter, by the argument of nsenter until that
// has entered the namespace, then by the namespace.
func (p *Place) Within(command ...string) []string {
	return append(enter(p.Dir), command...)
}

func enter(dir string) []string {
	return []string{"nsenter", "--net=" + filepath.Join(dir, network), "--"}
}

// killWithin kills the processes of a place's network namespace and reports how
// many there were. This process is never one of them.
func killWithin(dir string) (n int, err error) {
	var own unix.Stat_t
	at := filepath.Join(dir, network)
	var fs unix.Statfs_t
	if unix.Statfs(at, &fs) != nil || fs.Type != unix.NSFS_MAGIC || unix.Stat(at, &own) != nil {
		return 0, nil // it was not made, or everything in it had gone before it went
	}
	entering := strings.Join(enter(dir), "\x00")
	inside := func(pid string) bool {
		var s unix.Stat_t
		if unix.Stat(filepath.Join("/proc", pid, "ns/net"), &s) == nil && s.Dev == own.Dev && s.Ino == own.Ino {
			return true
		}
		words, err := os.ReadFile(filepath.Join("/proc", pid, "cmdline"))
		return err == nil && strings.HasPrefix(string(words), entering)
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() || !inside(e.Name()) {
			continue
		}
		n++
		// Its number may be somebody else's by now, but not while we hold on to it.
		fd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			continue // it has ended, or the next round sees it again
		}
		if inside(e.Name()) {
			unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0) // it may have ended
		}
		unix.Close(fd)
	}
	return n, nil
}

// withoutNetwork is mounts but for the network namespace of a place.
func withoutNetwork(all []Mount, dir string) []Mount {
	return slices.DeleteFunc(all, func(m Mount) bool { return m.At == filepath.Join(dir, network) })
}
