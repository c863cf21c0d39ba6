package sim_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
)

// answers is what the hosts were told, the closing observation left out.
func answers(r model.Run) []string {
	var all []string
	for _, op := range r.History {
		if op.Host != model.Final {
			all = append(all, op.String())
		}
	}
	return all
}

// A mount may be refused: then the host is not mounted, and may try again.
func TestRefusedMount(t *testing.T) {
	mounts := 0
	r := newRunner(t, faking(func(h *sim.Host, op string) error {
		switch {
		case op == "mount" && h.ID() == 1:
			if mounts++; mounts == 1 {
				return model.EBUSY
			}
		case op == "unmount" && h.ID() == 1:
			mounts = 0
		}
		return nil
	}))
	mounts = 0 // the Runner has tried already
	got := again(t, r, program(2, nil, "B create /a", "B remount", "B unmount", "B mount", "B create /a"))
	noDefect(t, got)
	want := []string{"A mount -> ok", "B mount -> EBUSY", "B create /a -> skipped", "B remount -> skipped",
		"B unmount -> skipped", "B mount -> ok", "B create /a -> ok", "A unmount -> ok", "B unmount -> ok"}
	if all := answers(got); !slices.Equal(all, want) {
		t.Errorf("got  %q\nwant %q", all, want)
	}
}

// A host that could not mount at the end of a remount stays without a mount,
// and is passed over when all unmount.
func TestRemountRefused(t *testing.T) {
	left := 1
	r := newRunner(t, faking(func(h *sim.Host, op string) error {
		if op == "mount" && h.ID() == 0 {
			if left--; left < 0 {
				return model.EBUSY
			}
		}
		return nil
	}))
	left = 1
	got := again(t, r, program(1, nil, "A remount", "A create /a"))
	want := []string{"A mount -> ok", "A unmount -> ok", "A mount -> EBUSY", "A create /a -> skipped"}
	if all := answers(got); !slices.Equal(all, want) {
		t.Errorf("got  %q\nwant %q", all, want)
	}
}

// An observer that cannot mount is a run without a closing observation.
func TestRefusedObserver(t *testing.T) {
	refuse := false
	r := newRunner(t, faking(func(h *sim.Host, op string) error {
		if refuse && op == "mount" && h.ID() == model.Final {
			return model.EUCLEAN
		}
		return nil
	}))
	refuse = true
	got := again(t, r, program(1, nil, "A create /a"))
	last := got.History[len(got.History)-1]
	if last.Host != model.Final || last.Kind != model.Mount || last.Result.Errno != model.EUCLEAN {
		t.Errorf("last is %v", last)
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		err  error
		want model.Errno
	}{
		{nil, model.OK},
		{model.ENOENT, model.ENOENT},
		{fmt.Errorf("looking: %w", model.EIO), model.EIO},
		{errors.Join(errors.New("one"), model.ENOSPC), model.ENOSPC},
		{errors.New("no name"), model.EOTHER},
		{model.OK, model.EOTHER},
		{model.Errno(200), model.Errno(200)},
	} {
		got := run(t, faking(func(_ *sim.Host, op string) error {
			if op == "create /a" {
				return c.err
			}
			return nil
		}), program(1, nil, "A a"))
		noDefect(t, got)
		if op := got.History[1]; op.Result.Errno != c.want {
			t.Errorf("%v: got %v, want %v", c.err, op.Result.Errno, c.want)
		}
	}
}

// A remount empties the cache and calls the design; a reboot attaches to the
// disk anew as well. Both are an unmount and a mount of the same step.
func TestRemountAndReboot(t *testing.T) {
	for _, kind := range []model.Kind{model.Remount, model.Reboot} {
		var calls []string
		r := newRunner(t, faking(func(h *sim.Host, op string) error {
			if h.ID() == model.Final {
				return nil
			}
			calls = append(calls, op)
			if op == "mount" || op == "create /a" {
				p, err := h.Cache().Get(1)
				if p[0] != 0 {
					calls = append(calls, "still cached")
				}
				p[0] = 7
				return err
			}
			return nil
		}))
		calls = nil
		p := program(1, nil)
		p.Steps = append(p.Steps, model.Step{Kind: model.Open, Path: "/a", File: 2},
			model.Step{Kind: kind}, model.Step{Kind: model.Close, File: 2}, model.Step{Kind: model.Open, Path: "/a", File: 2})
		got := again(t, r, p)
		noDefect(t, got)
		want := []string{"mount", "open /a", "close", "unmount", "mount", "open /a", "close", "unmount"}
		if !slices.Equal(calls, want) {
			t.Errorf("%v: calls %q, want %q", kind, calls, want)
		}
		wantOps := []string{"A mount -> ok", "A open /a f2 -> ok", "A unmount -> ok", "A mount -> ok",
			"A close f2 -> EBADF", "A open /a f2 -> ok", "A unmount -> ok"}
		if all := answers(got); !slices.Equal(all, wantOps) {
			t.Errorf("%v: got %q", kind, all)
		}
		if a, b := got.History[2], got.History[3]; a.Step != b.Step || a.Step != 3 {
			t.Errorf("%v: steps %d and %d", kind, a.Step, b.Step)
		}
		attached := 0
		for _, rec := range got.Trace {
			if rec.Kind == model.Attached && rec.Host == 0 {
				attached++
			}
		}
		if wantAttached := map[model.Kind]int{model.Remount: 1, model.Reboot: 2}[kind]; attached != wantAttached {
			t.Errorf("%v: attached %d times, want %d", kind, attached, wantAttached)
		}
	}
}

