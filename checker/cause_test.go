package checker_test

import (
	"context"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/internal/testscale"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
	"github.com/doublemount/doublemount/sim/designs"
)

// runner is a Runner of a design, closed with the test.
func runner(t *testing.T, d sim.Design) *sim.Runner {
	t.Helper()
	r, err := sim.New(d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// Of random findings of local at least 95 % have a cause that stands the
// intervention; the others say so, and name none.
func TestCausesStand(t *testing.T) {
	want := testscale.Count(50, 1000)
	r := runner(t, designs.Local())
	judge := checker.New(0, append([]model.Guarantee{model.NothingLost}, model.Axes()...)...)
	opts := fuzz.Options{Seed: 11, Hosts: 2}
	gen := fuzz.NewGenerator(r.Capabilities(), opts)
	found, stood := 0, 0
	by := map[model.Anomaly][2]int{}
	for n := 0; found < want; n++ {
		p := gen.Generate(fuzz.NewPCG(opts.Seed, n))
		eachCause(t, r, judge, p, func(v model.Verdict, cause checker.Cause) {
			count := by[v.Anomaly]
			count[0]++
			found++
			if cause.Verified {
				stood++
				count[1]++
				if cause.Nearest.Validate() != nil || cause.Change == "" || cause.Block < 0 && cause.Kind != "overlap" && cause.Kind != "unshared-lock" && cause.Kind != "kept-lock" {
					t.Fatalf("a verified cause says too little: %+v", cause)
				}
			} else if cause.Text != checker.NotIsolated {
				t.Fatalf("an unverified cause says %q", cause.Text)
			}
			by[v.Anomaly] = count
		})
	}
	t.Logf("%d of %d causes stood; by anomaly (found, stood): %v", stood, found, by)
	if stood*100 < found*95 {
		t.Errorf("%d of %d causes stood; want 95 %%", stood, found)
	}
}

// eachCause runs a program and tells of each violation, made small, and its cause.
func eachCause(t *testing.T, r *sim.Runner, judge model.Judge, p model.Program, tell func(model.Verdict, checker.Cause)) {
	t.Helper()
	ctx := context.Background()
	run, err := r.Run(ctx, p)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range judge(run) {
		if v.Outcome != model.Violated {
			continue
		}
		small, v, _, err := fuzz.Minimise(ctx, r, judge, p, v)
		if err != nil {
			t.Fatal(err)
		}
		_, cause, err := checker.Explain(ctx, r, judge, small, v)
		if err != nil {
			t.Fatal(err)
		}
		tell(v, cause)
	}
}

// What a cause says is in the trace, and its nearest passing run has every step
// and every hold of the case, but for the one hold that an overlap is.
func TestCausesAreTrue(t *testing.T) {
	ctx := context.Background()
	for _, d := range []sim.Design{designs.Local(), designs.LocalWritethrough(), designs.Single().Bugs[0]} {
		r := runner(t, d)
		judge := checker.New(0, append([]model.Guarantee{d.Guarantee}, model.Axes()...)...)
		gen := fuzz.NewGenerator(r.Capabilities(), fuzz.Options{})
		checked := 0
		for n := 0; checked < testscale.Count(30, 500); n++ {
			p := gen.Generate(fuzz.NewPCG(12, n))
			run, err := r.Run(ctx, p)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range judge(run) {
				if v.Outcome != model.Violated {
					continue
				}
				// As found: its holds and steps are not all needed, so that an
				// intervention can pass for a reason that is not the cause.
				run, cause, err := checker.Explain(ctx, r, judge, p, v)
				if err != nil {
					t.Fatal(err)
				}
				if !cause.Verified {
					continue
				}
				checked++
				again, err := r.Run(ctx, cause.Nearest)
				if err != nil {
					t.Fatal(err)
				}
				if said := falsehood(run, again, cause); said != "" {
					t.Fatalf("%s run %d: %s\n%s%s\n%s", d.Name, n, said, p, cause.Text, cause.Change)
				}
			}
		}
	}
}

// falsehood is what is not true about a verified cause of run, whose nearest
// passing run is again, or nothing.
func falsehood(run, again model.Run, c checker.Cause) string {
	if len(again.Program.Holds) < len(run.Program.Holds)-1 || c.Kind != "overlap" && len(again.Program.Holds) < len(run.Program.Holds) {
		return "a hold is gone"
	}
	for i := range run.Holds {
		if c.Kind != "overlap" && run.Holds[i] == model.Fired && again.Holds[i] != model.Fired {
			return "a hold does not last any more"
		}
	}
	skipped := func(r model.Run) (n int) {
		for _, op := range r.History {
			if op.Skipped {
				n++
			}
		}
		return n
	}
	if skipped(again) > skipped(run) {
		return "a step is skipped"
	}
	if c.Block < 0 {
		return ""
	}
	var guilty, victim, end int32 // times
	for _, rec := range run.Trace {
		wrote := rec.Kind == model.BlockWritten && rec.Block == c.Block
		switch {
		case wrote && rec.Host == c.Writer && int(rec.Step) == c.WroteAt && rec.Version == c.Over:
			victim = rec.Time
		case wrote && rec.Host == c.Host && int(rec.Step) == c.Step && rec.Base == c.Basis && rec.Version > c.Over:
			guilty = rec.Time
		case rec.Kind == model.StepEnded && int(rec.Step) == c.Step:
			end = rec.Time
		}
	}
	switch {
	case victim == 0:
		return "that version was not written so"
	case c.Kind == "stale-copy":
		if later := strings.Contains(c.Text, "came to the disk only"); later != (victim > end) {
			return "the version came at another time"
		}
	case guilty < victim:
		return "that write did not destroy it"
	}
	return ""
}
