package model_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/model"
)

// valid is a Program that uses every kind.
func valid() model.Program {
	return model.Program{
		Hosts: 2,
		Steps: []model.Step{
			{Kind: model.Mount},
			{Host: 1, Kind: model.Mount},
			{Kind: model.Create, Path: "/a"},
			{Kind: model.Open, Path: "/a", File: 3},
			{Kind: model.Write, File: 3, Off: model.MaxWords - 8, Len: 8, Data: model.MaxData},
			{Kind: model.Append, Path: "/a", Len: 1, Data: 1},
			{Kind: model.Read, Path: "/a", Len: model.MaxWords},
			{Kind: model.Truncate, Path: "/a"},
			{Kind: model.Fsync, File: 3},
			{Kind: model.Close, File: 3},
			{Kind: model.Mkdir, Path: "/d"},
			{Kind: model.Rmdir, Path: "/d"},
			{Kind: model.Readdir, Path: model.Root},
			{Kind: model.Stat, Path: "/d/a"},
			{Kind: model.Unlink, Path: "/a"},
			{Kind: model.Sync},
			{Kind: model.Statfs},
			{Kind: model.Writeback, Len: 2},
			{Kind: model.Refresh, Off: 9, Len: 1},
			{Kind: model.Remount},
			{Kind: model.Reboot},
			{Kind: model.Unmount},
		},
		Holds: []model.Hold{
			{Step: 5, At: model.WriteCommand, N: 1, Until: 6},
			{Step: 3, At: model.LockCommand, N: 1 << 30, Until: 22},
		},
		Unmounts: []model.Host{1, 0},
	}
}

func TestValidate(t *testing.T) {
	if err := valid().Validate(); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		change func(p *model.Program)
		want   string
	}{
		{"no hosts", func(p *model.Program) { p.Hosts = 0 }, "0 hosts"},
		{"too many hosts", func(p *model.Program) { p.Hosts = 17 }, "17 hosts"},
		{"too many steps", func(p *model.Program) { p.Steps = make([]model.Step, model.MaxSteps+1) }, "4097 steps"},
		{"host", func(p *model.Program) { p.Steps[2].Host = 2 }, "step 3: host C of 2"},
		{"final host", func(p *model.Program) { p.Steps[2].Host = model.Final }, "step 3: host final"},
		{"no kind", func(p *model.Program) { p.Steps[0].Kind = model.NoKind }, "step 1: unknown kind 0"},
		{"unknown kind", func(p *model.Program) { p.Steps[0].Kind = 99 }, "step 1: unknown kind 99"},
		{"no path", func(p *model.Program) { p.Steps[2].Path = "" }, "step 3: create: bad path"},
		{"bad path", func(p *model.Program) { p.Steps[2].Path = "/../a" }, "step 3: create: bad path"},
		{"root", func(p *model.Program) { p.Steps[10].Path = model.Root }, "step 11: mkdir: the root"},
		{"path of an event", func(p *model.Program) { p.Steps[0].Path = "/a" }, "step 1: mount: takes no path"},
		{"path and handle", func(p *model.Program) { p.Steps[4].Path = "/a" }, "step 5: write: takes no path"},
		{"no slot", func(p *model.Program) { p.Steps[3].File = 0 }, "step 4: open: handle slot f0"},
		{"slot", func(p *model.Program) { p.Steps[9].File = 4 }, "step 10: close: handle slot f4"},
		{"slot of a name", func(p *model.Program) { p.Steps[2].File = 1 }, "step 3: create: takes no handle"},
		{"offset of an append", func(p *model.Program) { p.Steps[5].Off = 1 }, "step 6: append: takes no offset"},
		{"length of a stat", func(p *model.Program) { p.Steps[13].Len = 1 }, "step 14: stat: takes no offset"},
		{"negative offset", func(p *model.Program) { p.Steps[6].Off = -1 }, "step 7: read: offset -1"},
		{"negative size", func(p *model.Program) { p.Steps[7].Len = -1 }, "step 8: truncate: offset 0 and length -1"},
		{"too far", func(p *model.Program) { p.Steps[4].Off++ }, "step 5: write: offset"},
		{"sum that overflows", func(p *model.Program) { p.Steps[6].Off, p.Steps[6].Len = 1<<31-1, 1<<31-1 }, "step 7: read: offset"},
		{"read of nothing", func(p *model.Program) { p.Steps[6].Len = 0 }, "step 7: read: length 0"},
		{"write without data", func(p *model.Program) { p.Steps[4].Data = 0 }, "step 5: write: data #0"},
		{"data too large", func(p *model.Program) { p.Steps[4].Data = model.MaxData + 1 }, "step 5: write: data #251"},
		{"data of a read", func(p *model.Program) { p.Steps[6].Data = 2 }, "step 7: read: takes no data"},
		{"data twice", func(p *model.Program) { p.Steps[5].Data = model.MaxData }, "step 6: data #250 is step 5's"},
		{"hold of nothing", func(p *model.Program) { p.Holds[0].Step = 0 }, "hold of step 0"},
		{"hold after the last", func(p *model.Program) { p.Holds[0].Step = 23 }, "hold of step 23"},
		{"hold until itself", func(p *model.Program) { p.Holds[0].Until = 5 }, "until 5"},
		{"hold until nothing", func(p *model.Program) { p.Holds[0].Until = 23 }, "until 23"},
		{"hold at nothing", func(p *model.Program) { p.Holds[0].At = 0 }, "at no known command"},
		{"hold at what", func(p *model.Program) { p.Holds[0].At = 99 }, "at no known command"},
		{"hold uncounted", func(p *model.Program) { p.Holds[0].N = 0 }, "at write#0"},
		{"held twice", func(p *model.Program) { p.Holds[1].Step = 5 }, "step 5 is held twice"},
		{"unmount missing", func(p *model.Program) { p.Unmounts = p.Unmounts[:1] }, "1 unmounts for 2 hosts"},
		{"unmount twice", func(p *model.Program) { p.Unmounts[0] = 0 }, "names host A twice"},
		{"unmount of a stranger", func(p *model.Program) { p.Unmounts[0] = 200 }, "unmount order"},
	}
	for _, test := range tests {
		p := valid()
		test.change(&p)
		err := p.Validate()
		if !errors.Is(err, model.ErrProgram) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v; want %q", test.name, err, test.want)
		}
	}
}

func TestClone(t *testing.T) {
	p := valid()
	q := p.Clone()
	if !reflect.DeepEqual(p, q) {
		t.Fatalf("clone %v of %v", q, p)
	}
	q.Steps[0].Host, q.Holds[0].N, q.Unmounts[0] = 1, 9, 0
	if !reflect.DeepEqual(p, valid()) {
		t.Error("a change of the clone changed the original")
	}
}

func TestStepAt(t *testing.T) {
	p := valid()
	last := len(p.Steps)
	for n, want := range map[int]string{
		1: "A mount", 3: "A create /a", last: "A unmount", last + 1: "B unmount", last + 2: "A unmount",
	} {
		if s, ok := p.StepAt(n); !ok || s.String() != want {
			t.Errorf("step %d is %v, %v; want %s", n, s, ok, want)
		}
	}
	for _, n := range []int{-1, 0, last + 3} {
		if s, ok := p.StepAt(n); ok {
			t.Errorf("step %d is %v", n, s)
		}
	}
}
