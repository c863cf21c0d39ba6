package fuzz_test

import (
	"context"
	"errors"
	"math/bits"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/model"
)

// violation is the first violation that judge sees in p, if any.
func violation(t rapid.TB, r model.Runner, judge model.Judge, p model.Program) (model.Verdict, bool) {
	t.Helper()
	run, err := r.Run(context.Background(), p)
	if err != nil {
		t.Fatalf("%v%#v", err, p)
	}
	for _, v := range judge(run) {
		if v.Outcome == model.Violated {
			return v, true
		}
	}
	return model.Verdict{}, false
}

func TestMinimisedToTheLeast(t *testing.T) {
	on := func(s model.Step, h model.Host, k model.Kind, path model.Path) bool {
		return s.Host == h && s.Kind == k && s.Path == path
	}
	for _, test := range []struct {
		name  string
		split bool
		judge model.Judge
		least func(p model.Program) bool
	}{
		{"two creators", true, twoCreators, func(p model.Program) bool {
			creators := 0 // and a mount for each
			for _, s := range p.Steps {
				if s.Kind == model.Create && s.Path == "/a" {
					creators++
				}
			}
			return len(p.Steps) == 4 && creators == 2 && len(p.Holds) == 0
		}},
		{"an overlap", false, overlapped, func(p model.Program) bool {
			write := model.Step{Host: 0, Kind: model.Write, Path: "/a", Len: model.WordsPerBlock, Data: 1}
			return len(p.Steps) == 3 && on(p.Steps[0], 0, model.Mount, "") && p.Steps[1] == write &&
				on(p.Steps[2], 1, p.Steps[2].Kind, "/a") &&
				len(p.Holds) == 1 && p.Holds[0] == model.Hold{Step: 2, At: p.Holds[0].At, N: 1, Until: 3}
		}},
	} {
		toy := newToy()
		toy.split = test.split
		found := 0
		for n := 0; found < 30; n++ {
			p := fuzz.Options{}.Program(toy.caps, n)
			want, ok := violation(t, toy, test.judge, p)
			if !ok {
				continue
			}
			found++
			small, v, executions, err := fuzz.Minimise(context.Background(), toy, test.judge, p, want)
			if err != nil || !v.Same(want) || executions < 1 {
				t.Fatalf("%s: run %d: %+v after %d executions, %v", test.name, n, v, executions, err)
			}
			if small.Hosts != 2 || small.Unmounts[0] != 0 || !test.least(small) {
				t.Errorf("%s: run %d:%#v\nbecame%#v", test.name, n, p, small)
			}
		}
	}
}

// TestMinimalIsOneMinimal minimises Programs of any kind under a judge that
// wants an arbitrary set of things at once, and takes everything away again.
func TestMinimalIsOneMinimal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		toy := newToy()
		if rapid.Bool().Draw(t, "faults") {
			toy = newHardy()
		}
		p := fuzz.Generate(draws{t}, toy.caps, fuzz.Options{Steps: 30})
		judge := needs(rapid.Uint64().Draw(t, "needs"), p)
		want, ok := violation(t, toy, judge, p)
		if !ok {
			t.Fatalf("the judge must object to the whole%#v", p)
		}
		text := p.String()
		m := fuzz.Minimiser{Runner: toy, Judge: judge, Limit: 1e6}
		small, err := m.Minimise(context.Background(), p, want)
		if err != nil || small.Cut {
			t.Fatalf("cut: %v, %v", small.Cut, err)
		}
		if p.String() != text {
			t.Fatalf("the Program given was changed%#v", p)
		}
		checkProgram(t, small.Program, toy.caps)
		if v, ok := violation(t, toy, judge, small.Program); !ok || !v.Same(want) || !small.Verdict.Same(want) {
			t.Fatalf("the finding is gone from%#v", small.Program)
		}
		for _, q := range fuzz.OneAway(small.Program) {
			if err := q.Validate(); err != nil {
				t.Fatalf("%v%#v", err, q)
			}
			if v, ok := violation(t, toy, judge, q); ok && v.Same(want) {
				t.Fatalf("%#v\nwas made of%#v\nbut this is enough%#v", small.Program, p, q)
			}
		}
		again, err := m.Minimise(context.Background(), small.Program, want)
		if err != nil || again.Program.String() != small.Program.String() {
			t.Fatalf("minimising twice: %v%#v\nbecame%#v", err, small.Program, again.Program)
		}
	})
}

