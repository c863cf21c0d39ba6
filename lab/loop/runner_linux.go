package loop

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/lab/place"
	"github.com/doublemount/doublemount/model"
)

// Runner executes Programs on real file systems. It implements [model.Runner]
// and [model.Describer]. It is not safe for concurrent use. It must be closed.
type Runner struct {
	system   System
	caps     model.Capabilities
	place    *place.Place
	server   *fuse.Server
	served   chan struct{}
	world    *world
	meanings meanings
}

// New formats a disk and mounts it once, to learn how much it holds. Its error
// wraps [place.ErrNeeds] if this machine cannot do that. What labs that were killed
// have left is undone first.
func New(ctx context.Context, s System, o Options) (*Runner, error) {
	if err := o.normal(); err != nil {
		return nil, err
	}
	if err := check(s, o.Size); err != nil {
		return nil, err
	}
	if _, err := place.Clean(); err != nil {
		return nil, fmt.Errorf("undo what an earlier lab has left: %w", err)
	}
	p, err := place.New()
	if err != nil {
		return nil, err
	}
	r := &Runner{system: s, place: p}
	kinds := kinds &^ s.without
	r.caps = model.Capabilities{Name: s.Name, Kinds: kinds, MaxHosts: o.Hosts, Survives: s.Survives, Ranges: kinds.Has(model.Lock), LocksApart: true,
		Direct: s.direct && o.Hosts > 1, Exclusive: s.Exclusive, Holds: true}
	if err := r.open(ctx, o); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

var kinds = model.SetOf(
	model.Create, model.Open, model.Close, model.Read, model.Write, model.Append, model.Truncate,
	model.Unlink, model.Mkdir, model.Rmdir, model.Rename, model.Link, model.Readdir, model.Stat, model.Lock, model.Unlock, model.Fsync, model.Sync, model.Statfs,
	model.Mount, model.Unmount, model.Remount, model.Reboot, model.Writeback, model.Refresh,
	model.Crash, model.PowerLoss, model.DiskReset, model.Pause, model.Resume, model.Partition, model.Heal, model.Fence)

// open makes the disk. It is formatted as an ordinary file, then mounted by a host
// like any other, which makes the directory that all hosts share; how it is after
// that is the template of every run.
func (r *Runner) open(ctx context.Context, o Options) error {
	image, err := r.format(ctx, o.Size)
	if err != nil {
		return err
	}
	if err := r.serve(image, 1); err != nil {
		return err
	}
	w := r.world
	total, err := r.prepare(ctx)
	if err != nil {
		return err
	}
	r.caps.Space = total
	template, err := disk.NewImage(disk.Config{BlockSize: blockSize, Blocks: image.Blocks(), Volatile: true})
	if err != nil {
		return err
	}
	block := make([]byte, blockSize)
	for b := range image.Blocks() {
		if err := errors.Join(w.disk.Image().ReadBlock(b, block), template.WriteBlock(b, block)); err != nil {
			return err
		}
	}
	if err := r.stop(); err != nil {
		return err
	}
	return r.serve(template, o.Hosts)
}

// format makes a file system in a file and returns its bytes.
func (r *Runner) format(ctx context.Context, size int64) (*disk.Image, error) {
	file := filepath.Join(r.place.Dir, "format")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		return nil, err
	}
	defer os.Remove(file)
	if err := os.Truncate(file, size); err != nil {
		return nil, err
	}
	command := append(r.system.mkfs[:len(r.system.mkfs):len(r.system.mkfs)], file)
	if out, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s: %w: %s\nhint: --size must be one that it can format", command[0], err, lastLine(out))
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	image, err := disk.NewImage(disk.Config{BlockSize: blockSize, Blocks: int(size / blockSize), Volatile: true})
	if err != nil {
		return nil, err
	}
	block := make([]byte, blockSize)
	for b := range image.Blocks() {
		if _, err := io.ReadFull(f, block); err != nil {
			return nil, err
		}
		if err := image.WriteBlock(b, block); err != nil {
			return nil, err
		}
	}
	return image, nil
}

