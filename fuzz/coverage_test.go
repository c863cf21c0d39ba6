package fuzz_test

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/model"
)

// oneRun is a run with one of everything that is counted.
func oneRun() model.Run {
	p := model.Program{Hosts: 2, Unmounts: []model.Host{0, 1}, Steps: []model.Step{
		{Host: 0, Kind: model.Mount},
		{Host: 0, Kind: model.Create, Path: "/a"},
		{Host: 0, Kind: model.Create, Path: "/a"},
		{Host: 1, Kind: model.Stat, Path: "/a"},
		{Host: 0, Kind: model.Reboot},
		{Host: 0, Kind: model.Sync},
	}}
	op := func(step int, host model.Host, kind model.Kind, errno model.Errno) model.Op {
		return model.Op{Step: step, Host: host, Kind: kind, Result: model.Result{Errno: errno}}
	}
	skipped, pending := op(4, 1, model.Stat, model.OK), op(6, 0, model.Sync, model.OK)
	skipped.Skipped, pending.Return = true, model.Never
	return model.Run{Program: p,
		History: []model.Op{
			op(1, 0, model.Mount, model.OK),
			op(2, 0, model.Create, model.OK),
			op(3, 0, model.Create, model.EEXIST),
			skipped,
			op(5, 0, model.Unmount, model.OK), op(5, 0, model.Mount, model.EBUSY),
			pending,
			op(7, 0, model.Unmount, model.OK),
			op(0, model.Final, model.Stat, model.OK),
		},
		Holds: []model.HoldState{model.NeverFired, model.Fired, model.FiredEarly},
		Trace: []model.Record{
			{Kind: model.BlockWritten, Host: 0, Block: 3},
			{Kind: model.BlockWritten, Host: 1, Block: 4},
			{Kind: model.BlockRead, Host: 1, Block: 3},
			{Kind: model.BlockWritten, Host: model.Final, Block: 3},
		},
	}
}

func TestCounting(t *testing.T) {
	var c fuzz.Counter
	run := oneRun()
	c.Count(&run)
	want := fuzz.Coverage{Runs: 1, Attempted: 4, Succeeded: 1, Skipped: 1, Pending: 1, Events: 2,
		Shared: 1, Traced: 1, HoldsAsked: 3, HoldsFired: 2, HoldsCut: 1, Overlapped: 1}
	want.Answers[model.Mount][model.OK] = 1
	want.Answers[model.Create][model.OK] = 1
	want.Answers[model.Create][model.EEXIST] = 1
	want.Answers[model.Reboot][model.EBUSY] = 1
	if !reflect.DeepEqual(c.Coverage, want) {
		t.Errorf("got  %+v\nwant %+v", c.Coverage, want)
	}

	run.Trace = append(run.Trace, model.Record{Kind: model.BlockWritten, Host: 0, Block: 4})
	c.Count(&run)
	if c.Collided != 1 {
		t.Errorf("two hosts wrote block 4, counted %d", c.Collided)
	}
	twice := want
	twice.Add(&want)
	if twice.Collided = 1; !reflect.DeepEqual(c.Coverage, twice) {
		t.Errorf("after two runs %+v\nwant %+v", c.Coverage, twice)
	}
	if n := testing.AllocsPerRun(100, func() { c.Count(&run) }); n != 0 {
		t.Errorf("counting a run allocates %v times", n)
	}
}

