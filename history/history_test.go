package history_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/history"
	"github.com/doublemount/doublemount/internal/brute"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
	"github.com/doublemount/doublemount/sim/designs"
)

// openers is, by operation, the index of the open whose handle it uses.
func openers(ops []model.Op) []int {
	at := map[[2]int]int{}
	all := make([]int, len(ops))
	for i, op := range ops {
		k := [2]int{int(op.Host), int(op.File)}
		all[i] = -1
		switch {
		case op.Kind == model.Crash || op.Kind == model.PowerLoss || op.Kind == model.Mount || op.Kind == model.Unmount || op.Kind == model.Fence:
			for k := range at {
				if (op.Kind != model.Mount || op.Succeeded()) && (k[0] == int(op.Host) || op.Host == model.Everyone) {
					delete(at, k)
				}
			}
		case op.File == 0:
		case op.Kind == model.Open && op.Succeeded():
			at[k] = i
		case op.Kind != model.Open:
			if o, ok := at[k]; ok {
				all[i] = o
			}
			if op.Kind == model.Close && op.Result.Errno != model.EBADF {
				delete(at, k)
			}
		}
	}
	return all
}

// plain is an operation without what a history does not carry.
func plain(op model.Op) string {
	op.Step, op.File = 0, 0
	switch op.Kind {
	case model.Crash, model.PowerLoss, model.DiskReset, model.Writeback, model.Refresh:
		op.Off, op.Len = 0, 0
	}
	if len(op.Result.Names) == 0 {
		op.Result.Names = nil
	}
	if len(op.Result.Data) == 0 {
		op.Result.Data = nil
	}
	return fmt.Sprintf("%+v", op)
}

// order is the order of the calls and returns of a history, by operation.
func order(ops []model.Op) map[[2]int]int64 {
	at := map[[2]int]int64{}
	for i, op := range ops {
		at[[2]int{i, 0}], at[[2]int{i, 1}] = op.Call, op.Return
	}
	return at
}

// What was run is, written and read back, the same history, and has the same
// verdict: runs of every design and of every planted bug, with its faults.
func TestRoundTrip(t *testing.T) {
	var all []sim.Design
	for _, d := range designs.All() {
		all = append(append(all, d), d.Bugs...)
	}
	judge, again := checker.New(0, rungs()...), checker.New(0, rungs()...)
	violated := 0
	for _, d := range all {
		runner, err := sim.New(d)
		if err != nil {
			t.Fatal(err)
		}
		for n := range 20 {
			p := fuzz.Options{Seed: 3, Hosts: 2 + n%2}.Program(runner.Capabilities(), n)
			run, err := runner.Run(context.Background(), p)
			if err != nil {
				t.Fatal(err)
			}
			if len(run.Defects) > 0 {
				continue
			}
			var b bytes.Buffer
			if err := history.Write(&b, run); err != nil {
				t.Fatal(err)
			}
			h, err := history.Read(bytes.NewReader(b.Bytes()))
			if err != nil {
				t.Fatalf("%s run %d: %v\n%s", d.Name, n, err, b.Bytes())
			}
			var want []model.Op
			for _, op := range run.History {
				if !op.Skipped {
					want = append(want, op)
				}
			}
			got := h.Run.History
			if len(got) != len(want) {
				t.Fatalf("%s run %d: %d operations, want %d", d.Name, n, len(got), len(want))
			}
			from, to := openers(want), openers(got)
			for i := range want {
				a, b := want[i], got[i]
				a.Call, a.Return, b.Call, b.Return = 0, 0, 0, 0
				if plain(a) != plain(b) || from[i] != to[i] || want[i].Pending() != got[i].Pending() {
					t.Fatalf("%s run %d: operation %d is\n%s through open %d, want\n%s through open %d", d.Name, n, i, plain(b), to[i], plain(a), from[i])
				}
			}
			was, is := order(want), order(got)
			for p := range was { // a pair that had an order has it
				for q := range was {
					if p[0] != q[0] && p[0] <= 40 && q[0] <= 40 && was[p] < was[q] != (is[p] < is[q]) && was[p] != was[q] {
						t.Fatalf("%s run %d: times of operations %d and %d have changed their order", d.Name, n, p[0], q[0])
					}
				}
			}
			verdicts := again(h.Run)
			for i, v := range judge(run) {
				if !v.Same(verdicts[i]) {
					t.Fatalf("%s run %d: %v %v (%s), as a run %v (%s)", d.Name, n, v.Guarantee, verdicts[i].Outcome, verdicts[i].Anomaly, v.Outcome, v.Anomaly)
				}
				if v.Outcome == model.Violated {
					violated++
				}
			}
		}
		runner.Close()
	}
	if violated < 50 {
		t.Errorf("only %d violations among the verdicts; this test compares nothing", violated)
	}
}

