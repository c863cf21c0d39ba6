package sim

import (
	"fmt"
	"iter"

	"github.com/doublemount/doublemount/disk"
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

	background bool     // a daemon that works for no step
	daemon     func()   // what a daemon runs; nil for a step
	hold       int      // index into Program.Holds of the hold that has stopped it, -1 for none
	calls      int      // calls of the host by this operation, or by a daemon since it rested
	mutexes    int      // that the step has
	until      waitable // what a blocked task waits for
	waiting    wait     // memory for until
	dying      bool     // its host is no more, or the run is over; every further call of the host unwinds
	flying     int      // blocks of a write, ticket, on its way to the disk
	ticket     disk.Ticket
	unwound    int // how often it did
	scratch    []byte
	flight     int  // the block that a cache write of this step has on its way
	landing    gate // taken while it has
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
	if t.daemon == nil {
		t.w.perform(t)
		return
	}
	if t.dying {
		return // before it ever ran
	}
	t.daemon()
	if t.dying {
		t.swallowed()
		return
	}
	t.w.leftovers(t)
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

// await stops the task until w is ready.
func (t *task) await(w waitable) {
	for !w.ready(t) {
		t.until = w
		t.pause(blocked)
	}
	t.until = nil
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

// swallowed notes, beside the defect that ended the run if there is one, that
// the design took the unwinding for a panic of its own.
func (t *task) swallowed() {
	t.w.stopped = true
	t.w.defects = append(t.w.defects, model.Defect{Kind: model.Misuse, Host: t.host.id, Step: t.number,
		Text: "the design recovered from a panic that was not its own and went on"})
}

// is reports whether u is t.
func (t *task) is(u *task) bool { return t == u }

// block is memory for one block on its way to or from the disk.
func (t *task) block(size int) []byte {
	if t.scratch == nil {
		t.scratch = make([]byte, size)
	}
	return t.scratch
}

// waitable is what a blocked task waits for.
type waitable interface {
	ready(t *task) bool
}

// gate is what one task at a time has: a cluster lock, a host's mutex, a write
// on its way.
type gate struct {
	owner *task
}

func (g *gate) ready(*task) bool { return g.owner == nil }

// wait waits until the gate is free.
func (g *gate) wait(t *task) { t.await(g) }

// take waits until the gate is free and takes it.
func (g *gate) take(t *task) {
	g.wait(t)
	g.owner = t
}
