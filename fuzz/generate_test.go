package fuzz_test

import (
	"context"
	"os"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/model"
)

// draws is the Source of a property test.
type draws struct{ *rapid.T }

func (d draws) Intn(n int) int { return rapid.IntRange(0, n-1).Draw(d.T, "choice") }

// checkProgram fails if p is not valid or not within caps.
func checkProgram(t rapid.TB, p model.Program, caps model.Capabilities) {
	t.Helper()
	if err := p.Validate(); err != nil {
		t.Fatalf("%v%#v", err, p)
	}
	if most := min(max(caps.MaxHosts, 1), model.MaxHosts); p.Hosts > most {
		t.Fatalf("%d hosts of %d%#v", p.Hosts, most, p)
	}
	data := byte(0)
	for _, s := range p.Steps {
		if !caps.Kinds.Has(s.Kind) || s.Kind == model.Refresh {
			t.Fatalf("step %v is not within the capabilities%#v", s, p)
		}
		if s.Data != 0 && s.Data != data+1 {
			t.Fatalf("step %v: want data #%d%#v", s, data+1, p)
		}
		data = max(data, s.Data)
	}
	if len(p.Holds) > 0 && !caps.Holds {
		t.Fatalf("holds for a runner that has none%#v", p)
	}
}

func TestEveryProgramIsValid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		caps := model.Capabilities{
			Kinds:    model.KindSet(rapid.Uint64().Draw(t, "kinds")),
			MaxHosts: rapid.IntRange(-1, 20).Draw(t, "hosts"),
			Holds:    rapid.Bool().Draw(t, "holds"),
			Space:    model.Space{Blocks: rapid.SampledFrom([]int{0, 1, 5, 64, 8192, 1 << 40, -3}).Draw(t, "blocks")},
		}
		opts := fuzz.Options{Hosts: rapid.IntRange(-1, 20).Draw(t, "want hosts"), Steps: rapid.IntRange(-1, 300).Draw(t, "steps")}
		checkProgram(t, fuzz.Generate(draws{t}, caps, opts), caps)
		for run := range 20 {
			checkProgram(t, opts.Program(caps, run), caps)
		}
	})
}

func FuzzGenerate(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("any bytes will do: each is a choice"))
	f.Fuzz(func(t *testing.T, choices []byte) {
		caps := newToy().caps
		checkProgram(t, fuzz.Generate(&bytesSource{choices}, caps, fuzz.Options{}), caps)
	})
}

func TestNoChoicesMakeAPlainProgram(t *testing.T) {
	p := fuzz.Generate(&bytesSource{}, newToy().caps, fuzz.Options{})
	if p.Hosts != 2 || len(p.Steps) > 4 || len(p.Holds) > 0 || !slices.IsSorted(p.Unmounts) {
		t.Errorf("want two hosts, few steps, no holds:%#v", p)
	}
}

func TestRunNumberDecidesTheProgram(t *testing.T) {
	caps, opts := newToy().caps, fuzz.Options{Seed: 7}
	gen := fuzz.NewGenerator(caps, opts)
	var made []model.Program
	same := 0
	for run := range 500 {
		made = append(made, gen.Generate(fuzz.NewPCG(7, run)))
		if opts.Program(caps, run).String() == (fuzz.Options{Seed: 8}).Program(caps, run).String() {
			same++
		}
	}
	// Checked only now, so that memory shared between Programs would show.
	for run, p := range made {
		if want := opts.Program(caps, run); !reflect.DeepEqual(p, want) {
			t.Fatalf("run %d:%#vwant%#v", run, p, want)
		}
	}
	if same > 5 {
		t.Errorf("%d of 500 runs are the same for two seeds", same)
	}
}