// Locks by flock(2) are that when they are read back, and judged so.
func TestFlockRoundTrip(t *testing.T) {
	const opened = "A create a; A open a f1; B mount; B open a f1; "
	for _, c := range []struct {
		text string
		want [2]model.Outcome // for locks of one kind, of two
	}{
		{opened + "A lock f1; B lock f1 0 8", [2]model.Outcome{model.Violated, model.Held}},
		{opened + "A lock f1; B lock f1", [2]model.Outcome{model.Violated, model.Violated}},
		{opened + "A lock f1 0 8; B lock f1 0 8", [2]model.Outcome{model.Violated, model.Violated}},
		{opened + "A lock f1; A unlock f1; B lock f1", [2]model.Outcome{model.Held, model.Held}},
		{opened + "A lock f1 shared; B lock f1 shared; A lock f1 -> EAGAIN; B lock f1", [2]model.Outcome{model.Violated, model.Held}},
	} {
		for i, apart := range []bool{false, true} {
			run := brute.History(c.text)
			run.LocksApart = apart
			var b bytes.Buffer
			if err := history.Write(&b, run); err != nil {
				t.Fatal(err)
			}
			h, err := history.Read(&b)
			if err != nil {
				t.Fatal(err)
			}
			if v := checker.New(0, model.Exclusion)(h.Run)[0]; v.Outcome != c.want[i] {
				t.Errorf("%v, want %v, apart: %v\n%s", v.Outcome, c.want[i], apart, c.text)
			}
		}
	}
}

func rungs() (all []model.Guarantee) {
	for _, g := range model.Guarantees() {
		if !g.Axis {
			all = append(all, g)
		}
	}
	return all
}

