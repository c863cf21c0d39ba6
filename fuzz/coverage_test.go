package fuzz_test

import (
	"context"
	"encoding/json"
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
	if c.Coverage != want {
		t.Errorf("got  %+v\nwant %+v", c.Coverage, want)
	}

	run.Trace = append(run.Trace, model.Record{Kind: model.BlockWritten, Host: 0, Block: 4})
	c.Count(&run)
	if c.Collided != 1 {
		t.Errorf("two hosts wrote block 4, counted %d", c.Collided)
	}
	twice := want
	twice.Add(&want)
	if twice.Collided = 1; c.Coverage != twice {
		t.Errorf("after two runs %+v\nwant %+v", c.Coverage, twice)
	}
	if n := testing.AllocsPerRun(100, func() { c.Count(&run) }); n != 0 {
		t.Errorf("counting a run allocates %v times", n)
	}
}

func TestCountingSurvivesAnyRun(t *testing.T) {
	var c fuzz.Counter
	c.Count(&model.Run{History: []model.Op{
		{Step: 9, Kind: model.Read}, {Step: -1}, {Step: 1, Kind: 200, Result: model.Result{Errno: 200}},
	}, Program: model.Program{Hosts: 2, Steps: make([]model.Step, 1)}})
	if c.Runs != 1 || c.Attempted != 0 {
		t.Errorf("%+v", c.Coverage)
	}
}

func TestWeak(t *testing.T) {
	caps := model.Capabilities{Kinds: model.SetOf(model.Create, model.Mount), Holds: true, MaxHosts: 2}
	good := fuzz.Coverage{Runs: 1000, Attempted: 100, Succeeded: 30, Shared: 100, Traced: 100, Collided: 30, Overlapped: 20}
	good.Answers[model.Create][model.OK] = 1
	good.Answers[model.Mount][model.OK] = 1
	for _, test := range []struct {
		name   string
		change func(*fuzz.Coverage, *model.Capabilities)
		want   string // in the one complaint; empty: none
	}{
		{"enough of all", func(c *fuzz.Coverage, _ *model.Capabilities) {}, ""},
		{"few succeed", func(c *fuzz.Coverage, _ *model.Capabilities) { c.Succeeded = 29 }, "succeeded: 29 of 100"},
		{"few collide", func(c *fuzz.Coverage, _ *model.Capabilities) { c.Collided = 29 }, "wrote one block: 29 of 100"},
		{"no trace, none collide", func(c *fuzz.Coverage, _ *model.Capabilities) { c.Traced, c.Collided = 0, 0 }, ""},
		{"few holds fire", func(c *fuzz.Coverage, _ *model.Capabilities) { c.Overlapped = 19 }, "hold fired: 19 of 100"},
		{"no holds to be had", func(c *fuzz.Coverage, caps *model.Capabilities) { c.Overlapped, caps.Holds = 0, false }, ""},
		{"a kind fails always", func(c *fuzz.Coverage, _ *model.Capabilities) {
			c.Answers[model.Create] = [len(c.Answers[0])]int{model.ENOSPC: 5}
		}, "create never succeeded in 5 attempts"},
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
	if err := json.Unmarshal(text, &back); err != nil || back != c.Coverage {
		t.Errorf("read back %+v, %v", back, err)
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
