package doublemount

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/doublemount/doublemount/reports"
	"github.com/doublemount/doublemount/sim"
)

// TB is what [Run] needs of a test. *testing.T, *testing.B and *rapid.T have
// it.
type TB interface {
	Helper()
	Name() string
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	FailNow()
	Failed() bool
}

// Run tests that design keeps what it promises, and ends the test at the first
// violation. First it replays the case files of testdata/doublemount that are
// about this design (as their design, or as one that keeps them): each must
// hold. Then it makes 2,000 runs of Programs drawn from rapid. With
// DOUBLEMOUNT_REPLAY it replays that case instead, and logs the trace.
//
// A failure shows the smallest Program that still fails, what every host saw,
// why that is wrong, and which block write brought it about. It names the case
// file it wrote; its last line is a command that replays it from the root of
// the module.
//
// How rapid is used: the flag -rapid.seed decides what is drawn. All Programs
// of a test come from the first call of the property, so the seed gives the
// same ones whatever -rapid.checks is, and -short makes the first fifth of
// them. The property never fails: rapid does not minimise, since it knows only
// draws and not Programs, and writes no fail files.
//
// A design that answers one Program in two ways fails the test, and so does a
// run that does not come back (see the package comment). Runs that could not be
// judged, and weak coverage, are logged. Near the deadline of go test -timeout
// Run stops early and logs how many runs it made.
func Run(t TB, design sim.Design, opts ...Option) {
	t.Helper()
	s, err := newSettings("Run", design, opts)
	if err == nil {
		err = s.shorten(testing.Short())
	}
	if err != nil {
		t.Errorf("doublemount: %v", err)
		t.FailNow()
		return
	}
	ctx, cancel := context.WithCancel(context.Background()) // work that was abandoned stops if it comes back
	defer cancel()
	p := &testRun{settings: s, t: &rapidTB{TB: t}, stopAt: stopAt(t), dirs: outDirs(t, s.out)}
	var w watch
	var worked *answer
	stuck := w.supervise(s.hang, func() {
		a := p.work(ctx, &w)
		worked = &a
	})
	var a answer
	switch {
	case stuck != nil: // then worked may still change
		p.t.closed.Store(true)
		a = p.hung(stuck)
	case worked == nil:
		a.failure = fmt.Sprintf("%s: %v", s.design.Name, w.left())
	default:
		a = *worked
	}
	for _, line := range a.logs {
		t.Logf("doublemount: %s", line)
	}
	if a.failure != "" {
		t.Errorf("doublemount: %s", strings.TrimRight(a.failure, "\n"))
		t.FailNow()
	}
}

// testRun is one Run. It reports nothing itself: the goroutine that works is
// not the test's.
type testRun struct {
	settings
	t      *rapidTB
	stopAt time.Time // make no more runs after this; zero: no limit
	dirs   []func() (string, error)
}

// answer is what a test is to be told.
type answer struct {
	logs    []string
	failure string // empty: none
}

func (a *answer) logf(format string, args ...any) {
	a.logs = append(a.logs, fmt.Sprintf(format, args...))
}

// work is a whole Run.
func (r *testRun) work(ctx context.Context, w *watch) (a answer) {
	e, err := newEngine(r.settings, w)
	if err != nil {
		a.failure = err.Error()
		return a
	}
	defer e.close()
	if name := os.Getenv("DOUBLEMOUNT_REPLAY"); name != "" {
		r.replay(ctx, e, name, &a)
		return a
	}
	if r.replayCorpus(ctx, e, &a); a.failure == "" {
		r.search(ctx, e, &a)
	}
	return a
}

// hung reports the run that did not come back, and before it the violation that
// it was meant to make smaller, if there was one.
func (r *testRun) hung(h *hung) (a answer) {
	if k := h.kept; k != nil {
		a.logf("a run hung while this was minimised:\n%s", r.report(r.bare(k.program, k.verdict), r.foundIn(k.run)))
	}
	a.failure = fmt.Sprintf("a run of %s did not come back; its goroutine is abandoned\n%s\n\n%s", r.design.Name,
		"hint: DOUBLEMOUNT_HANG=1m waits longer", r.report(r.hangFinding(h), r.foundIn(h.run)))
	return a
}

func (r *testRun) foundIn(run int) string { return fmt.Sprintf("%s run %d", r.t.Name(), run) }

// report writes f as a case file, unless it comes from one, and renders it. The
// last line is the one to paste.
func (r *testRun) report(f reports.Finding, foundBy string) string {
	var b strings.Builder
	if f.File == "" {
		if err := r.writeSomewhere(&f, foundBy); err != nil {
			fmt.Fprintf(&b, "no case file: %v; the program is:\n%v\n", err, f.Run.Program)
		} else {
			fmt.Fprintf(&b, "hint: copy the case file to %s: every later test of %s replays it first\n\n", r.corpusDir(), r.design.Name)
		}
	}
	if f.File != "" {
		f.Replay = replayLine(r.t.Name(), f.File)
	}
	if err := reports.Text(&b, f); err != nil {
		fmt.Fprintf(&b, "%s: %v", f.Headline(), err)
	}
	return b.String()
}

// writeSomewhere writes the case file of f into the first directory that takes
// it.
func (r *testRun) writeSomewhere(f *reports.Finding, foundBy string) (err error) {
	for _, dir := range r.dirs {
		var name string
		if name, err = dir(); err == nil {
			err = r.write(name, f, foundBy)
		}
		if err == nil {
			return nil
		}
	}
	return err
}

// outDirs are the directories for the case files of t, best first. It is called
// on the test's goroutine. A test's artifact directory stays only with go test
// -artifacts. The shared directory for temporary files may be another user's,
// or have a case of that name that is another design's; then a new one serves.
func outDirs(t TB, out string) []func() (string, error) {
	this := func(dir string) func() (string, error) { return func() (string, error) { return dir, nil } }
	if out != "" {
		return []func() (string, error){this(out)}
	}
	var dirs []func() (string, error)
	keeper, ok := t.(interface{ ArtifactDir() string })
	if kept := flag.Lookup("test.artifacts"); ok && kept != nil && kept.Value.String() == "true" {
		dirs = append(dirs, this(keeper.ArtifactDir()))
	}
	return append(dirs, this(filepath.Join(os.TempDir(), findingsDir)),
		func() (string, error) { return os.MkdirTemp("", findingsDir+"-") })
}

// stopAt is when a test has to come to its end: some time before its deadline.
func stopAt(t TB) time.Time {
	const margin = 10 * time.Second
	limited, ok := t.(interface{ Deadline() (time.Time, bool) })
	if !ok {
		return time.Time{}
	}
	deadline, ok := limited.Deadline()
	if !ok {
		return time.Time{}
	}
	return deadline.Add(-min(margin, time.Until(deadline)/2))
}
