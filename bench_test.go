package doublemount_test

import (
	"context"
	"testing"
	"time"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
	"github.com/doublemount/doublemount/sim/designs"
)

// bench is what the benchmarks measure with: a design and the programs of the
// first batch of a campaign on it.
type bench struct {
	runner   *sim.Runner
	judge    model.Judge
	opts     fuzz.Options
	programs []model.Program
	runs     []model.Run
}

func newBench(b *testing.B, d sim.Design) *bench {
	b.Helper()
	r, err := sim.New(d)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(r.Close)
	k := &bench{
		runner: r,
		judge:  checker.New(0, append([]model.Guarantee{d.Guarantee}, model.Axes()...)...),
		opts:   fuzz.Options{Seed: 1, Hosts: 2, Runs: fuzz.BatchRuns},
	}
	for n := range fuzz.BatchRuns {
		p := k.opts.Program(r.Capabilities(), n)
		run, err := r.Run(context.Background(), p)
		if err != nil {
			b.Fatal(err)
		}
		k.programs = append(k.programs, p)
		k.runs = append(k.runs, run)
	}
	return k
}

// BenchmarkHunt is the whole loop of a campaign (generate, run, judge, count),
// an iteration a batch of 256 runs, beside the same Programs run bare: no
// history, trace, hold, closing observation or check. The two take turns, so
// that x-bare, their ratio, is of one process and one moment.
func BenchmarkHunt(b *testing.B) {
	for _, d := range []sim.Design{designs.Single(), designs.Local(), designs.LocalJournal(), designs.ActivePassive(), designs.ClusterLock()} {
		b.Run(d.Name, func(b *testing.B) {
			k := newBench(b, d)
			b.ReportAllocs()
			var loop, bare time.Duration
			n := 0
			for b.Loop() {
				start := time.Now()
				if _, err := fuzz.RunBatch(context.Background(), k.runner, k.judge, k.opts, 0); err != nil {
					b.Fatal(err)
				}
				loop += time.Since(start)
				start = time.Now()
				for _, p := range k.programs {
					if err := k.runner.Bare(p); err != nil {
						b.Fatal(err)
					}
				}
				bare += time.Since(start)
				n += len(k.programs)
			}
			b.ReportMetric(float64(n)/loop.Seconds(), "runs/s")
			b.ReportMetric(float64(n)/bare.Seconds(), "bare-runs/s")
			b.ReportMetric(float64(loop)/float64(bare), "x-bare")
		})
	}
}

// BenchmarkRun is one run with all that it records, averaged over a batch.
func BenchmarkRun(b *testing.B) {
	for _, d := range []sim.Design{designs.Single(), designs.Local()} {
		k := newBench(b, d)
		b.Run(d.Name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := k.runner.Run(context.Background(), k.programs[i%len(k.programs)]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkJudge is the judging of one run, averaged over a batch: of a design
// that is right, where the walk is enough, and of one that is not. Then histories
// made for it, beside Porcupine alone (judge_bench_test.go).
func BenchmarkJudge(b *testing.B) {
	b.Run("flipped-stat", benchFlipped)
	b.Run("sequential", benchSequential)
	b.Run("pending", benchPending)
	b.Run("linear/few-names", func(b *testing.B) { benchLinear(b, mix{names: 8, hosts: 4}, 0) })
	b.Run("linear/many-names", func(b *testing.B) { benchLinear(b, mix{hosts: 4}, 50) })
	b.Run("linear/few-names-overlap", func(b *testing.B) { benchLinear(b, mix{names: 8, hosts: 4, overlap: true}, 0) })
	b.Run("linear/many-names-overlap", func(b *testing.B) { benchLinear(b, mix{hosts: 12, overlap: true}, 50) })
	for _, d := range []sim.Design{designs.Single(), designs.Local()} {
		k := newBench(b, d)
		b.Run(d.Name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				k.judge(k.runs[i%len(k.runs)])
			}
		})
	}
}

// BenchmarkGenerate is the making of one Program.
func BenchmarkGenerate(b *testing.B) {
	k := newBench(b, designs.Single())
	gen := fuzz.NewGenerator(k.runner.Capabilities(), k.opts)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		gen.Generate(fuzz.NewPCG(1, n))
	}
}
