package sim_test

import (
	"slices"
	"testing"

	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
)

func TestHolds(t *testing.T) {
	const r, w, f, l = model.ReadCommand, model.WriteCommand, model.FlushCommand, model.LockCommand
	const fired, early, never = model.Fired, model.FiredEarly, model.NeverFired
	type holds = []model.Hold
	for _, c := range []struct {
		name  string
		steps []string
		holds holds
		order string
		state []model.HoldState
	}{
		{"no hold: one step after the other", []string{"A rw", "B rw"}, nil,
			"1 start, 1 end, 2 start, 2 end", nil},
		{"until the next step", []string{"A w", "B w"}, holds{{Step: 1, At: w, N: 1, Until: 2}},
			"1 start, 1 held, 2 start, 2 end, 1 released, 1 end", []model.HoldState{fired}},
		{"until a step further on", []string{"A w", "B w", "B r", "B w"}, holds{{Step: 1, At: w, N: 1, Until: 3}},
			"1 start, 1 held, 2 start, 2 end, 3 start, 3 end, 1 released, 1 end, 4 start, 4 end", []model.HoldState{fired}},
		{"a flush", []string{"A wf", "B w"}, holds{{Step: 1, At: f, N: 1, Until: 2}},
			"1 start, 1 held, 2 start, 2 end, 1 released, 1 end", []model.HoldState{fired}},
		{"a lock", []string{"A ba12", "B w"}, holds{{Step: 1, At: l, N: 2, Until: 2}},
			"1 start, 1 held, 2 start, 2 end, 1 released, 1 end", []model.HoldState{fired}},
		{"the command never comes", []string{"A ww", "B w"}, holds{{Step: 1, At: w, N: 3, Until: 2}},
			"1 start, 1 end, 2 start, 2 end", []model.HoldState{never}},
		{"another kind of command comes", []string{"A www", "B w"}, holds{{Step: 1, At: r, N: 1, Until: 2}},
			"1 start, 1 end, 2 start, 2 end", []model.HoldState{never}},
		{"two overlap", []string{"A w", "B w", "C w", "C w"},
			holds{{Step: 1, At: w, N: 1, Until: 3}, {Step: 2, At: w, N: 1, Until: 4}},
			"1 start, 1 held, 2 start, 2 held, 3 start, 3 end, 1 released, 1 end, 4 start, 4 end, 2 released, 2 end",
			[]model.HoldState{fired, fired}},
		{"one inside the other", []string{"A w", "B w", "C w", "C w"},
			holds{{Step: 1, At: w, N: 1, Until: 4}, {Step: 2, At: w, N: 1, Until: 3}},
			"1 start, 1 held, 2 start, 2 held, 3 start, 3 end, 2 released, 2 end, 4 start, 4 end, 1 released, 1 end",
			[]model.HoldState{fired, fired}},
		{"until a step that is itself held", []string{"A w", "B w", "C w"},
			holds{{Step: 1, At: w, N: 1, Until: 2}, {Step: 2, At: w, N: 1, Until: 3}},
			"1 start, 1 held, 2 start, 2 held, 3 start, 3 end, 2 released, 2 end, 1 released, 1 end",
			[]model.HoldState{fired, fired}},
		{"two until the same step, the older goes on first", []string{"A w", "B w", "C w"},
			holds{{Step: 2, At: w, N: 1, Until: 3}, {Step: 1, At: w, N: 1, Until: 3}},
			"1 start, 1 held, 2 start, 2 held, 3 start, 3 end, 1 released, 1 end, 2 released, 2 end",
			[]model.HoldState{fired, fired}},
		{"two clients of one host", []string{"A rw", "A w"}, holds{{Step: 1, At: w, N: 1, Until: 2}},
			"1 start, 1 held, 2 start, 2 end, 1 released, 1 end", []model.HoldState{fired}},
		{"until a step that is skipped", []string{"B unmount", "A w", "B w"}, holds{{Step: 2, At: w, N: 1, Until: 3}},
			"1 start, 1 end, 2 start, 2 held, 2 released, 2 end", []model.HoldState{fired}},
		{"cut, since another step waits for its lock", []string{"A aw1", "B aw1", "B w"}, holds{{Step: 1, At: w, N: 1, Until: 3}},
			"1 start, 1 held, 2 start, 1 released-early, 1 end, 2 end, 3 start, 3 end", []model.HoldState{early}},
		{"cut, since another client waits for its mutex", []string{"A mwn", "A mwn", "B w"}, holds{{Step: 1, At: w, N: 1, Until: 3}},
			"1 start, 1 held, 2 start, 1 released-early, 1 end, 2 end, 3 start, 3 end", []model.HoldState{early}},
		{"held before its lock, nobody waits", []string{"A aw1", "B aw1"}, holds{{Step: 1, At: l, N: 1, Until: 2}},
			"1 start, 1 held, 2 start, 2 end, 1 released, 1 end", []model.HoldState{fired}},
		{"cut, since its host is remounted", []string{"A w", "A remount", "B w"}, holds{{Step: 1, At: w, N: 1, Until: 3}},
			"1 start, 1 held, 1 released-early, 1 end, 2 start, 2 end, 2 start, 2 end, 3 start, 3 end", []model.HoldState{early}},
		{"cut, since its host reboots", []string{"A w", "A reboot", "B w"}, holds{{Step: 1, At: w, N: 1, Until: 3}},
			"1 start, 1 held, 1 released-early, 1 end, 2 start, 2 end, 2 start, 2 end, 3 start, 3 end", []model.HoldState{early}},
		{"cut, since its host unmounts", []string{"A w", "A unmount", "B w"}, holds{{Step: 1, At: w, N: 1, Until: 3}},
			"1 start, 1 held, 1 released-early, 1 end, 2 start, 2 end, 3 start, 3 end", []model.HoldState{early}},
		{"another host may remount", []string{"A w", "B remount", "B w"}, holds{{Step: 1, At: w, N: 1, Until: 3}},
			"1 start, 1 held, 2 start, 2 end, 2 start, 2 end, 3 start, 3 end, 1 released, 1 end", []model.HoldState{fired}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := run(t, letters(), program(3, c.holds, c.steps...))
			noDefect(t, got)
			if o := order(got); o != c.order {
				t.Errorf("got  %s\nwant %s", o, c.order)
			}
			if !slices.Equal(got.Holds, c.state) {
				t.Errorf("holds %v, want %v", got.Holds, c.state)
			}
		})
	}
}

