package doublemount_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/model"
)

// plainSteps is where Porcupine without partitions is stopped, since it would not
// end: a time of it that was cut so is less than it needs.
const plainSteps = 3_000_000

// mix is what a history for a benchmark is made of.
type mix struct {
	ops, names, hosts int
	overlap           bool
}

// history is what hosts see of an atomic file system: each operation takes effect
// at a moment between its call and its return. With overlap every host always has
// one under way; else each ends before the next begins.
func (m mix) history(seed uint64) []model.Op {
	rng := rand.New(rand.NewPCG(seed, 1))
	var fs model.FS
	names := make([]model.Path, m.names)
	for k := range names {
		names[k] = model.Path(fmt.Sprintf("/n%d", k))
	}
	now, writes := int64(0), 0
	tick := func() int64 { now++; return now }
	var history []model.Op
	for h := range m.hosts {
		history = append(history, model.Op{Host: model.Host(h), Kind: model.Mount, Call: tick(), Return: tick()})
	}
	const (
		idle = iota
		called
		effective
	)
	at, under := make([]int, m.hosts), make([]int, m.hosts)
	advance := func(h int) {
		switch at[h] {
		case idle:
			op := model.Op{Step: len(history) + 1, Host: model.Host(h), Path: names[rng.IntN(m.names)], Call: tick(), Return: model.Never}
			switch k := rng.IntN(20); {
			case k < 3:
				op.Kind = model.Create
			case k < 4:
				op.Kind = model.Unlink
			case k < 9:
				op.Kind, op.Off, op.Len = model.Write, int32(rng.IntN(3))*8, 8
				op.Data = byte(writes%model.MaxData + 1)
				writes++
			case k < 13:
				op.Kind, op.Len = model.Read, 24
			case k < 14:
				op.Kind, op.Len = model.Truncate, int32(rng.IntN(4))*8
			default:
				op.Kind = model.Stat
			}
			history, under[h] = append(history, op), len(history)
		case called:
			op := &history[under[h]]
			op.Result = fs.Apply(op.AsStep())
		case effective:
			history[under[h]].Return = tick()
		}
		at[h] = (at[h] + 1) % 3
	}
	for len(history) < m.ops+m.hosts {
		h := rng.IntN(m.hosts)
		advance(h)
		for !m.overlap && at[h] != idle {
			advance(h)
		}
	}
	for h := range m.hosts {
		for at[h] != idle {
			advance(h)
		}
	}
	return history
}

// flipped is a history where the size that one stat answered is another, so that
// no order explains it.
func flipped(b *testing.B, m mix, seed uint64) []model.Op {
	for ; ; seed += 1000 {
		history := m.history(seed)
		for i := len(history) / 2; i < len(history); i++ {
			op := &history[i]
			if op.Kind != model.Stat || op.Result.Errno != model.OK {
				continue
			}
			op.Result.Size = 24 - op.Result.Size
			steps := limit(math.MaxInt64)
			if !porcupine.CheckOperations(plainModel(true, steps), plainHistory(history)) {
				return history
			}
			break
		}
	}
}

func timed(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

// judged runs the judge of linearizability and says what it answered.
func judged(judge model.Judge, history []model.Op) model.Outcome {
	return judge(model.Run{History: history})[0].Outcome
}

// benchFlipped: one wrong stat in 200 operations of 12 overlapping hosts, refuted
// and explained, beside Porcupine alone: on the whole file system (stopped after
// plainSteps, so x-whole is at least that) and by name.
func benchFlipped(b *testing.B) {
	var histories [][]model.Op
	for seed := range uint64(16) {
		histories = append(histories, flipped(b, mix{ops: 200, names: 16, hosts: 12, overlap: true}, seed+1))
	}
	judge := checker.New(0, model.Linearizable)
	var whole time.Duration
	stopped := 0
	for _, h := range histories[:4] {
		steps, ops := limit(plainSteps), plainHistory(h)
		whole += timed(func() {
			if porcupine.CheckOperations(plainModel(false, steps), ops) {
				b.Fatal("the whole file system explains a wrong stat")
			}
		}) / 4
		if steps.Load() < 0 {
			stopped++
		}
	}
	var ours, byName time.Duration
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		for _, h := range histories {
			ours += timed(func() {
				if judged(judge, h) != model.Violated {
					b.Fatal("not refuted")
				}
			})
			byName += timed(func() {
				steps := limit(math.MaxInt64)
				if porcupine.CheckOperations(plainModel(true, steps), plainHistory(h)) {
					b.Fatal("not refuted by name")
				}
			})
			n++
		}
	}
	b.ReportMetric(float64(ours.Nanoseconds())/float64(n), "ns/judge")
	b.ReportMetric(float64(byName)/float64(ours), "x-by-name")
	b.ReportMetric(float64(whole)*float64(n)/float64(ours), "x-whole")
	b.ReportMetric(float64(stopped)/4, "whole-stopped")
}

