package checker_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/internal/brute"
	"github.com/doublemount/doublemount/internal/testscale"
	"github.com/doublemount/doublemount/model"
)

// What locks may and may not answer (fcntl(2), "Open file description locks";
// flock(2)), and what the verdict is called.
func TestExclusion(t *testing.T) {
	const opened = "C create a; C unmount; A mount; B mount; A open a f1; B open a f1; "
	for _, c := range []struct {
		text string
		want model.Anomaly
		why  string
	}{
		{opened + "A lock f1; B lock f1 -> EAGAIN; A unlock f1; B lock f1", "", "one after the other"},
		{opened + "A lock f1; B lock f1", model.DoubleGrant, "both have it"},
		{opened + "A lock f1 | B lock f1", model.DoubleGrant, "both have it, at once"},
		{opened + "A lock f1 | B lock f1 -> EAGAIN", "", "one of two"},
		{opened + "A lock f1 -> EAGAIN | B lock f1 -> EAGAIN", model.StuckLock, "neither of two"},
		{opened + "A lock f1 shared; B lock f1 shared", "", "shared"},
		{opened + "A lock f1 shared; B lock f1 -> EAGAIN", "", "shared is in the way of exclusive"},
		{opened + "A lock f1 shared; B lock f1 shared -> EAGAIN", model.StuckLock, "shared is not in the way of shared"},
		{opened + "A lock f1 0 8; B lock f1 8 8", "", "other words"},
		{opened + "A lock f1 0 8; B lock f1 7 8", model.DoubleGrant, "a word in common"},
		{opened + "A lock f1; A unlock f1 4 4; B lock f1 4 4", "", "a part is given up"},
		{opened + "A lock f1; A unlock f1 4 4; B lock f1 4 5", model.DoubleGrant, "and no more"},
		{opened + "A lock f1; A lock f1 0 8 shared; B lock f1 0 4 shared", "", "a part is made shared"},
		{opened + "A lock f1 shared; A lock f1; B lock f1 shared -> EAGAIN", "", "made exclusive"},
		{opened + "A lock f1; A close f1; B lock f1", "", "a close gives up"},
		{opened + "A lock f1; A unmount; B lock f1", "", "so does an unmount"},
		{opened + "A lock f1; A close f1; B lock f1 -> EAGAIN", model.StuckLock, "nobody has it"},
		{opened + "A lock f1 { B lock f1 -> EAGAIN }", "", "taken early"},
		{opened + "A lock f1; A unlock f1 { B lock f1; B unlock f1; B lock f1 -> EAGAIN }", model.StuckLock, "given up only once"},
		{opened + "A lock f1; A crash; B lock f1 -> EAGAIN; B lock f1", "", "a dead host's lock is free some day"},
		{opened + "A lock f1; A crash; B lock f1; A mount; A open a f1; A lock f1", model.DoubleGrant, "its new life begins without"},
		{opened + "A lock f1; A crash; B lock f1; B unlock f1; B lock f1 -> EAGAIN", model.StuckLock, "free is free"},
		{opened + "A fence; A lock f1; B lock f1 -> EAGAIN; A unlock f1; B lock f1", "", "who is cut off from the disk may lock all the same"},
		{opened + "A lock f1 -> pending { A crash }; B lock f1", "", "had not returned"},
		{opened + "A lock f1 -> pending { A crash }; B lock f1 -> EAGAIN", "", "or had it"},
		{"A create a; B create a; A open a f1; B open a f1; A lock f1; B lock f1", "", "two files of that name: not judged"},
		{"A create a; A link a b; A open a f1; A open b f2; A lock f1; A lock f2 -> EAGAIN", "", "by another name: not judged"},
		{"A create a; A open a f1; A open a f2; A lock f1; A lock f2", model.DoubleGrant, "two handles of one host"},
	} {
		run := brute.History(c.text)
		v := checker.New(0, model.Exclusion)(run)[0]
		if v.Anomaly != c.want || (v.Outcome == model.Held) != (c.want == "") {
			t.Errorf("%v %q, want %q: %s\n%s\n%v", v.Outcome, v.Anomaly, c.want, c.why, c.text, v.Proof)
		}
		if v.Outcome == model.Violated && (v.Proof[1] == "" || len(v.Steps) == 0) {
			t.Errorf("no proof: %+v\n%s", v, c.text)
		}
	}
}

