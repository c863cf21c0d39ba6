package doublemount_test

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/doublemount/doublemount"
	"github.com/doublemount/doublemount/corpus"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
	"github.com/doublemount/doublemount/sim/designs"
)

// wrapped is Single with something done before each create.
func wrapped(create func(h *sim.Host, path string)) sim.Design {
	d := designs.Single()
	d.Name = "wrapped"
	mount := d.Mount
	d.Mount = func(h *sim.Host) (sim.FS, error) {
		fs, err := mount(h)
		return &creator{fs, h, create}, err
	}
	return d
}

type creator struct {
	sim.FS
	h      *sim.Host
	before func(*sim.Host, string)
}

func (c *creator) Create(path string) error {
	c.before(c.h, path)
	return c.FS.Create(path)
}

// A global variable decides what the disk sees.
func TestNondeterministic(t *testing.T) {
	var calls atomic.Int64
	d := wrapped(func(h *sim.Host, _ string) {
		if calls.Add(1)%3 == 0 {
			h.Flush()
		}
	})
	r := run(t, "TestX", d)
	wants(t, r.errors, "nondeterministic: the same Program gave two different runs", "hint: ", "create /")

	_, err := doublemount.Check(context.Background(), d, doublemount.Runs(300))
	if !errors.Is(err, doublemount.ErrNondeterministic) {
		t.Errorf("error %v", err)
	}
}

func TestPanic(t *testing.T) {
	d := wrapped(func(_ *sim.Host, path string) {
		if path == "/b" {
			panic("no page for b")
		}
	})
	r := run(t, "TestX", d)
	wants(t, r.errors, "wrapped broke progress", "PANIC", "no page for b", "DOUBLEMOUNT_REPLAY=")
}

// stuck never comes back from creating /b until release is called.
func stuck() (d sim.Design, release func()) {
	wait := make(chan struct{})
	return wrapped(func(_ *sim.Host, path string) {
		if path == "/b" {
			<-wait
		}
	}), func() { close(wait) }
}

func TestHang(t *testing.T) {
	setFlag(t, "rapid.seed", "7")
	d, release := stuck()
	dir := t.TempDir()
	r := run(t, "TestX", d, doublemount.Hang(200*time.Millisecond), doublemount.Out(dir))
	wants(t, r.errors, "a run of wrapped did not come back", "hint: DOUBLEMOUNT_HANG", "HANG", "create /b -> never returned", "mount -> ok")
	if strings.Contains(r.errors, "not run") {
		t.Errorf("steps after the one that hangs:\n%s", r.errors)
	}
	files, err := corpus.ReadDir(dir)
	if err != nil || len(files) != 1 || files[0].Case.Expect[0].Anomaly != "hang" {
		t.Fatalf("case files %v, error %v", files, err)
	}
	wants(t, r.lastLine(), "DOUBLEMOUNT_REPLAY="+files[0].Name)

	t.Setenv("DOUBLEMOUNT_REPLAY", files[0].Name)
	r = run(t, "TestX", d, doublemount.Hang(200*time.Millisecond))
	wants(t, r.errors, "did not come back")
	release() // what was abandoned comes back, and must do no harm
	if r = run(t, "TestX", d); r.Failed() {
		t.Error(r.errors)
	}
}

// What was found must not get lost when making it smaller hangs.
func TestHangWhileMinimising(t *testing.T) {
	setFlag(t, "rapid.seed", "7") // finds in its first runs, and needs far more to minimise
	wait := make(chan struct{})
	defer close(wait)
	var mounts atomic.Int64
	d := designs.Local()
	mount := d.Mount
	d.Mount = func(h *sim.Host) (sim.FS, error) {
		if mounts.Add(1) > 40 {
			<-wait
		}
		return mount(h)
	}
	r := run(t, "TestX", d, doublemount.Hang(200*time.Millisecond))
	wants(t, r.errors, "did not come back", "HANG")
	wants(t, r.logs, "a run hung while this was minimised", "nothing-lost", "case:")
}

func TestHangInMount(t *testing.T) {
	wait := make(chan struct{})
	defer close(wait)
	d := designs.Single()
	d.Mount = func(*sim.Host) (sim.FS, error) { <-wait; return nil, model.EIO }
	r := run(t, "TestX", d, doublemount.Hang(100*time.Millisecond))
	wants(t, r.errors, "did not come back", "mount -> never returned")
}

