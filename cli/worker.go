package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"syscall"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/reports"
	"github.com/doublemount/doublemount/sim"
)

// Limits of a child. A stack that grows to maxStack recurses for ever, and
// growing it to Go's own limit of a gigabyte takes longer than a person waits.
// Runs make much short-lived memory and keep little, so collecting it less
// often costs a few megabytes.
const (
	maxStack  = 16 << 20
	gcPercent = 400
)

// worker is the child's side: it does the jobs that it reads until there are no
// more.
type worker struct {
	designs []sim.Design
	runner  *watched // of the last job's design
	dog     *watchdog

	mu  sync.Mutex // of out: the watchdog writes too
	out *json.Encoder
}

// work is the whole life of a child.
func work(in io.Reader, out *os.File, designs []sim.Design) {
	// An interrupt from the keyboard, or its end, reaches children too. The parent decides.
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	debug.SetMaxStack(maxStack)
	debug.SetGCPercent(gcPercent)
	os.Stdout = os.Stderr // what a design prints must not get among the answers

	w := &worker{designs: designs, out: json.NewEncoder(out)}
	w.dog = newWatchdog(hangLimit(), w.hung)
	jobs := make(chan job)
	go func() {
		d := json.NewDecoder(in)
		for {
			var j job
			if d.Decode(&j) != nil {
				os.Exit(exitClean) // the parent is done, or gone
			}
			jobs <- j
		}
	}()
	defer func() {
		// Panics were caught and the loop does not end, so this is the one other way.
		fmt.Fprintln(os.Stderr, "panic: runtime.Goexit called")
		os.Exit(exitHarness)
	}()
	for j := range jobs {
		a, err := w.do(j)
		if err != nil {
			a = answer{Error: err.Error()}
		}
		w.write(a)
	}
}

// write sends one line. There is nobody to tell if that fails.
func (w *worker) write(a answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.out.Encode(a); err != nil {
		fmt.Fprintln(os.Stderr, "write answer:", err)
		os.Exit(exitHarness)
	}
}

// hung reports what does not return and ends the process: nothing else can.
func (w *worker) hung(h hang) {
	w.write(answer{Hang: &h})
	os.Exit(exitHarness)
}

// do does one job. A panic on the way is the harness's: those of a design end
// in sim.
func (w *worker) do(j job) (a answer, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic in the harness: %v\n%s", r, debug.Stack())
		}
	}()
	ctx := context.Background() // the parent ends this process rather than a job
	if err := w.open(j.Design); err != nil {
		return answer{}, err
	}
	promised, err := guarantees(j.Guarantees)
	if err != nil {
		return answer{}, err
	}
	judge := checker.New(0, promised...)
	r := w.runner
	r.at, r.tell = 0, nil
	if j.Tell {
		r.tell = func(e *execution) { w.write(answer{About: e}) }
	}
	switch j.Task {
	case taskOpen:
		caps := r.Capabilities()
		return answer{Capabilities: &caps}, nil
	case taskBatch:
		opts := j.options()
		opts.Progress = func(run int, _ model.Program) { r.at = run }
		b, err := fuzz.RunBatch(ctx, r, judge, opts, j.Batch)
		return answer{Batch: &b}, err
	case taskRun:
		run, err := r.Run(ctx, j.Program)
		return answer{Shown: r.show(run, judge(run), checker.Cause{})}, err
	case taskExplain:
		run, cause, err := checker.Explain(ctx, r, judge, j.Program, j.Verdict)
		if err == nil {
			_, err = r.Run(ctx, j.Program) // the last run was one that was tried
		}
		return answer{Shown: r.show(run, judge(run), cause)}, err
	}
	return answer{}, errors.New("unknown job " + string(j.Task))
}

// maxTrace is how many records of a trace a child sends. A design that calls its
// host without end leaves a million, all alike.
const maxTrace = 1 << 14

func (r *watched) show(run model.Run, verdicts []model.Verdict, cause checker.Cause) *shown {
	s := &shown{Run: run, Verdicts: verdicts, Cause: cause, Blocks: reports.BlocksOf(run, r.Describe)}
	if s.Cut = len(run.Trace) - maxTrace; s.Cut > 0 {
		s.Run.Trace = run.Trace[:maxTrace]
	}
	return s
}

// open makes the Runner of a design, unless it is the one in use. A Format or a
// trial mount can hang too.
func (w *worker) open(name string) error {
	if w.runner != nil && w.runner.Capabilities().Name == name {
		return nil
	}
	d, err := lookup(w.designs, name)
	if err != nil {
		return err
	}
	if w.runner != nil {
		w.runner.Close()
		w.runner = nil
	}
	defer w.dog.watch(&execution{Run: noRun})()
	r, err := sim.New(d)
	if err != nil {
		return err
	}
	w.runner = &watched{Runner: r, dog: w.dog}
	return nil
}

// watched is a Runner that the watchdog looks at while it runs.
type watched struct {
	*sim.Runner
	dog  *watchdog
	at   int // the run number of the next execution
	tell func(*execution)
}

// Describe implements model.Describer. The design can hang there too.
func (r *watched) Describe(block int32) string {
	defer r.dog.watch(&execution{Run: noRun})()
	return r.Runner.Describe(block)
}

// Run implements model.Runner.
func (r *watched) Run(ctx context.Context, p model.Program) (model.Run, error) {
	e := &execution{Run: r.at, Program: p}
	if r.tell != nil {
		r.tell(e)
	}
	defer r.dog.watch(e)()
	return r.Runner.Run(ctx, p)
}
