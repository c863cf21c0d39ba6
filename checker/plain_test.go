package checker_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/anishathalye/porcupine"
	"github.com/cespare/xxhash/v2"
	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/internal/brute"
	"github.com/doublemount/doublemount/internal/testscale"
	"github.com/doublemount/doublemount/model"
)

// Plain Porcupine, with the whole file system as one state and the sequential
// specification [model.FS] as its model, has no components, windows or greedy pass,
// only the readings of what a system call is:
//
//   - An operation on content through a path is open, the operation, close. It is two
//     operations here, with one interval, the second through a handle of its own.
//   - A path walk asks for each name at its own point. The one directory of these
//     histories is made before they begin and never removed, so there is only one name
//     of which the point matters. For the same reason a rename or link never fails
//     because of two names at once.
//   - A listing is one view for each name, which a model with one point for each
//     operation cannot have. Histories with listings are judged as snapshots.
type plainState struct {
	fs  *model.FS
	key string
}

// plainOp is an operation of Porcupine: an operation of a history, or its open, or
// what comes after that.
type plainOp struct {
	op    *model.Op
	slot  uint8 // of the handle of its own, or 0
	opens bool
}

// besides is the errors that are for the judges of progress and capacity.
var besides = []model.Errno{model.EBADF, model.EMFILE, model.ENOSPC, model.EIO}

// ruleless reports whether op answered with an error that no state of names
// gives it here, or EPERM: that is for the judge of progress too.
func ruleless(op *model.Op) bool {
	e := op.Result.Errno
	if e == model.OK || op.Pending() || op.Path == model.Root || op.File != 0 && op.Kind.TakesData() && e == model.ENOENT {
		return false
	}
	if e == model.EPERM || op.File != 0 && op.Kind.TakesData() {
		return true
	}
	rules := model.Results(op.Kind) // Linux's; POSIX allows EEXIST for ENOTEMPTY
	deep := op.Path.Parent() != model.Root || op.Kind.TwoPaths() && op.To.Parent() != model.Root
	switch {
	case op.Kind == model.Rename && op.Path == op.To:
		return e != model.ENOENT && (e != model.ENOTDIR || !deep)
	case e == model.EEXIST && slices.Contains(rules, model.ENOTEMPTY):
		return false
	case e == model.EINVAL:
		return !op.To.Below(op.Path)
	case e == model.ENOTDIR && op.Kind != model.Rmdir && op.Kind != model.Readdir && op.Kind != model.Rename:
		return !deep
	case e == model.ENOENT && (op.Kind == model.Create || op.Kind == model.Mkdir):
		return !deep
	}
	return !slices.Contains(rules, e)
}

const privateHandles model.Host = 100

func plainOps(history []model.Op) (ops []porcupine.Operation) {
	add := func(in plainOp) {
		ops = append(ops, porcupine.Operation{Input: in, Call: in.op.Call, Return: in.op.Return})
	}
	for i := range history {
		switch op := &history[i]; {
		case op.Kind.Event(), op.Kind == model.Close && // which is no answer about files
			op.Result.Errno != model.OK, slices.Contains(besides, op.Result.Errno), ruleless(op):
		case op.Path != "" && op.Kind.TakesData() && op.Kind != model.Fsync && (op.Succeeded() || op.Pending()):
			add(plainOp{op, uint8(i + 1), true})
			add(plainOp{op, uint8(i + 1), false})
		default:
			add(plainOp{op: op})
		}
	}
	return ops
}

// step is the state after an operation, and whether it can answer what it did there.
func (s plainState) step(in plainOp) (bool, plainState) {
	o := in.op
	do, want := o.AsStep(), o.Result
	switch {
	case in.opens:
		do = model.Step{Host: privateHandles, Kind: model.Open, Path: o.Path, File: in.slot}
		want = model.Result{}
	case in.slot != 0:
		do.Host, do.Path, do.File = privateHandles, "", in.slot
	}
	next := s.fs
	if do.Kind.Changes() || do.Kind == model.Open || do.Kind == model.Close || in.slot != 0 {
		next = next.Clone()
	}
	if do.Kind == model.Open {
		next.Apply(model.Step{Host: do.Host, Kind: model.Close, File: do.File}) // as after a close whose answer is not judged
	}
	got := next.Apply(do)
	right := o.Pending() || o.Kind == model.Close || got.Errno == want.Errno && got.Type == want.Type && got.Size == want.Size &&
		slices.Equal(got.Data, want.Data) && slices.Equal(got.Names, want.Names)
	if do.Kind.TwoPaths() && got.Errno != model.OK {
		right = right || slices.Contains(s.errnosOf(do), want.Errno)
	}
	if !right || next == s.fs {
		return right, s
	}
	if in.slot != 0 && !in.opens {
		next.Apply(model.Step{Host: privateHandles, Kind: model.Close, File: in.slot})
	}
	return true, plainState{next, string(next.AppendState(nil))}
}

