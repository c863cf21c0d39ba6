package doublemount_test

import (
	"slices"
	"testing"

	"github.com/doublemount/doublemount"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/reports"
	"github.com/doublemount/doublemount/sim"
	"github.com/doublemount/doublemount/sim/designs"
)

// A design that does nothing can break nothing, and must not be called clean.

// useless is single with another mount, which says that it survives pauses.
func useless(mount func(h *sim.Host, fs sim.FS) (sim.FS, error)) sim.Design {
	d := designs.Single()
	right := d.Mount
	d.Name, d.Bugs = "useless", nil
	d.Survives = model.Pauses
	d.Mount = func(h *sim.Host) (sim.FS, error) {
		fs, err := right(h)
		if err != nil {
			return nil, err
		}
		return mount(h, fs)
	}
	return d
}

// stub answers every operation in one way.
type stub struct {
	sim.FS
	h      *sim.Host
	answer func() error
}

func (s stub) Create(string) error                           { return s.answer() }
func (s stub) Unlink(string) error                           { return s.answer() }
func (s stub) Stat(string) (sim.Attr, error)                 { return sim.Attr{}, s.answer() }
func (s stub) Open(string) (sim.Inode, error)                { return 0, s.answer() }
func (s stub) Close(sim.Inode) error                         { return nil }
func (s stub) ReadAt(sim.Inode, []byte, int64) (int, error)  { return 0, s.answer() }
func (s stub) WriteAt(sim.Inode, []byte, int64) (int, error) { return 0, s.answer() }
func (s stub) Unmount() error                                { return s.FS.Unmount() }

// poison is the disk's last block, where a host says that it wants no more.
const poison = 63

func TestUselessDesignsAreNotClean(t *testing.T) {
	for name, d := range map[string]sim.Design{
		"answers EIO for ever": useless(func(h *sim.Host, fs sim.FS) (sim.FS, error) {
			return stub{fs, h, func() error { return model.EIO }}, nil
		}),
		"blocks for ever": useless(func(h *sim.Host, fs sim.FS) (sim.FS, error) {
			var never sim.Event
			var m sim.Mutex
			return stub{fs, h, func() error {
				m.Lock(h)
				never.Wait(h, &m)
				return nil
			}}, nil
		}),
		"does not mount on the third host": useless(func(h *sim.Host, fs sim.FS) (sim.FS, error) {
			if h.ID() == 2 {
				return nil, model.EIO
			}
			return fs, nil
		}),
		"is always busy": func() sim.Design {
			d := useless(func(h *sim.Host, fs sim.FS) (sim.FS, error) { return fs, nil })
			right := d.Mount
			d.Mount = func(h *sim.Host) (sim.FS, error) {
				p := make([]byte, h.BlockSize())
				if err := h.ReadBlock(poison, p); err != nil {
					return nil, err
				}
				if p[0] == 3 {
					return nil, model.EBUSY
				}
				p[0]++
				if err := h.WriteBlock(poison, p); err != nil {
					return nil, err
				}
				return right(h)
			}
			return d
		}(),
		"fences itself at the first trouble": useless(func(h *sim.Host, fs sim.FS) (sim.FS, error) {
			p := make([]byte, h.BlockSize())
			if err := h.ReadBlock(poison, p); err != nil {
				return nil, err
			}
			if p[0] == 1 {
				return nil, model.EIO // for ever
			}
			last := h.Now()
			h.Go(func() {
				for {
					h.Sleep(1)
					if h.Now() > last+1 { // it stood still
						p[0] = 1
						_ = h.WriteBlock(poison, p)
						h.Reset()
					}
					last = h.Now()
				}
			})
			return fs, nil
		}),
		"resets itself without any": useless(func(h *sim.Host, fs sim.FS) (sim.FS, error) {
			n := 0
			return stub{fs, h, func() error {
				if n++; n == 3 {
					h.Reset()
				}
				return model.ENOENT
			}}, nil
		}),
		"fences the other": useless(func(h *sim.Host, fs sim.FS) (sim.FS, error) {
			if h.ID() == 1 {
				h.Fence(0)
			}
			return fs, nil
		}),
	} {
		t.Run(name, func(t *testing.T) {
			r := check(t, d, doublemount.Runs(2000), doublemount.Hosts(3), doublemount.Out(t.TempDir()))
			if !slices.ContainsFunc(r.Findings, func(f reports.Finding) bool { return f.Verdict.Guarantee == model.Progress.Name }) {
				t.Errorf("%d runs, %d operations, no violation of progress; weak: %q", r.Runs, r.Operations, r.Weak)
			}
		})
	}
}