// faultyRun is a run with one of every fault that is counted, on two hosts.
func faultyRun() model.Run {
	p := model.Program{Hosts: 2, Unmounts: []model.Host{0, 1}, Steps: []model.Step{
		{Kind: model.Mount},
		{Kind: model.Create, Path: "/a"},
		{Kind: model.Sync},
		{Kind: model.Crash},              // nothing to lose, nothing under way
		{Kind: model.Mount},              //
		{Kind: model.Create, Path: "/b"}, // never returns
		{Kind: model.Crash},              // amid
		{Host: 1, Kind: model.Mount},
		{Host: 1, Kind: model.Create, Path: "/c"},
		{Host: 1, Kind: model.Partition, Off: model.FromDisk},
		{Host: 1, Kind: model.Heal, Off: model.FromDisk},
		{Host: 1, Kind: model.Pause},
		{Host: 1, Kind: model.Pause}, // skipped
		{Host: 1, Kind: model.Resume},
		{Host: 1, Kind: model.Tick, Len: 1},
		{Host: model.Everyone, Kind: model.Tick, Len: 1},
		{Host: model.Everyone, Kind: model.PowerLoss}, // unsynced
		{Host: 1, Kind: model.Remount},                // during which A is fenced
	}, Strikes: []model.Strike{
		{Step: 2, At: model.WriteCommand, N: 1, Kind: model.Fail},
		{Step: 3, At: model.WriteCommand, N: 1, Kind: model.FailOn},
		{Step: 3, At: model.SendCommand, N: 1, Kind: model.Drop},
	}}
	run := model.Run{Program: p, Strikes: []bool{true, true, false}, Marks: []model.Mark{{Name: "b", Count: 2}, {Name: "d"}},
		Trace: []model.Record{
			{Kind: model.BlockWritten, Host: 0, Block: 3},
			{Kind: model.Flushed, Host: 0},
			{Kind: model.PowerLost, Host: model.Everyone},
			{Kind: model.BlockWritten, Host: 0, Block: 3},
			{Kind: model.PowerLost, Host: model.Everyone},
			{Kind: model.PowerLost, Host: model.Everyone},
		}}
	for i, s := range p.Steps {
		op := model.Op{Step: i + 1, Host: s.Host, Kind: s.Kind, Path: s.Path, Off: s.Off, Len: s.Len}
		switch i + 1 {
		case 6:
			op.Return = model.Never
		case 13:
			op.Skipped = true
		case 18:
			op.Kind = model.Unmount
			fence := model.Op{Step: 18, Host: 0, Kind: model.Fence}
			mount := model.Op{Step: 18, Host: 1, Kind: model.Mount}
			run.History = append(run.History, op, fence, mount)
			continue
		}
		run.History = append(run.History, op)
	}
	return run
}

func TestCountingFaults(t *testing.T) {
	var c fuzz.Counter
	run := faultyRun()
	c.Count(&run)
	for fault, want := range map[model.Faults]int{
		model.Crashes: 2, model.PowerLosses: 1, model.Pauses: 1, model.DiskPartitions: 1, model.Partitions: 0,
		model.SkewedClocks: 1, model.Fences: 1, model.IOErrors: 2, model.LostMessages: 0, model.LyingDisk: 0,
	} {
		if got := c.Faults.Of(fault); got != want {
			t.Errorf("%v: counted %d; want %d", fault, got, want)
		}
	}
	if c.Strikes != (fuzz.StrikeCounts{model.Fail: 1, model.FailOn: 1}) || c.StrikesAsked != 3 {
		t.Errorf("strikes %v of %d", c.Strikes, c.StrikesAsked)
	}
	if c.CrashesAmid != 1 || c.CrashesUnsynced != 1 || c.LossesUnflushed != 1 {
		t.Errorf("crashes amid %d, unsynced %d, losses unflushed %d; want 1 each", c.CrashesAmid, c.CrashesUnsynced, c.LossesUnflushed)
	}
	if got := c.Answers[model.Fence][model.OK]; got != 1 || c.Answers[model.Remount][model.OK] != 1 {
		t.Errorf("a fence within a remount: %d fences, remounts %v", got, c.Answers[model.Remount])
	}
	if n := testing.AllocsPerRun(100, func() { c.Count(&run) }); n != 0 {
		t.Errorf("counting a run allocates %v times", n)
	}
}

// TestEveryFaultIsCounted holds the tables to the size of what they count.
func TestEveryFaultIsCounted(t *testing.T) {
	var c fuzz.Coverage
	for i := range c.Faults {
		if f := model.Faults(1 << i); f.String() == "none" {
			t.Errorf("fault %d does not exist", i)
		}
	}
	if f := model.Faults(1 << len(c.Faults)); f.String() != "none" {
		t.Errorf("%v is not counted", f)
	}
	if k := model.StrikeKind(len(c.Strikes)); k.String() != "" {
		t.Errorf("%v is not counted", k)
	}
	if k := model.Kind(len(c.Answers)); k.String() != "none" {
		t.Errorf("%v is not counted", k)
	}
}

