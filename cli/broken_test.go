package cli_test

import (
	"fmt"
	"os"
	"runtime"

	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
	"github.com/doublemount/doublemount/sim/designs"
)

// broken is designs that do what no design may, each at the second unlink that fails in one
// mount; and one that is sound on one host.
func broken() []sim.Design {
	return []sim.Design{
		misbehaving("sound", func(*sim.Host) {}),
		misbehaving("panics", func(*sim.Host) { panic("no such inode\x1b[31m") }),
		misbehaving("hangs-calling", func(h *sim.Host) {
			for forever {
				h.Flush()
			}
		}),
		misbehaving("hangs", func(*sim.Host) {
			for forever {
				spins++
			}
		}),
		misbehaving("exits", func(*sim.Host) { fmt.Println("good bye"); os.Exit(7) }),
		alwaysExits("always-exits"),
		misbehaving("overflows", func(*sim.Host) { panic(overflow(0)) }),
		misbehaving("bad-io", func(h *sim.Host) { h.ReadBlock(h.Blocks(), make([]byte, h.BlockSize())) }),
		misbehaving("leaves", func(*sim.Host) { runtime.Goexit() }),
		misbehaving("writes", func(*sim.Host) { os.NewFile(1, "").WriteString("{}\n garbage") }),
		ownWords("own-words"),
		differing("differs"),
		unformattable("format-fails", func() error { return fmt.Errorf("no superblock") }),
		unformattable("format-panics", func() error { panic("no superblock") }),
		unformattable("format-hangs", func() error {
			for forever {
				spins++
			}
			return nil
		}),
	}
}

// forever is true, which the compiler and linters do not know.
var forever = true

var spins int

func overflow(n int) int {
	if !forever {
		return n
	}
	return overflow(n+1) + 1
}

// misbehaving is local with a mistake in unlink, made seldom: most runs pass.
func misbehaving(name string, mistake func(*sim.Host)) sim.Design {
	d := designs.Local()
	d.Name, d.StandsFor, d.Bugs = name, "a mistake for a test", nil
	mount := d.Mount
	d.Mount = func(h *sim.Host) (sim.FS, error) {
		fs, err := mount(h)
		if err != nil {
			return nil, err
		}
		return &misbehavingFS{FS: fs, host: h, mistake: mistake}, nil
	}
	return d
}

// misbehavingFS counts the failing unlinks of its mount, and makes its mistake
// at the second.
type misbehavingFS struct {
	sim.FS
	host    *sim.Host
	failed  int
	mistake func(*sim.Host)
}

func (f *misbehavingFS) Unlink(path string) error {
	err := f.FS.Unlink(path)
	if err != nil {
		if f.failed++; f.failed == 2 {
			f.mistake(f.host)
		}
	}
	return err
}

// alwaysExits ends its process in every create but that of the trial mount,
// which makes none.
func alwaysExits(name string) sim.Design {
	d := designs.Local()
	d.Name, d.Bugs = name, nil
	mount := d.Mount
	d.Mount = func(h *sim.Host) (sim.FS, error) {
		fs, err := mount(h)
		return exitingFS{fs}, err
	}
	return d
}

type exitingFS struct{ sim.FS }

func (exitingFS) Create(string) error { os.Exit(1); return nil }

// ownWords has an fsck that names its complaint as no other does.
func ownWords(name string) sim.Design {
	d := designs.Local()
	d.Name, d.Bugs = name, nil
	d.Audit = func(disk.Device) []model.Problem { return []model.Problem{{Anomaly: "own\x1b", Text: "so"}} }
	return d
}

func unformattable(name string, format func() error) sim.Design {
	d := designs.Local()
	d.Name, d.Bugs = name, nil
	d.Format = func(disk.Device) error { return format() }
	return d
}

// differing flushes at every second mount of the process: it has memory outside
// of its host, which no design may.
func differing(name string) sim.Design {
	d := designs.Local()
	d.Name, d.Bugs = name, nil
	mount, mounts := d.Mount, 0
	d.Mount = func(h *sim.Host) (sim.FS, error) {
		if mounts++; mounts%2 == 0 {
			if err := h.Flush(); err != nil {
				return nil, err
			}
		}
		return mount(h)
	}
	return d
}
