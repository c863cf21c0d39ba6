package checker_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/internal/testscale"
	"github.com/doublemount/doublemount/model"
	"pgregory.net/rapid"
)

var movePaths = []model.Path{"/a", "/b", "/d", "/e", "/d/a", "/d/b", "/e/a", "/d/e", "/d/e/a", "/e/d/a"}

// step draws an operation on names, one of them in two a rename or link.
func step(draw func(n int) int, number int) model.Step {
	path := func() model.Path { return movePaths[draw(len(movePaths))] }
	s := model.Step{Host: model.Host(draw(2)), Path: path()}
	switch draw(16) {
	case 0, 1, 2, 3, 4:
		s.Kind, s.To = model.Rename, path()
	case 5, 6:
		s.Kind, s.To = model.Link, path()
	case 7, 8:
		s.Kind = model.Create
	case 9:
		s.Kind = model.Mkdir
	case 10:
		s.Kind = []model.Kind{model.Unlink, model.Rmdir}[draw(2)]
	case 11, 12:
		s.Kind, s.Len, s.Data = model.Write, 8, byte(number+1)
	case 13:
		s.Kind = []model.Kind{model.Stat, model.Readdir}[draw(2)]
	case 14:
		s.Kind, s.Len = model.Read, 8
	case 15:
		s.Kind, s.Path = []model.Kind{model.Sync, model.Remount}[draw(2)], ""
	}
	return s
}

// performed is what [model.FS] answers to steps, each at one moment between its
// call and its return; neighbours of different hosts may overlap and then take
// effect in either order. At the end Final looks at everything.
func performed(draw func(n int) int, steps []model.Step) model.Run {
	var fs model.FS
	p := model.Program{Hosts: 2, Steps: steps, Unmounts: []model.Host{0, 1}}
	run := model.Run{Program: p}
	now := int64(0)
	tick := func() int64 { now++; return now }
	at := func(s model.Step, number int) model.Op {
		return model.Op{Step: number, Host: s.Host, Kind: s.Kind, Path: s.Path, To: s.To, File: s.File, Off: s.Off, Len: s.Len, Data: s.Data}
	}
	add := func(op model.Op) {
		if op.Kind == model.Remount {
			op.Kind, op.Call, op.Return = model.Unmount, tick(), tick()
			run.History = append(run.History, op)
			op.Kind = model.Mount
		} else {
			op.Result = fs.Apply(op.AsStep())
		}
		op.Call, op.Return = tick(), tick()
		run.History = append(run.History, op)
	}
	for h := range model.Host(2) {
		add(model.Op{Host: h, Kind: model.Mount})
	}
	for i := 0; i < len(steps); i++ {
		a := at(steps[i], i+1)
		if i+1 == len(steps) || steps[i].Host == steps[i+1].Host || steps[i].Path == "" || steps[i+1].Path == "" || draw(3) > 0 {
			add(a)
			continue
		}
		b := at(steps[i+1], i+2)
		a.Call, b.Call = tick(), tick()
		both := []*model.Op{&a, &b}
		if draw(2) == 0 {
			slices.Reverse(both)
		}
		for _, op := range both {
			op.Result = fs.Apply(op.AsStep())
		}
		a.Return, b.Return = tick(), tick()
		run.History = append(run.History, a, b)
		i++
	}
	for h := range model.Host(2) {
		add(model.Op{Host: h, Kind: model.Unmount, Step: len(steps) + 1 + int(h)})
	}
	add(model.Op{Host: model.Final, Kind: model.Mount})
	for _, path := range p.Paths() {
		add(model.Op{Host: model.Final, Kind: model.Stat, Path: path})
		add(model.Op{Host: model.Final, Kind: model.Read, Path: path, Len: 8})
		add(model.Op{Host: model.Final, Kind: model.Readdir, Path: path})
	}
	return run
}

// start makes names that renames and links then find.
var start = []model.Step{{Kind: model.Mkdir, Path: "/d"}, {Kind: model.Create, Path: "/a"}, {Kind: model.Create, Path: "/d/a"},
	{Kind: model.Write, Path: "/a", Len: 8, Data: 200}, {Kind: model.Write, Path: "/d/a", Len: 8, Data: 201}}

// Whatever the specification answers keeps every rung.
func TestSpecificationIsKept(t *testing.T) {
	judges := quickJudges()
	judged, open := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		draw := func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "n") }
		steps := slices.Clone(start)
		for n := range rapid.IntRange(1, 14).Draw(t, "steps") {
			steps = append(steps, step(draw, n))
		}
		run := performed(draw, steps)
		for i, judge := range judges {
			v := judge(run)[0]
			judged++
			if v.Outcome == model.Inconclusive {
				open++
			}
			if v.Outcome == model.Violated {
				t.Fatalf("%s: %v %s\n%s\n%s\n%s", rungs[i].Name, v.Outcome, v.Limit, v.Proof[0], v.Proof[1], text(run))
			}
		}
	})
	t.Logf("%d judged, %d inconclusive", judged, open)
	if open*20 > judged {
		t.Error("too many are inconclusive")
	}
}

// quickJudges give up early.
func quickJudges() []model.Judge {
	var judges []model.Judge
	for _, g := range rungs {
		judges = append(judges, checker.New(30_000, g))
	}
	return judges
}

// A right history in which one thing is changed is flagged wherever a final
// observation shows it, and the ladder stays monotone.
func TestSpecificationChanged(t *testing.T) {
	judges := rungsAnd().judges
	rng := rand.New(rand.NewPCG(5, 6))
	flagged, lost, moves, open := 0, 0, 0, 0
	for range testscale.Count(50, 5000) {
		steps := slices.Clone(start)
		for n := range 8 {
			steps = append(steps, step(rng.IntN, n))
		}
		run := performed(rng.IntN, steps)
		// Take a rename, link or unlink that succeeded away: its answer stays.
		var able []int
		for i, op := range run.History {
			if op.Succeeded() && (op.Kind == model.Unlink || op.Kind.TwoPaths() && op.Path != op.To) {
				able = append(able, i)
			}
		}
		if len(able) == 0 {
			continue
		}
		moves++
		gone := run.History[able[rng.IntN(len(able))]].Step
		without := performed(func(int) int { return 1 }, slices.Delete(slices.Clone(steps), gone-1, gone))
		wrong := run
		wrong.History = slices.Clone(run.History)
		differ := false
		for i := range wrong.History {
			op := &wrong.History[i]
			if op.Host != model.Final || op.Kind == model.Mount {
				continue
			}
			for _, o := range without.History {
				if o.Host == model.Final && o.Kind == op.Kind && o.Path == op.Path {
					differ = differ || o.Result.Errno != op.Result.Errno
					op.Result = o.Result
				}
			}
		}
		if !differ {
			continue
		}
		above := model.Violated
		for i, judge := range judges {
			v := judge(wrong)[0]
			if v.Outcome == model.Inconclusive {
				open++
			}
			if above == model.Held && v.Outcome == model.Violated {
				t.Fatalf("%s: %v %s after %v\n%s", rungs[i].Name, v.Outcome, v.Limit, above, text(wrong))
			}
			if above = v.Outcome; i == 0 && v.Outcome == model.Violated {
				flagged++
			}
		}
		if above == model.Violated {
			lost++
		}
	}
	t.Logf("%d histories, %d flagged, %d of them at nothing-lost; %d answers inconclusive", moves, flagged, lost, open)
	if flagged*4 < moves || lost*10 < moves || open > moves {
		t.Error("too few are flagged: the test shows little")
	}
}
