package checker_test

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/doublemount/doublemount/internal/testscale"
	"github.com/doublemount/doublemount/model"
)

// machine is a file system that keeps every rung and crashes: it carries out each
// operation at once, and at a crash undoes, by carrying everything out again
// without them, some changes that nothing had made durable. It has its own reading
// of the rule: it replays where the judge has worlds.
type machine struct {
	log      []entry
	fs       *model.FS
	reckless bool // it undoes anything, whatever others saw and fsyncs promised
}

type entry struct {
	step    model.Step
	result  model.Result
	durable bool  // covered, or of a life that is over
	undoes  []int // of a crash: what it undoes
}

func (m *machine) do(s model.Step) model.Result {
	size := m.fs.Apply(model.Step{Host: s.Host, Kind: model.Stat, Path: s.Path}).Size
	e := entry{step: s, result: m.fs.Apply(s)}
	if s.Kind == model.Append { // where it was written, it stays
		e.step.Kind, e.step.Off = model.Write, int32(size)
	}
	switch {
	case s.Kind == model.Sync || s.Kind == model.Unmount:
		m.cover(s.Host)
	case s.Kind == model.Fsync && e.result.Errno == model.OK:
		m.cover(model.Everyone) // more than it has to
	}
	m.log = append(m.log, e)
	return e.result
}

func (m *machine) cover(h model.Host) {
	for i := range m.log {
		if e := &m.log[i]; h == model.Everyone || e.step.Host == h {
			e.durable = true
		}
	}
}

// crash undoes a set of changes that may be, one of those that undo draws.
func (m *machine) crash(s model.Step, undo func() bool) {
	at := len(m.log)
	m.log = append(m.log, entry{step: s})
	var able []int
	for i, e := range m.log[:at] {
		if (s.Kind == model.PowerLoss || e.step.Host == s.Host) && (m.reckless || !e.durable) && e.step.Kind.Changes() && e.result.Errno == model.OK {
			able = append(able, i)
		}
	}
	for range 8 {
		set := slices.DeleteFunc(slices.Clone(able), func(int) bool { return !undo() })
		m.log[at].undoes = set
		if fs, ok := m.replay(at+1, nil, nil); ok && (m.reckless || m.sameFiles(set)) {
			m.fs = fs
			m.cover(s.Host)
			return
		}
	}
	m.log[at].undoes = nil // that always may be
	m.fs, _ = m.replay(at+1, nil, nil)
	m.cover(s.Host)
}

// replay carries out the first n entries but those left out; ok is false where one
// answers otherwise that is not excused by one of the crashes.
func (m *machine) replay(n int, without, crashes []int) (fs *model.FS, ok bool) {
	fs = &model.FS{}
	for i, e := range m.log[:n] {
		switch {
		case slices.Contains(without, i):
		case e.step.Kind == model.Crash || e.step.Kind == model.PowerLoss:
			if fs, ok = m.replay(i, slices.Concat(without, e.undoes), slices.Concat(crashes, []int{i})); !ok {
				return nil, false
			}
			fs.Apply(e.step)
		default:
			changed := e.step.Kind.Changes() && e.result.Errno == model.OK
			excused := !changed && slices.ContainsFunc(crashes, func(k int) bool {
				return m.log[k].step.Kind == model.PowerLoss || m.log[k].step.Host == e.step.Host
			})
			if excused && e.step.Kind.Changes() {
				continue // it failed, and so changed nothing
			}
			if r := fs.Apply(e.step); !m.reckless && !excused && !reflect.DeepEqual(r, e.result) {
				return nil, false
			}
		}
	}
	return fs, true
}

// sameFiles reports whether every change of content finds its file without the
// changes of names in set: none is of its name, or of one above.
func (m *machine) sameFiles(set []int) bool {
	for i, e := range m.log {
		if !e.step.Kind.TakesData() || !e.step.Kind.Changes() || slices.Contains(set, i) {
			continue
		}
		for _, k := range set {
			s := m.log[k].step
			for _, name := range []model.Path{s.Path, s.To} {
				if k < i && !s.Kind.TakesData() && name != "" && (name == e.step.Path || e.step.Path.Below(name)) {
					return false
				}
			}
		}
	}
	return true
}

// crashStep draws what a machine does.
func crashStep(rng *rand.Rand, number int) model.Step {
	path := func() model.Path { return []model.Path{"/a", "/a", "/b", "/d", "/d/a"}[rng.IntN(5)] }
	s := model.Step{Host: model.Host(rng.IntN(2)), Path: path()}
	switch rng.IntN(20) {
	case 0, 1, 2:
		s.Kind = model.Create
	case 3, 4, 5, 6:
		s.Kind, s.Off, s.Len, s.Data = model.Write, int32(rng.IntN(2))*8, 8*int32(1+rng.IntN(2)), byte(number+1)
	case 7:
		s.Kind, s.Len, s.Data = model.Append, 8, byte(number+1)
	case 8:
		s.Kind = model.Unlink
	case 9, 10:
		s.Kind, s.To = model.Rename, path()
	case 11:
		s.Kind, s.To = model.Link, path()
	case 12:
		s.Kind = model.Fsync
	case 13:
		s.Kind, s.Path = model.Sync, ""
	case 14:
		s.Kind = model.Stat
	case 15, 16:
		s.Kind, s.Len = model.Read, 16
	case 17:
		s.Kind = []model.Kind{model.Mkdir, model.Truncate}[rng.IntN(2)]
	case 18:
		s.Kind, s.Path = model.Crash, ""
	case 19:
		s = model.Step{Kind: []model.Kind{model.Crash, model.PowerLoss}[rng.IntN(2)], Host: s.Host}
	}
	if s.Kind == model.PowerLoss {
		s.Host = model.Everyone
	}
	return s
}