// benchSequential: 50,000 operations one after the other, accepted.
func benchSequential(b *testing.B) {
	history := mix{ops: 50_000, names: 16, hosts: 4}.history(1)
	judge := checker.New(0, model.Linearizable)
	var whole time.Duration
	var ours time.Duration
	n := 0
	plainAllocs := testing.AllocsPerRun(1, func() {
		steps := limit(math.MaxInt64)
		ops := plainHistory(history)
		whole = timed(func() {
			if !porcupine.CheckOperations(plainModel(false, steps), ops) {
				b.Fatal("not accepted by Porcupine")
			}
		})
	})
	allocs := testing.AllocsPerRun(3, func() { judged(judge, history) })
	b.ReportAllocs()
	for b.Loop() {
		ours += timed(func() {
			if judged(judge, history) != model.Held {
				b.Fatal("not accepted")
			}
		})
		n++
	}
	b.ReportMetric(float64(whole)*float64(n)/float64(ours), "x-whole")
	b.ReportMetric(plainAllocs/max(allocs, 1), "x-allocs")
}

// benchLinear: the cost of 1,000 to 1,000,000 operations, and the exponent with
// which it grows, fitted to the logarithms. The judge is one that has judged before,
// as in a campaign.
func benchLinear(b *testing.B, m mix, per int) {
	sizes := []int{1_000, 10_000, 100_000, 1_000_000}
	var histories [][]model.Op
	for _, n := range sizes {
		m.ops = n
		if per > 0 {
			m.names = n / per
		}
		histories = append(histories, m.history(1))
	}
	best := make([]time.Duration, len(sizes))
	judge := checker.New(0, model.Linearizable)
	judged(judge, histories[len(sizes)-1]) // it keeps the memory that this takes
	for b.Loop() {
		for k, h := range histories {
			for range max(1, 100_000/sizes[k]) {
				d := timed(func() {
					if judged(judge, h) != model.Held {
						b.Fatalf("%d operations not accepted", sizes[k])
					}
				})
				if best[k] == 0 || d < best[k] {
					best[k] = d
				}
			}
		}
	}
	var sx, sy, sxx, sxy float64
	for k, n := range sizes {
		x, y := math.Log(float64(n)), math.Log(float64(best[k]))
		sx, sy, sxx, sxy = sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	count := float64(len(sizes))
	b.ReportMetric((count*sxy-sx*sy)/(count*sxx-sx*sx), "exponent")
	b.ReportMetric(float64(best[0])/1_000, "ns/op-of-1e3")
	b.ReportMetric(float64(best[3])/1_000_000, "ns/op-of-1e6")
}

// benchPending: 18 writes that were never acknowledged, and a read that no order
// explains: of a number that nobody wrote, of two writes of one block, of words
// that an acknowledged write had replaced.
func benchPending(b *testing.B) {
	op := func(k model.Kind, call int64, data byte) model.Op {
		o := model.Op{Step: int(call), Kind: k, Path: "/a", Call: call, Return: call + 1, Data: data}
		if k == model.Write || k == model.Read {
			o.Len = 8
		}
		o.Result.Size = int64(o.Len)
		return o
	}
	torn := append(bytesOf(4, 3), bytesOf(4, 4)...)
	for name, got := range map[string][]byte{"unwritten": bytesOf(8, 99), "torn": torn, "replaced": bytesOf(8, 1)} {
		history := []model.Op{op(model.Create, 1, 0), op(model.Write, 3, 1), op(model.Write, 5, 2)}
		for k := range 18 {
			w := op(model.Write, int64(10+k), byte(3+k))
			w.Host, w.Return, w.Result = model.Host(1+k%15), model.Never, model.Result{}
			history = append(history, w)
		}
		read := op(model.Read, 40, 0)
		read.Result = model.Result{Data: got}
		history = append(history, read)
		b.Run(name, func(b *testing.B) {
			judge := checker.New(0, model.Linearizable)
			steps, ops := limit(plainSteps), plainHistory(history)
			plain := timed(func() { porcupine.CheckOperations(plainModel(true, steps), ops) })
			var ours time.Duration
			n := 0
			for b.Loop() {
				ours += timed(func() {
					if judged(judge, history) != model.Violated {
						b.Fatal("not refuted")
					}
				})
				n++
			}
			b.ReportMetric(float64(plain)*float64(n)/float64(ours), "x-by-name")
		})
	}
}

func bytesOf(n int, w byte) []byte { return slices.Repeat([]byte{w}, n) }