// An Unmount that fails takes the mount away all the same.
func TestUnmountFails(t *testing.T) {
	got := run(t, faking(func(h *sim.Host, op string) error {
		if op == "unmount" && h.ID() == 0 {
			return model.EIO
		}
		return nil
	}), program(1, nil, "A unmount", "A create /a", "A mount", "A create /a"))
	want := []string{"A mount -> ok", "A unmount -> EIO", "A crash -> ok", "A create /a -> skipped", "A mount -> ok", "A create /a -> ok", "A unmount -> EIO", "A crash -> ok"}
	if all := answers(got); !slices.Equal(all, want) {
		t.Errorf("got  %q\nwant %q", all, want)
	}
}

func TestHandleSlots(t *testing.T) {
	step := func(k model.Kind, file uint8) model.Step {
		s := model.Step{Kind: k, File: file}
		switch k {
		case model.Open:
			s.Path = "/a"
		case model.Read:
			s.Len = 1
		case model.Write:
			s.Len, s.Data = 1, 1
		}
		return s
	}
	missing := false
	r := newRunner(t, faking(func(_ *sim.Host, op string) error {
		if missing && strings.HasPrefix(op, "open") {
			return model.ENOENT
		}
		return nil
	}))
	for _, c := range []struct {
		name  string
		steps []model.Step
		want  model.Errno // of the last
	}{
		{"read of an empty slot", []model.Step{step(model.Read, 1)}, model.EBADF},
		{"write of an empty slot", []model.Step{step(model.Write, 3)}, model.EBADF},
		{"fsync of an empty slot", []model.Step{step(model.Fsync, 1)}, model.EBADF},
		{"close of an empty slot", []model.Step{step(model.Close, 1)}, model.EBADF},
		{"another slot", []model.Step{step(model.Open, 1), step(model.Read, 2)}, model.EBADF},
		{"open and use", []model.Step{step(model.Open, 3), step(model.Read, 3)}, model.OK},
		{"open twice", []model.Step{step(model.Open, 1), step(model.Open, 1)}, model.EMFILE},
		{"closed twice", []model.Step{step(model.Open, 1), step(model.Close, 1), step(model.Close, 1)}, model.EBADF},
		{"opened again", []model.Step{step(model.Open, 1), step(model.Close, 1), step(model.Open, 1)}, model.OK},
	} {
		p := program(1, nil)
		p.Steps = append(p.Steps, c.steps...)
		got := again(t, r, p)
		noDefect(t, got)
		if op := got.History[len(c.steps)]; op.Result.Errno != c.want {
			t.Errorf("%s: %v, want %v", c.name, op, c.want)
		}
	}
	missing = true
	p := program(1, nil)
	p.Steps = append(p.Steps, step(model.Open, 1), step(model.Read, 1), step(model.Open, 1))
	if got := again(t, r, p); got.History[2].Result.Errno != model.EBADF || got.History[3].Result.Errno != model.ENOENT {
		t.Errorf("a failed open took the slot: %v", got.History)
	}
}

// What a design cannot do is skipped, and what it says it can do is asked of it.
func TestKinds(t *testing.T) {
	d := letters()
	without := model.SetOf(model.Tick)
	if k := newRunner(t, d).Capabilities().Kinds; k != model.SetOf(model.Kinds()...)&^without {
		t.Errorf("a full design can do %v", k.Kinds())
	}
	mount := d.Mount
	d.Mount = func(h *sim.Host) (sim.FS, error) {
		fs, err := mount(h)
		return struct{ sim.FS }{fs}, err // hides all that is optional
	}
	r := newRunner(t, d)
	for _, k := range []model.Kind{model.Append, model.Truncate, model.Mkdir, model.Rmdir, model.Rename, model.Link, model.Readdir, model.Fsync, model.Sync, model.Statfs} {
		if r.Capabilities().Kinds.Has(k) {
			t.Errorf("a bare design can do %v", k)
		}
	}
	if caps := r.Capabilities(); caps.Direct || !newRunner(t, letters()).Capabilities().Direct {
		t.Errorf("direct: %v in a bare design", caps.Direct)
	}
	direct := program(1, nil)
	direct.Steps = append(direct.Steps, model.Step{Kind: model.Write, Path: "/a", Len: model.WordsPerBlock, Data: 1, Direct: true})
	if op := again(t, r, direct).History[1]; !op.Skipped || !op.Direct {
		t.Errorf("%v in a bare design", op)
	}
	got := again(t, r, program(1, nil, "A mkdir /a", "A sync", "A create /w"))
	want := []string{"A mount -> ok", "A mkdir /a -> skipped", "A sync -> skipped", "A create /w -> ok", "A unmount -> ok"}
	if all := answers(got); !slices.Equal(all, want) {
		t.Errorf("got  %q\nwant %q", all, want)
	}
	for _, op := range got.History {
		if op.Skipped && (op.Pending() || op.Return <= op.Call) {
			t.Errorf("%v: called %d, returned %d", op, op.Call, op.Return)
		}
	}
}

// A program that ends with hosts not mounted, or never has any, is fine; times
// are all different and calls come in order.
func TestTimes(t *testing.T) {
	hold := []model.Hold{{Step: 1, At: model.WriteCommand, N: 1, Until: 3}}
	got := run(t, letters(), program(2, hold, "A w", "B w", "B unmount", "B w", "A r"))
	seen := map[int64]bool{}
	last := int64(-1)
	for _, op := range got.History {
		if seen[op.Call] || seen[op.Return] || op.Call <= last || op.Return <= op.Call {
			t.Errorf("%v: called %d, returned %d", op, op.Call, op.Return)
		}
		seen[op.Call], seen[op.Return], last = true, true, op.Call
	}
	got = run(t, letters(), model.Program{Hosts: 2, Unmounts: []model.Host{0, 1}})
	noDefect(t, got)
	if len(answers(got)) != 0 {
		t.Errorf("an empty program did %q", answers(got))
	}
}
