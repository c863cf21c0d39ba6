package sim_test

import (
	"testing"

	"github.com/doublemount/doublemount/model"
)

func TestLockRules(t *testing.T) {
	for _, c := range []struct {
		name  string
		steps []string
		step  int
		text  string
	}{
		{"taken twice", []string{"A aa11"}, 1, `lock "a" taken twice`},
		{"given up but not taken", []string{"A 1"}, 1, `unlock of "a"`},
		{"given up twice", []string{"A a11"}, 1, `unlock of "a"`},
		{"taken at the end", []string{"A ab2"}, 1, `ended with lock "a"`},
		{"another lock at the end", []string{"A a1", "B b"}, 2, `ended with lock "b"`},
		{"mutex taken twice", []string{"A mm"}, 1, "mutex locked twice"},
		{"mutex given up but not taken", []string{"A n"}, 1, "unlock of a mutex"},
		{"mutex taken at the end", []string{"A m", "A n"}, 1, "ended with a mutex"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantDefect(t, run(t, letters(), program(2, nil, c.steps...)), model.Misuse, c.step, c.text)
		})
	}
}

// A lock that another step has is not this step's to give up.
func TestUnlockOfAnothersLock(t *testing.T) {
	hold := []model.Hold{{Step: 1, At: model.WriteCommand, N: 1, Until: 2}}
	got := run(t, letters(), program(2, hold, "A aw1", "B 1"))
	wantDefect(t, got, model.Misuse, 2, `unlock of "a"`)
	got = run(t, letters(), program(2, hold, "A mwn", "A n"))
	wantDefect(t, got, model.Misuse, 2, "unlock of a mutex")
}

// A host's mutex is nobody else's business.
func TestMutexIsOfOneHost(t *testing.T) {
	hold := []model.Hold{{Step: 1, At: model.WriteCommand, N: 1, Until: 2}}
	got := run(t, letters(), program(2, hold, "A mwn", "B mwn"))
	noDefect(t, got)
	if got.Holds[0] != model.Fired {
		t.Errorf("hold: %v; B waited for A's mutex", got.Holds[0])
	}
}

// Different locks exclude nobody; one lock does, and each block is written by
// one step at a time.
func TestLockExcludes(t *testing.T) {
	hold := []model.Hold{{Step: 1, At: model.WriteCommand, N: 1, Until: 3}}
	if got := run(t, letters(), program(2, hold, "A aw1", "B bw2", "B w")); got.Holds[0] != model.Fired {
		t.Errorf("hold: %v; B waited for a lock of another name", got.Holds[0])
	}
	got := run(t, letters(), program(3, hold, "A aww1", "B aww1", "C aww1"))
	noDefect(t, got)
	owner := int16(0)
	for _, r := range got.Trace {
		switch {
		case r.Kind == model.Locked && owner != 0, r.Kind == model.BlockWritten && r.Step != owner && r.Step > 0:
			t.Fatalf("%v while step %d has the lock", r, owner)
		case r.Kind == model.Locked:
			owner = r.Step
		case r.Kind == model.Unlocked:
			owner = 0
		}
	}
}

// Two steps that take two locks in opposite order wait for each other for ever.
func TestDeadlock(t *testing.T) {
	got := run(t, letters(), program(2, deadlockHold, deadlock...))
	wantDefect(t, got, model.Deadlock, 2, "waits for a lock")
	if k := got.Defects[0].Kind.String(); k != "no progress" {
		t.Errorf("called %q", k)
	}
	pending := 0
	for _, op := range got.History {
		if op.Pending() {
			pending++
		}
	}
	if pending != 2 {
		t.Errorf("%d operations pending, want both", pending)
	}
	// In turn, the same two are fine.
	noDefect(t, run(t, letters(), program(2, nil, deadlock...)))
}

var (
	deadlock     = []string{"A awb21", "B bwa12"}
	deadlockHold = []model.Hold{{Step: 1, At: model.WriteCommand, N: 1, Until: 2}}
)

// Of several that wait, the one that started first goes first.
func TestLockOrder(t *testing.T) {
	holds := []model.Hold{
		{Step: 1, At: model.WriteCommand, N: 1, Until: 4},
		{Step: 2, At: model.ReadCommand, N: 1, Until: 4},
		{Step: 3, At: model.ReadCommand, N: 1, Until: 4},
	}
	got := run(t, letters(), program(4, holds, "A aw1", "B ra1", "C ra1", "D r"))
	noDefect(t, got)
	want := "1 start, 1 held, 2 start, 2 held, 3 start, 3 held, 4 start, 4 end, " +
		"1 released, 1 end, 2 released, 2 end, 3 released, 3 end"
	if o := order(got); o != want {
		t.Errorf("got  %s\nwant %s", o, want)
	}
}