// What locks of two kinds may and may not answer, as flock(2) and fcntl(2) say for
// a local file system and for NFS.
func TestExclusionOfTwoKinds(t *testing.T) {
	const opened = "C create a; C unmount; A mount; B mount; A open a f1; B open a f1; "
	for _, c := range []struct {
		text string
		want model.Anomaly
		why  string
	}{
		{opened + "A lock f1; B lock f1 0 8", "", "they do not see each other"},
		{opened + "A lock f1 0 8; B lock f1", "", "nor this way"},
		{opened + "A lock f1; B lock f1 0 8 -> EAGAIN", "", "or they do"},
		{opened + "A lock f1 0 8; B lock f1 -> EAGAIN; A unlock f1 0 8; B lock f1", "", "or they do, this way"},
		{opened + "A lock f1 0 8; A unlock f1 0 8; B lock f1 -> EAGAIN", model.StuckLock, "of neither kind there is one"},
		{opened + "A lock f1; B lock f1", model.DoubleGrant, "whole files"},
		{opened + "A lock f1 0 8; B lock f1 4 8", model.DoubleGrant, "ranges"},
		{opened + "A lock f1; A unlock f1 0 8; B lock f1 -> EAGAIN", "", "an unlock of the other kind: it has it still"},
		{opened + "A lock f1; A unlock f1 0 8; B lock f1 0 8; B lock f1 8 8 -> EAGAIN", "", "or, where both are one, not all of it"},
		{opened + "A lock f1 0 8; A unlock f1; B lock f1 0 8 -> EAGAIN", "", "the same for a range"},
		{opened + "A lock f1 0 8; A unlock f1; B lock f1 0 8", "", "or it went with the whole file"},
		{opened + "A lock f1; A lock f1 0 8; A close f1; B lock f1; B lock f1 0 8", "", "a close gives both up"},
		{opened + "A lock f1; A lock f1 0 8; A close f1; B lock f1 -> EAGAIN", model.StuckLock, "a close gives both up"},
		{opened + "A lock f1 shared; B lock f1 shared; A lock f1 -> EAGAIN; B lock f1", "", "refused, and lost what it had"},
		{opened + "A lock f1 shared; B lock f1 shared; A lock f1 -> EAGAIN; B lock f1 -> EAGAIN", "", "refused, and kept what it had"},
		{opened + "A lock f1 shared; B lock f1 shared; A lock f1 -> EAGAIN; B lock f1; B unlock f1; B lock f1 -> EAGAIN", model.StuckLock, "what is lost is lost"},
		{opened + "A lock f1; A lock f1 shared { B lock f1; B unlock f1 }", "", "given up before it is taken"},
		{opened + "A lock f1; A lock f1 shared -> EAGAIN { B lock f1 }", "", "and others were faster"},
		{opened + "A lock f1; A lock f1 { B lock f1; B unlock f1 }", model.DoubleGrant, "asked for again as it is, it is not given up"},
		{opened + "A lock f1; B lock f1 shared -> EAGAIN; B lock f1 shared", model.DoubleGrant, "who is refused has nothing to lose"},
		{opened + "A lock f1 0 8 shared; B lock f1 0 8 shared; A lock f1 0 8 -> EAGAIN; B lock f1 0 8", model.DoubleGrant, "a range is kept"},
		{opened + "A lock f1 0 8; A lock f1 0 8 shared { B lock f1 0 8; B unlock f1 0 8 }", model.DoubleGrant, "and changed at once"},
	} {
		run := brute.History(c.text)
		run.LocksApart = true
		v := checker.New(0, model.Exclusion)(run)[0]
		if v.Anomaly != c.want || (v.Outcome == model.Held) != (c.want == "") || brute.Exclusion(run) != (c.want == "") {
			t.Errorf("%v %q, want %q: %s\n%s\n%v", v.Outcome, v.Anomaly, c.want, c.why, c.text, v.Proof)
		}
		call, other := "by flock(2)", "fcntl"
		if strings.Contains(c.text, "lock f1 0 8; B lock f1 4") || strings.HasSuffix(c.why, "kept") || strings.HasSuffix(c.why, "at once") {
			call, other = "by fcntl(2)", "flock"
		}
		if said := v.Observed + v.Proof[0] + v.Proof[1]; c.want == model.DoubleGrant && (!strings.Contains(said, call) || strings.Contains(said, other)) {
			t.Errorf("%q does not say %s\n%s", said, call, c.text)
		}
	}
}