// needs is a judge that objects as long as some features of p, picked by a number,
// are all still there.
func needs(picks uint64, p model.Program) model.Judge {
	features := func(p model.Program) map[string]int {
		count := map[string]int{}
		for _, s := range p.Steps {
			count[s.Kind.String()]++
			count["words"] += int(s.Len)
			if s.File != 0 {
				count["handle "+s.Kind.String()]++
			}
			if s.Direct {
				count["direct"]++
			}
			if s.To != "" {
				count["depth"] += strings.Count(string(s.To), "/")
			}
			if s.Kind == model.Crash || s.Kind == model.PowerLoss || s.Kind == model.DiskReset {
				count["kept"] += bits.OnesCount32(uint32(s.Off))
			}
			if s.Host != 0 && s.Path != "" {
				count["other host on "+string(s.Path)]++
			}
		}
		for _, h := range p.Holds {
			count["hold at "+h.At.String()]++
			count["hold over"] += h.Until - h.Step
		}
		for _, k := range p.Strikes {
			count[k.Kind.String()]++
			count["strike at "+k.At.String()]++
			count["strike"] += k.Arg
		}
		if p.Unmounts[0] != 0 {
			count["B unmounts first"]++
		}
		return count
	}
	whole, want := features(p), map[string]int{}
	for _, name := range sorted(whole) {
		if picks&1 == 1 {
			want[name] = (whole[name] + 1) / 2
		}
		picks = picks>>1 | picks<<63
	}
	return func(run model.Run) []model.Verdict {
		v := model.Verdict{Guarantee: model.Fsck.Name, Outcome: model.Violated, Anomaly: model.DoubleFree}
		have := features(run.Program)
		for name, n := range want {
			if have[name] < n {
				v.Outcome, v.Anomaly = model.Held, model.NoAnomaly
			}
		}
		return []model.Verdict{v}
	}
}

func TestMinimiserPlainsEverything(t *testing.T) {
	p := model.Program{Hosts: 3, Unmounts: []model.Host{2, 0, 1}, Steps: []model.Step{
		{Host: 2, Kind: model.Mount},
		{Host: 1, Kind: model.Mount},
		{Host: 2, Kind: model.Mkdir, Path: "/zoo"},
		{Host: 2, Kind: model.Create, Path: "/zoo/lion"},
		{Host: 2, Kind: model.Open, Path: "/zoo/lion", File: 3},
		{Host: 2, Kind: model.Append, File: 3, Len: 19, Data: 7},
		{Host: 1, Kind: model.Reboot},
		{Host: 1, Kind: model.Writeback, Len: 3},
		{Host: 1, Kind: model.Read, Path: "/zoo/lion", Off: 11, Len: 3},
	}}
	// Wanted: an unmount of one host, later a read of what the other has written.
	judge := func(run model.Run) []model.Verdict {
		gone, wrote, seen := map[model.Host]bool{}, false, false
		for _, op := range run.History {
			switch {
			case op.Kind == model.Unmount && op.Succeeded():
				gone[op.Host] = true
			case (op.Kind == model.Write || op.Kind == model.Append) && op.Succeeded():
				wrote = true
			case op.Kind == model.Read && len(op.Result.Data) > 0 && wrote && gone[op.Host]:
				seen = true
			}
		}
		v := model.Verdict{Guarantee: model.Linearizable.Name}
		if seen {
			v.Outcome, v.Anomaly = model.Violated, model.StaleRead
		}
		return []model.Verdict{v}
	}
	toy := newToy()
	want, ok := violation(t, toy, judge, p)
	if !ok {
		t.Fatal("the judge does not object")
	}
	small, _, _, err := fuzz.Minimise(context.Background(), toy, judge, p, want)
	if err != nil {
		t.Fatal(err)
	}
	const least = `1 A mount
2 A create /a
3 A write /a 0 8 #1
4 A remount
5 A read /a 0 8
end A unmount
`
	if small.String() != least {
		t.Errorf("got%#v\nwant\n%s", small, least)
	}
}

