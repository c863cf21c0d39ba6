package sim_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
)

// called is the history as "A create /a -> ok; ...", in order of the calls,
// without the mounts before and what follows the last step.
func called(r model.Run) string {
	var all []string
	for _, op := range r.History {
		if n := op.Step - r.Program.Hosts; n >= 1 && op.Step <= len(r.Program.Steps) {
			all = append(all, op.String())
		}
	}
	return strings.Join(all, "; ")
}

// doors is letters whose mount reads and whose unmount writes.
func doors() sim.Design {
	d := letters()
	inner := d.Mount
	d.Mount = func(h *sim.Host) (sim.FS, error) {
		if err := h.ReadBlock(0, make([]byte, 16)); err != nil {
			return nil, err
		}
		fs, err := inner(h)
		f := fs.(fake)
		do := f.do
		f.do = func(h *sim.Host, op string) error {
			if op == "unmount" {
				return h.WriteBlock(0, make([]byte, 16))
			}
			return do(h, op)
		}
		return f, err
	}
	return d
}

// A host can die, stand still or be fenced wherever it is.
func TestFaultsInsideMountAndUnmount(t *testing.T) {
	const rd, w, l = model.ReadCommand, model.WriteCommand, model.LockCommand
	type holds = []model.Hold
	for _, c := range []struct {
		name  string
		steps []string
		holds holds
		want  string
	}{
		{"crash inside mount", []string{"A unmount", "A mount", "A crash", "A r", "A mount", "A r"}, holds{{Step: 2, At: rd, N: 1, Until: 5}},
			"A unmount -> ok; A mount -> never returned; A crash -> ok; A create /r -> skipped; A mount -> ok; A create /r -> ok"},
		{"crash inside unmount", []string{"A unmount", "A crash", "A r", "A mount", "A r"}, holds{{Step: 1, At: w, N: 1, Until: 4}},
			"A unmount -> never returned; A crash -> ok; A create /r -> skipped; A mount -> ok; A create /r -> ok"},
		{"crash inside the unmount of a remount", []string{"A remount", "A crash", "A mount", "A r"}, holds{{Step: 1, At: w, N: 1, Until: 4}},
			"A unmount -> never returned; A crash -> ok; A mount -> ok; A create /r -> ok"},
		{"crash inside the mount of a remount", []string{"A remount", "A crash", "A mount", "A r"}, holds{{Step: 1, At: rd, N: 1, Until: 4}},
			"A unmount -> ok; A mount -> never returned; A crash -> ok; A mount -> ok; A create /r -> ok"},
		{"crash inside a reboot", []string{"A reboot", "A crash", "A mount", "A r"}, holds{{Step: 1, At: rd, N: 1, Until: 4}},
			"A unmount -> ok; A mount -> never returned; A crash -> ok; A mount -> ok; A create /r -> ok"},
		{"crash before a lock", []string{"A a1", "A crash", "B a1"}, holds{{Step: 1, At: l, N: 1, Until: 3}},
			"A create /a1 -> never returned; A crash -> ok; B create /a1 -> ok"},
		{"fence inside mount", []string{"A unmount", "A mount", "A fence", "B r", "A mount", "A r"}, holds{{Step: 2, At: rd, N: 1, Until: 4}},
			"A unmount -> ok; A mount -> EIO; A fence -> ok; B create /r -> ok; A mount -> ok; A create /r -> ok"},
		{"fence inside the unmount of a remount", []string{"A remount", "A fence", "B r", "A r"}, holds{{Step: 1, At: w, N: 1, Until: 3}},
			"A unmount -> EIO; A fence -> ok; B create /r -> ok; A crash -> ok; A mount -> ok; A create /r -> ok"},
		{"power loss inside mount", []string{"A unmount", "A mount", "all power-loss", "A mount", "A r", "B r", "B mount"}, holds{{Step: 2, At: rd, N: 1, Until: 6}},
			"A unmount -> ok; A mount -> never returned; all power-loss -> ok; A mount -> ok; A create /r -> ok; B create /r -> skipped; B mount -> ok"},
		{"pause inside mount", []string{"A unmount", "A mount", "A pause", "B r", "A remount", "A resume", "A r"}, holds{{Step: 2, At: rd, N: 1, Until: 4}},
			"A unmount -> ok; A mount -> ok; A pause -> ok; B create /r -> ok; A remount -> skipped; A resume -> ok; A create /r -> ok"},
		{"crash of a host that stands still", []string{"A w", "A pause", "A crash", "A mount", "A r"}, holds{{Step: 1, At: w, N: 1, Until: 4}},
			"A create /w -> never returned; A pause -> ok; A crash -> ok; A mount -> ok; A create /r -> ok"},
		{"what has no mount has no power either", []string{"A unmount", "A pause", "all power-loss", "A mount", "A r"}, nil,
			"A unmount -> ok; A pause -> ok; all power-loss -> ok; A mount -> ok; A create /r -> ok"},
		{"partition of what has no mount", []string{"A unmount", "A partition disk", "A mount", "A heal disk", "A mount", "A r"}, nil,
			"A unmount -> ok; A partition disk -> ok; A mount -> EIO; A heal disk -> ok; A mount -> ok; A create /r -> ok"},
		{"crash while another host waits for the lock", []string{"A aw1", "B pause", "C a1", "A crash", "C r", "B resume"}, holds{{Step: 1, At: w, N: 1, Until: 6}},
			"A create /aw1 -> never returned; B pause -> ok; C create /a1 -> ok; A crash -> ok; C create /r -> ok; B resume -> ok"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := run(t, doors(), faulty(3, c.holds, nil, c.steps...))
			noDefect(t, r)
			if got := called(r); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// Nothing happens between the power loss and the last host that it takes: a step
// that was held until another one that dies with it dies too.
func TestPowerLossIsOneMoment(t *testing.T) {
	r := run(t, letters(), faulty(2, []model.Hold{
		{Step: 1, At: model.WriteCommand, N: 1, Until: 3},
		{Step: 2, At: model.WriteCommand, N: 1, Until: 3},
		{Step: 3, At: model.WriteCommand, N: 1, Until: 4},
	}, nil, "B w", "A ww", "A w", "all power-loss", "A mount"))
	noDefect(t, r)
	want := "1.start 1.held 2.start 2.held 3.start 3.held 4.power-loss 5.start 5.attach 5.end"
	if got := happenings(r); got != want {
		t.Errorf("happened\n%s\nwant\n%s", got, want)
	}
}

// A daemon can get the coroutine of a step that has just ended, and is not taken
// for it.
func TestDaemonOnTheCoroutineOfAStep(t *testing.T) {
	d := faking(nil)
	d.Mount = func(h *sim.Host) (sim.FS, error) {
		h.WriteBlock(0, make([]byte, 16))
		h.Lock("x")
		h.Unlock("x")
		if h.ID() == 1 {
			h.Go(func() { h.Receive() })
		}
		return fake{h, func(h *sim.Host, op string) error {
			switch op {
			case "create /reset":
				h.Lock("x")
				h.WriteBlock(0, make([]byte, 16))
				h.Reset()
			case "create /w":
				h.WriteBlock(0, make([]byte, 16))
			}
			return nil
		}}, nil
	}
	t.Run("of a step that ended", func(t *testing.T) {
		p := faulty(2, []model.Hold{{Step: 2, At: model.WriteCommand, N: 1, Until: 3}}, nil, "B unmount", "B mount", "A w", "B w")
		noDefect(t, run(t, d, p))
	})
	t.Run("of a step that reset its host", func(t *testing.T) {
		// C is held until the step that resets A. B's mount waits for A's lock, and
		// starts its daemon when A is dead. The partition keeps holds from being cut.
		p := faulty(3, []model.Hold{
			{Step: 2, At: model.WriteCommand, N: 1, Until: 3},
			{Step: 3, At: model.WriteCommand, N: 1, Until: 6},
		}, nil, "B unmount", "C w", "A reset", "C partition A", "B mount", "C x")
		r := run(t, d, p)
		noDefect(t, r)
		if want := []model.HoldState{model.Fired, model.Fired}; !slices.Equal(r.Holds, want) {
			t.Errorf("holds %v, want %v\n%s", r.Holds, want, happenings(r))
		}
	})
}

// Only a daemon works for the step of the message that it has received: a client
// that receives one stays at its own.
func TestReceiveInAClient(t *testing.T) {
	d := faking(func(h *sim.Host, op string) error {
		switch op {
		case "create /send":
			h.Send(1, nil)
		case "create /receive":
			h.Receive()
			h.WriteBlock(0, make([]byte, 16))
		case "create /w":
			h.WriteBlock(0, make([]byte, 16))
		}
		return nil
	})
	p := faulty(2, []model.Hold{{Step: 2, At: model.WriteCommand, N: 1, Until: 3}}, nil, "A send", "A w", "B receive", "A w")
	r := run(t, d, p)
	noDefect(t, r)
	want := "1.start 1.send 1.end 2.start 2.held 3.start 3.receive 3.write 3.end 2.released 2.write 2.end 4.start 4.write 4.end"
	if got := happenings(r); got != want {
		t.Errorf("happened\n%s\nwant\n%s", got, want)
	}
}
