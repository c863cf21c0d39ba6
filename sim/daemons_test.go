package sim_test

import (
	"strings"
	"testing"

	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
)

// A daemon may come to a command of a step when what a hold of that lasts until
// has long ended. It does not stop there, or it would stand still for ever.
func TestHoldThatIsOver(t *testing.T) {
	r := run(t, post(), faulty(2, []model.Hold{{Step: 2, At: model.SendCommand, N: 2, Until: 3}}, nil,
		"B pause", "A sb", "A o", "B resume", "A o"))
	noDefect(t, r)
	want := "1.pause 2.start 2.send 2.end 3.start 3.write 3.end 4.resume 2B.receive 2B.held 2B.released 2B.send 2.receive 5.start 5.write 5.end"
	if got := happenings(r); got != want {
		t.Errorf("happened\n%s\nwant\n%s", got, want)
	}
	if r.Holds[0] != model.Fired {
		t.Errorf("hold %v", r.Holds)
	}
}

// After the last step no message is late any more: else a step could wait for
// one that waits for the step.
func TestNothingIsLateAtTheEnd(t *testing.T) {
	for _, until := range []int{3, 4} {
		p := faulty(2, nil, []model.Strike{{Step: 2, At: model.SendCommand, N: 2, Kind: model.Delay, Arg: until}},
			"B pause", "A tb", "A w", "A w")
		r := run(t, post(), p)
		if len(r.Defects) != 1 || r.Defects[0].Step != 5 { // one answer for three who wait: the second waits in vain
			t.Errorf("until %d: %v\n%s", until, r.Defects, happenings(r))
		}
	}
}

// How often a daemon may call its host counts anew with every tick and step: it
// lives as long as the run.
func TestLongLivedDaemon(t *testing.T) {
	const callsPerTick = 1 << 11
	d := faking(nil)
	d.Mount = func(h *sim.Host) (sim.FS, error) {
		h.Go(func() {
			for {
				for range callsPerTick {
					h.Now()
				}
				h.Sleep(1)
			}
		})
		return fake{h, func(*sim.Host, string) error { return nil }}, nil
	}
	noDefect(t, run(t, d, faulty(1, nil, nil, "all tick 600", "A x")))
}

// Daemons that never end anything are found, whatever they do: the text does not
// depend on what the coroutine did before.
func TestDaemonsWithoutEnd(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(h *sim.Host)
		text string
	}{
		{"one that computes", func(h *sim.Host) {
			h.Go(func() {
				for {
					h.Now()
				}
			})
		}, "a daemon called its host"},
		{"a chain of them", func(h *sim.Host) {
			var next func()
			next = func() { h.Go(next) }
			h.Go(next)
		}, "a daemon called its host"},
		{"more and more of them", func(h *sim.Host) {
			var next func()
			next = func() { h.Go(next); h.Go(next) }
			h.Go(next)
		}, "daemons and calls are under way"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := run(t, faking(func(h *sim.Host, op string) error {
				if op == "create /go" {
					c.do(h)
				}
				return nil
			}), faulty(1, nil, nil, "A x", "A go", "A x"))
			if len(r.Defects) != 1 || r.Defects[0].Kind != model.Hang || !strings.Contains(r.Defects[0].Text, c.text) {
				t.Errorf("defects %v; want a hang: %s", r.Defects, c.text)
			}
		})
	}
}

// A host that died while it stood still is no zombie when it goes on.
func TestDeadHostIsNoZombie(t *testing.T) {
	r := run(t, letters(), faulty(1, nil, nil, "A crash", "A pause", "A resume", "A mount", "A r"))
	noDefect(t, r)
	if got := marks(r); got != "" {
		t.Errorf("marks %q", got)
	}
}
