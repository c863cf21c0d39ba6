package loop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/doublemount/doublemount/lab/agent"
	"github.com/doublemount/doublemount/lab/files"
	"github.com/doublemount/doublemount/lab/place"
	"github.com/doublemount/doublemount/model"
)

// hostEnv, if set, makes a process that of a host. Its arguments are the name of the
// file system and the mount point.
const hostEnv = "DOUBLEMOUNT_LAB_HOST"

// shared is the directory, in the root of the file system, that the hosts work
// in: a fresh file system has things of its own in its root.
const shared = "shared"

// HostMain is the whole life of this process, if it is that of a host: a Runner
// starts its own executable again for each. Every main, and every TestMain of a
// package that makes a Runner, must call it before anything else.
func HostMain() {
	if os.Getenv(hostEnv) == "" || len(os.Args) != 3 {
		return
	}
	// What comes from the keyboard is the parent's to decide.
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	system, err := Lookup(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	m := &machine{system: system, dir: os.Args[2]}
	crash := make(chan os.Signal, 1)
	signal.Notify(crash, syscall.SIGUSR1)
	go func() {
		<-crash
		m.killDaemon()
		os.Exit(1)
	}()
	agent.Serve(struct {
		io.Reader
		io.Writer
	}{os.Stdin, os.Stdout}, agent.Config{Root: m.dir, System: m}) // whoever is to hear of an error is gone
	m.killDaemon()
	// What is mounted goes with the namespace.
	os.Exit(0)
}

// machine is the file system of a host, in its own process. It implements
// [agent.System].
type machine struct {
	system System
	dir    string // the mount point
	dev    *device
	root   *os.Root // the shared directory
	top    *os.File // the root of the file system
	paths  []model.Path

	daemons sync.Mutex
	daemon  *exec.Cmd     // that does the file system, where it is not the kernel
	ended   chan struct{} // ... and it has ended
}

// Mount attaches a loop device, if there is a file for it, and mounts it. What fails
// before there is anything to mount is no answer of the file system.
func (m *machine) Mount(p agent.Mount) (root *os.Root, err error) {
	if p.Disk != "" {
		m.detach()
		if m.dev, err = attach(p.Disk); err != nil {
			return nil, fmt.Errorf("no loop device: %v", err)
		}
	}
	if m.dev == nil {
		return nil, errors.New("no disk")
	}
	if m.system.kernel == "" {
		// What a host has left that was killed here before. Its mount is not one of
		// this process, and there may be none.
		for unix.Unmount(m.dir, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW) == nil {
		}
		err = m.startDaemon()
	} else {
		leave(m.dir)
		err = unix.Mount(m.dev.Name(), m.dir, m.system.kernel, unix.MS_NOATIME|unix.MS_NODEV|unix.MS_NOSUID|unix.MS_NOEXEC, m.system.options)
	}
	if err != nil {
		return nil, fmt.Errorf("mount: %w", err)
	}
	at := filepath.Join(m.dir, shared)
	if p.Make {
		err = os.Mkdir(at, 0o777)
	}
	if err == nil {
		m.top, err = os.Open(m.dir)
	}
	if err == nil {
		root, err = os.OpenRoot(at)
	}
	if err != nil {
		return nil, errors.Join(err, m.Unmount(false))
	}
	m.root, m.paths = root, p.Paths
	return root, nil
}

// leave takes away, in this process's own mount namespace, what other labs have
// mounted: a copy of it here would keep it alive.
func leave(own string) {
	mounts, err := place.Mounts(place.Base)
	if err != nil {
		return // they are kept alive, then
	}
	for _, other := range slices.Backward(mounts) {
		if !strings.HasPrefix(other.At, filepath.Dir(own)+"/") {
			unix.Unmount(other.At, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW) // or another process has
		}
	}
}

// Unmount unmounts. Its error is that of umount(2); whatever it is, nothing is
// mounted afterwards.
func (m *machine) Unmount(detach bool) error {
	if m.top != nil {
		m.top.Close()
	}
	err := unix.Unmount(m.dir, 0)
	for range 100 { // a descriptor that a garbage collection has to close, or a daemon of the kernel
		if err != unix.EBUSY {
			break
		}
		time.Sleep(10 * time.Millisecond)
		err = unix.Unmount(m.dir, 0)
	}
	if err != nil {
		err = errors.Join(fmt.Errorf("umount: %w", err), unix.Unmount(m.dir, unix.MNT_DETACH))
	}
	if m.ended != nil {
		<-m.ended // it has written everything by then
	}
	m.root, m.top = nil, nil
	if detach {
		m.detach()
	} else {
		m.dev.forget() // after an I/O error there is nothing to tell anybody
	}
	return err
}

func (m *machine) detach() {
	if m.dev != nil {
		m.dev.Close()
		m.dev = nil
	}
}

// startDaemon starts ntfs-3g and waits until the mount is there.
func (m *machine) startDaemon() error {
	ctx, cancel := context.WithTimeout(context.Background(), daemonStart)
	defer cancel()
	c := exec.Command("ntfs-3g", "-o", "no_detach,silent,noatime", m.dev.Name(), m.dir)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		return fmt.Errorf("start ntfs-3g: %v", err) // it answers nothing
	}
	ended := make(chan struct{})
	m.daemons.Lock()
	m.daemon, m.ended = c, ended
	m.daemons.Unlock()
	go func() {
		defer close(ended)
		c.Wait() // what it answers shows in the mount
	}()
	for {
		var s unix.Statfs_t
		if err := unix.Statfs(m.dir, &s); err == nil && s.Type == unix.FUSE_SUPER_MAGIC {
			return nil
		}
		select {
		case <-ended:
			return fmt.Errorf("ntfs-3g: %v: %w", c.ProcessState, unix.EIO)
		case <-ctx.Done():
			m.killDaemon()
			return fmt.Errorf("ntfs-3g did not mount within %v: %w", daemonStart, unix.EIO)
		case <-time.After(200 * time.Microsecond):
		}
	}
}

