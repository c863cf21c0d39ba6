package fuzz_test

import (
	"context"
	"os"
	"slices"
	"testing"

	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/model"
)

// TestWhatACampaignReaches holds the generator to what it is for: every answer
// that the specification has, enough successes, enough holds; with faults and
// without.
func TestWhatACampaignReaches(t *testing.T) {
	t.Run("no faults", func(t *testing.T) {
		r := reach(t, newToy(), 50_000)
		r.between("operations that succeeded", r.Succeeded, r.Attempted, 65, 90)
		r.between("operations skipped", r.Skipped, r.Attempted, 0, 8)
		r.between("runs with holds", r.withHolds, r.Runs, 40, 50)
		r.between("runs that fill the disk", r.fills, r.Runs, 1, 5)
		r.between("steps in a run", r.steps, r.Runs*100, 7, 12)
		r.between("runs in which two hosts wrote one block", r.Collided, r.Traced, 50, 100)
		if r.StrikesAsked != 0 || r.withFaults != 0 {
			t.Errorf("%d runs with faults, %d strikes", r.withFaults, r.StrikesAsked)
		}
	})
	t.Run("every fault", func(t *testing.T) {
		r := reach(t, newHardy(), 30_000)
		r.between("operations that succeeded", r.Succeeded, r.Attempted, 60, 90)
		r.between("operations skipped", r.Skipped, r.Attempted, 0, 10)
		r.between("runs with holds", r.withHolds, r.Runs, 50, 75)
		r.between("steps in a run", r.steps, r.Runs*100, 7, 13)
		r.between("runs in which two hosts wrote one block", r.Collided, r.Traced, 50, 100)
		r.between("runs with a fault", r.withFaults, r.Runs, 50, 85)
		r.between("strikes on steps that reach a file system", hits(&r.Coverage), r.StrikesAsked, 80, 100)
		r.between("events carried out", r.Events, r.events, 85, 100)
	})
	// A design is most often asked about one fault or two.
	for _, fault := range []model.Faults{model.Crashes, model.PowerLosses, model.Crashes | model.PowerLosses} {
		t.Run(fault.String(), func(t *testing.T) {
			toy := newToy()
			toy.caps.Survives = fault
			r := reach(t, toy, 20_000)
			crashes := r.Faults.Of(model.Crashes) + r.Faults.Of(model.PowerLosses)
			r.between("operations that succeeded", r.Succeeded, r.Attempted, 65, 90)
			r.between("runs with a fault", r.withFaults, r.Runs, 40, 80)
			r.between("crashes in the middle of an operation", r.CrashesAmid, crashes, 15, 60)
			r.between("crashes with changes that no sync came after", r.CrashesUnsynced, crashes, 40, 100)
			r.between("crashed hosts that are mounted again", r.mountedAgain, r.downed, 60, 90)
		})
	}
}

func hits(c *fuzz.Coverage) int {
	sum := 0
	for _, n := range c.Strikes {
		sum += n
	}
	return sum
}

// reached is what a campaign on a toy came to.
type reached struct {
	*testing.T
	fuzz.Coverage
	steps, events, withHolds, withFaults, fills, downed, mountedAgain int
}

// reach runs a campaign on toy, and asks for what each should have: every answer
// of every kind, and nothing weak.
func reach(t *testing.T, toy *toy, runs int) reached {
	if os.Getenv("DOUBLEMOUNT_LONG") != "" {
		runs *= 4
	}
	gen := fuzz.NewGenerator(toy.caps, fuzz.Options{})
	var source fuzz.PCG
	var c fuzz.Counter
	r := reached{T: t}
	crossed, overlaps := 0, 0
	for n := range runs {
		source.Reset(1, n)
		p := gen.Generate(&source)
		run, err := toy.Run(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		c.Count(&run)
		r.count(p)
		for _, h := range p.Holds {
			if p.Steps[h.Until-1].Fault() != 0 {
				continue
			}
			overlaps++
			other := func(s model.Step) bool { return s.Host != p.Steps[h.Step-1].Host }
			if slices.ContainsFunc(p.Steps[h.Step:h.Until], other) {
				crossed++
			}
		}
	}
	for _, k := range (fuzz.Options{}).Within(toy.caps).Kinds.Kinds() {
		for _, e := range model.Results(k) {
			if n := c.Answers[k][e]; n < runs/10_000 {
				t.Errorf("%v was answered with %v %d times in %d runs", k, e, n, runs)
			}
		}
	}
	if weak := c.Weak(toy.caps); weak != nil {
		t.Errorf("weak: %q", weak)
	}
	r.Coverage = c.Coverage
	r.between("holds with another host's step in their window", crossed, overlaps, 100, 100)
	r.between("holds on steps that reach a file system", r.HoldsFired, r.HoldsAsked, 75, 100)
	return r
}

func (r *reached) count(p model.Program) {
	r.steps += len(p.Steps)
	if len(p.Holds) > 0 {
		r.withHolds++
	}
	if slices.ContainsFunc(p.Steps, func(s model.Step) bool { return !s.Kind.Event() && s.Len > 200 }) {
		r.fills++
	}
	if len(p.Strikes) > 0 || slices.ContainsFunc(p.Steps, func(s model.Step) bool { return s.Fault() != 0 }) {
		r.withFaults++
	}
	var up, down [model.MaxHosts]bool
	for _, s := range p.Steps {
		if s.Kind.Event() {
			r.events++
		}
		switch s.Kind {
		case model.Crash, model.PowerLoss:
			for h := range p.Hosts {
				if up[h] && (s.Host == model.Host(h) || s.Host == model.Everyone) {
					up[h], down[h] = false, true
					r.downed++
				}
			}
		case model.Unmount:
			up[s.Host] = false
		case model.Mount:
			if down[s.Host] {
				r.mountedAgain++
			}
			up[s.Host], down[s.Host] = true, false
		}
	}
}

func (r *reached) between(what string, part, whole, low, high int) {
	r.Helper()
	percent := part * 100 / max(whole, 1)
	r.Logf("%s: %d %%", what, percent)
	if percent < low || percent > high {
		r.Errorf("%s: %d %%; want %d to %d", what, percent, low, high)
	}
}
