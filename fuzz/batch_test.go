package fuzz_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/model"
)

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func mustBatch(t *testing.T, r model.Runner, judge model.Judge, opts fuzz.Options, n int) fuzz.BatchResult {
	t.Helper()
	b, err := fuzz.RunBatch(context.Background(), r, judge, opts, n)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestShardsMergedAreOneRun(t *testing.T) {
	split := func() *toy { r := newToy(); r.split = true; return r }
	opts := fuzz.Options{Seed: 3, Runs: 7*fuzz.BatchRuns + 100, Limit: 150, Skip: map[int]bool{5: true, 600: true}}
	whole, err := fuzz.Hunt(context.Background(), split(), both, opts)
	if err != nil {
		t.Fatal(err)
	}
	if whole.Ended != fuzz.EndedRuns || whole.Runs != opts.Runs-2 || len(whole.Batches) != 8 || len(whole.Findings) != 2 || whole.Operations < whole.Runs {
		t.Fatalf("%+v", whole)
	}
	for seed := range uint64(5) {
		random := rand.New(rand.NewPCG(seed, 1))
		shards := make([]fuzz.Campaign, 3)
		for _, n := range random.Perm(8) {
			// Through JSON, as between processes, and a new Runner for each.
			if err := shards[random.IntN(3)].Add(through(t, mustBatch(t, split(), both, opts, n))); err != nil {
				t.Fatal(err)
			}
		}
		var merged fuzz.Campaign
		for _, i := range random.Perm(3) {
			if err := merged.AddResult(through(t, shards[i].Result(""))); err != nil {
				t.Fatal(err)
			}
		}
		if got := merged.Result(fuzz.EndedRuns); !reflect.DeepEqual(got, whole) {
			t.Fatalf("merged %+v\nwhole %+v", got, whole)
		}
		before := merged.Result("")
		if err := merged.AddResult(whole); !errors.Is(err, fuzz.ErrTwice) {
			t.Errorf("a batch counted twice: %v", err)
		}
		if !reflect.DeepEqual(merged.Result(""), before) {
			t.Error("an Add that failed left something behind")
		}
	}
}

func through[T any](t *testing.T, v T) (back T) {
	t.Helper()
	text, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(text, &back)
	}
	if err != nil {
		t.Fatal(err)
	}
	return back
}

func TestFindingsOfABatch(t *testing.T) {
	r := newToy()
	r.split = true
	b := mustBatch(t, r, both, fuzz.Options{}, 2)
	if len(b.Findings) != 2 || b.Findings[0].Verdict.Anomaly != model.LostFile || b.Findings[1].Verdict.Anomaly != model.TornWrite {
		t.Fatalf("%+v", b.Findings)
	}
	for _, f := range b.Findings {
		for n := 2 * fuzz.BatchRuns; n <= f.Run; n++ {
			run, err := r.Run(context.Background(), fuzz.Options{}.Program(r.caps, n))
			if err != nil {
				t.Fatal(err)
			}
			if seen := slices.ContainsFunc(both(run), f.Verdict.Same); seen != (n == f.Run) {
				t.Errorf("%v is of run %d, but run %d: %v", f.Verdict.Anomaly, f.Run, n, seen)
			}
		}
		if f.Original < len(f.Program.Steps) || f.Executions == 0 || f.Cut {
			t.Errorf("%+v", f)
		}
	}
}

func TestHuntStopsAtTheFirstFinding(t *testing.T) {
	r := newToy()
	r.split = true
	got, err := fuzz.Hunt(context.Background(), r, twoCreators, fuzz.Options{First: true})
	if err != nil || got.Ended != fuzz.EndedFirst || len(got.Batches) != 1 || len(got.Findings) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestHuntEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	opts := fuzz.Options{Progress: func(run int, _ model.Program) {
		if run == 2*fuzz.BatchRuns+9 {
			cancel()
		}
	}}
	got, err := fuzz.Hunt(ctx, newToy(), content, opts)
	if err != nil || got.Ended != fuzz.EndedSignal || got.Runs != 2*fuzz.BatchRuns || len(got.Findings) != 0 {
		t.Errorf("cancelled: %s after %d runs, %v", got.Ended, got.Runs, err)
	}
	late, cancel := context.WithTimeout(context.Background(), 0)
	defer cancel()
	if got, err = fuzz.Hunt(late, newToy(), content, opts); err != nil || got.Ended != fuzz.EndedTime || got.Runs != 0 {
		t.Errorf("out of time: %s after %d runs, %v", got.Ended, got.Runs, err)
	}
}

