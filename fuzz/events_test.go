package fuzz_test

import (
	"math/bits"
	"testing"

	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/model"
)

// TestRunsDiffer asks that a run has few faults of many, so that each is seen in
// some run without the others, and that some runs have none.
func TestRunsDiffer(t *testing.T) {
	caps := newHardy().caps
	const runs = 5000
	alone, none, most := map[model.Faults]int{}, 0, 0
	for run := range runs {
		var found model.Faults
		p := fuzz.Options{}.Program(caps, run)
		for _, s := range p.Steps {
			found |= s.Fault()
		}
		for _, k := range p.Strikes {
			found |= k.Kind.Fault()
		}
		switch bits.OnesCount32(uint32(found)) {
		case 0:
			none++
		case 1:
			alone[found]++
		case 2, 3:
		default:
			most++
		}
	}
	for f := model.Faults(1); f <= everyFault; f <<= 1 {
		if n := alone[f]; n < runs/100 {
			t.Errorf("%v is the only fault of %d runs in %d", f, n, runs)
		}
	}
	if none < runs/10 || none > runs/2 || most > runs/10 {
		t.Errorf("of %d runs %d have no fault and %d more than three kinds", runs, none, most)
	}
}

// TestWhatEndsADisturbance asks that hosts go on, mostly, so that there is
// something to see afterwards.
func TestWhatEndsADisturbance(t *testing.T) {
	caps := newHardy().caps
	paused, resumed, parted, healed, fenced, revived := 0, 0, 0, 0, 0, 0
	for run := range 5000 {
		var standing, cut [model.MaxHosts]bool
		p := fuzz.Options{Steps: 30}.Program(caps, run)
		for i, s := range p.Steps {
			early := i < len(p.Steps)-6
			switch s.Kind {
			case model.Pause:
				if early {
					paused++
					standing[s.Host] = true
				}
			case model.Resume:
				if standing[s.Host] {
					resumed++
				}
				standing[s.Host] = false
			case model.Partition:
				if early {
					parted++
				}
			case model.Heal:
				healed++
			case model.Fence:
				if early {
					fenced++
					cut[s.Host] = true
				}
			case model.Mount, model.Remount, model.Reboot:
				if cut[s.Host] {
					revived++
				}
				cut[s.Host] = false
			}
		}
	}
	for _, test := range []struct {
		what        string
		began, over int
	}{{"paused", paused, resumed}, {"parted", parted, healed}, {"fenced", fenced, revived}} {
		t.Logf("%s %d, over again %d", test.what, test.began, test.over)
		if test.began < 100 || test.over*100 < test.began*65 {
			t.Errorf("%s %d, over again %d", test.what, test.began, test.over)
		}
	}
}

// TestCrashInTheMiddle asks for the schedule that finds most: a step stopped at
// a disk command, until its own host is gone.
func TestCrashInTheMiddle(t *testing.T) {
	caps := newToy().caps
	caps.Survives = model.Crashes
	crashes, amid, after := 0, 0, map[model.Kind]int{}
	for run := range 5000 {
		p := fuzz.Options{}.Program(caps, run)
		for i, s := range p.Steps {
			if s.Kind != model.Crash {
				continue
			}
			crashes++
			for _, h := range p.Holds {
				if h.Until == i+1 && p.Steps[h.Step-1].Host == s.Host {
					amid++
					after[p.Steps[h.Step-1].Kind]++
				}
			}
		}
	}
	t.Logf("%d of %d crashes; in %v", amid, crashes, after)
	if amid*100 < crashes*30 || amid*100 > crashes*80 {
		t.Errorf("%d of %d crashes are in the middle of a step of that host", amid, crashes)
	}
	for _, k := range []model.Kind{model.Write, model.Create, model.Rename, model.Sync, model.Fsync, model.Writeback, model.Unmount, model.Mount} {
		if after[k] == 0 {
			t.Errorf("no crash in the middle of a %v", k)
		}
	}
}

func TestBudget(t *testing.T) {
	caps := newHardy().caps
	for _, test := range []struct {
		faults      model.Faults
		has, hasNot model.Kind
	}{
		{0, model.Crash, model.Refresh},
		{fuzz.NoFaults, model.Tick, model.Crash},
		{model.Crashes, model.Crash, model.PowerLoss},
		{model.DiskPartitions, model.Heal, model.Pause},
		{model.LyingDisk, model.Mount, model.Fence},
	} {
		opts := fuzz.Options{Faults: test.faults}
		within := opts.Within(caps)
		if want := everyFault; test.faults != 0 {
			want &= test.faults
			if within.Survives != want {
				t.Errorf("%v leaves %v", test.faults, within.Survives)
			}
		}
		if !within.Kinds.Has(test.has) || within.Kinds.Has(test.hasNot) {
			t.Errorf("%v leaves the kinds %v", test.faults, within.Kinds.Kinds())
		}
		for run := range 300 {
			checkProgram(t, opts.Program(caps, run), within)
		}
	}
}