func TestMarksAddUp(t *testing.T) {
	marked := func(marks ...model.Mark) fuzz.Coverage { return fuzz.Coverage{Marks: marks} }
	var c fuzz.Coverage
	for _, part := range []fuzz.Coverage{
		marked(model.Mark{Name: "b", Count: 1}),
		marked(model.Mark{Name: "a", Count: 2}, model.Mark{Name: "b", Count: 3}, model.Mark{Name: "c"}),
		{},
		marked(model.Mark{Name: "c", Count: 1}, model.Mark{Name: "d"}),
	} {
		c.Add(&part)
	}
	want := []model.Mark{{Name: "a", Count: 2}, {Name: "b", Count: 4}, {Name: "c", Count: 1}, {Name: "d"}}
	if !reflect.DeepEqual(c.Marks, want) {
		t.Errorf("marks %v; want %v", c.Marks, want)
	}
}

func TestCountingSurvivesAnyRun(t *testing.T) {
	var c fuzz.Counter
	c.Count(&model.Run{History: []model.Op{
		{Step: 9, Kind: model.Read}, {Step: -1}, {Step: 1, Host: 200, Kind: model.Crash}, {Step: 1, Kind: 200, Result: model.Result{Errno: 200}},
	}, Program: model.Program{Hosts: 2, Steps: make([]model.Step, 1)}})
	if c.Runs != 1 || c.Attempted != 0 {
		t.Errorf("%+v", c.Coverage)
	}
}

func TestWeak(t *testing.T) {
	caps := model.Capabilities{Kinds: model.SetOf(model.Create, model.Mount), Holds: true, MaxHosts: 2}
	good := fuzz.Coverage{Runs: 1000, Attempted: 100, Succeeded: 50, Shared: 100, Traced: 100, Collided: 30, Overlapped: 20}
	good.Answers[model.Create][model.OK] = 1
	good.Answers[model.Mount][model.OK] = 1
	for _, test := range []struct {
		name   string
		change func(*fuzz.Coverage, *model.Capabilities)
		want   string // in the one complaint; empty: none
	}{
		{"enough of all", func(c *fuzz.Coverage, _ *model.Capabilities) {}, ""},
		{"few succeed", func(c *fuzz.Coverage, _ *model.Capabilities) { c.Succeeded = 49 }, "succeeded: 49 of 100"},
		{"few collide", func(c *fuzz.Coverage, _ *model.Capabilities) { c.Collided = 29 }, "wrote one block: 29 of 100"},
		{"few collide, with faults", func(c *fuzz.Coverage, caps *model.Capabilities) {
			caps.Survives, c.Faults, c.Collided = model.Pauses, fuzz.FaultCounts{3: 1}, 19
		}, "wrote one block: 19 of 100, that is 19 %; want 20"},
		{"no trace, none collide", func(c *fuzz.Coverage, _ *model.Capabilities) { c.Traced, c.Collided = 0, 0 }, ""},
		{"few holds fire", func(c *fuzz.Coverage, _ *model.Capabilities) { c.Overlapped = 19 }, "hold fired: 19 of 100"},
		{"no holds to be had", func(c *fuzz.Coverage, caps *model.Capabilities) { c.Overlapped, caps.Holds = 0, false }, ""},
		{"a kind fails always", func(c *fuzz.Coverage, _ *model.Capabilities) {
			c.Answers[model.Create] = [len(c.Answers[0])]int{model.ENOSPC: 5}
		}, "create never succeeded in 5 attempts"},
		{"every fault happened", func(c *fuzz.Coverage, caps *model.Capabilities) {
			caps.Survives = model.Pauses | model.Crashes
			caps.Kinds |= model.SetOf(model.Pause, model.Crash)
			c.Faults, c.CrashesAmid, c.CrashesUnsynced = fuzz.FaultCounts{0: 1, 3: 1}, 1, 1
		}, ""},
		{"a fault never happened", func(c *fuzz.Coverage, caps *model.Capabilities) { caps.Survives = model.LostMessages }, "fault messages: never in 1000"},
		{"a fault is not in the budget", func(c *fuzz.Coverage, caps *model.Capabilities) { caps.Kinds |= model.SetOf(model.Crash) }, ""},
		{"nothing was under way", func(c *fuzz.Coverage, caps *model.Capabilities) {
			caps.Survives, c.Faults, c.CrashesUnsynced = model.Crashes, fuzz.FaultCounts{1}, 1
		}, "crash in the middle of an operation: never"},
		{"nothing could be lost", func(c *fuzz.Coverage, caps *model.Capabilities) {
			caps.Survives, c.Faults, c.CrashesAmid = model.PowerLosses, fuzz.FaultCounts{0, 1}, 1
		}, "crash with changes that no sync came after: never"},
		{"an instant was not reached", func(c *fuzz.Coverage, caps *model.Capabilities) {
			c.Marks = []model.Mark{{Name: "late", Count: 1}, {Name: "more", Count: 3}}
			caps.Instants = []model.Instant{{Name: "late"}, {Name: "torn"}, {Name: "cut", Needs: model.Crashes}}
		}, "torn: never in 1000 runs"},
		{"few runs", func(c *fuzz.Coverage, _ *model.Capabilities) { c.Runs, c.Succeeded = 999, 1 }, ""},
		{"few runs, none succeed", func(c *fuzz.Coverage, _ *model.Capabilities) { c.Runs, c.Succeeded = 5, 0 }, "no operation succeeded in 5 runs"},
		{"nothing at all", func(c *fuzz.Coverage, _ *model.Capabilities) { *c = fuzz.Coverage{} }, "no operation succeeded in 0 runs"},
	} {
		c, caps := good, caps
		test.change(&c, &caps)
		weak := c.Weak(caps)
		if test.want == "" && weak != nil || test.want != "" && (len(weak) != 1 || !strings.Contains(weak[0], test.want)) {
			t.Errorf("%s: %q; want %q", test.name, weak, test.want)
		}
	}
}

