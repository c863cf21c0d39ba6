package sim_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
)

// A panic in any operation is a finding about the design, at the step that was
// under way, and the Runner goes on.
func TestPanicAnywhere(t *testing.T) {
	everything := program(1, nil, "A create /a", "A unlink /a", "A mkdir /a", "A rmdir /a", "A stat /a", "A readdir /", "A sync", "A statfs")
	add := func(s model.Step) { everything.Steps = append(everything.Steps, s) }
	add(model.Step{Kind: model.Open, Path: "/a", File: 1})
	add(model.Step{Kind: model.Read, File: 1, Len: 1})
	add(model.Step{Kind: model.Write, File: 1, Len: 1, Data: 1})
	add(model.Step{Kind: model.Append, File: 1, Len: 1, Data: 2})
	add(model.Step{Kind: model.Truncate, File: 1, Len: 1})
	add(model.Step{Kind: model.Fsync, File: 1})
	add(model.Step{Kind: model.Close, File: 1})
	add(model.Step{Kind: model.Unmount})
	bad := ""
	r := newRunner(t, faking(func(_ *sim.Host, op string) error {
		if word, _, _ := strings.Cut(op, " "); word == bad {
			panic("no good")
		}
		return nil
	}))
	for i, s := range everything.Steps[1:] {
		bad = s.Kind.String()
		wantDefect(t, again(t, r, everything), model.Panic, i+1, "no good")
	}
	bad = "mount"
	wantDefect(t, again(t, r, everything), model.Panic, 0, "no good")
	bad = ""
	noDefect(t, again(t, r, everything))
}

func TestPanicOutsideOfOperations(t *testing.T) {
	d := letters()
	d.Audit = func(disk.Device) []model.Problem { panic("audit") }
	got := run(t, d, program(1, nil, "A w"))
	if len(got.Defects) != 1 || got.Defects[0].Kind != model.Panic || got.Defects[0].Text != "fsck: audit" {
		t.Errorf("defects %v", got.Defects)
	}
	for name, change := range map[string]func(*sim.Design){
		"format panics": func(d *sim.Design) { d.Format = func(disk.Device) error { panic("x") } },
		"format fails":  func(d *sim.Design) { d.Format = func(disk.Device) error { return model.EIO } },
		"format out of range": func(d *sim.Design) {
			d.Format = func(d disk.Device) error { return d.WriteBlock(99, make([]byte, 16)) }
		},
		"no format":           func(d *sim.Design) { d.Format = nil },
		"no mount":            func(d *sim.Design) { d.Mount = nil },
		"mount panics":        func(d *sim.Design) { d.Mount = func(*sim.Host) (sim.FS, error) { panic("x") } },
		"mount fails":         func(d *sim.Design) { d.Mount = func(*sim.Host) (sim.FS, error) { return nil, model.EBUSY } },
		"mount gives nothing": func(d *sim.Design) { d.Mount = func(*sim.Host) (sim.FS, error) { return nil, nil } },
		"space panics":        func(d *sim.Design) { d.Space = func(disk.Device) model.Space { panic("x") } },
		"no such disk":        func(d *sim.Design) { d.Disk.BlockSize = 3 },
	} {
		d := letters()
		change(&d)
		if r, err := sim.New(d); err == nil {
			r.Close()
			t.Errorf("%s: accepted", name)
		} else if !strings.HasPrefix(err.Error(), `design "fake": `) {
			t.Errorf("%s: %v", name, err)
		}
	}
	d = letters()
	d.Block = func(disk.Device, int) string { panic("block") }
	r := newRunner(t, d)
	again(t, r, program(1, nil, "A w"))
	for _, b := range []int32{-1, 0, 3, 4} {
		if text := r.Describe(b); text != "" {
			t.Errorf("block %d is %q", b, text)
		}
	}
}

// An operation that calls its host without end is cut, whatever it calls.
func TestHang(t *testing.T) {
	for name, loop := range map[string]func(*sim.Host){
		"flush":        func(h *sim.Host) { h.Flush() },
		"cached block": func(h *sim.Host) { h.Cache().Get(1) },
		"lock":         func(h *sim.Host) { h.Lock("l"); h.Unlock("l") },
		"drop":         func(h *sim.Host) { h.Cache().Drop() },
		"writeback":    func(h *sim.Host) { h.Cache().Writeback(0) },
	} {
		got := run(t, faking(func(h *sim.Host, op string) error {
			for op == "create /a" {
				loop(h)
			}
			return nil
		}), program(2, nil, "B b", "A a"))
		if len(got.Defects) != 1 || got.Defects[0].Kind != model.Hang || got.Defects[0].Step != 4 {
			t.Errorf("%s: defects %v", name, got.Defects)
		}
	}
}

// Many operations that each call a lot are no hang, in one step neither.
func TestManyCallsAreNoHang(t *testing.T) {
	d := faking(func(h *sim.Host, _ string) error {
		for range 400_000 {
			h.Cache().Get(1)
		}
		return nil
	})
	noDefect(t, run(t, d, program(1, nil, "A a", "A b", "A c", "A remount")))
}

