package dir_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/lab/dir"
	"github.com/doublemount/doublemount/lab/files"
	"github.com/doublemount/doublemount/model"
)

var _ model.Runner = (*dir.Runner)(nil)

func newRunner(t *testing.T, opts dir.Options) (r *dir.Runner, parent string) {
	t.Helper()
	parent = t.TempDir()
	r, err := dir.New(parent, opts)
	if err != nil {
		t.Fatal(err)
	}
	return r, parent
}

// twoHosts is a Program of two hosts that ends with B's unmount, then A's.
func twoHosts(steps ...model.Step) model.Program {
	return model.Program{Hosts: 2, Steps: steps, Unmounts: []model.Host{1, 0}}
}

// story is what a run did, one line for each Op.
func story(t *testing.T, r *dir.Runner, p model.Program) string {
	t.Helper()
	run, err := r.Run(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	last := int64(0)
	for _, op := range run.History {
		if op.Call <= last || op.Return <= op.Call {
			t.Errorf("%v: called at %d, returned at %d, after %d", op, op.Call, op.Return, last)
		}
		last = op.Return
		fmt.Fprintf(&b, "%2d %v\n", op.Step, op)
	}
	return b.String()
}

// TestHosts shows what hosts share, what they do not, and how a run ends.
func TestHosts(t *testing.T) {
	const A, B = model.Host(0), model.Host(1)
	r, _ := newRunner(t, dir.Options{})
	got := story(t, r, twoHosts(
		model.Step{Host: A, Kind: model.Create, Path: "/a"},
		model.Step{Host: A, Kind: model.Remount},
		model.Step{Host: A, Kind: model.Mount},
		model.Step{Host: A, Kind: model.Mount},
		model.Step{Host: A, Kind: model.Mkdir, Path: "/d"},
		model.Step{Host: A, Kind: model.Create, Path: "/d/a"},
		model.Step{Host: A, Kind: model.Open, Path: "/d/a", File: 1},
		model.Step{Host: A, Kind: model.Write, File: 1, Off: 2, Len: 3, Data: 7},
		model.Step{Host: B, Kind: model.Mount},
		model.Step{Host: B, Kind: model.Read, File: 1, Len: 8},
		model.Step{Host: B, Kind: model.Read, Path: "/d/a", Len: 8},
		model.Step{Host: B, Kind: model.Append, Path: "/d/a", Len: 1, Data: 1},
		model.Step{Host: A, Kind: model.Read, File: 1, Off: 3, Len: 8},
		model.Step{Host: A, Kind: model.Reboot},
		model.Step{Host: A, Kind: model.Fsync, File: 1},
		model.Step{Host: A, Kind: model.Writeback},
		model.Step{Host: A, Kind: model.Statfs},
		model.Step{Host: A, Kind: model.Stat, Path: "/nothing/b"},
		model.Step{Host: A, Kind: model.Unmount},
		model.Step{Host: A, Kind: model.Unmount},
	))
	const want = ` 1 A create /a -> skipped
 2 A remount -> skipped
 3 A mount -> ok
 4 A mount -> skipped
 5 A mkdir /d -> ok
 6 A create /d/a -> ok
 7 A open /d/a f1 -> ok
 8 A write f1 2 3 #7 -> ok
 9 B mount -> ok
10 B read f1 0 8 -> EBADF
11 B read /d/a 0 8 -> 2x0 3x#7
12 B append /d/a 1 #1 -> ok
13 A read f1 3 8 -> 2x#7 1x#1
14 A unmount -> ok
14 A mount -> ok
15 A fsync f1 -> EBADF
16 A writeback -> skipped
17 A statfs -> skipped
18 A stat /nothing/b -> ENOENT
19 A unmount -> ok
20 A unmount -> skipped
21 B unmount -> ok
 0 final mount -> ok
 0 final readdir / -> d
 0 final stat /a -> ENOENT
 0 final stat /d -> dir
 0 final readdir /d -> a
 0 final stat /d/a -> file of 6
 0 final read /d/a 0 6 -> 2x0 3x#7 1x#1
 0 final stat /nothing -> ENOENT
 0 final stat /nothing/b -> ENOENT
 0 final unmount -> ok
`
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// TestRunsAreApart runs a Program twice: nothing of the first run may be seen
// by the second, and nothing may be left of either.
func TestRunsAreApart(t *testing.T) {
	r, parent := newRunner(t, dir.Options{WordSize: 1, Durable: true})
	keep := filepath.Join(parent, "a")
	if err := os.WriteFile(keep, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := twoHosts(
		model.Step{Kind: model.Mount},
		model.Step{Kind: model.Create, Path: "/a"},
		model.Step{Kind: model.Open, Path: "/a", File: 3},
		model.Step{Kind: model.Append, File: 3, Len: 8, Data: 1},
		model.Step{Kind: model.Fsync, Path: "/a"},
	)
	p.Holds = []model.Hold{{Step: 2, At: model.WriteCommand, N: 1, Until: 3}}
	first, err := r.Run(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	second, err := r.Run(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(first, second) {
		t.Errorf("first run %+v\nsecond run %+v", first, second)
	}
	if want := []model.HoldState{model.NeverFired}; !reflect.DeepEqual(first.Holds, want) {
		t.Errorf("holds %v; want %v", first.Holds, want)
	}
	entries, err := os.ReadDir(parent)
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, error %v", entries, err)
	}
	if text, err := os.ReadFile(keep); err != nil || string(text) != "mine" {
		t.Errorf("a file beside the run became %q, error %v", text, err)
	}
}

func TestDigest(t *testing.T) {
	r, _ := newRunner(t, dir.Options{})
	digest := func(data byte) uint64 {
		t.Helper()
		run, err := r.Run(t.Context(), twoHosts(
			model.Step{Kind: model.Mount},
			model.Step{Kind: model.Create, Path: "/a"},
			model.Step{Kind: model.Append, Path: "/a", Len: 1, Data: data},
		))
		if err != nil {
			t.Fatal(err)
		}
		return run.Digest
	}
	one, again, two := digest(1), digest(1), digest(2)
	if one != again {
		t.Error("equal runs, different digests")
	}
	if one == two {
		t.Error("different data, equal digests")
	}
}

// TestDigestOfNames tells apart what only the second name, or the way past the
// cache, tells apart.
func TestDigestOfNames(t *testing.T) {
	r, _ := newRunner(t, dir.Options{WordSize: files.MaxWordSize})
	digests := map[uint64]model.Step{}
	for _, s := range []model.Step{
		{Kind: model.Rename, Path: "/a", To: "/b"},
		{Kind: model.Rename, Path: "/a", To: "/c"},
		{Kind: model.Read, Path: "/a", Len: 8},
		{Kind: model.Read, Path: "/a", Len: 8, Direct: true},
	} {
		run, err := r.Run(t.Context(), twoHosts(model.Step{Kind: model.Mount}, s))
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := digests[run.Digest]; ok {
			t.Errorf("%v and %v have one digest", s, other)
		}
		digests[run.Digest] = s
	}
}

// TestSkips gives a directory what it cannot do: faults, those of all hosts too,
// and direct I/O in blocks that are too small for any file system.
func TestSkips(t *testing.T) {
	r, parent := newRunner(t, dir.Options{WordSize: 1})
	if r.Capabilities().Direct {
		t.Error("direct I/O in blocks of eight bytes")
	}
	p := twoHosts(
		model.Step{Kind: model.Mount},
		model.Step{Kind: model.Create, Path: "/a"},
		model.Step{Host: model.Everyone, Kind: model.PowerLoss},
		model.Step{Host: model.Everyone, Kind: model.Tick, Len: 1},
		model.Step{Kind: model.Crash},
		model.Step{Kind: model.Fence},
		model.Step{Kind: model.Write, Path: "/a", Len: 8, Data: 1, Direct: true},
	)
	p.Strikes = []model.Strike{{Step: 2, At: model.WriteCommand, N: 1, Kind: model.Fail}}
	run, err := r.Run(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range run.History {
		if skip := op.Step > 2 && op.Kind != model.Unmount; op.Skipped != skip {
			t.Errorf("%v: skipped %v; want %v", op, op.Skipped, skip)
		}
	}
	if len(run.Strikes) != 1 || run.Strikes[0] {
		t.Errorf("strikes %v", run.Strikes)
	}
	if entries, err := os.ReadDir(parent); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, error %v", entries, err)
	}
}

// TestInterrupted cancels before the run: nothing may be left.
func TestInterrupted(t *testing.T) {
	r, parent := newRunner(t, dir.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Run(ctx, twoHosts(model.Step{Kind: model.Mount})); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v; want %v", err, context.Canceled)
	}
	if _, err := r.Run(t.Context(), twoHosts(model.Step{Kind: model.Create, Path: "/../x"})); !errors.Is(err, model.ErrProgram) {
		t.Errorf("error %v; want %v", err, model.ErrProgram)
	}
	if entries, err := os.ReadDir(parent); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, error %v", entries, err)
	}
}

func TestNewRefuses(t *testing.T) {
	parent := t.TempDir()
	file := filepath.Join(parent, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, make := range map[string]func() (*dir.Runner, error){
		"missing":  func() (*dir.Runner, error) { return dir.New(filepath.Join(parent, "none"), dir.Options{}) },
		"file":     func() (*dir.Runner, error) { return dir.New(file, dir.Options{}) },
		"negative": func() (*dir.Runner, error) { return dir.New(parent, dir.Options{WordSize: -1}) },
		"large":    func() (*dir.Runner, error) { return dir.New(parent, dir.Options{WordSize: files.MaxWordSize + 1}) },
	} {
		if _, err := make(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
