package checker_test

import (
	"slices"
	"testing"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/internal/brute"
	"github.com/doublemount/doublemount/model"
)

// What faults excuse, and for how long.
func TestProgressUnderFaults(t *testing.T) {
	judge := checker.New(0, model.Progress)
	step := func(h model.Host, k model.Kind, off int32) model.Op { return model.Op{Host: h, Kind: k, Off: off} }
	stat := func(h model.Host, e model.Errno) model.Op {
		return model.Op{Host: h, Kind: model.Stat, Path: "/a", Result: model.Result{Errno: e}}
	}
	mount := func(h model.Host, e model.Errno) model.Op {
		return model.Op{Host: h, Kind: model.Mount, Result: model.Result{Errno: e}}
	}
	pending := func(h model.Host) model.Op { return model.Op{Host: h, Kind: model.Sync, Return: model.Never} }
	const a, b = model.Host(0), model.Host(1)
	for _, c := range []struct {
		name    string
		ops     []model.Op
		strikes []model.Strike
		want    model.Anomaly
	}{
		{"no fault", []model.Op{stat(a, model.EIO)}, nil, model.AccessLoss},
		{"fenced", []model.Op{step(a, model.Fence, 0), stat(a, model.EIO), stat(a, model.EBADE)}, nil, ""},
		{"another is fenced", []model.Op{step(b, model.Fence, 0), stat(a, model.EIO)}, nil, model.AccessLoss},
		{"fenced, and mounted again", []model.Op{step(a, model.Fence, 0), mount(a, model.OK), stat(a, model.EIO)}, nil, model.AccessLoss},
		{"a fence that did not happen", []model.Op{{Host: a, Kind: model.Fence, Skipped: true}, stat(a, model.EIO)}, nil, model.AccessLoss},
		{"cut off from the disk", []model.Op{step(a, model.Partition, model.FromDisk), stat(a, model.EIO), step(a, model.Heal, model.FromDisk), stat(a, model.ESTALE)}, nil, ""},
		{"... mounted in vain meanwhile", []model.Op{step(a, model.Partition, model.FromDisk), mount(a, model.EIO), step(a, model.Heal, model.FromDisk)}, nil, ""},
		{"... and after it healed", []model.Op{step(a, model.Partition, model.FromDisk), step(a, model.Heal, model.FromDisk), mount(a, model.EIO)}, nil, model.AccessLoss},
		{"... refused, as another has the disk", []model.Op{step(a, model.Crash, 0), mount(a, model.EBUSY)}, nil, ""},
		{"mounted while it lasts", []model.Op{step(a, model.Partition, model.FromDisk), mount(a, model.OK), stat(a, model.EIO), step(a, model.Heal, model.FromDisk)}, nil, ""},
		{"parted from B: A", []model.Op{step(a, model.Partition, 2), stat(a, model.EROFS), step(a, model.Heal, 2)}, nil, ""},
		{"parted from B: B", []model.Op{step(a, model.Partition, 2), stat(b, model.EROFS), step(a, model.Heal, 2)}, nil, ""},
		{"... until B ends it", []model.Op{step(a, model.Partition, 2), step(b, model.Heal, 1), mount(a, model.OK), stat(a, model.EROFS)}, nil, model.AccessLoss},
		{"... from all", []model.Op{step(a, model.Partition, 2), step(b, model.Heal, model.FromAll), pending(a)}, nil, model.NoProgress},
		{"... not its way to the disk", []model.Op{step(a, model.Partition, 2), step(b, model.Heal, model.FromDisk), pending(a)}, nil, ""},
		{"a damaged structure is no fault's", []model.Op{step(a, model.Fence, 0), stat(a, model.EUCLEAN)}, nil, model.SpuriousError},
		{"... but of a disk that lies", []model.Op{stat(a, model.EUCLEAN)}, []model.Strike{{Step: 1, At: model.WriteCommand, N: 1, Kind: model.LoseWrite}}, ""},
		{"a command that failed", []model.Op{stat(a, model.EIO)}, []model.Strike{{Step: 1, At: model.ReadCommand, N: 1, Kind: model.Fail}}, ""},
		{"... until the next mount", []model.Op{stat(a, model.EIO), mount(a, model.OK), stat(a, model.EIO)}, []model.Strike{{Step: 1, At: model.ReadCommand, N: 1, Kind: model.Fail}}, model.AccessLoss},
		{"... after it, where all of its kind fail", []model.Op{stat(a, model.EIO), mount(a, model.OK), stat(a, model.EIO)}, []model.Strike{{Step: 1, At: model.ReadCommand, N: 1, Kind: model.FailOn}}, ""},
		{"under way at a crash", []model.Op{pending(a), step(a, model.Crash, 0)}, nil, ""},
		{"... at another's", []model.Op{pending(a), step(b, model.Crash, 0)}, nil, model.NoProgress},
		{"... at a power loss", []model.Op{pending(a), step(model.Everyone, model.PowerLoss, 0)}, nil, ""},
		{"paused for ever", []model.Op{step(b, model.Pause, 0), pending(a)}, nil, ""},
		{"paused for a while", []model.Op{step(b, model.Pause, 0), pending(a), step(b, model.Resume, 0)}, nil, model.NoProgress},
	} {
		t.Run(c.name, func(t *testing.T) {
			run := model.Run{Program: model.Program{Hosts: 2, Strikes: c.strikes}}
			run.Strikes = slices.Repeat([]bool{true}, len(c.strikes))
			for i, op := range append([]model.Op{mount(a, model.OK), mount(b, model.OK)}, c.ops...) {
				op.Step = max(0, i-1)
				op.Call = int64(2*i + 1)
				if op.Return == 0 {
					op.Return = op.Call + 1
				}
				run.History = append(run.History, op)
			}
			if v := judge(run)[0]; v.Anomaly != c.want {
				t.Errorf("%v %q, want %q: %v", v.Outcome, v.Anomaly, c.want, v.Proof)
			}
		})
	}
}

// What a crash may have undone no longer takes space, nor has a file gone for
// certain whose removal may have been undone.
func TestCapacityAfterCrashes(t *testing.T) {
	for text, want := range map[string]model.Outcome{
		"A create a; A create b; A sync; A write a[0+24]=5; A sync; B write b[0+24]=6; end":                     model.Violated,
		"A create a; A create b; A sync; A write a[0+24]=5; A crash; B write b[0+24]=6; end":                    model.Held,
		"A create a; A create b; A sync; A write a[0+24]=5; A sync; A crash; B write b[0+24]=6; end":            model.Violated,
		"A create a; A create b; A write a[0+24]=5; A crash; B write b[0+24]=6; end":                            model.Held,
		"A create a; A create b; A sync; A fence; A write a[0+24]=5; A sync; B write b[0+24]=6; end":            model.Held,
		"A create a; A create b; A sync; A write a[0+24]=5; A sync; A rename a c; B write b[0+24]=6; end":       model.Held,
		"A create a; A create b; A sync; A write a[0+24]=5; A sync; B write b[0+24]=6; all power-loss; A mount": model.Held,
	} {
		run := brute.History(text)
		run.Space = model.Space{Blocks: 4, Inodes: 3}
		if v := checker.New(0, model.Capacity)(run)[0]; v.Outcome != want {
			t.Errorf("%s: %v %v, want %v", text, v.Outcome, v.Proof, want)
		}
	}
}