func TestProgressAndSkip(t *testing.T) {
	r := newToy()
	r.split = true
	skip := map[int]bool{0: true, 3: true}
	told := map[int]int{}
	b := mustBatch(t, r, twoCreators, fuzz.Options{Skip: skip, Progress: func(run int, p model.Program) {
		if told[run]++; told[run] == 1 && p.String() != (fuzz.Options{}).Program(r.caps, run).String() {
			t.Errorf("run %d was announced with another Program", run)
		}
	}}, 0)
	found, all := b.Findings[0].Run, 0
	for n := range fuzz.BatchRuns {
		want := 1
		switch {
		case skip[n]:
			want = 0
		case n == found:
			want = 2 + b.Findings[0].Executions
		case n == 1: // the first that is run
			want = 2
		}
		if all += want; told[n] != want {
			t.Errorf("run %d was announced %d times; want %d", n, told[n], want)
		}
	}
	if r.runs != all {
		t.Errorf("%d executions; want %d", r.runs, all)
	}
}

func TestNondeterminism(t *testing.T) {
	r := newToy()
	r.flaky, r.split = true, true
	b := mustBatch(t, r, twoCreators, fuzz.Options{}, 1)
	if len(b.Nondeterministic) < 2 || b.Nondeterministic[0] != fuzz.BatchRuns || len(b.Findings) != 0 {
		t.Errorf("nondeterministic %v, %d findings", b.Nondeterministic, len(b.Findings))
	}
	r.caps.Deterministic = false
	b = mustBatch(t, r, twoCreators, fuzz.Options{}, 1)
	if len(b.Nondeterministic) != 0 || len(b.Findings) != 1 {
		t.Errorf("a runner that promises nothing: nondeterministic %v, %d findings", b.Nondeterministic, len(b.Findings))
	}
}

func TestHarnessErrors(t *testing.T) {
	r := newToy()
	r.broke = func(p model.Program) error {
		if p.Hosts == 3 {
			return errHarness
		}
		return nil
	}
	b := mustBatch(t, r, content, fuzz.Options{}, 0)
	if b.HarnessErrors < 20 || b.Runs != fuzz.BatchRuns || b.Coverage.Runs != b.Runs-b.HarnessErrors || len(b.Failures) != 10 {
		t.Fatalf("%d errors, %d runs, %d counted, %d in words", b.HarnessErrors, b.Runs, b.Coverage.Runs, len(b.Failures))
	}
	for _, f := range b.Failures {
		if p := (fuzz.Options{}).Program(r.caps, f.Run); p.Hosts != 3 || f.Text != errHarness.Error() {
			t.Errorf("%+v", f)
		}
	}
	r.broke = func(model.Program) error { return errHarness }
	if got, err := fuzz.Hunt(context.Background(), r, content, fuzz.Options{}); err == nil || got.Runs != fuzz.BatchRuns {
		t.Errorf("a harness that cannot run anything: %d runs, %v", got.Runs, err)
	}
}

func TestInconclusive(t *testing.T) {
	unsure := func(run model.Run) []model.Verdict {
		return append(twoCreators(run), model.Verdict{Guarantee: model.NothingLost.Name, Outcome: model.Inconclusive, Limit: "patience"})
	}
	r := newToy()
	r.split = true
	b := mustBatch(t, r, unsure, fuzz.Options{}, 0)
	violated := 0
	for n := range fuzz.BatchRuns {
		if _, ok := violation(t, r, twoCreators, fuzz.Options{}.Program(r.caps, n)); ok {
			violated++
		}
	}
	if violated == 0 || b.Inconclusive != fuzz.BatchRuns-violated {
		t.Errorf("%d inconclusive, %d violated of %d", b.Inconclusive, violated, b.Runs)
	}
}

func TestBatchesAtTheEdges(t *testing.T) {
	for _, n := range []int{-1, math.MaxInt} {
		if _, err := fuzz.RunBatch(context.Background(), newToy(), content, fuzz.Options{}, n); err == nil {
			t.Errorf("batch %d was run", n)
		}
	}
	if b := mustBatch(t, newToy(), content, fuzz.Options{Runs: 10}, 1); b.Runs != 0 || b.Digest != 0 {
		t.Errorf("a batch past the end has %d runs", b.Runs)
	}
	a, b := mustBatch(t, newToy(), content, fuzz.Options{}, 0), mustBatch(t, newToy(), content, fuzz.Options{Seed: 1}, 0)
	if a.Digest == b.Digest {
		t.Error("two seeds, one digest")
	}
}

func BenchmarkMinimise(b *testing.B) {
	toy := newToy()
	toy.split = true
	var p model.Program
	var want model.Verdict
	for n, ok := 0, false; !ok || len(p.Steps) < 14; n++ {
		p = fuzz.Options{}.Program(toy.caps, n)
		want, ok = violation(b, toy, twoCreators, p)
	}
	executions := 0
	b.ReportAllocs()
	for b.Loop() {
		_, _, n, err := fuzz.Minimise(context.Background(), toy, twoCreators, p, want)
		if err != nil {
			b.Fatal(err)
		}
		executions = n
	}
	b.ReportMetric(float64(executions), "executions/op")
}