// What no history may be is refused with its line and the reason.
func TestBadInput(t *testing.T) {
	const (
		create = `{"id":1,"host":"A","op":"create","path":"/a","call":1,"return":4,"result":{}}` + "\n"
		open   = `{"id":9,"host":"A","op":"open","path":"/a","handle":"x","call":1,"return":4,"result":{}}` + "\n"
	)
	for _, c := range []struct{ name, text, want string }{
		{"return before its call", `{"id":1,"host":"A","op":"sync","call":5,"return":4,"result":{}}`, "line 1: called at 5 and returned at 4"},
		{"two at once", create + `{"id":2,"host":"A","op":"sync","call":3,"return":6,"result":{}}`, `line 2: client "" of A calls before its call of line 1 has returned`},
		{"two at once, written later", `{"id":2,"host":"A","op":"sync","call":3,"return":6,"result":{}}` + "\n" + create, `line 1: client "" of A calls before its call of line 2`},
		{"on after a pending call", `{"id":2,"host":"A","client":7,"op":"sync","call":1}` + "\n" + `{"id":3,"host":"A","client":7,"op":"sync","call":3}`, `line 2: client "7" of A calls, and its call of line 1 has never returned`},
		{"nothing", " \n\n", "no operation in it"},
		{"a handle from nowhere", `{"id":1,"host":"A","op":"fsync","handle":"x","call":1,"return":2,"result":{}}`, `line 1: handle "x" is not one that client "" of A opens on any line`},
		{"used while it is closed", strings.Replace(open, `"op"`, `"client":1,"op"`, 1) + `{"id":2,"host":"A","client":1,"op":"close","handle":"x","call":5,"return":9,"result":{}}` + "\n" +
			`{"id":3,"host":"A","client":2,"op":"fsync","handle":"x","handle_of":1,"call":6,"return":7,"result":{}}`, `line 3: handle "x" is being closed by line 2`},
		{"an open of nothing", `{"id":1,"host":"A","op":"open","path":"/a","call":1}`, `line 1: open: no "handle"`},
		{"a write of nothing", `{"id":1,"host":"A","op":"write","path":"/a","length":1,"call":1}`, `line 1: write: no "data"`},
		{"a number below", `{"id":1,"host":"A","op":"read","path":"/a","offset":-1,"length":1,"call":1}`, "line 1: offset -1; want"},
		{"unknown operation", `{"id":1,"host":"A","op":"wirte","path":"/a","call":1}`, `line 1: unknown operation "wirte"`},
		{"remount", `{"id":1,"host":"A","op":"remount","call":1}`, "line 1: a remount is written as an unmount and a mount"},
		{"duplicate id", create + "\n" + create, `line 3: id "1" is that of line 1 too`},
		{"cut", create + `{"id":2,"host":"A","op":"sy`, "line 2: the file ends in the middle of this line"},
		{"cut by a line feed", `{"id":2,"host":"A",` + "\n" + `"op":"sync"}`, "line 1: the object does not end on this line"},
		{"no JSON", "create /a", "line 1: no JSON object"},
		{"an array", "[]", "line 1: is a JSON array"},
		{"two objects", strings.TrimSpace(create) + create, "line 1: something stands behind"},
		{"a field too many", `{"id":1,"host":"A","op":"sync","call":1,"retrun":4}`, `line 1: no JSON object as it should be: json: unknown field "retrun"`},
		{"no id", `{"host":"A","op":"sync","call":1}`, `line 1: no "id"`},
		{"no call", `{"id":1,"host":"A","op":"sync"}`, `line 1: no "call"`},
		{"a time like that", `{"id":1,"host":"A","op":"sync","call":1.5}`, `line 1: "call" cannot be a JSON number 1.5`},
		{"before all time", `{"id":1,"host":"A","op":"sync","call":-1}`, "line 1: called at -1"},
		{"a far host", `{"id":1,"host":"Q","op":"sync","call":1}`, `line 1: unknown host "Q"; want A to P`},
		{"a bad path", `{"id":1,"host":"A","op":"unlink","path":"/a/../b","call":1}`, "line 1: unlink: bad path"},
		{"an errno", `{"id":1,"host":"A","op":"sync","call":1,"return":2,"result":{"error":"EWHAT"}}`, `line 1: unknown error "EWHAT"`},
		{"no result", `{"id":1,"host":"A","op":"sync","call":1,"return":2}`, "line 1: a return without a result"},
		{"a result of nothing", `{"id":1,"host":"A","op":"sync","call":1,"result":{}}`, "line 1: a result without a return"},
		{"another's result", `{"id":1,"host":"A","op":"sync","call":1,"return":2,"result":{"size":1}}`, `line 1: sync that answers ok has no "size"`},
		{"a stat of nothing", `{"id":1,"host":"A","op":"stat","path":"/a","call":1,"return":2,"result":{}}`, "line 1: stat answers a type"},
		{"too far", `{"id":1,"host":"A","op":"write","path":"/a","offset":65536,"length":1,"data":1,"call":1}`, "line 1: write: offset 65536"},
		{"data twice", `{"id":1,"host":"A","op":"append","path":"/a","length":1,"data":"x","call":1,"return":2,"result":{}}` + "\n" + `{"id":2,"host":"A","op":"append","path":"/b","length":1,"data":"x","call":3}`, `line 2: data "x" is that of line 1 too`},
		{"more than was asked for", `{"id":1,"host":"A","op":"read","path":"/a","length":1,"call":1,"return":2,"result":{"data":[[1,2]]}}`, "line 1: 2 words read of 1"},
		{"a handle twice", open + strings.Replace(strings.ReplaceAll(open, "1", "5"), `9`, `8`, 1), "line 2: called at 5"},
		{"a handle that is open", open + `{"id":8,"host":"A","op":"open","path":"/b","handle":"x","call":5,"return":6,"result":{}}`, `line 2: handle "x" is open already`},
		{"whose handle", `{"id":8,"host":"A","op":"open","path":"/b","handle":"x","handle_of":3,"call":5,"return":6,"result":{}}`, "line 1: handle_of"},
		{"both", `{"id":8,"host":"A","op":"fsync","path":"/b","handle":"x","call":5,"return":6,"result":{}}`, "line 1: fsync: a path and a handle"},
		{"the final host writes", `{"id":1,"host":"final","op":"create","path":"/a","call":1}`, "line 1: the final host looks and changes nothing"},
		{"the final host comes early", create + `{"id":2,"host":"final","op":"stat","path":"/a","call":3,"return":5,"result":{"error":"ENOENT"}}`, "line 2: the final host looks before line 1 has returned"},
		{"a crash of a client", `{"id":1,"host":"A","client":1,"op":"crash","call":1}`, "line 1: a crash happens to a host"},
		{"a power loss of one", `{"id":1,"host":"A","op":"power-loss","call":1}`, "line 1: power-loss: host A"},
		{"parted from itself", `{"id":1,"host":"A","op":"partition","from":"A","call":1}`, "line 1: parted from"},
		{"an fsync by flock", `{"id":8,"host":"A","op":"fsync","handle":"x","flock":true,"call":5,"return":6,"result":{}}`, "line 1: fsync: only a lock or unlock of a whole file can be by flock"},
		{"a range by flock", `{"id":8,"host":"A","op":"lock","handle":"x","length":1,"flock":true,"call":5,"return":6,"result":{}}`, "line 1: lock: only a lock"},
		{"two kinds of whole files", open + `{"id":2,"host":"A","op":"lock","handle":"x","flock":true,"call":5,"return":6,"result":{}}` + "\n" + `{"id":3,"host":"A","op":"unlock","handle":"x","call":7,"return":8,"result":{}}`, "line 3: a lock of a whole file, not by flock as that of line 2"},
		{"no name", `{"id":1,"host":"A","op":"readdir","path":"/","call":1,"return":2,"result":{"names":["a/b"]}}`, "line 1: bad name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := history.Read(strings.NewReader(c.text))
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

// Who looked at the end without a mount is told from who mounted, there and back.
func TestFinalWithoutMount(t *testing.T) {
	op := func(h model.Host, k model.Kind, call int64) model.Op {
		o := model.Op{Host: h, Kind: k, Call: call, Return: call + 1}
		if k == model.Create || k == model.Stat {
			o.Path = "/a"
		}
		if k == model.Stat {
			o.Result.Errno = model.ENOENT
		}
		return o
	}
	for _, mounted := range []bool{true, false} {
		run := model.Run{Program: model.Program{Hosts: 1}, History: []model.Op{op(0, model.Create, 1)}}
		if mounted {
			run.History = append(run.History, op(model.Final, model.Mount, 3))
		}
		run.History = append(run.History, op(model.Final, model.Stat, 5))
		var b bytes.Buffer
		if err := history.Write(&b, run); err != nil {
			t.Fatal(err)
		}
		h, err := history.Read(&b)
		if err != nil {
			t.Fatal(err)
		}
		if len(h.Run.History) != len(run.History) || h.Observed != mounted {
			t.Errorf("mounted %v: observed %v, %v", mounted, h.Observed, h.Run.History)
		}
	}
	for _, line := range []string{`{"id":1,"host":"A","op":"stat","path":"/a","cached":true,"call":1,"return":2,"result":{"error":"ENOENT"}}`,
		`{"id":1,"host":"final","op":"mount","cached":true,"call":1,"return":2,"result":{}}`} {
		if _, err := history.Read(strings.NewReader(line)); err == nil {
			t.Errorf("taken: %s", line)
		}
	}
}