// errnosOf is every error that POSIX lets a rename or link of files fail with here.
func (s plainState) errnosOf(do model.Step) []model.Errno {
	entry := s.fs.Apply(model.Step{Kind: model.Stat, Path: do.Path}).Type
	to := s.fs.Apply(model.Step{Kind: model.Stat, Path: do.To}).Type
	return model.TwoNamesResult(do.Kind, model.TwoNames{Parent: model.Dir, ToParent: model.Dir, Entry: entry, ToEntry: to})
}

// plainLimit is how many steps plain Porcupine may take.
const plainLimit = 400_000

// plainly reports whether plain Porcupine finds an order; decided is false if it
// took too long.
func plainly(history []model.Op) (held, decided bool) {
	left := plainLimit
	m := porcupine.Model{
		Init: func() any { fs := &model.FS{}; return plainState{fs, string(fs.AppendState(nil))} },
		Step: func(state, in, _ any) (bool, any) {
			if left--; left < 0 {
				return false, state
			}
			return state.(plainState).step(in.(plainOp))
		},
		Equal: func(a, b any) bool { return a.(plainState).key == b.(plainState).key },
		Hash:  func(s any) uint64 { return xxhash.Sum64String(s.(plainState).key) },
	}
	held = porcupine.CheckOperations(m, plainOps(history))
	return held, held || left >= 0
}

// client is one program on a host, with one handle and one call at a time.
type client struct {
	host model.Host
	slot uint8
	open bool
	at   int  // its call in the history, or -1
	done bool // the call has had its effect
	file bool // of a call through a path: it has been opened
}

// concurrent is a history of n operations by two clients on each of two hosts, each
// carried out by one file system at one moment between its call and its return, a path
// operation's open at an earlier one. Now and then a client stops for ever.
func concurrent(rng *rand.Rand, n int, listings, moves bool) model.Run {
	var fs model.FS
	var run model.Run
	now := int64(0)
	tick := func() int64 { now++; return now }
	do := func(s model.Step) {
		r := fs.Apply(s)
		run.History = append(run.History, model.Op{Host: s.Host, Kind: s.Kind, Path: s.Path, Len: s.Len, Data: s.Data, Call: tick(), Return: tick(), Result: r})
	}
	do(model.Step{Kind: model.Mount})
	do(model.Step{Host: 1, Kind: model.Mount})
	do(model.Step{Kind: model.Mkdir, Path: "/d"})
	do(model.Step{Kind: model.Create, Path: "/a"})
	do(model.Step{Kind: model.Write, Path: "/a", Len: 12, Data: 200})
	clients := []client{{host: 0, slot: 1, at: -1}, {host: 1, slot: 1, at: -1}, {host: 0, slot: 2, at: -1}, {host: 1, slot: 2, at: -1}}
	busy := 0
	for called := 0; called < n || busy > 0; {
		c := &clients[rng.IntN(len(clients))]
		switch {
		case c.at < 0 && called == n:
		case c.at < 0:
			s := concurrentStep(rng, called, c.slot, c.open, listings, moves)
			c.at, c.done, c.file = len(run.History), false, false
			run.History = append(run.History, model.Op{Step: called + 1, Host: c.host, Kind: s.Kind, Path: s.Path, To: s.To, File: s.File,
				Off: s.Off, Len: s.Len, Data: s.Data, Call: tick(), Return: model.Never})
			called++
			busy++
		case rng.IntN(200) == 0 && run.History[c.at].Kind != model.Open && run.History[c.at].Kind != model.Close:
			*c = client{host: c.host, slot: 3, at: -1} // another one takes its place, without its handle
			busy--
		case c.done:
			op := &run.History[c.at]
			if op.Kind == model.Open && op.Result.Errno == model.OK || op.Kind == model.Close {
				c.open = op.Kind == model.Open
			}
			op.Return = tick()
			c.at = -1
			busy--
		default:
			op := &run.History[c.at]
			s := op.AsStep()
			if s.Path == "" || !s.Kind.TakesData() || s.Kind == model.Fsync {
				op.Result, c.done = fs.Apply(s), true
				break
			}
			own := model.Step{Host: privateHandles, Kind: model.Open, Path: s.Path, File: uint8(op.Step)}
			if !c.file {
				op.Result = fs.Apply(own)
				c.file, c.done = true, op.Result.Errno != model.OK
				break
			}
			s.Host, s.Path, s.File = own.Host, "", own.File
			op.Result, c.done = fs.Apply(s), true
			own.Kind, own.Path = model.Close, ""
			fs.Apply(own)
		}
	}
	for i := range run.History {
		if op := &run.History[i]; op.Pending() {
			op.Result = model.Result{}
		}
	}
	return run
}

