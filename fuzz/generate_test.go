package fuzz_test

import (
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
	var whole, words bool // locked
	for _, s := range p.Steps {
		if s.Kind == model.Lock || s.Kind == model.Unlock {
			whole, words = whole || s.Len == 0, words || s.Len > 0
		}
		if !caps.Kinds.Has(s.Kind) || s.Kind == model.Refresh {
			t.Fatalf("step %v is not within the capabilities%#v", s, p)
		}
		if s.Data != 0 && s.Data != data+1 {
			t.Fatalf("step %v: want data #%d%#v", s, data+1, p)
		}
		data = max(data, s.Data)
		if !caps.Survives.Has(s.Fault()) {
			t.Fatalf("step %v is %v, which is not in the budget %v%#v", s, s.Fault(), caps.Survives, p)
		}
		if s.Direct && !caps.Direct {
			t.Fatalf("step %v goes past a cache that nothing goes past%#v", s, p)
		}
	}
	if words && !caps.Ranges || words && whole && caps.LocksApart {
		t.Fatalf("locks of words, and of whole files: %v; want ranges %v, apart %v%#v", whole, caps.Ranges, caps.LocksApart, p)
	}
	for _, k := range p.Strikes {
		if !caps.Survives.Has(k.Kind.Fault()) {
			t.Fatalf("%v is %v, which is not in the budget %v%#v", k, k.Kind.Fault(), caps.Survives, p)
		}
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
			Survives: model.Faults(rapid.Uint32().Draw(t, "survives")),
			Direct:   rapid.Bool().Draw(t, "direct"),
			Ranges:   rapid.Bool().Draw(t, "ranges"),
			Space:    model.Space{Blocks: rapid.SampledFrom([]int{0, 1, 5, 64, 8192, 1 << 40, -3}).Draw(t, "blocks")},
		}
		caps.LocksApart = rapid.Bool().Draw(t, "locks apart")
		opts := fuzz.Options{Hosts: rapid.IntRange(-1, 20).Draw(t, "want hosts"), Steps: rapid.IntRange(-1, 300).Draw(t, "steps")}
		if rapid.Bool().Draw(t, "narrow") {
			opts.Faults = model.Faults(rapid.Uint32().Draw(t, "faults"))
		}
		within := opts.Within(caps)
		if again := opts.Within(within); !reflect.DeepEqual(again, within) {
			t.Fatalf("narrowing %+v once more gives %+v", within, again)
		}
		checkProgram(t, fuzz.Generate(draws{t}, caps, opts), within)
		for run := range 20 {
			checkProgram(t, opts.Program(caps, run), within)
		}
	})
}

// Where whole files and words are locked by two kinds of lock, runs of either kind
// are made; for others some have both.
func TestLocksOfOneKindInARun(t *testing.T) {
	caps := newToy().caps
	caps.Ranges = true
	for _, apart := range []bool{false, true} {
		caps.LocksApart = apart
		runs := map[[2]bool]int{} // by which kinds there are
		for run := range 3_000 {
			p := fuzz.Options{Seed: 5}.Program(caps, run)
			checkProgram(t, p, caps)
			var has [2]bool
			for _, s := range p.Steps {
				if s.Kind == model.Lock {
					has[min(s.Len, 1)] = true
				}
			}
			runs[has]++
		}
		if runs[[2]bool{true, false}] < 40 || runs[[2]bool{false, true}] < 40 || (runs[[2]bool{true, true}] == 0) != apart {
			t.Errorf("apart: %v: runs by kinds of lock: %v", apart, runs)
		}
	}
}

func FuzzGenerate(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("any bytes will do: each is a choice"))
	f.Fuzz(func(t *testing.T, choices []byte) {
		for _, caps := range []model.Capabilities{newToy().caps, newHardy().caps} {
			checkProgram(t, fuzz.Generate(&bytesSource{choices}, caps, fuzz.Options{}), caps)
		}
	})
}

func TestNoChoicesMakeAPlainProgram(t *testing.T) {
	for _, caps := range []model.Capabilities{newToy().caps, newHardy().caps} {
		p := fuzz.Generate(&bytesSource{}, caps, fuzz.Options{})
		if p.Hosts != 2 || len(p.Steps) > 4 || len(p.Holds)+len(p.Strikes) > 0 || !slices.IsSorted(p.Unmounts) {
			t.Errorf("want two hosts, few steps, no holds:%#v", p)
		}
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
	for _, toy := range []*toy{newToy(), newHardy()} {
		b.Run(toy.caps.Survives.String(), func(b *testing.B) {
			gen := fuzz.NewGenerator(toy.caps, fuzz.Options{})
			var source fuzz.PCG
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				source.Reset(1, n)
				gen.Generate(&source)
			}
		})
	}
}