// crashing is a run of a machine. What crashes undo is drawn by undo.
func crashing(rng *rand.Rand, n int, reckless bool, undo func() bool) (run model.Run, undone int) {
	m := machine{fs: &model.FS{}, reckless: reckless}
	now := int64(0)
	add := func(s model.Step, number int, r model.Result) {
		op := model.Op{Step: number, Host: s.Host, Kind: s.Kind, Path: s.Path, To: s.To, Off: s.Off, Len: s.Len, Data: s.Data, Result: r}
		op.Call, op.Return = now+1, now+2
		now += 2
		run.History = append(run.History, op)
	}
	do := func(s model.Step, number int) {
		if s.Kind == model.Crash || s.Kind == model.PowerLoss {
			m.crash(s, undo)
			undone += len(m.log[len(m.log)-1].undoes)
			add(s, number, model.Result{})
			return
		}
		add(s, number, m.do(s))
	}
	for h := range model.Host(2) {
		do(model.Step{Host: h, Kind: model.Mount}, 0)
	}
	do(model.Step{Kind: model.Create, Path: "/a"}, 0)
	do(model.Step{Kind: model.Write, Path: "/a", Len: 16, Data: 200}, 0)
	do(model.Step{Kind: model.Mkdir, Path: "/d"}, 0)
	do(model.Step{Kind: model.Sync}, 0)
	for i := range n {
		s := crashStep(rng, i)
		do(s, i+1)
		switch s.Kind {
		case model.Crash:
			do(model.Step{Host: s.Host, Kind: model.Mount}, i+1)
		case model.PowerLoss:
			do(model.Step{Host: 0, Kind: model.Mount}, i+1)
			do(model.Step{Host: 1, Kind: model.Mount}, i+1)
		}
	}
	for h := range model.Host(2) {
		do(model.Step{Host: h, Kind: model.Unmount}, n+1)
	}
	do(model.Step{Host: model.Final, Kind: model.Mount}, 0)
	for _, p := range []model.Path{"/a", "/b", "/d", "/d/a"} {
		do(model.Step{Host: model.Final, Kind: model.Stat, Path: p}, 0)
		do(model.Step{Host: model.Final, Kind: model.Read, Path: p, Len: 40}, 0)
	}
	return run, undone
}

// Whatever such a machine does keeps every rung.
func TestMachinesThatCrash(t *testing.T) {
	judges := rungsAnd().judges
	rng := rand.New(rand.NewPCG(7, 8))
	undone, open, runs := 0, 0, testscale.Count(1500, 60_000)
	for n := range runs {
		run, u := crashing(rng, 6+n%8, false, func() bool { return rng.IntN(2) == 0 })
		undone += u
		for i, judge := range judges {
			v := judge(run)[0]
			if v.Outcome == model.Violated {
				t.Fatalf("run %d, %s: %q\n%s\n%s\n%s", n, rungs[i].Name, v.Anomaly, v.Proof[0], v.Proof[1], text(run))
			}
			if v.Outcome == model.Inconclusive {
				open++
			}
		}
	}
	t.Logf("%d runs, %d changes undone, %d answers inconclusive", runs, undone, open)
	if undone < runs/10 || open > runs/20 {
		t.Error("the test shows too little")
	}
}

// A machine that undoes what it must not is found out, and the ladder stays
// monotone.
func TestMachinesThatCrashRecklessly(t *testing.T) {
	judges := rungsAnd().judges
	rng := rand.New(rand.NewPCG(9, 10))
	lossy, flagged, lost, open := 0, 0, 0, 0
	names := map[model.Anomaly]int{}
	for n := range testscale.Count(400, 20_000) {
		run, u := crashing(rng, 6+n%5, true, func() bool { return rng.IntN(2) == 0 })
		if u == 0 {
			continue
		}
		lossy++
		above := model.Violated
		for i, judge := range judges {
			v := judge(run)[0]
			if above == model.Held && v.Outcome != model.Held {
				t.Fatalf("run %d, %s: %v under one that is held\n%s", n, rungs[i].Name, v.Outcome, text(run))
			}
			above = v.Outcome
			switch {
			case v.Outcome == model.Inconclusive:
				open++
			case v.Outcome == model.Violated && i == 0:
				flagged++
				names[v.Anomaly]++
			case v.Outcome == model.Violated && i == 3:
				lost++
			}
		}
	}
	t.Logf("%d runs, %d flagged, %d of them at nothing-lost, %d answers inconclusive: %v", lossy, flagged, lost, open, names)
	if flagged*2 < lossy || lost*3 < lossy || open*10 > lossy || names[model.DurabilityViolation]*4 < flagged {
		t.Error("the test shows too little")
	}
}