func concurrentStep(rng *rand.Rand, number int, slot uint8, open, listings, moves bool) model.Step {
	path := func() model.Path { return []model.Path{"/a", "/b", "/c", "/d/x"}[rng.IntN(4)] }
	s := model.Step{Path: path()}
	k := rng.IntN(22)
	if !moves && (k == 6 || k == 7 || k == 8) {
		k = 9
	}
	switch k {
	case 0, 1, 2, 3:
		s.Kind = model.Create
	case 4, 5:
		s.Kind = model.Unlink
	case 6, 7:
		s.Kind, s.To = model.Rename, path()
	case 8:
		if s.Kind, s.To = model.Link, path(); s.To == s.Path {
			s.Kind, s.To = model.Stat, ""
		}
	case 9, 10:
		s.Kind = model.Stat
	case 11:
		s.Kind = model.Fsync
	case 12:
		s = model.Step{Kind: model.Sync}
	case 13, 14, 15:
		s.Kind, s.Off, s.Len = model.Read, int32(rng.IntN(2))*8, 16
	case 16, 17:
		s.Kind, s.Off, s.Len, s.Data = model.Write, int32(rng.IntN(3))*4, 8, byte(number+1)
	case 18:
		s.Kind, s.Len, s.Data = model.Append, 4, byte(number+1)
	case 19:
		s.Kind, s.Len = model.Truncate, int32(rng.IntN(4))*4
	default:
		switch {
		case listings && rng.IntN(2) == 0:
			return model.Step{Kind: model.Readdir, Path: []model.Path{"/", "/d"}[rng.IntN(2)]}
		case slot > 2:
			s.Kind = model.Stat
		case !open:
			s.Kind, s.File = model.Open, slot
		default:
			s = model.Step{Kind: model.Close, File: slot}
		}
	}
	if k >= 13 && k < 20 && open {
		s.Path, s.File = "", slot
	}
	return s
}

// At linearizable the judge says what plain Porcupine says, of histories of 30 to 60
// operations by four clients that overlap, as an atomic store answered them, with
// operations that never return, and with one answer changed.
func TestAgreesWithPlainPorcupine(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 22))
	names, snapshots := checker.New(0, model.Linearizable), checker.New(0, brute.Snapshots)
	judged, violated, open := 0, 0, 0
	histories := testscale.Count(300, 100_000)
	for n := 0; judged < histories; n++ {
		judge, listings := names, n%3 == 0
		if listings {
			judge = snapshots
		}
		run := concurrent(rng, 30+rng.IntN(31), listings, n%5 > 0)
		right := n%2 == 0
		if !right {
			run = brute.Mutate(rng, run)
		}
		want, decided := plainly(run.History)
		if right && !want && decided {
			t.Fatalf("plain Porcupine finds no order of a right history\n%s", text(run))
		}
		v := judge(run)[0]
		if !decided || v.Outcome == model.Inconclusive {
			open++
		} else if (v.Outcome == model.Held) != want {
			t.Fatalf("history %d, listings %v: %v; plain Porcupine says held=%v\n%s", n, listings, v.Outcome, want, text(run))
		}
		judged++
		if v.Outcome == model.Violated {
			violated++
		}
	}
	t.Logf("%d histories, %d violated, %d of them not decided", judged, violated, open)
	if violated*5 < judged || open*100 > judged {
		t.Error("the test shows too little")
	}
}
