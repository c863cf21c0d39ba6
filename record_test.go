package doublemount_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/doublemount/doublemount"
	"github.com/doublemount/doublemount/sim"
)

// These tests say themselves what the environment is.
func TestMain(m *testing.M) {
	for _, name := range []string{"DOUBLEMOUNT_REPLAY", "DOUBLEMOUNT_RUNS", "DOUBLEMOUNT_HANG"} {
		os.Unsetenv(name)
	}
	os.Exit(m.Run())
}

// recorder is a test that only takes notes, to see what Run tells one.
type recorder struct {
	name   string
	logs   string
	errors string
	ended  bool
}

func (r *recorder) Helper()      {}
func (r *recorder) Name() string { return r.name }
func (r *recorder) Failed() bool { return r.errors != "" }
func (r *recorder) Logf(format string, args ...any) {
	r.logs += fmt.Sprintf(format, args...) + "\n"
}
func (r *recorder) Errorf(format string, args ...any) {
	r.errors += fmt.Sprintf(format, args...) + "\n"
}
func (r *recorder) FailNow() { r.ended = true; runtime.Goexit() }

// run is doublemount.Run on a test of that name that takes notes. Case files
// go to a directory of t unless opts say otherwise.
func run(t *testing.T, name string, d sim.Design, opts ...doublemount.Option) *recorder {
	t.Helper()
	r := &recorder{name: name}
	done := make(chan struct{})
	go func() { // a goroutine of its own, for FailNow to end
		defer close(done)
		doublemount.Run(r, d, append([]doublemount.Option{doublemount.Out(t.TempDir())}, opts...)...)
	}()
	<-done
	if r.ended != (r.errors != "") {
		t.Errorf("FailNow called: %v, with errors %q", r.ended, r.errors)
	}
	return r
}

// lastLine is the last line of the failure.
func (r *recorder) lastLine() string {
	lines := strings.Split(strings.TrimSpace(r.errors), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

// wants fails t unless text has each of the parts.
func wants(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in:\n%s", part, text)
		}
	}
}
