package loop

import (
	"bufio"
	"context"
	"encoding/json"
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

	"github.com/doublemount/doublemount/lab/files"
	"github.com/doublemount/doublemount/lab/place"
	"github.com/doublemount/doublemount/model"
)

// HostMain is the whole life of this process, if it is that of a host: a Runner
// starts its own executable again for each. Every main, and every TestMain of a
// package that makes a Runner, must call it before anything else.
func HostMain() {
	if os.Getenv(hostEnv) == "" {
		return
	}
	// What comes from the keyboard is the parent's to decide.
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	h := machine{out: json.NewEncoder(os.Stdout)}
	crash := make(chan os.Signal, 1)
	signal.Notify(crash, syscall.SIGUSR1)
	go func() {
		<-crash
		h.killDaemon()
		os.Exit(1)
	}()
	h.serve(os.Stdin)
	h.killDaemon()
	// What is mounted goes with the namespace.
	os.Exit(0)
}

// machine is a host, in its own process.
type machine struct {
	mu  sync.Mutex // of out
	out *json.Encoder

	program model.Program
	system  System
	dev     *device
	dir     string // mounted there, or empty
	root    *os.Root
	top     *os.File // the root of the file system
	client  *files.Client

	daemons sync.Mutex
	daemon  *exec.Cmd     // that does the file system, where it is not the kernel
	ended   chan struct{} // ... and it has ended
}

// serve answers requests until there are no more. Steps overlap, mounts do not.
func (m *machine) serve(in io.Reader) {
	lines := json.NewDecoder(bufio.NewReaderSize(in, 1<<16))
	for {
		var q request
		if lines.Decode(&q) != nil {
			return // the parent is done, or gone
		}
		switch q.Do {
		case "begin":
			m.program = q.Program
			m.answer(q, model.Result{}, nil)
		case "mount":
			m.answer(q, model.Result{}, m.mount(q))
		case "unmount":
			m.answer(q, model.Result{}, m.unmount(q.Detach))
		case "step":
			go func() { m.answer(q, m.step(q.Step), nil) }()
		default:
			m.answer(q, model.Result{}, fmt.Errorf("unknown request %q", q.Do))
		}
	}
}

func (m *machine) answer(q request, r model.Result, err error) {
	a := reply{ID: q.ID, Result: r}
	if err != nil {
		a.Result.Errno, a.Text = files.Errno(err), err.Error()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.out.Encode(a) != nil {
		os.Exit(1)
	}
}

// mount attaches a loop device, if the request has a file for it, and mounts it.
func (m *machine) mount(q request) (err error) {
	if m.dir != "" {
		return errors.New("mounted already")
	}
	if m.system, err = Lookup(q.System); err != nil {
		return err
	}
	if q.File != "" {
		m.detach()
		if m.dev, err = attach(q.File); err != nil {
			return fmt.Errorf("%w: %w", errHarness, err)
		}
	}
	if m.system.kernel == "" {
		// What a host has left that was killed here before. Its mount is not one of
		// this process, and there may be none.
		for unix.Unmount(q.Dir, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW) == nil {
		}
	} else {
		leave(q.Dir)
	}
	if m.system.kernel != "" {
		err = unix.Mount(m.dev.Name(), q.Dir, m.system.kernel, unix.MS_NOATIME|unix.MS_NODEV|unix.MS_NOSUID|unix.MS_NOEXEC, m.system.options)
	} else {
		err = m.startDaemon(q.Dir)
	}
	if err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	m.dir = q.Dir
	if q.Make {
		if err := os.Mkdir(filepath.Join(m.dir, shared), 0o777); err != nil {
			return errors.Join(err, m.unmount(false))
		}
	}
	if m.top, err = os.Open(m.dir); err == nil {
		m.root, err = os.OpenRoot(filepath.Join(m.dir, shared))
	}
	if err != nil {
		return errors.Join(err, m.unmount(false))
	}
	m.client = files.NewClient(m.root, files.Options{WordSize: wordSize, Durable: true, Direct: m.system.direct})
	return nil
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

// errHarness says that it is not the file system that failed.
var errHarness = errors.New("harness")

// unmount closes what is open and unmounts. Its error is that of a close or of
// umount(2); whatever it is, nothing is mounted afterwards.
func (m *machine) unmount(detach bool) error {
	if m.dir == "" {
		return errors.New("not mounted")
	}
	var errs []error
	if m.client != nil {
		if r := m.client.CloseFiles(); r.Errno != model.OK {
			errs = append(errs, r.Errno)
		}
	}
	if m.root != nil {
		m.root.Close()
	}
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
		errs = append(errs, fmt.Errorf("umount: %w", err), unix.Unmount(m.dir, unix.MNT_DETACH))
	}
	if m.ended != nil {
		<-m.ended // it has written everything by then
	}
	m.client, m.root, m.top, m.dir = nil, nil, nil, ""
	if detach {
		m.detach()
	} else {
		m.dev.forget() // after an I/O error there is nothing to tell anybody
	}
	return errors.Join(errs...)
}

func (m *machine) detach() {
	if m.dev != nil {
		m.dev.Close()
		m.dev = nil
	}
}

// startDaemon starts ntfs-3g and waits until the mount is there.
func (m *machine) startDaemon(at string) error {
	ctx, cancel := context.WithTimeout(context.Background(), daemonStart)
	defer cancel()
	c := exec.Command("ntfs-3g", "-o", "no_detach,silent,noatime", m.dev.Name(), at)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		return err
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
		if err := unix.Statfs(at, &s); err == nil && s.Type == unix.FUSE_SUPER_MAGIC {
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

// step carries out an operation, or what an event asks of a host that goes on.
func (m *machine) step(s model.Step) model.Result {
	switch s.Kind {
	case model.Sync:
		return model.Result{Errno: files.Errno(unix.Syncfs(int(m.top.Fd())))}
	case model.Statfs:
		var f unix.Statfs_t
		if err := unix.Fstatfs(int(m.top.Fd()), &f); err != nil {
			return model.Result{Errno: files.Errno(err)}
		}
		unit := int64(f.Bsize)
		return model.Result{Size: int64(f.Files), Total: int64(f.Blocks) * unit / blockSize, Free: int64(f.Bfree) * unit / blockSize}
	case model.Writeback:
		return m.writeback(s)
	case model.Refresh:
		// Clean pages, then names and inodes, of the whole machine: there is no
		// smaller handle. Which block does not matter, then.
		err := os.WriteFile("/proc/sys/vm/drop_caches", []byte("3"), 0)
		return model.Result{Errno: files.Errno(errors.Join(err, m.dev.forget()))}
	}
	r, _ := m.client.Do(s) // what it cannot do is not asked for
	files.WrittenBy(m.program).Judge(r.Data)
	return r
}

// writeback has the kernel write what is dirty: everything, or, where the step
// says how much, that many of the program's files, passing over some. An error is
// for whoever syncs.
func (m *machine) writeback(s model.Step) model.Result {
	if s.Len == 0 {
		unix.Syncfs(int(m.top.Fd()))
		return model.Result{}
	}
	paths := m.program.Paths()
	for i, p := range paths {
		if i < int(s.Off) || i >= int(s.Off+s.Len) {
			continue
		}
		if f, err := m.root.Open(string(p[1:])); err == nil {
			f.Sync()
			f.Close()
		}
	}
	return model.Result{}
}