// killDaemon ends the process that does the file system, if there is one.
func (m *machine) killDaemon() {
	m.daemons.Lock()
	defer m.daemons.Unlock()
	if m.daemon != nil {
		m.daemon.Process.Kill() // it may have ended
		<-m.ended
	}
}

// daemonStart is how long a mount may take that a command makes.
const daemonStart = 15 * time.Second

// Do carries out an operation on the whole file system, or what an event asks of a
// host that goes on.
func (m *machine) Do(s model.Step) (r model.Result, done bool) {
	switch s.Kind {
	case model.Sync:
		r.Errno = files.Errno(unix.Syncfs(int(m.top.Fd())))
	case model.Statfs:
		var f unix.Statfs_t
		if r.Errno = files.Errno(unix.Fstatfs(int(m.top.Fd()), &f)); r.Errno == model.OK {
			unit := int64(f.Bsize)
			r.Size, r.Total, r.Free = int64(f.Files), int64(f.Blocks)*unit/blockSize, int64(f.Bfree)*unit/blockSize
		}
	case model.Writeback:
		m.writeback(s)
	case model.Refresh:
		// Clean pages, then names and inodes, of the whole machine: there is no
		// smaller handle. Which block does not matter, then.
		err := os.WriteFile("/proc/sys/vm/drop_caches", []byte("3"), 0)
		r.Errno = files.Errno(errors.Join(err, m.dev.forget()))
	default:
		return r, false
	}
	return r, true
}

// writeback has the kernel write what is dirty: everything, or, where the step
// says how much, that many of the program's files, passing over some. An error is
// for whoever syncs.
func (m *machine) writeback(s model.Step) {
	if s.Len == 0 {
		unix.Syncfs(int(m.top.Fd()))
		return
	}
	for i, p := range m.paths {
		if i < int(s.Off) || i >= int(s.Off+s.Len) || !p.Valid() || p == model.Root {
			continue
		}
		if f, err := m.root.Open(string(p[1:])); err == nil {
			f.Sync()
			f.Close()
		}
	}
}
