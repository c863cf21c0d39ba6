package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"time"
)

// defaultHang is how long a run may take, which takes some ten microseconds
// where nothing is wrong. ticks is how often within that time the watchdog
// looks.
const (
	defaultHang = 10 * time.Second
	ticks       = 10
)

// noRun is the run number of an execution that is no run: formatting and the
// trial mount.
const noRun = -1

// hangLimit is defaultHang or what the environment says.
func hangLimit() time.Duration {
	if d, err := time.ParseDuration(os.Getenv(hangEnv)); err == nil && d > 0 {
		return d
	}
	return defaultHang
}

// watchdog notices an execution that does not return. It counts looks and not
// time, so that a machine that was asleep does not make a design guilty. Its
// answer is the only one that depends on a clock.
type watchdog struct {
	current atomic.Pointer[execution]
}

// newWatchdog starts one that calls hung, on a goroutine of its own, for the
// first execution that takes limit.
func newWatchdog(limit time.Duration, hung func(hang)) *watchdog {
	w := &watchdog{}
	go func() {
		var seen *execution
		looks := 0
		for range time.Tick(limit / ticks) {
			e := w.current.Load()
			if e == nil || e != seen {
				seen, looks = e, 0
				continue
			}
			if looks++; looks < ticks {
				continue
			}
			h := hang{Text: fmt.Sprintf("it did not return within %v%s", limit, whereabouts())}
			if e.Run != noRun {
				h.At = e
			}
			hung(h)
			return
		}
	}()
	return w
}

// watch begins to watch e; the function it returns ends that.
func (w *watchdog) watch(e *execution) (done func()) {
	w.current.Store(e)
	return func() { w.current.Store(nil) }
}

// whereabouts is ", and was in main.(*fs).Unlink (fs.go:12)": the innermost
// function of the design on the stack of the step that is running. It is empty
// where that cannot be told.
func whereabouts() string {
	stack := make([]byte, 1<<20)
	stack = stack[:runtime.Stack(stack, true)]
	for one := range strings.SplitSeq(string(stack), "\n\n") {
		_, frames, _ := strings.Cut(one, "\n")
		if !strings.Contains(frames, modulePath+"/sim.(*task).work(") || strings.Contains(one, "[coroutine") {
			continue // not a step, or one that waits for its turn
		}
		lines := strings.Split(frames, "\n")
		for i := 0; i+1 < len(lines); i += 2 {
			name := lines[i]
			if cut := strings.LastIndexByte(name, '('); cut > 0 {
				name = name[:cut]
			}
			if standard(name) || strings.HasPrefix(name, modulePath+"/sim.") {
				continue
			}
			file, _, _ := strings.Cut(strings.TrimSpace(lines[i+1]), " +")
			return fmt.Sprintf(", and was in %s (%s)", name[strings.LastIndexByte(name, '/')+1:], filepath.Base(file))
		}
	}
	return ""
}

// standard reports whether a function is of a package without a dot in the
// first part of its path, other than main: the standard library's.
func standard(function string) bool {
	first, _, found := strings.Cut(function, "/")
	if found {
		return !strings.Contains(first, ".")
	}
	return !strings.HasPrefix(function, "main.")
}
