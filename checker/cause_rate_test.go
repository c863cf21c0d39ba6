package checker_test

import (
	"testing"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/internal/testscale"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim/designs"
)

// Of every design and every planted bug: each violation of a campaign has a name of
// the vocabulary, and of the findings, made small, at least 90 % have a cause that
// stands the intervention.
func TestViolationsAreNamedAndExplained(t *testing.T) {
	want, most := testscale.Count(8, 200), testscale.Count(600, 60_000)
	for _, top := range designs.All() {
		for _, d := range append(top.Bugs, top) {
			r := runner(t, d)
			judge := checker.New(0, append([]model.Guarantee{d.Guarantee}, model.Axes()...)...)
			opts := fuzz.Options{Seed: 21, Hosts: 2}
			gen := fuzz.NewGenerator(r.Capabilities(), opts)
			found, stood, runs := 0, 0, 0
			by := map[checker.Mechanism]int{}
			for ; found < want && runs < most; runs++ {
				p := gen.Generate(fuzz.NewPCG(opts.Seed, runs))
				eachCause(t, r, judge, p, func(v model.Verdict, cause checker.Cause) {
					if _, err := model.ParseAnomaly(string(v.Anomaly)); err != nil {
						t.Errorf("%s run %d: %v\n%v", d.Name, runs, err, p)
					}
					if found++; cause.Verified {
						stood++
						by[cause.Mechanism]++
					}
				})
			}
			t.Logf("%s: %d of %d causes stood, in %d runs; by mechanism: %v", d.Name, stood, found, runs, by)
			if (found-stood)*10 > found+10 { // one more may fail, since they can be few
				t.Errorf("%s: %d of %d causes stood; want 90 %%", d.Name, stood, found)
			}
		}
	}
}
