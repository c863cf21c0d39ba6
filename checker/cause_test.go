package checker_test

import (
	"context"
	"testing"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/internal/testscale"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
	"github.com/doublemount/doublemount/sim/designs"
)

// Of random findings of local at least 95 % have a cause that stands the
// intervention; the others say so, and name none.
func TestCausesStand(t *testing.T) {
	ctx := context.Background()
	want := testscale.Count(50, 1000)
	r, err := sim.New(designs.Local())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	judge := checker.New(0, append([]model.Guarantee{model.NothingLost}, model.Axes()...)...)
	opts := fuzz.Options{Seed: 11, Hosts: 2}
	gen := fuzz.NewGenerator(r.Capabilities(), opts)
	found, stood := 0, 0
	by := map[model.Anomaly][2]int{}
	for n := 0; found < want; n++ {
		p := gen.Generate(fuzz.NewPCG(opts.Seed, n))
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
			count := by[v.Anomaly]
			count[0]++
			found++
			if cause.Verified {
				stood++
				count[1]++
				if cause.Nearest.Validate() != nil || cause.Change == "" || cause.Block < 0 && cause.Kind != "overlap" {
					t.Fatalf("a verified cause says too little: %+v", cause)
				}
			} else if cause.Text != checker.NotIsolated {
				t.Fatalf("an unverified cause says %q", cause.Text)
			}
			by[v.Anomaly] = count
		}
	}
	t.Logf("%d of %d causes stood; by anomaly (found, stood): %v", stood, found, by)
	if stood*100 < found*95 {
		t.Errorf("%d of %d causes stood; want 95 %%", stood, found)
	}
}