func TestCheckHang(t *testing.T) {
	d, release := stuck()
	defer release()
	dir := filepath.Join(t.TempDir(), "out")
	r, err := doublemount.Check(context.Background(), d, doublemount.Hang(200*time.Millisecond), doublemount.Out(dir))
	if err != nil || r.Ended != doublemount.EndedHang || len(r.Findings) == 0 {
		t.Fatalf("ended by %q with %d findings, error %v", r.Ended, len(r.Findings), err)
	}
	last := r.Findings[len(r.Findings)-1]
	if last.Verdict.Anomaly != "hang" || last.File == "" {
		t.Errorf("finding %s in %q", last.Headline(), last.File)
	}
}

func TestBadOptions(t *testing.T) {
	nameless, silent, halfDone, broken := designs.Single(), designs.Single(), designs.Single(), designs.Single()
	nameless.Name, silent.Guarantee, halfDone.Mount = "No Name", model.Guarantee{}, nil
	broken.Mount = func(*sim.Host) (sim.FS, error) { panic("not today") }
	other := model.Linearizable
	other.FinalOnly = true
	for _, test := range []struct {
		design sim.Design
		option doublemount.Option
		want   string
	}{
		{designs.Single(), doublemount.Hosts(0), "Hosts(0): want 1 to 16"},
		{designs.Single(), doublemount.Hosts(99), "Hosts(99): want 1 to 16"},
		{designs.Single(), doublemount.Runs(0), "Runs(0): want at least 1"},
		{designs.Single(), doublemount.Guarantees(), "want at least one\nhint: "},
		{designs.Single(), doublemount.Guarantees(model.Guarantee{Name: "best-effort", Ordered: true}), `guarantee "best-effort": ` + "what goes by this name promises something else, or nothing does\nhint: use the value that its method Named makes, linearizable+ordered"},
		{designs.Single(), doublemount.Guarantees(other), "bad guarantee: linearizable: what judges the final mount only"},
		{designs.Single(), doublemount.Hang(time.Millisecond), "Hang: 1ms; want at least 100ms"},
		{designs.Single(), doublemount.Out(""), "want a directory"},
		{designs.Single(), doublemount.Option{}, "option 1 is the zero Option"},
		{nameless, doublemount.Runs(1), `design "No Name": this name cannot stand in a case file` + "\nhint: "},
		{silent, doublemount.Runs(1), "declares no guarantee\nhint: "},
		{halfDone, doublemount.Runs(1), "Format and Mount are needed"},
		{broken, doublemount.Runs(1), "not today"},
	} {
		r, err := doublemount.Check(context.Background(), test.design, test.option)
		if err == nil || r.Runs > 0 {
			t.Errorf("%s: %d runs, no error", test.want, r.Runs)
			continue
		}
		wants(t, err.Error(), "doublemount: ", test.want)
		rec := &recorder{name: "TestX"}
		done := make(chan struct{})
		go func() { defer close(done); doublemount.Run(rec, test.design, test.option) }()
		<-done
		wants(t, rec.errors, test.want)
	}
	wants(t, run(t, "TestX", designs.Single(), doublemount.Seed(1)).errors, "Seed is an option of Check, not of Run\nhint: ")
	wants(t, run(t, "TestX", designs.Single(), doublemount.Corpus("no-such-dir")).errors, `Corpus("no-such-dir")`)
	_, err := doublemount.Check(context.Background(), designs.Single(), doublemount.Corpus("."))
	if err == nil {
		t.Error("Check took a Corpus")
	}
	t.Setenv("DOUBLEMOUNT_RUNS", "many")
	wants(t, run(t, "TestX", designs.Single()).errors, `DOUBLEMOUNT_RUNS: "many"`)
	t.Setenv("DOUBLEMOUNT_HANG", "10")
	wants(t, run(t, "TestX", designs.Single()).errors, "DOUBLEMOUNT_HANG", "hint: for example 30s")
}

// A design that ends the goroutine it runs on must not pass for one that is
// right.
func TestGoexit(t *testing.T) {
	d := wrapped(func(*sim.Host, string) { runtime.Goexit() })
	r := run(t, "TestX", d)
	wants(t, r.errors, "wrapped: the design called runtime.Goexit", "create /", "hint: ")

	if _, err := doublemount.Check(context.Background(), d); err == nil || !strings.Contains(err.Error(), "runtime.Goexit") {
		t.Errorf("error %v", err)
	}
}