// serve makes a world and shows its disk.
func (r *Runner) serve(template *disk.Image, hosts int) error {
	at, err := r.place.Sub("disk")
	if err != nil {
		return err
	}
	r.world = newWorld(template, hosts)
	for _, h := range r.world.hosts {
		if h.dir, err = r.place.Sub(h.id.String()); err != nil {
			return err
		}
	}
	// Not by the server itself: its descriptor would be inherited by the hosts, and a
	// connection that they hold outlives this process.
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open /dev/fuse: %w", err)
	}
	const maxWrite = 1 << 20
	options := fmt.Sprintf("fd=%d,rootmode=40000,user_id=%d,group_id=%d,max_read=%d", fd, os.Geteuid(), os.Getegid(), maxWrite)
	if err := unix.Mount("doublemount", at, "fuse.doublemount", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, options); err != nil {
		return errors.Join(fmt.Errorf("mount the disk's files: %w", err), unix.Close(fd))
	}
	r.server, err = fuse.NewServer(r.world.exports, fmt.Sprintf("/dev/fd/%d", fd), &fuse.MountOptions{
		MaxWrite: maxWrite, MaxBackground: 4096, DisableXAttrs: true, Logger: log.New(io.Discard, "", 0),
	})
	if err != nil {
		return fmt.Errorf("serve the disk through FUSE: %w", err)
	}
	r.served = make(chan struct{})
	go func() {
		defer close(r.served)
		r.server.Serve()
	}()
	return r.server.WaitMount()
}

// path is that of a file of the disk.
func (r *Runner) path(name string) string { return filepath.Join(r.place.Dir, "disk", name) }

// stop ends the hosts and shows the disk no longer.
func (r *Runner) stop() error {
	w := r.world
	if w == nil {
		return nil
	}
	r.world = nil
	var gone []<-chan struct{}
	w.mu.Lock()
	for _, h := range w.hosts {
		if h.agent != nil {
			gone = append(gone, h.agent.Gone())
		}
		w.cut(h)
	}
	w.runs++ // lets go of everything that waits in a port
	w.changed.Broadcast()
	w.mu.Unlock()
	late := time.After(patience)
	for _, g := range gone {
		select {
		case <-g:
		case <-late:
			return errors.New("the process of a host did not end when it was killed")
		}
	}
	err := place.UndoMounts(r.place.Dir)
	if r.served != nil {
		select { // a copy of the mount in another namespace keeps the server alive
		case <-r.served:
		case <-time.After(time.Second):
		}
	}
	for _, h := range w.hosts {
		os.Remove(h.dir) // or Close does
	}
	os.Remove(filepath.Join(r.place.Dir, "disk"))
	return err
}

// prepare mounts a freshly formatted disk, makes the shared directory, and says
// how much the file system holds.
func (r *Runner) prepare(ctx context.Context) (model.Space, error) {
	w := r.world
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reset(model.Program{Hosts: 1})
	w.ctx = ctx
	h := w.hosts[0]
	if err := h.start(r.system); err != nil {
		return model.Space{}, err
	}
	w.attach(h)
	t := &task{host: h}
	answered := true
	ask := func(q request) bool {
		ok, done := false, false
		go func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			ok = w.ask(t, q, -1)
			done = true
			w.changed.Broadcast()
		}()
		answered = w.await(func() bool { return done }) && answered
		return ok && t.call.result.Errno == model.OK
	}
	if !ask(r.mounting(h, true)) {
		return model.Space{}, cmp.Or(w.trouble, fmt.Errorf("mount a freshly formatted %s: %s", r.system.Name, t.call.text))
	}
	space := model.Space{Inodes: math.MaxInt32}
	if ask(doing(model.Step{Kind: model.Statfs})) {
		space.Blocks = int(t.call.result.Free)
		if n := t.call.result.Size; n > 0 {
			space.Inodes = int(n)
		}
	}
	if !ask(unmounting(true)) || !answered {
		return model.Space{}, cmp.Or(w.trouble, fmt.Errorf("unmount a freshly formatted %s: %v", r.system.Name, t.call.result.Errno))
	}
	return space, nil
}

// Capabilities is what the file system can do, on as many hosts as there are.
func (r *Runner) Capabilities() model.Capabilities { return r.caps }

// Refusals are what the mounts of the last Run that failed were told, in the
// words of the system.
func (r *Runner) Refusals() []string { return r.world.refusals }

// Close ends the hosts and undoes everything that was mounted or attached.
func (r *Runner) Close() error {
	return errors.Join(r.stop(), r.place.Close())
}
