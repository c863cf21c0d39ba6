package doublemount

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/doublemount/doublemount/model"
)

// watch sees which Program is running, and says when one does not end. It holds
// what must outlive work that is abandoned.
type watch struct {
	mu      sync.Mutex
	runs    int           // begun
	run     int           // number of the run in its campaign
	program model.Program // that is running
	running bool
	gone    bool // the work was abandoned

	kept   *violation // found, and being made smaller
	before []model.Op // history of a shorter Program, closing steps left out
}

// violation is a Program and what the judge said of it.
type violation struct {
	program model.Program
	verdict model.Verdict
	run     int
}

// watched is a Runner that tells a watch what it runs.
type watched struct {
	model.Runner
	w *watch
}

// Run executes p under watch.
func (r watched) Run(ctx context.Context, p model.Program) (model.Run, error) {
	r.w.begin(p)
	defer r.w.end()
	return r.Runner.Run(ctx, p)
}

// Recycle gives a run's memory back to the Runner.
func (r watched) Recycle(run model.Run) {
	if c, ok := r.Runner.(model.Recycler); ok {
		c.Recycle(run)
	}
}

// Describe passes on what the Runner says of a block. It is the design that is
// asked, so it is under watch too.
func (r watched) Describe(block int32) string {
	if d, ok := r.Runner.(model.Describer); ok {
		r.w.again()
		defer r.w.end()
		return d.Describe(block)
	}
	return ""
}

// begin says that p is about to run.
func (w *watch) begin(p model.Program) {
	w.mu.Lock()
	w.runs++
	w.program, w.running = p, true
	w.mu.Unlock()
}

// again says that the design is at work on the program that ran last.
func (w *watch) again() {
	w.mu.Lock()
	w.runs++
	w.running = true
	w.mu.Unlock()
}

// end says that nothing of the design is running.
func (w *watch) end() {
	w.mu.Lock()
	w.running = false
	w.mu.Unlock()
}

// abandoned reports whether nobody waits for the work any more. Work that comes
// back all the same must then leave no trace.
func (w *watch) abandoned() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.gone
}

// left is the error for a design that ended the goroutine in which everything
// was done. No result may come of that, least of all a clean one.
func (w *watch) left() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return fmt.Errorf("the design called runtime.Goexit, in this program:\n%v\nhint: FailNow and Fatal of a test do that too; a design returns an error or panics",
		strings.TrimRight(w.program.String(), "\n"))
}

// number says which run of the campaign is running.
func (w *watch) number(run int, _ model.Program) {
	w.mu.Lock()
	w.run = run
	w.mu.Unlock()
}

// keep holds on to a violation whose minimising may hang.
func (w *watch) keep(v violation) {
	w.mu.Lock()
	w.kept = &v
	w.mu.Unlock()
}

// ended notes a run that came back, to be shown with the longer one that does
// not.
func (w *watch) ended(run model.Run) {
	var before []model.Op
	for _, op := range run.History {
		if op.Step >= 1 && op.Step <= len(run.Program.Steps) {
			before = append(before, op)
		}
	}
	w.mu.Lock()
	w.before = before
	w.mu.Unlock()
}

// hung is the Program that did not end.
type hung struct {
	program model.Program
	run     int
	kept    *violation // what had been found before
	before  []model.Op
}

// supervise does work in a goroutine of its own and returns when it is done, or
// when one run has lasted longer than limit. Then the goroutine is abandoned,
// and nothing that work writes to may be read.
//
// Time is counted in ticks that this goroutine saw, so a machine that slept
// does not make a hang.
func (w *watch) supervise(limit time.Duration, work func()) *hung {
	done := make(chan struct{})
	go func() {
		defer close(done)
		work()
	}()
	const ticks = 10
	ticker := time.NewTicker(limit / ticks)
	defer ticker.Stop()
	for last, same := 0, 0; ; {
		select {
		case <-done:
			return nil
		case <-ticker.C:
		}
		w.mu.Lock()
		if !w.running || w.runs != last {
			last, same = w.runs, 0
		} else if same++; same == ticks {
			defer w.mu.Unlock()
			w.gone = true
			return &hung{program: w.program, run: w.run, kept: w.kept, before: w.before}
		}
		w.mu.Unlock()
	}
}