func TestBadIO(t *testing.T) {
	block := make([]byte, 16)
	for name, c := range map[string]struct {
		do   func(h *sim.Host)
		text string
	}{
		"read -1":        {func(h *sim.Host) { h.ReadBlock(-1, block) }, "read of block -1 of 4"},
		"read the end":   {func(h *sim.Host) { h.ReadBlock(4, block) }, "read of block 4 of 4"},
		"write the end":  {func(h *sim.Host) { h.WriteBlock(4, block) }, "write of block 4 of 4"},
		"short buffer":   {func(h *sim.Host) { h.ReadBlock(0, block[:15]) }, "buffer of 15 bytes"},
		"no buffer":      {func(h *sim.Host) { h.WriteBlock(0, nil) }, "buffer of 0 bytes"},
		"cache get":      {func(h *sim.Host) { h.Cache().Get(4) }, "cache of block 4 of 4"},
		"cache new":      {func(h *sim.Host) { h.Cache().New(-1) }, "cache of block -1 of 4"},
		"cache dirty":    {func(h *sim.Host) { h.Cache().Dirty(1 << 40) }, "cache of block"},
		"cache is dirty": {func(h *sim.Host) { h.Cache().IsDirty(-5) }, "cache of block -5"},
		"cache write":    {func(h *sim.Host) { h.Cache().WriteBlock(4) }, "cache of block 4"},
	} {
		t.Run(name, func(t *testing.T) {
			got := run(t, faking(func(h *sim.Host, op string) error {
				if op == "create /a" {
					c.do(h)
				}
				return nil
			}), program(1, nil, "A a", "A b"))
			wantDefect(t, got, model.BadIO, 1, c.text)
		})
	}
}

func TestDirtyButNotCached(t *testing.T) {
	got := run(t, faking(func(h *sim.Host, op string) error {
		if op == "create /a" {
			h.Cache().Dirty(2)
		}
		return nil
	}), program(1, nil, "A a"))
	wantDefect(t, got, model.Misuse, 1, "block 2 marked dirty")
}

// A design that takes the unwinding for a panic of its own changes nothing any
// more, and is told off beside the defect that ended the run.
func TestSwallowedUnwinding(t *testing.T) {
	for name, times := range map[string]int{"once": 1, "for ever": 1 << 40} {
		t.Run(name, func(t *testing.T) {
			got := run(t, faking(func(h *sim.Host, op string) error {
				if op != "create /a" {
					return nil
				}
				for range times {
					func() {
						defer func() { recover() }()
						h.ReadBlock(99, nil)
					}()
					func() {
						defer func() { recover() }()
						h.WriteBlock(0, make([]byte, 16))
					}()
				}
				return nil
			}), program(1, nil, "A a", "A b"))
			if len(got.Defects) != 2 || got.Defects[0].Kind != model.BadIO || got.Defects[1].Kind != model.Misuse ||
				!strings.Contains(got.Defects[1].Text, "not its own") {
				t.Fatalf("defects %v; want bad-io, then misuse", got.Defects)
			}
			for _, r := range got.Trace {
				if r.Kind == model.BlockWritten {
					t.Errorf("wrote after the run had ended: %v", r)
				}
			}
			for _, op := range got.History {
				if op.Kind == model.Create && !op.Pending() {
					t.Errorf("%v: returned after the run had ended", op)
				}
			}
		})
	}
}

// Deferred calls of an honest design run while it is unwound, without effect.
func TestUnwindingRunsDeferredCalls(t *testing.T) {
	deferred := 0
	r := newRunner(t, faking(func(h *sim.Host, op string) error {
		if op != "create /a" {
			return nil
		}
		h.Lock("l")
		defer func() { deferred++; h.Unlock("l") }()
		return h.ReadBlock(99, nil)
	}))
	wantDefect(t, again(t, r, program(1, nil, "A a")), model.BadIO, 1, "block 99")
	if deferred != 1 {
		t.Errorf("%d deferred calls", deferred)
	}
	noDefect(t, again(t, r, program(1, nil, "A b")))
}

// A Host is good only inside the calls of its own file system.
func TestHostKept(t *testing.T) {
	var kept *sim.Host
	design := faking(func(h *sim.Host, op string) error {
		if op == "mount" && h.ID() == 0 {
			kept = h
		}
		if op == "create /a" {
			return kept.WriteBlock(0, make([]byte, 16))
		}
		return nil
	})
	r := newRunner(t, design)
	noDefect(t, again(t, r, program(2, nil, "A a")))
	wantDefect(t, again(t, r, program(2, nil, "B a")), model.Misuse, 1, "host B called host A")

	defer func() {
		if text, _ := recover().(string); !strings.Contains(text, "outside") {
			t.Errorf("a call after the run: %q", text)
		}
	}()
	kept.Flush()
}

func TestMountGivesNothing(t *testing.T) {
	nothing := false
	d := letters()
	mount := d.Mount
	d.Mount = func(h *sim.Host) (sim.FS, error) {
		if nothing {
			return nil, nil
		}
		return mount(h)
	}
	r := newRunner(t, d)
	nothing = true
	wantDefect(t, again(t, r, program(1, nil, "A w")), model.Misuse, 0, "neither an FS nor an error")
}

func TestBadProgramAndContext(t *testing.T) {
	r := newRunner(t, letters())
	if _, err := r.Run(context.Background(), model.Program{}); !errors.Is(err, model.ErrProgram) {
		t.Errorf("an empty program: %v", err)
	}
	if err := r.Bare(model.Program{}); !errors.Is(err, model.ErrProgram) {
		t.Errorf("an empty program, bare: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := r.Run(ctx, program(1, nil, "A w")); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that has ended: %v", err)
	}
}
