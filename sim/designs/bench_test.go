package designs_test

import (
	"context"
	"iter"
	"testing"
	"time"

	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
	"github.com/doublemount/doublemount/sim/designs"
)

// BenchmarkRun is the cost of a run, of 64 generated programs in turn. A whole
// run records, observes and checks; a bare one does only what the design does.
func BenchmarkRun(b *testing.B) {
	for _, d := range []sim.Design{designs.Local(), designs.LocalJournal(), designs.Single()} {
		r := runner(b, d)
		programs := generated(r.Capabilities(), 64)
		b.Run(d.Name+"/whole", func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := r.Run(context.Background(), programs[i%len(programs)]); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(d.Name+"/bare", func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if err := r.Bare(programs[i%len(programs)]); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(d.Name+"/ten-steps", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := r.Bare(tenSteps); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			next, stop := iter.Pull(forever)
			defer stop()
			run := fastest(func() { _ = r.Bare(tenSteps) })
			b.ReportMetric(run/fastest(func() { next() }), "switches/op")
		})
	}
}

// BenchmarkSwitch is one switch to a pooled coroutine and back: what a run is
// measured by, since it is the same on no two machines.
func BenchmarkSwitch(b *testing.B) {
	next, stop := iter.Pull(forever)
	defer stop()
	for b.Loop() {
		next()
	}
}

// fastest is how many nanoseconds f takes when nothing else runs on the machine:
// the best of many rounds.
func fastest(f func()) float64 {
	const rounds, calls = 50, 500
	best := time.Duration(1 << 62)
	for range rounds {
		start := time.Now()
		for range calls {
			f()
		}
		best = min(best, time.Since(start))
	}
	return float64(best) / calls
}

func forever(yield func(struct{}) bool) {
	for yield(struct{}{}) {
	}
}

// tenSteps is an ordinary short program: two hosts, a file each, a look at the
// other's.
var tenSteps = model.Program{Hosts: 2, Unmounts: []model.Host{0, 1}, Steps: []model.Step{
	{Host: 0, Kind: model.Mount},
	{Host: 1, Kind: model.Mount},
	{Host: 0, Kind: model.Create, Path: "/a"},
	{Host: 0, Kind: model.Write, Path: "/a", Len: 8, Data: 1},
	{Host: 1, Kind: model.Create, Path: "/b"},
	{Host: 1, Kind: model.Append, Path: "/b", Len: 4, Data: 2},
	{Host: 0, Kind: model.Stat, Path: "/b"},
	{Host: 1, Kind: model.Read, Path: "/a", Len: 8},
	{Host: 0, Kind: model.Fsync, Path: "/a"},
	{Host: 1, Kind: model.Unlink, Path: "/b"},
}}

// generated is the first n programs of a campaign.
func generated(caps model.Capabilities, n int) []model.Program {
	programs := make([]model.Program, n)
	for i := range programs {
		programs[i] = fuzz.Options{Seed: 1}.Program(caps, i)
	}
	return programs
}

// runner is a Runner of a design, closed with the test.
func runner(tb testing.TB, d sim.Design) *sim.Runner {
	tb.Helper()
	r, err := sim.New(d)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(r.Close)
	return r
}
