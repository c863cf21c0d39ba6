package agent_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/lab/agent"
	"github.com/doublemount/doublemount/model"
)

var _ model.Runner = (*agent.Runner)(nil)

const hostA, hostB = model.Host(0), model.Host(1)

// cluster is hosts with these roots.
func cluster(t *testing.T, roots ...string) agent.Cluster {
	c := agent.Cluster{Timeout: 5 * time.Second, Visible: 50 * time.Millisecond, Boot: 10 * time.Second}
	for _, root := range roots {
		c.Members = append(c.Members, agent.Member{Command: self(t, "good", root)})
	}
	return c
}

func newRunner(t *testing.T, c agent.Cluster) *agent.Runner {
	t.Helper()
	r, err := agent.NewRunner(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Open(t.Context()); err != nil {
		r.Close()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// mounted is a Program of two hosts that have mounted, ended by B's unmount and
// then A's.
func mounted(steps ...model.Step) model.Program {
	all := []model.Step{{Host: hostA, Kind: model.Mount}, {Host: hostB, Kind: model.Mount}}
	return model.Program{Hosts: 2, Steps: append(all, steps...), Unmounts: []model.Host{hostB, hostA}}
}

// story is what a run did, one line for each Op, and it asks that times are in
// order.
func story(t *testing.T, run model.Run) string {
	t.Helper()
	var b strings.Builder
	last, seen := int64(0), map[int64]bool{}
	for _, op := range run.History {
		if op.Call <= last || op.Return <= op.Call || seen[op.Call] || seen[op.Return] && !op.Pending() {
			t.Errorf("%v: called at %d, returned at %d, after %d", op, op.Call, op.Return, last)
		}
		last, seen[op.Call], seen[op.Return] = op.Call, true, true
		b.WriteString(op.String() + "\n")
	}
	return b.String()
}

func TestRun(t *testing.T) {
	root := t.TempDir()
	r := newRunner(t, cluster(t, root, root))
	p := mounted(
		model.Step{Host: hostA, Kind: model.Create, Path: "/a"},
		model.Step{Host: hostB, Kind: model.Append, Path: "/a", Len: 8, Data: 3},
		model.Step{Host: hostA, Kind: model.Remount},
		model.Step{Host: hostA, Kind: model.Read, Path: "/a", Len: 8},
	)
	run, err := r.Run(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	want := `A mount -> ok
B mount -> ok
A create /a -> ok
B append /a 8 #3 -> ok
A remount -> skipped
A read /a 0 8 -> 8x#3
B unmount -> ok
A unmount -> ok
final readdir / -> a
final stat /a -> file of 8
final read /a 0 8 -> 8x#3
final unmount -> ok
`
	if got := story(t, run); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	caps := r.Capabilities()
	if caps.Deterministic || caps.Holds || !caps.Overlaps || caps.Kinds.Has(model.Remount) || !caps.Kinds.Has(model.Mount) || r.Mounts() {
		t.Errorf("%+v", caps)
	}
}

// TestOverlap has both hosts create one name at the same time, many times: they
// do overlap (a busy machine may start one too late, but not each time), one of them
// makes it, and the judge agrees.
func TestOverlap(t *testing.T) {
	root := t.TempDir()
	r := newRunner(t, cluster(t, root, root))
	p := mounted(
		model.Step{Host: hostA, Kind: model.Create, Path: "/a"},
		model.Step{Host: hostB, Kind: model.Create, Path: "/a"},
		model.Step{Host: hostA, Kind: model.Append, Path: "/a", Len: 8, Data: 1},
		model.Step{Host: hostB, Kind: model.Append, Path: "/a", Len: 8, Data: 2},
		model.Step{Host: hostA, Kind: model.Read, Path: "/a", Len: 99},
	)
	p.Holds = []model.Hold{{Step: 3, At: model.WriteCommand, N: 1, Until: 4}, {Step: 5, At: model.WriteCommand, N: 1, Until: 6}}
	judge := checker.New(0, model.Linearizable, model.Progress)
	var fired [2]int
	for range 20 {
		run, err := r.Run(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		text := story(t, run)
		for i, state := range run.Holds {
			if state == model.Fired {
				fired[i]++
			}
		}
		for _, v := range judge(run) {
			if v.Outcome != model.Held {
				t.Errorf("%+v of\n%s", v, text)
			}
		}
	}
	if fired[0] == 0 || fired[1] == 0 {
		t.Errorf("of 20 runs the holds fired in %v", fired)
	}
}

// TestEvents has commands for a remount and a crash: what they do is done, and a
// crashed host comes back with another agent.
func TestEvents(t *testing.T) {
	root := t.TempDir()
	log := filepath.Join(t.TempDir(), "log")
	c := cluster(t, root, root)
	say := func(word string) []string { return []string{"sh", "-c", "echo " + word + " >>" + log} }
	c.Members[1].Remount = say("remount")
	c.Members[1].Crash = say("crash")
	r := newRunner(t, c)
	caps := r.Capabilities()
	if !caps.Kinds.Has(model.Remount) || !caps.Lacks[0].Has(model.Remount) || caps.Lacks[1].Has(model.Remount) || caps.Survives != model.Crashes || r.Mounts() {
		t.Errorf("%+v", caps)
	}
	run, err := r.Run(t.Context(), mounted(
		model.Step{Host: hostB, Kind: model.Create, Path: "/a"},
		model.Step{Host: hostB, Kind: model.Remount},
		model.Step{Host: hostB, Kind: model.Crash},
		model.Step{Host: hostB, Kind: model.Create, Path: "/b"},
		model.Step{Host: hostB, Kind: model.Mount},
		model.Step{Host: hostB, Kind: model.Stat, Path: "/a"},
		model.Step{Host: hostA, Kind: model.Crash},
		model.Step{Host: hostA, Kind: model.Remount},
	))
	if err != nil {
		t.Fatal(err)
	}
	want := `A mount -> ok
B mount -> ok
B create /a -> ok
B unmount -> ok
B mount -> ok
B crash -> ok
B create /b -> skipped
B mount -> ok
B stat /a -> file of 0
A crash -> skipped
A remount -> skipped
B unmount -> ok
A unmount -> ok
final readdir / -> a
final stat /a -> file of 0
final stat /b -> ENOENT
final unmount -> ok
`
	if got := story(t, run); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if said, _ := os.ReadFile(log); string(said) != "remount\nremount\ncrash\nremount\n" {
		t.Errorf("commands: %q", said)
	}
}

// TestNotShared has two hosts in two places.
func TestNotShared(t *testing.T) {
	roots := []string{t.TempDir(), t.TempDir()}
	r, err := agent.NewRunner(t.Context(), cluster(t, roots...))
	if err != nil {
		t.Fatal(err)
	}
	err = r.Open(t.Context())
	apart, ok := errors.AsType[*agent.NotShared](err)
	if !ok || apart.Maker != "A" || apart.Host != "B" || apart.Remounted || !apart.Proved {
		t.Errorf("%v", err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	for _, root := range roots {
		if left, err := os.ReadDir(root); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	}
}

// TestLostAgent kills an agent between two runs, and has one die in a run.
func TestLostAgent(t *testing.T) {
	root := filepath.Join(t.TempDir(), "root")
	if err := os.Mkdir(root, 0o700); err != nil {
		t.Fatal(err)
	}
	c := cluster(t, root, root)
	c.Members[1].Command = self(t, "dies in a run", root)
	r, err := agent.NewRunner(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := mounted()
	for range 6 {
		p.Steps = append(p.Steps, model.Step{Host: hostB, Kind: model.Readdir, Path: "/"})
	}
	began := time.Now()
	if _, err = r.Run(t.Context(), p); !errors.Is(err, agent.ErrLost) || !strings.Contains(err.Error(), "B: ") {
		t.Errorf("the first run: %v", err)
	}
	if _, err = r.Run(t.Context(), p); err != nil || r.Broken() {
		t.Errorf("the second run: %v", err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
	if err := r.Close(); !errors.Is(err, agent.ErrLost) || strings.Count(err.Error(), "B: agent lost: it ended") != 1 {
		t.Errorf("%v; want that B's agent was lost, once", err)
	}
	if left, err := os.ReadDir(root); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestRemountIsNotCutShort interrupts a run while a host is being remounted: half
// a remount would leave it without its file system.
func TestRemountIsNotCutShort(t *testing.T) {
	root := t.TempDir()
	began, ended := filepath.Join(t.TempDir(), "began"), filepath.Join(t.TempDir(), "ended")
	c := cluster(t, root, root)
	c.Members[0].Remount = []string{"true"}
	c.Members[1].Remount = []string{"sh", "-c", "[ -e $0.armed ] || exit 0; : >$0; while [ ! -e $1.go ]; do sleep 0.01; done; echo half-way; : >$1", began, ended}
	r := newRunner(t, c)
	touch := func(name string) {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	touch(began + ".armed")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for {
			if _, err := os.Stat(began); err == nil {
				break
			}
			time.Sleep(time.Millisecond)
		}
		cancel()
		touch(ended + ".go")
	}()
	_, err := r.Run(ctx, mounted())
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v; want the context's error", err)
	}
	if _, err := os.Stat(ended); err != nil {
		t.Errorf("the remount did not come to its end: %v", err)
	}
	os.Remove(began + ".armed")
}

// TestReader has a host that may not write, on one directory: it looks, and is asked
// for nothing else. The other one makes the directories, whichever it is.
func TestReader(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("setpriv needs root")
	}
	root := t.TempDir()
	for _, dir := range []string{root, filepath.Dir(root)} { // which a TempDir keeps for its user
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	play := self(t, "good", root)
	binary, err := os.ReadFile(play[len(play)-1])
	if err != nil {
		t.Fatal(err)
	}
	play[len(play)-1] = filepath.Join(filepath.Dir(root), "agent") // the go command keeps its own for its user
	if err := os.WriteFile(play[len(play)-1], binary, 0o755); err != nil {
		t.Fatal(err)
	}
	nobody := append([]string{"setpriv", "--reuid", "65534", "--clear-groups"}, play...)
	for reader, letter := range []string{"A", "B"} {
		c := cluster(t, root, root)
		c.Members[reader].Command = nobody
		r := newRunner(t, c)
		caps := r.Capabilities()
		if lacks := caps.Lacks[reader]; !lacks.Has(model.Create) || !lacks.Has(model.Append) || lacks.Has(model.Read) || lacks.Has(model.Open) || caps.Lacks[1-reader].Has(model.Create) {
			t.Errorf("%s lacks %v, the other one %v", letter, lacks, caps.Lacks[1-reader])
		}
		if roots := r.Roots(); !roots[reader].Reader || roots[1-reader].Reader {
			t.Errorf("%+v", roots)
		}
		w := model.Host(1 - reader)
		run, err := r.Run(t.Context(), mounted(
			model.Step{Host: w, Kind: model.Create, Path: "/a"},
			model.Step{Host: w, Kind: model.Append, Path: "/a", Len: 2, Data: 3},
			model.Step{Host: model.Host(reader), Kind: model.Open, Path: "/a", File: 1},
			model.Step{Host: model.Host(reader), Kind: model.Read, File: 1, Len: 4},
		))
		if err != nil {
			t.Fatal(err)
		}
		if got := story(t, run); !strings.Contains(got, "read f1 0 4 -> 2x#3") {
			t.Errorf("%s", got)
		}
	}
}

// TestUnusable: what keeps hosts from being tried is said with the host, and what its
// system answered. Nothing is left behind.
func TestUnusable(t *testing.T) {
	root := t.TempDir()
	file := filepath.Join(root, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, a, b, host string
		errno            model.Errno
	}{
		{"missing", root, filepath.Join(root, "none"), "B", model.ENOENT},
		{"a file", file, root, "A", model.ENOTDIR},
		{"where no directory can be made", "/proc", root, "A", model.ENOENT},
	} {
		r, err := agent.NewRunner(t.Context(), cluster(t, test.a, test.b))
		if err != nil {
			t.Fatal(err)
		}
		err = r.Open(t.Context())
		if e, ok := errors.AsType[*agent.Unusable](err); !ok || e.Host != test.host || e.Errno != test.errno {
			t.Errorf("%s: %v", test.name, err)
		}
		if err := r.Close(); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	if left, err := os.ReadDir(root); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
