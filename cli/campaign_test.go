package cli

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
	"github.com/doublemount/doublemount/sim/designs"
)

// newCampaign is one that no child works for.
func newCampaign(first bool, runs int) *campaign {
	return &campaign{first: first, order: job{Runs: runs}, stopAt: -1,
		waiting: map[int]fuzz.BatchResult{}, deaths: map[string]*death{}, kinds: map[string]bool{}}
}

func batch(n int, findings ...fuzz.Finding) fuzz.BatchResult {
	return fuzz.BatchResult{Batch: n, Digest: uint64(100 + n), Tally: fuzz.Tally{Runs: fuzz.BatchRuns, Findings: findings}}
}

// Batches that come in another order make the same result, and with --first
// those above the first finding do not count, however early they came.
func TestOrderOfBatches(t *testing.T) {
	f := finding("a proof")
	for _, test := range []struct {
		name    string
		first   bool
		batches []fuzz.BatchResult
		runs    int
		ended   string
	}{
		{"all", false, []fuzz.BatchResult{batch(0), batch(1, f), batch(2), batch(3, f)}, 4 * fuzz.BatchRuns, fuzz.EndedRuns},
		{"first", true, []fuzz.BatchResult{batch(0), batch(1, f), batch(2), batch(3, f)}, 2 * fuzz.BatchRuns, fuzz.EndedFirst},
		{"first of none", true, []fuzz.BatchResult{batch(0), batch(1)}, 2 * fuzz.BatchRuns, fuzz.EndedRuns},
	} {
		var want fuzz.Result
		for i, order := range permutations(len(test.batches)) {
			c := newCampaign(test.first, len(test.batches)*fuzz.BatchRuns)
			for range test.batches {
				if _, ok := c.take(context.Background()); !ok {
					t.Fatalf("%s: no batch to take", test.name)
				}
			}
			for _, n := range order {
				if err := c.put(test.batches[n]); err != nil {
					t.Fatal(err)
				}
			}
			if _, ok := c.take(context.Background()); ok {
				t.Fatalf("%s: a batch too many", test.name)
			}
			got, err := c.result()
			if err != nil {
				t.Fatal(err)
			}
			if got.Runs != test.runs || got.Ended != test.ended {
				t.Errorf("%s in order %v: %d runs, ended %q; want %d, %q", test.name, order, got.Runs, got.Ended, test.runs, test.ended)
			}
			if i == 0 {
				want = got
			}
			if got.Digest != want.Digest || len(got.Findings) != len(want.Findings) {
				t.Errorf("%s in order %v: another result", test.name, order)
			}
		}
	}
}

func permutations(n int) [][]int {
	if n == 0 {
		return [][]int{nil}
	}
	var all [][]int
	for _, p := range permutations(n - 1) {
		for i := range n {
			all = append(all, slices.Insert(slices.Clone(p), i, n-1))
		}
	}
	return all
}

// An interrupted hunt counts no batch behind a gap, and keeps its findings.
func TestFindingBehindAGap(t *testing.T) {
	c := newCampaign(false, 0)
	ctx, cancel := context.WithCancel(context.Background())
	for range 3 {
		c.take(ctx)
	}
	cancel()
	for _, b := range []fuzz.BatchResult{batch(0), batch(2, finding("a proof"))} {
		if err := c.put(b); err != nil {
			t.Fatal(err)
		}
	}
	c.take(ctx)
	r, err := c.result()
	if err != nil || r.Ended != fuzz.EndedSignal || r.Runs != fuzz.BatchRuns || len(r.Findings) != 1 {
		t.Errorf("ended %q, %d runs, %d findings, %v; want signal, %d, 1", r.Ended, r.Runs, len(r.Findings), err, fuzz.BatchRuns)
	}
}

func TestExitCode(t *testing.T) {
	one := []fuzz.Finding{finding("a proof")}
	for _, test := range []struct {
		name   string
		result fuzz.Result
		weak   []string
		want   int
	}{
		{"clean", fuzz.Result{Ended: fuzz.EndedRuns, Tally: fuzz.Tally{Runs: 1}}, nil, 0},
		{"found", fuzz.Result{Ended: fuzz.EndedRuns, Tally: fuzz.Tally{Runs: 1, Findings: one}}, nil, 1},
		{"found and interrupted", fuzz.Result{Ended: fuzz.EndedSignal, Tally: fuzz.Tally{Runs: 1, Findings: one}}, nil, 1},
		{"found and undecided", fuzz.Result{Ended: fuzz.EndedRuns, Tally: fuzz.Tally{Runs: 2, Findings: one, Inconclusive: 1}}, nil, 1},
		{"found and failed", fuzz.Result{Ended: fuzz.EndedRuns, Tally: fuzz.Tally{Runs: 2, Findings: one, HarnessErrors: 1}}, nil, 3},
		{"differs", fuzz.Result{Ended: fuzz.EndedRuns, Tally: fuzz.Tally{Runs: 2, Nondeterministic: []int{1}}}, nil, 3},
		{"undecided", fuzz.Result{Ended: fuzz.EndedRuns, Tally: fuzz.Tally{Runs: 2, Inconclusive: 1}}, nil, 4},
		{"interrupted", fuzz.Result{Ended: fuzz.EndedSignal, Tally: fuzz.Tally{Runs: 1}}, nil, 4},
		{"weak", fuzz.Result{Ended: fuzz.EndedTime, Tally: fuzz.Tally{Runs: 1}}, []string{"little"}, 4},
		{"nothing", fuzz.Result{Ended: fuzz.EndedTime}, nil, 4},
	} {
		if got := (summary{result: test.result, weak: test.weak}).code(); got != test.want {
			t.Errorf("%s: exit code %d; want %d", test.name, got, test.want)
		}
	}
}

func TestNames(t *testing.T) {
	for _, name := range []string{"local", "single/no-lock"} {
		if d, err := lookup(designs.All(), name); err != nil || d.Name != name {
			t.Errorf("%s: %q, %v", name, d.Name, err)
		}
	}
	named := func(name string) sim.Design { return sim.Design{Name: name, Guarantee: model.NothingLost} }
	for i, bad := range [][]sim.Design{nil, {named("")}, {named("Mine")}, {named("a b")}, {named("a\nkeeps: b")}, {named("a"), named("a")}, {{Name: "a"}}} {
		if checkDesigns(bad) == nil {
			t.Errorf("no error for bad designs number %d", i)
		}
	}
	built := named("built")
	built.Guarantee.StrictReaddir = true
	if err := checkDesigns([]sim.Design{built}); err == nil || !strings.Contains(err.Error(), "hint: use the value that its method Named makes, nothing-lost+strict-readdir") {
		t.Errorf("a guarantee that has another's name: %v", err)
	}
	built.Guarantee = built.Guarantee.Named()
	if err := checkDesigns([]sim.Design{built}); err != nil {
		t.Error(err)
	}
	if err := checkDesigns(designs.All()); err != nil {
		t.Error(err)
	}
	for arg, want := range map[string]string{"a/b-1.case": "a/b-1.case", "": "''", "a b": "'a b'", "it's": `'it'\''s'`, "$x": "'$x'"} {
		if got := quoteArg(arg); got != want {
			t.Errorf("quoteArg(%q) = %s; want %s", arg, got, want)
		}
	}
}
