package fuzz_test

import (
	"context"
	"slices"
	"testing"

	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/model"
)

// flaky is a Runner that is not deterministic, as real hosts are not: it has its
// finding in some of the runs in which host A creates /a, and after each third of
// those not.
type flaky struct {
	shows []bool // by run, over and over
	runs  int
}

func (f *flaky) Capabilities() model.Capabilities {
	return model.Capabilities{Name: "flaky", MaxHosts: 2, Overlaps: true, Kinds: model.SetOf(model.Mount, model.Create, model.Remount, model.Unmount),
		Lacks: [model.MaxHosts]model.KindSet{0: model.SetOf(model.Remount, model.Unmount)}}
}

func (f *flaky) Run(_ context.Context, p model.Program) (model.Run, error) {
	run := model.Run{Program: p}
	if slices.ContainsFunc(p.Steps, func(s model.Step) bool { return s.Host == 0 && s.Kind == model.Create && s.Path == "/a" }) {
		if f.shows[f.runs%len(f.shows)] {
			run.Digest = 1
		}
		f.runs++
	}
	return run, nil
}

func judgeFlaky(run model.Run) []model.Verdict {
	v := model.Verdict{Guarantee: model.NothingLost.Name}
	if run.Digest == 1 {
		v.Outcome, v.Anomaly = model.Violated, model.LostFile
	}
	return []model.Verdict{v}
}

// TestMajority has findings that come back more and less often: those that mostly
// do are made small, the others are told of as they are.
func TestMajority(t *testing.T) {
	for _, test := range []struct {
		shows    []bool
		cameBack int
		small    bool
	}{
		{[]bool{true}, 5, true},
		{[]bool{true, true, true, true, false}, 4, true},
		{[]bool{true, false, false, false, false}, 1, false},
	} {
		r, err := fuzz.Hunt(t.Context(), &flaky{shows: test.shows}, judgeFlaky, fuzz.Options{Seed: 1, Hosts: 2, Runs: 40, First: true})
		if err != nil || len(r.Findings) != 1 {
			t.Fatalf("%v: %d findings, %v", test.shows, len(r.Findings), err)
		}
		f := r.Findings[0]
		if f.CameBack != test.cameBack || f.Reruns != 5 || (len(f.Program.Steps) == 1) != test.small || f.Cut == test.small {
			t.Errorf("%v: came back %d of %d, %d steps, cut %v:\n%v", test.shows, f.CameBack, f.Reruns, len(f.Program.Steps), f.Cut, f.Program)
		}
	}
}

// TestEnough ends a campaign in the middle of a batch, whose part counts.
func TestEnough(t *testing.T) {
	asked := 0
	opts := fuzz.Options{Seed: 1, Hosts: 2, Enough: func() bool { asked++; return asked > 11 }}
	r, err := fuzz.Hunt(t.Context(), &flaky{shows: []bool{false}}, judgeFlaky, opts)
	if err != nil || r.Ended != fuzz.EndedTime || r.Runs != 10 {
		t.Errorf("%d runs, ended %q, %v; want 10, time", r.Runs, r.Ended, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	opts = fuzz.Options{Seed: 1, Hosts: 2, Progress: func(run int, _ model.Program) {
		if run == 7 {
			cancel()
		}
	}}
	r, err = fuzz.Hunt(ctx, &flaky{shows: []bool{false}}, judgeFlaky, opts)
	if err != nil || r.Ended != fuzz.EndedSignal || r.Runs != 8 {
		t.Errorf("%d runs, ended %q, %v; want 8, signal", r.Runs, r.Ended, err)
	}
}

// TestSeen has findings that seldom come back: each has the run in which it was
// seen, of the program that is told.
func TestSeen(t *testing.T) {
	for _, shows := range [][]bool{{true}, {true, true, true, true, false}, {true, false, false, false, false, false, false}} {
		r, err := fuzz.Hunt(t.Context(), &flaky{shows: shows}, judgeFlaky, fuzz.Options{Seed: 1, Hosts: 2, Runs: 40, First: true})
		if err != nil || len(r.Findings) != 1 {
			t.Fatalf("%v: %d findings, %v", shows, len(r.Findings), err)
		}
		f := r.Findings[0]
		if f.Seen.Program.String() != f.Program.String() || !slices.ContainsFunc(judgeFlaky(f.Seen), f.Verdict.Same) {
			t.Errorf("%v: a finding of\n%v\nwith a run of\n%v\n%v", shows, f.Program, f.Seen.Program, judgeFlaky(f.Seen))
		}
	}
}

// TestLacks draws nothing that a host cannot do, and has who cannot leave there
// from the beginning; holds are drawn where steps can overlap.
func TestLacks(t *testing.T) {
	caps := (&flaky{}).Capabilities()
	gen := fuzz.NewGenerator(caps, fuzz.Options{Hosts: 2})
	remounts, holds := 0, 0
	for n := range 2000 {
		p := gen.Generate(fuzz.NewPCG(1, n))
		for i, s := range p.Steps {
			if caps.Lacks[s.Host].Has(s.Kind) {
				t.Fatalf("step %d of\n%v", i+1, p)
			}
			if s.Kind == model.Remount {
				remounts++
			}
		}
		if len(p.Steps) < 2 || p.Steps[0].Kind != model.Mount || p.Steps[1].Kind != model.Mount {
			t.Fatalf("one host is late in\n%v", p)
		}
		holds += len(p.Holds)
	}
	if remounts == 0 || holds == 0 {
		t.Errorf("%d remounts, %d holds", remounts, holds)
	}
}
