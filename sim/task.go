package sim

import (
	"fmt"
	"iter"

	"github.com/doublemount/doublemount/model"
)

// task is one step on its way, on a coroutine that is used again for later
// steps. Exactly one task runs at a time, and only inside world.advance.
type task struct {
	w      *world
	next   func() (struct{}, bool)
	stop   func()
	yield  func(struct{}) bool
	state  taskState
	host   *Host
	step   model.Step
	number int // of the step in the Program; 0 for the closing observation
	op     int // index of the operation under way in the history

	hold     int // index into Program.Holds, -1 for none
	commands [8]int
	calls    int   // calls of the host by this step
	gate     *gate // what a blocked task waits for
	dying    bool  // the run is over; the next call of the host unwinds
}

type taskState uint8

const (
	idle    taskState = iota
	running           // inside advance, or ready to
	held              // at a hold
	blocked           // at a gate
)

// unwind is the private panic that takes a task off its coroutine.
type unwind struct{}

// maxCalls is how often one step may call its host before it is taken to be in
// a loop. The longest honest step, a write of the whole default disk, makes
// some hundred calls; the largest disk allowed would need 200,000.
const maxCalls = 1 << 20

// newTask starts a coroutine that waits for work.
func newTask(w *world) *task {
	t := &task{w: w}
	t.next, t.stop = iter.Pull(func(yield func(struct{}) bool) {
		t.yield = yield
		for yield(struct{}{}) {
			t.work()
			t.state = idle
		}
	})
	t.next() // to the first yield
	return t
}

// work carries out the step; a panic of the design ends here.
func (t *task) work() {
	defer func() {
		switch r := recover(); r.(type) {
		case nil:
			if t.dying {
				t.w.addDefect(model.Misuse, t, "the design recovered from a panic that was not its own and went on")
			}
		case unwind:
		default:
			t.w.addDefect(model.Panic, t, fmt.Sprint(r))
		}
	}()
	t.w.perform(t)
}

// pause gives the coroutine back to the world until it is advanced again.
func (t *task) pause(s taskState) {
	t.state = s
	if !t.yield(struct{}{}) {
		t.dying = true
	}
	t.state = running
	if t.dying {
		panic(unwind{})
	}
}

// enter is the first thing every service of a host does.
func (t *task) enter() {
	if t.dying {
		panic(unwind{})
	}
	t.calls++
	if t.calls > maxCalls {
		t.w.addDefect(model.Hang, t, fmt.Sprintf("%v called its host %d times and had not returned", t.step.Kind, maxCalls))
		panic(unwind{})
	}
}

// reach is called for every command before it takes effect; here a hold stops
// the step.
func (t *task) reach(kind model.CommandKind) {
	t.commands[kind]++
	if t.hold < 0 {
		return
	}
	if h := &t.w.program.Holds[t.hold]; h.At == kind && h.N == t.commands[kind] {
		t.w.holds[t.hold] = model.Fired
		t.w.record(model.Record{Step: int16(t.number), Host: t.host.id, Kind: model.HoldStarted})
		t.pause(held)
	}
}

// gate is what tasks wait at: a cluster lock or a host's mutex.
type gate struct {
	owner *task
}

// take waits until the gate is free and takes it.
func (g *gate) take(t *task) {
	for g.owner != nil {
		t.gate = g
		t.pause(blocked)
	}
	t.gate = nil
	g.owner = t
}