// Locks that come and go for long are judged, and explained, without a search for
// each of them.
func TestManyLocks(t *testing.T) {
	run := brute.History("C create a; C unmount; A mount; B mount; A open a f1; B open a f1")
	now := run.History[len(run.History)-1].Return
	add := func(h model.Host, k model.Kind) {
		now += 2
		run.History = append(run.History, model.Op{Step: len(run.History) + 1, Host: h, Kind: k, File: 1, Call: now, Return: now + 1})
	}
	for range 5_000 {
		add(0, model.Lock)
		add(0, model.Unlock)
	}
	if v := checker.New(0, model.Exclusion)(run)[0]; v.Outcome != model.Held {
		t.Fatalf("%+v", v)
	}
	add(0, model.Lock)
	add(1, model.Lock)
	last := len(run.History)
	add(0, model.Unlock)
	v := checker.New(0, model.Exclusion)(run)[0]
	if v.Anomaly != model.DoubleGrant || v.Steps[1] != last {
		t.Errorf("%+v; want a double grant at step %d", v, last)
	}
}

// The judge of locks says what trying every order says, on random histories of two
// hosts with overlaps, crashes and answers that are as they come.
func TestExclusionAgreesWithBruteForce(t *testing.T) {
	t.Run("together", func(t *testing.T) { exclusionAgrees(t, false) })
	t.Run("apart", func(t *testing.T) { exclusionAgrees(t, true) })
}

func exclusionAgrees(t *testing.T, apart bool) {
	judge := checker.New(0, model.Exclusion)
	held := 0
	n := testscale.Count(3_000, 200_000)
	for seed := range n {
		run := randomLocks(rand.New(rand.NewPCG(7, uint64(seed))))
		run.LocksApart = apart
		v := judge(run)[0]
		want := brute.Exclusion(run)
		if want {
			held++
		}
		if v.Outcome == model.Inconclusive || (v.Outcome == model.Held) != want {
			t.Fatalf("%v; brute force says held=%v\n%s\n%v", v.Outcome, want, text(run), v.Proof)
		}
	}
	if held < n/10 || held > n-n/10 {
		t.Errorf("%d of %d are right: too one-sided to say much", held, n)
	}
}

// randomLocks is a history of locks on one file by two hosts of two handles each.
func randomLocks(rng *rand.Rand) model.Run {
	now := int64(0)
	tick := func() int64 { now++; return now }
	var ops []model.Op
	add := func(op model.Op) *model.Op {
		op.Step, op.Call, op.Return = len(ops)+1, tick(), tick()
		ops = append(ops, op)
		return &ops[len(ops)-1]
	}
	add(model.Op{Host: 0, Kind: model.Mount})
	add(model.Op{Host: 1, Kind: model.Mount})
	add(model.Op{Kind: model.Create, Path: "/a"})
	for h := range model.Host(2) {
		for slot := uint8(1); slot <= 2; slot++ {
			add(model.Op{Host: h, Kind: model.Open, Path: "/a", File: slot})
		}
	}
	crashed := [2]bool{}
	for range 3 + rng.IntN(5) {
		op := model.Op{Host: model.Host(rng.IntN(2)), Kind: model.Lock, File: uint8(1 + rng.IntN(2))}
		if crashed[op.Host] {
			continue
		}
		switch rng.IntN(8) {
		case 0:
			op.Kind = model.Close
		case 1, 2:
			op.Kind = model.Unlock
		case 3:
			op.Kind, op.File = model.Crash, 0
			crashed[op.Host] = true
		}
		if op.Kind == model.Lock || op.Kind == model.Unlock {
			if rng.IntN(3) == 0 {
				op.Off, op.Len = int32(rng.IntN(3)), int32(1+rng.IntN(3))
			}
			if op.Shared = op.Kind == model.Lock && rng.IntN(2) == 0; op.Kind == model.Lock && rng.IntN(2) == 0 {
				op.Result.Errno = model.EAGAIN
			}
		}
		closed := op.Kind == model.Close
		for _, o := range ops {
			if o.Kind == model.Close && o.Host == op.Host && o.File == op.File && op.File != 0 {
				op.Result = model.Result{Errno: model.EBADF}
				closed = false
			}
		}
		prev := &ops[len(ops)-1]
		late := prev.Kind == model.Lock || prev.Kind == model.Unlock
		this := add(op)
		if prev = &ops[len(ops)-2]; late && !closed && prev.Host != this.Host && rng.IntN(2) == 0 {
			prev.Return = tick() // they overlap
		}
	}
	if rng.IntN(4) == 0 {
		if last := &ops[len(ops)-1]; last.Kind == model.Lock {
			last.Return, last.Result = model.Never, model.Result{}
		}
	}
	return model.Run{Program: model.Program{Hosts: 2}, History: ops}
}
