package fuzz_test

import (
	"context"
	"slices"
	"testing"

	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/model"
)

// TestMinimiserPlainsFaults wants of each fault something that a plainer one has
// too.
func TestMinimiserPlainsFaults(t *testing.T) {
	const A, B, all = model.Host(0), model.Host(1), model.Everyone
	p := model.Program{Hosts: 3, Unmounts: []model.Host{2, 0, 1}, Steps: []model.Step{
		{Host: B, Kind: model.Mount},
		{Host: A, Kind: model.Mount},
		{Host: B, Kind: model.Create, Path: "/zoo"},
		{Host: B, Kind: model.Pause},
		{Host: B, Kind: model.Partition, Off: 1 + 2},
		{Host: B, Kind: model.Resume},
		{Host: B, Kind: model.Write, Path: "/zoo", Off: 8, Len: 16, Data: 9, Direct: true},
		{Host: B, Kind: model.Writeback, Off: 2, Len: 3},
		{Host: all, Kind: model.PowerLoss, Off: 1<<9 | 1<<4 | 1},
		{Host: B, Kind: model.Mount},
		{Host: B, Kind: model.Tick, Len: 700},
		{Host: B, Kind: model.Heal, Off: 1 + 2},
		{Host: B, Kind: model.Rename, Path: "/zoo", To: "/den"},
		{Host: A, Kind: model.Sync},
	}, Holds: []model.Hold{{Step: 7, At: model.WriteCommand, N: 2, Until: 9}},
		Strikes: []model.Strike{
			{Step: 7, At: model.WriteCommand, N: 2, Kind: model.Misdirect, Arg: 30},
			{Step: 8, At: model.WriteCommand, N: 2, Kind: model.FailOn},
			{Step: 13, At: model.SendCommand, N: 2, Kind: model.Delay, Arg: 14},
		}}
	// Wanted: a write that a crash leaves unanswered, with one block kept or more;
	// later, on the same host, at least 5 ticks and a change of the name; a strike
	// of the disk and one of the network; a partition, healed.
	judge := func(run model.Run) []model.Verdict {
		var crashed [model.MaxHosts]bool
		ticks, changed, parted, healed := 0, false, false, false
		for i, op := range run.History {
			switch s := op.AsStep(); {
			case op.Skipped:
			case s.Kind == model.Crash || s.Kind == model.PowerLoss:
				for _, before := range run.History[:i] {
					if before.Kind == model.Write && before.Pending() && s.Off != 0 {
						crashed[before.Host] = true
					}
				}
			case s.Kind == model.Tick:
				ticks += int(s.Len)
			case s.Kind == model.Partition:
				parted = true
			case s.Kind == model.Heal:
				healed = parted
			case s.Kind.Changes() && s.Kind != model.Write && op.Succeeded() && crashed[op.Host] && ticks >= 5:
				changed = true
			}
		}
		var struck model.Faults
		for i, k := range run.Program.Strikes {
			if run.Strikes[i] {
				struck |= k.Kind.Fault()
			}
		}
		v := model.Verdict{Guarantee: model.Linearizable.Name}
		if changed && healed && struck.Has(model.IOErrors|model.LostMessages|model.LyingDisk) {
			v.Outcome, v.Anomaly = model.Violated, model.TornWrite
		}
		return []model.Verdict{v}
	}
	toy := newHardy()
	want, ok := violation(t, toy, judge, p)
	if !ok {
		t.Fatal("the judge does not object")
	}
	small, _, _, err := fuzz.Minimise(context.Background(), toy, judge, p, want)
	if err != nil {
		t.Fatal(err)
	}
	const least = `1 A mount
2 A partition
3 A write /a 0 8 #1
4 A writeback
5 A crash keep 1
6 A mount
7 all tick 5
8 A heal
9 A create /a
hold 3 at write#1 until 5
strike 3 at write#1 lose
strike 4 at write#1 fail
strike 9 at send#1 drop
end A unmount
`
	if small.String() != least {
		t.Errorf("got%#v\nwant\n%s", small, least)
	}
}

// TestPairsGoTogether has a finding that is gone while a host is paused for
// good, or crashed for good: taking one step away alone does not help.
func TestPairsGoTogether(t *testing.T) {
	mount := func(h model.Host) model.Step { return model.Step{Host: h, Kind: model.Mount} }
	create := model.Step{Host: 1, Kind: model.Create, Path: "/a"}
	for _, test := range []struct {
		name  string
		steps []model.Step
	}{
		{"pause", []model.Step{{Host: 1, Kind: model.Pause}, {Host: 1, Kind: model.Resume}}},
		{"disk partition", []model.Step{{Host: 1, Kind: model.Partition, Off: model.FromDisk}, {Host: 1, Kind: model.Heal, Off: model.FromDisk}}},
		{"crash", []model.Step{{Host: 1, Kind: model.Crash}, mount(1)}},
		{"power loss", []model.Step{{Host: model.Everyone, Kind: model.PowerLoss}, mount(0), mount(1)}},
		{"fence", []model.Step{{Host: 1, Kind: model.Fence}, {Host: 1, Kind: model.Remount}}},
	} {
		p := model.Program{Hosts: 2, Unmounts: []model.Host{0, 1}}
		p.Steps = append(append([]model.Step{mount(0), mount(1)}, test.steps...), create, model.Step{Kind: model.Stat, Path: "/a"})
		// Wanted: both hosts succeed at something.
		judge := func(run model.Run) []model.Verdict {
			v := model.Verdict{Guarantee: model.Linearizable.Name}
			did := func(k model.Kind) bool {
				return slices.ContainsFunc(run.History, func(op model.Op) bool { return op.Kind == k && op.Succeeded() })
			}
			if did(model.Create) && did(model.Stat) {
				v.Outcome, v.Anomaly = model.Violated, model.LostFile
			}
			return []model.Verdict{v}
		}
		toy := newHardy()
		want, ok := violation(t, toy, judge, p)
		if !ok {
			t.Fatalf("%s: the judge does not object", test.name)
		}
		small, _, _, err := fuzz.Minimise(context.Background(), toy, judge, p, want)
		if err != nil {
			t.Fatal(err)
		}
		if small.Hosts > 1 || len(small.Steps) != 3 {
			t.Errorf("%s: left%#v", test.name, small)
		}
	}
}
