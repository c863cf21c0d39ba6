package checker

import (
	"math/rand/v2"
	"testing"

	"github.com/doublemount/doublemount/internal/brute"
	"github.com/doublemount/doublemount/internal/testscale"
	"github.com/doublemount/doublemount/model"
)

// What a walk explains because it was mended on the way, a search through the whole
// component explains too: of histories of an atomic store by twelve clients, on two names
// with open files and listings, a quarter of them with one answer changed.
func TestMendedIsExplained(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	mended, troubled := 0, 0
	for n := range testscale.Count(20_000, 1_000_000) {
		history := overlapping(rng, 12, 30+rng.IntN(40))
		if n%4 == 0 {
			history = brute.Mutate(rng, model.Run{History: history}).History
		}
		var ws windows
		ws.make(history)
		ws.place(history, model.Linearizable)
		var p parts
		p.divide(history, ws.info, false)
		var alone, helped walk
		var r rescue
		alone.make(history, ws.info, &p, nil, 0)
		helped.make(history, ws.info, &p, &r, 0)
		for part := range p.tops {
			switch {
			case helped.trouble[part] >= 0:
				troubled++
			case alone.trouble[part] >= 0:
				mended++
				own, listings := p.operations(part, history, ws.info)
				if explained, _, _ := r.again(&alone, int32(part), own, listings); !explained && r.steps <= rescueSteps {
					for i := range history {
						t.Log(&history[i], history[i].Call, history[i].Return)
					}
					t.Fatalf("history %d: %s is explained only by the walk that is mended", n, p.tops[part])
				}
			}
		}
	}
	t.Logf("%d components mended, %d in trouble", mended, troubled)
	if mended < 100 || troubled < 100 {
		t.Errorf("%d components mended, %d in trouble: the test shows little", mended, troubled)
	}
}

// Where much overlaps, with listings under way, the judge says what trying every order
// says.
func TestOverlapsAgreeWithBruteForce(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	judge := New(0, model.Linearizable)
	held, violated := 0, 0
	for n := range testscale.Reaching(10_000, 1_000_000) {
		run := model.Run{History: overlapping(rng, 3, 4+rng.IntN(4))}
		if n%2 > 0 {
			run = brute.Mutate(rng, run)
		}
		want, got := brute.Judge(run, model.Linearizable), judge(run)[0].Outcome
		if want != (got == model.Held) {
			for i := range run.History {
				t.Log(&run.History[i], run.History[i].Call, run.History[i].Return)
			}
			t.Fatalf("history %d: %v; brute force says held=%v", n, got, want)
		}
		if want {
			held++
		} else {
			violated++
		}
	}
	t.Logf("%d held, %d violated", held, violated)
	if held < 1000 || violated < 1000 {
		t.Errorf("%d held, %d violated: the test shows little", held, violated)
	}
}

// A listing that is under way has yet to see a name when the walk notes that nothing is
// there, and sees it later: what comes after cannot be explained without it.
func TestMendAndListing(t *testing.T) {
	history := []model.Op{
		{Step: 1, Host: 0, Kind: model.Readdir, Path: "/", Call: 1, Return: 10, Result: model.Result{Names: []string{"a"}}},
		{Step: 2, Host: 1, Kind: model.Stat, Path: "/a", Call: 2, Return: 3, Result: model.Result{Errno: model.ENOENT}},
		{Step: 3, Host: 2, Kind: model.Create, Path: "/a", Call: 4, Return: 20},
		{Step: 4, Host: 1, Kind: model.Stat, Path: "/a", Call: 11, Return: 12, Result: model.Result{Errno: model.ENOENT}},
	}
	if v := New(0, model.Linearizable)(model.Run{History: history})[0]; v.Outcome != model.Violated {
		t.Errorf("%v; the listing has seen /a before the last stat was called", v.Outcome)
	}
}

// A read that returns more than was asked for is no order's, and no panic.
func TestReadOfMore(t *testing.T) {
	history := []model.Op{
		{Step: 1, Kind: model.Create, Path: "/a", Call: 1, Return: 2},
		{Step: 2, Kind: model.Read, Path: "/a", Len: 8, Call: 3, Return: 4, Result: model.Result{Data: make([]byte, 20)}},
	}
	for _, g := range model.Guarantees() {
		v := New(0, g)(model.Run{History: history})[0]
		if g == model.Linearizable && v.Outcome != model.Violated {
			t.Errorf("%+v", v)
		}
	}
}

// overlapping is a history of n operations by some clients of an atomic store, each on
// a host of its own.
func overlapping(rng *rand.Rand, hosts, n int) []model.Op {
	type client struct {
		at         int // its call in the history, or -1
		open, done bool
	}
	var fs model.FS
	var history []model.Op
	clients := make([]client, hosts)
	now := int64(0)
	for h := range clients {
		clients[h].at = -1
		now += 2
		history = append(history, model.Op{Host: model.Host(h), Kind: model.Mount, Call: now, Return: now + 1})
	}
	for busy, called := 0, 0; called < n || busy > 0; {
		h := rng.IntN(len(clients))
		c := &clients[h]
		now++
		switch {
		case c.at < 0 && called == n:
		case c.at < 0:
			op := model.Op{Step: called + 1, Host: model.Host(h), Path: []model.Path{"/a", "/b"}[rng.IntN(8)/7], Call: now, Return: model.Never}
			switch k := rng.IntN(12); {
			case k < 2:
				op.Kind = model.Create
			case k < 4:
				op.Kind = model.Unlink
			case k < 6:
				op.Kind = model.Stat
			case k < 7:
				op.Kind, op.Path = model.Readdir, model.Root
			case !c.open:
				op.Kind, op.File = model.Open, 1
			case k < 8:
				op.Kind, op.Path, op.File = model.Close, "", 1
			case k < 10:
				op.Kind, op.Path, op.File, op.Len = model.Read, "", 1, 16
			default:
				op.Kind, op.Path, op.File, op.Len, op.Data = model.Write, "", 1, int32(1+rng.IntN(2))*8, byte(called+1)
			}
			c.at, c.done = len(history), false
			history = append(history, op)
			called++
			busy++
		case !c.done:
			history[c.at].Result, c.done = fs.Apply(history[c.at].AsStep()), true
		default:
			op := &history[c.at]
			if op.Kind == model.Open && op.Succeeded() || op.Kind == model.Close {
				c.open = op.Kind == model.Open
			}
			op.Return, c.at = now, -1
			busy--
		}
	}
	return history
}