func TestCoverageJSON(t *testing.T) {
	var c fuzz.Counter
	run := oneRun()
	c.Count(&run)
	text, err := json.Marshal(c.Coverage)
	if err != nil {
		t.Fatal(err)
	}
	if want := `"Answers":{"create":{"EEXIST":1,"ok":1},"mount":{"ok":1},"reboot":{"EBUSY":1}}`; !strings.Contains(string(text), want) {
		t.Errorf("%s\nlacks %s", text, want)
	}
	var back fuzz.Coverage
	if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(back, c.Coverage) {
		t.Errorf("read back %+v, %v", back, err)
	}
	faulty := faultyRun()
	c.Count(&faulty)
	if text, err = json.Marshal(c.Coverage); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"Faults":{"clocks":1,"crash":2,`, `"Strikes":{"fail":1,"fail-on":1}`, `"Marks":[{"Name":"b","Count":2},`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s\nlacks %s", text, want)
		}
	}
	back = fuzz.Coverage{}
	if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(back, c.Coverage) {
		t.Errorf("read back %+v, %v", back, err)
	}
	for _, bad := range []string{`{"none":1}`, `{"":1}`, `[1]`} {
		if json.Unmarshal([]byte(bad), new(fuzz.FaultCounts)) == nil || json.Unmarshal([]byte(bad), new(fuzz.StrikeCounts)) == nil {
			t.Errorf("%s was read", bad)
		}
	}
	for _, bad := range []string{`{"fly":{"ok":1}}`, `{"read":{"EFLY":1}}`, `[]`} {
		if err := json.Unmarshal([]byte(bad), new(fuzz.Answers)); err == nil {
			t.Errorf("%s was read", bad)
		}
	}
}

func BenchmarkCount(b *testing.B) {
	toy := newToy()
	run, err := toy.Run(context.Background(), fuzz.Options{}.Program(toy.caps, 3))
	if err != nil {
		b.Fatal(err)
	}
	var c fuzz.Counter
	b.ReportAllocs()
	for b.Loop() {
		c.Count(&run)
	}
}