func TestMinimiserStops(t *testing.T) {
	toy := newToy()
	toy.split = true
	var p model.Program
	var want model.Verdict
	for n, ok := 0, false; !ok || len(p.Steps) < 12; n++ {
		p = fuzz.Options{}.Program(toy.caps, n)
		want, ok = violation(t, toy, twoCreators, p)
	}
	toy.runs = 0
	told := 0
	m := fuzz.Minimiser{Runner: toy, Judge: twoCreators, Limit: 7, Progress: func(model.Program) { told++ }}
	small, err := m.Minimise(context.Background(), p, want)
	if err != nil || !small.Cut || small.Executions != 7 || toy.runs != 7 || told != 7 {
		t.Errorf("limit 7: %d executions, %d runs, told of %d, cut %v, %v", small.Executions, toy.runs, told, small.Cut, err)
	}
	if v, ok := violation(t, toy, twoCreators, small.Program); !ok || !v.Same(want) {
		t.Errorf("what a limit left is no finding%#v", small.Program)
	}

	ctx, cancel := context.WithCancel(context.Background())
	m.Progress, m.Limit = func(model.Program) { cancel() }, 0
	if small, err = m.Minimise(ctx, p, want); !errors.Is(err, context.Canceled) || small.Executions != 1 {
		t.Errorf("cancelled at the first execution: %d, %v", small.Executions, err)
	}
	if _, err := m.Minimise(context.Background(), model.Program{}, want); !errors.Is(err, model.ErrProgram) {
		t.Errorf("a bad Program: %v", err)
	}

	// A candidate that cannot be run is passed over.
	toy.broke = func(q model.Program) error {
		if len(q.Steps) < 6 {
			return errHarness
		}
		return nil
	}
	m.Progress = nil
	if small, err = m.Minimise(context.Background(), p, want); err != nil || len(small.Program.Steps) != 6 {
		t.Errorf("with a harness that runs nothing below 6 steps: %v%#v", err, small.Program)
	}
}

func TestOneAwayFixesNumbers(t *testing.T) {
	sync := func(h model.Host) model.Step { return model.Step{Host: h, Kind: model.Sync} }
	p := model.Program{Hosts: 2, Unmounts: []model.Host{0, 1}, Steps: []model.Step{sync(0), sync(1), sync(0)},
		Holds: []model.Hold{{Step: 1, At: model.WriteCommand, N: 1, Until: 2}, {Step: 2, At: model.WriteCommand, N: 1, Until: 3}}}
	const end = "end A unmount\nend B unmount\n"
	want := []string{
		"1 A sync\n2 B sync\nhold 1 at write#1 until 2\n" + end,           // without 3: no later step to wait for
		"1 A sync\n2 B sync\nhold 1 at write#1 until 2\n" + end,           // the same, hold dropped
		"1 A sync\n2 A sync\nhold 1 at write#1 until 2\n" + end,           // without 2: wait for what is 2 now
		"1 A sync\n2 A sync\n" + end,                                      // ... or not at all
		"1 B sync\n2 A sync\nhold 1 at write#1 until 2\n" + end,           // without 1
		"1 A sync\n2 B sync\n3 A sync\nhold 2 at write#1 until 3\n" + end, // without the first hold
		"1 A sync\n2 B sync\n3 A sync\nhold 1 at write#1 until 2\n" + end, // without the second
	}
	got := fuzz.OneAway(p)
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i].String() != want[i] {
			t.Fatalf("candidate %d of %d is not as wanted: %v", i, len(got), got)
		}
	}
	p.Holds = nil
	p.Strikes = []model.Strike{{Step: 1, At: model.SendCommand, N: 1, Kind: model.Delay, Arg: 2}, {Step: 3, At: model.WriteCommand, N: 1, Kind: model.Fail}}
	want = []string{
		"1 A sync\n2 B sync\nstrike 1 at send#1 delay 2\n" + end,                           // without 3 and what strikes it
		"1 A sync\n2 A sync\nstrike 1 at send#1 delay 2\nstrike 2 at write#1 fail\n" + end, // without 2: late until what is 2 now
		"1 A sync\n2 A sync\nstrike 2 at write#1 fail\n" + end,                             // ... or not at all
		"1 B sync\n2 A sync\nstrike 2 at write#1 fail\n" + end,                             // without 1
		"1 A sync\n2 B sync\n3 A sync\nstrike 3 at write#1 fail\n" + end,                   // without the first strike
		"1 A sync\n2 B sync\n3 A sync\nstrike 1 at send#1 delay 2\n" + end,                 // without the second
	}
	got = fuzz.OneAway(p)
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i].String() != want[i] {
			t.Fatalf("candidate %d of %d is not as wanted: %v", i, len(got), got)
		}
	}
	if len(fuzz.OneAway(model.Program{Hosts: 1, Unmounts: []model.Host{0}})) != 0 {
		t.Error("something can be taken away from nothing")
	}
}
