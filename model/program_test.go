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
			{Host: 1, Kind: model.Rename, Path: "/a", To: "/b/c/d/e"},
			{Host: 1, Kind: model.Link, Path: "/b/c/d/e", To: "/a"},
			{Host: 1, Kind: model.Write, Path: "/a", Off: 8, Len: 16, Data: 2, Direct: true},
			{Host: 1, Kind: model.Writeback, Off: 3, Len: 1},
			{Host: 1, Kind: model.Pause},
			{Host: 1, Kind: model.Resume},
			{Host: 1, Kind: model.Partition, Off: 1},
			{Host: 1, Kind: model.Heal, Off: model.FromAll},
			{Kind: model.Partition, Off: model.FromDisk},
			{Host: 1, Kind: model.Fence},
			{Host: model.Everyone, Kind: model.Tick, Len: model.MaxTick},
			{Host: 1, Kind: model.Tick, Len: 1},
			{Kind: model.Crash, Off: 1<<31 - 1},
			{Host: model.Everyone, Kind: model.PowerLoss},
			{Host: model.Everyone, Kind: model.DiskReset, Off: 3},
			{Kind: model.Lock, File: 1, Off: 4, Len: 8, Shared: true},
			{Kind: model.Unlock, File: 1},
		},
		Strikes: []model.Strike{
			{Step: 5, At: model.WriteCommand, N: 1, Kind: model.Misdirect, Arg: 17},
			{Step: 36, At: model.SendCommand, N: 1, Kind: model.Drop},
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
		{"hold after the last", func(p *model.Program) { p.Holds[0].Step = 38 }, "hold of step 38"},
		{"hold until itself", func(p *model.Program) { p.Holds[0].Until = 5 }, "until 5"},
		{"hold until nothing", func(p *model.Program) { p.Holds[0].Until = 41 }, "until 41"},
		{"hold at nothing", func(p *model.Program) { p.Holds[0].At = 0 }, "at no known command"},
		{"hold at what", func(p *model.Program) { p.Holds[0].At = 99 }, "at no known command"},
		{"hold uncounted", func(p *model.Program) { p.Holds[0].N = 0 }, "at write#0"},
		{"held twice", func(p *model.Program) { p.Holds[1].Step = 5 }, "step 5 is held twice"},
		{"rename to nothing", func(p *model.Program) { p.Steps[22].To = "" }, "step 23: rename: bad new name"},
		{"rename to the root", func(p *model.Program) { p.Steps[22].To = model.Root }, "step 23: rename: bad new name"},
		{"rename of the root", func(p *model.Program) { p.Steps[22].Path = model.Root }, "step 23: rename: the root"},
		{"link too deep", func(p *model.Program) { p.Steps[23].To = "/a/b/c/d/e" }, "step 24: link: bad new name"},
		{"second path of one", func(p *model.Program) { p.Steps[2].To = "/b" }, "step 3: create: takes no path, or no second"},
		{"second path of an event", func(p *model.Program) { p.Steps[26].To = "/b" }, "step 27: pause: takes no path, or no second"},
		{"handle of a rename", func(p *model.Program) { p.Steps[22].File = 1 }, "step 23: rename: takes no handle"},
		{"direct in part of a block", func(p *model.Program) { p.Steps[24].Len = 12 }, "step 25: write: direct at 8 for 12"},
		{"direct off a block", func(p *model.Program) { p.Steps[24].Off = 4 }, "step 25: write: direct at 4 for 16"},
		{"direct append", func(p *model.Program) { p.Steps[5].Direct = true }, "step 6: append: only a read or write"},
		{"direct crash", func(p *model.Program) { p.Steps[34].Direct = true }, "step 35: crash: only a read or write"},
		{"direct heal", func(p *model.Program) { p.Steps[29].Direct = true }, "step 30: heal: only a read or write"},
		{"data of a crash", func(p *model.Program) { p.Steps[34].Data = 3 }, "step 35: crash: takes no data"},
		{"data of a partition", func(p *model.Program) { p.Steps[28].Data = 3 }, "step 29: partition: takes no data"},
		{"write none from the third", func(p *model.Program) { p.Steps[25].Len = 0 }, "step 26: writeback: first block 3 of no"},
		{"all crash", func(p *model.Program) { p.Steps[34].Host = model.Everyone }, "step 35: crash: host all"},
		{"all create", func(p *model.Program) { p.Steps[2].Host = model.Everyone }, "step 3: create: host all"},
		{"all partition", func(p *model.Program) { p.Steps[28].Host = model.Everyone }, "step 29: partition: host all"},
		{"power loss of one", func(p *model.Program) { p.Steps[35].Host = 0 }, "step 36: power-loss: host A"},
		{"negative set", func(p *model.Program) { p.Steps[34].Off = -1 }, "step 35: crash: set of kept writes -1"},
		{"negative set of all", func(p *model.Program) { p.Steps[35].Off = -1 << 31 }, "step 36: power-loss: set of kept writes"},
		{"length of a crash", func(p *model.Program) { p.Steps[34].Len = 1 }, "step 35: crash: takes no offset or length"},
		{"parted from itself", func(p *model.Program) { p.Steps[28].Off = 2 }, "step 29: B is parted from host B"},
		{"parted from a stranger", func(p *model.Program) { p.Steps[28].Off = 3 }, "step 29: B is parted from host C of 2"},
		{"parted from less than the disk", func(p *model.Program) { p.Steps[28].Off = -2 }, "step 29: partition: from -2"},
		{"healed from itself", func(p *model.Program) { p.Steps[29].Off = 2 }, "step 30: B is parted from host B"},
		{"no time", func(p *model.Program) { p.Steps[32].Len = 0 }, "step 33: tick: 0; want 1 to 1024"},
		{"too much time", func(p *model.Program) { p.Steps[32].Len = model.MaxTick + 1 }, "step 33: tick: 1025"},
		{"back in time", func(p *model.Program) { p.Steps[33].Len = -1 }, "step 34: tick: -1"},
		{"operand of a pause", func(p *model.Program) { p.Steps[26].Off = 1 }, "step 27: pause: takes no offset"},
		{"operand of a fence", func(p *model.Program) { p.Steps[31].Len = 1 }, "step 32: fence: takes no offset"},
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

// TestValidUsesEveryKind keeps the example of these tests whole.
func TestValidUsesEveryKind(t *testing.T) {
	var used model.KindSet
	for _, s := range valid().Steps {
		used |= model.SetOf(s.Kind)
	}
	if all := model.SetOf(model.Kinds()...); used != all {
		t.Errorf("not used: %v", (all &^ used).Kinds())
	}
}

// TestEveryFieldIsInTheText asks of steps that differ, and are valid, that they
// print apart: text is what a Program is kept as.
func TestEveryFieldIsInTheText(t *testing.T) {
	for i, s := range valid().Steps {
		for _, change := range []func(*model.Step){
			func(s *model.Step) { s.Host ^= 1 },
			func(s *model.Step) { s.Path = "/z" },
			func(s *model.Step) { s.To = "/z" },
			func(s *model.Step) { s.File ^= 1 },
			func(s *model.Step) { s.Off ^= model.WordsPerBlock },
			func(s *model.Step) { s.Len ^= model.WordsPerBlock },
			func(s *model.Step) { s.Data ^= 1 },
			func(s *model.Step) { s.Direct = !s.Direct },
		} {
			other := s
			change(&other)
			if other.Validate() == nil && other.String() == s.String() {
				t.Errorf("step %d: %+v and %+v both print as %q", i+1, s, other, s)
			}
		}
	}
}

func TestKeeps(t *testing.T) {
	s := model.Step{Kind: model.Crash, Off: 1 | 1<<30}
	for n, want := range map[int]bool{0: true, 1: false, 29: false, 30: true, 31: true, 32: false, 61: true, 62: true} {
		if got := s.Keeps(n); got != want {
			t.Errorf("write %d kept: %v; want %v", n, got, want)
		}
	}
	if s.Off = 0; s.Keeps(0) || s.Keeps(31) {
		t.Error("the empty set keeps something")
	}
}

func TestClone(t *testing.T) {
	p := valid()
	q := p.Clone()
	if !reflect.DeepEqual(p, q) {
		t.Fatalf("clone %v of %v", q, p)
	}
	q.Steps[0].Host, q.Holds[0].N, q.Strikes[0].Arg, q.Unmounts[0] = 1, 9, 4, 0
	if !reflect.DeepEqual(p, valid()) {
		t.Error("a change of the clone changed the original")
	}
}

func TestStepAt(t *testing.T) {
	p := valid()
	last := len(p.Steps)
	for n, want := range map[int]string{
		1: "A mount", 3: "A create /a", last: "A unlock f1", last + 1: "B unmount", last + 2: "A unmount",
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