func TestOptionsBoundHostsAndSteps(t *testing.T) {
	caps := newToy().caps
	for _, hosts := range []int{1, 2, 3, 9} {
		for run := range 200 {
			if p := (fuzz.Options{Hosts: hosts}).Program(caps, run); p.Hosts != min(hosts, caps.MaxHosts) {
				t.Fatalf("%d hosts; want %d", p.Hosts, hosts)
			}
		}
	}
	longest := 0
	for run := range 200 {
		longest = max(longest, len(fuzz.Options{Steps: 100}.Program(caps, run).Steps))
	}
	if longest < 60 || longest > 110 {
		t.Errorf("the longest Program of about 100 steps has %d", longest)
	}
}

// TestWhatACampaignReaches holds the generator to what it is for: every answer
// that the specification has, enough successes, enough holds.
func TestWhatACampaignReaches(t *testing.T) {
	runs := 50_000
	if os.Getenv("DOUBLEMOUNT_LONG") != "" {
		runs = 200_000
	}
	toy := newToy()
	gen := fuzz.NewGenerator(toy.caps, fuzz.Options{})
	var source fuzz.PCG
	var c fuzz.Counter
	steps, withHolds, fills, crossed := 0, 0, 0, 0
	for n := range runs {
		source.Reset(1, n)
		p := gen.Generate(&source)
		run, err := toy.Run(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		c.Count(&run)
		steps += len(p.Steps)
		if len(p.Holds) > 0 {
			withHolds++
		}
		if slices.ContainsFunc(p.Steps, func(s model.Step) bool { return s.Len > 200 }) {
			fills++
		}
		for _, h := range p.Holds {
			other := func(s model.Step) bool { return s.Host != p.Steps[h.Step-1].Host }
			if slices.ContainsFunc(p.Steps[h.Step:h.Until], other) {
				crossed++
			}
		}
	}
	for k := model.Create; k < model.Refresh; k++ {
		for _, e := range model.Results(k) {
			if n := c.Answers[k][e]; n < runs/10_000 {
				t.Errorf("%v was answered with %v %d times in %d runs", k, e, n, runs)
			}
		}
	}
	between := func(what string, part, whole, low, high int) {
		percent := part * 100 / whole
		t.Logf("%s: %d %%", what, percent)
		if percent < low || percent > high {
			t.Errorf("%s: %d %%; want %d to %d", what, percent, low, high)
		}
	}
	between("operations that succeeded", c.Succeeded, c.Attempted, 65, 90)
	between("operations skipped", c.Skipped, c.Attempted, 0, 8)
	between("runs with holds", withHolds, runs, 40, 50)
	between("holds with another host's step in their window", crossed, c.HoldsAsked, 100, 100)
	between("holds on steps that reach a file system", c.HoldsFired, c.HoldsAsked, 80, 100)
	between("runs that fill the disk", fills, runs, 1, 5)
	between("steps in a run", steps, runs*100, 7, 12)
	between("runs in which two hosts wrote one block", c.Collided, c.Traced, 50, 100)
	if weak := c.Weak(toy.caps); weak != nil {
		t.Errorf("weak: %q", weak)
	}
}

func TestLateMountsAndTurns(t *testing.T) {
	caps := newToy().caps
	late, turns := 0, 0
	for run := range 1000 {
		p := fuzz.Options{Hosts: 2}.Program(caps, run)
		if p.Steps[1].Kind != model.Mount || p.Steps[0].Kind != model.Mount {
			late++
		}
		for i := 1; i < len(p.Steps); i++ {
			if p.Steps[i-1].Kind == model.Unmount && p.Steps[i].Kind == model.Mount && p.Steps[i].Host != p.Steps[i-1].Host {
				turns++
				break
			}
		}
	}
	if late < 150 || late > 450 {
		t.Errorf("in %d of 1000 runs a host comes late", late)
	}
	if turns < 50 {
		t.Errorf("in %d of 1000 runs a host takes over from another", turns)
	}
}

func BenchmarkGenerate(b *testing.B) {
	gen := fuzz.NewGenerator(newToy().caps, fuzz.Options{})
	var source fuzz.PCG
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		source.Reset(1, n)
		gen.Generate(&source)
	}
}
