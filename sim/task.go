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
	mutexes  int   // that the step has
	gate     *gate // what a blocked task waits for
	dying    bool  // the run is over; every further call of the host unwinds
	unwound  int   // how often it did
	scratch  []byte
	flight   int  // the block that a cache write of this step has on its way
	landing  gate // taken while it has
}

type taskState uint8

const (
	idle    taskState = iota
	running           // inside advance, or ready to
	held              // at a hold
	blocked           // at a gate
	lost              // would not unwind; never to run again
)

// unwind is the private panic that takes a task off its coroutine.
type unwind struct{}

// maxCalls is how often one operation may call its host before it is taken to
// be in a loop. The longest honest one, a write of the whole default disk, makes
// some hundred calls; the largest write allowed would need 200,000.
const maxCalls = 1 << 20

// maxUnwound is how often a step may recover from being unwound, and call its
// host again, before its coroutine is given up. Deferred calls come to a few.
const maxUnwound = 1 << 10

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
		case nil, unwind:
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

// unwindAgain is for a dying task that calls its host. If it never stops doing
// so, the coroutine stays where it is for ever: there is no other way to be rid
// of it.
func (t *task) unwindAgain() {
	if t.unwound++; t.unwound > maxUnwound {
		t.swallowed()
		t.state = lost
		for {
			t.yield(struct{}{})
		}
	}
	panic(unwind{})
}

// swallowed notes, beside the defect that ended the run, that the design took
// the unwinding for a panic of its own.
func (t *task) swallowed() {
	t.w.defects = append(t.w.defects, model.Defect{Kind: model.Misuse, Host: t.host.id, Step: t.number,
		Text: "the design recovered from a panic that was not its own and went on"})
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

// mayStop reports whether a hold can stop the step at a command.
func (t *task) mayStop() bool { return t.hold >= 0 }

// is reports whether u is t.
func (t *task) is(u *task) bool { return t == u }

// block is memory for one block on its way to or from the disk.
func (t *task) block(size int) []byte {
	if t.scratch == nil {
		t.scratch = make([]byte, size)
	}
	return t.scratch
}

// gate is what tasks wait at: a cluster lock, a host's mutex, a write on its
// way.
type gate struct {
	owner *task
}

// wait waits until the gate is free.
func (g *gate) wait(t *task) {
	for g.owner != nil {
		t.gate = g
		t.pause(blocked)
	}
	t.gate = nil
}

// take waits until the gate is free and takes it.
func (g *gate) take(t *task) {
	g.wait(t)
	g.owner = t
}