// A hold stops a command on its way: what it does it does afterwards.
func TestHeldCommandActsLate(t *testing.T) {
	got := run(t, letters(), program(2, []model.Hold{{Step: 1, At: model.WriteCommand, N: 2, Until: 2}}, "A ww", "B w"))
	var writers []int
	for _, r := range got.Trace {
		if r.Kind == model.BlockWritten {
			writers = append(writers, int(r.Step)-2)
		}
	}
	if !slices.Equal(writers, []int{1, 2, 1}) {
		t.Errorf("writes by steps %v, want 1 2 1", writers)
	}
}

// While a host mounts, its other clients find nothing to work on, but a step
// that takes the mount away waits until it is there.
func TestStepHeldInMount(t *testing.T) {
	d := letters()
	mount := d.Mount
	d.Mount = func(h *sim.Host) (sim.FS, error) {
		if err := h.ReadBlock(0, make([]byte, 16)); err != nil {
			return nil, err
		}
		return mount(h)
	}
	p := model.Program{Hosts: 2, Unmounts: []model.Host{1, 0}, Steps: []model.Step{
		{Host: 0, Kind: model.Mount},
		{Host: 0, Kind: model.Create, Path: "/w"},
		{Host: 0, Kind: model.Mount},
		{Host: 0, Kind: model.Unmount},
		{Host: 1, Kind: model.Mount},
	}, Holds: []model.Hold{{Step: 1, At: model.ReadCommand, N: 1, Until: 5}}}
	got := run(t, d, p)
	noDefect(t, got)
	want := []string{"A mount -> ok", "A create /w -> skipped", "A mount -> skipped", "A unmount -> ok", "B mount -> ok", "B unmount -> ok"}
	if all := answers(got); !slices.Equal(all, want) {
		t.Errorf("got  %q\nwant %q", all, want)
	}
	if got.Holds[0] != model.FiredEarly {
		t.Errorf("hold: %v", got.Holds[0])
	}
}

// A step held inside Unmount has its host neither mounted nor not.
func TestStepHeldInUnmount(t *testing.T) {
	d := faking(func(h *sim.Host, op string) error {
		if op == "unmount" {
			return h.WriteBlock(0, make([]byte, 16))
		}
		return nil
	})
	got := run(t, d, program(2, []model.Hold{{Step: 1, At: model.WriteCommand, N: 1, Until: 3}},
		"A unmount", "A create /a", "B create /b", "A mount", "A create /c"))
	noDefect(t, got)
	want := []string{"A mount -> ok", "B mount -> ok", "A unmount -> ok", "A create /a -> skipped", "B create /b -> ok",
		"A mount -> ok", "A create /c -> ok", "A unmount -> ok", "B unmount -> ok"}
	if all := answers(got); !slices.Equal(all, want) {
		t.Errorf("got  %q\nwant %q", all, want)
	}
}

// Two steps wait for the same third. When the first that goes on ends the run,
// the other does not go on.
func TestDefectEndsWhatElseIsReleased(t *testing.T) {
	holds := []model.Hold{{Step: 1, At: model.WriteCommand, N: 1, Until: 3}, {Step: 2, At: model.WriteCommand, N: 1, Until: 3}}
	r := run(t, letters(), program(3, holds, "A wx", "B w", "C r"))
	wantDefect(t, r, model.Panic, 1, "letter x")
	for _, rec := range r.Trace {
		if rec.Step == 5 && rec.Kind == model.HoldEnded {
			t.Errorf("step 5 went on after the run had ended\n%s", transcript(r))
		}
	}
}
