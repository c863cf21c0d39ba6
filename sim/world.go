package sim

import (
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/model"
)

// world is one disk with its hosts, used again for every run. Nothing in it
// depends on an earlier run but how much memory it has.
type world struct {
	design *Design
	kinds  model.KindSet
	disk   *disk.Disk
	hosts  []*Host // one for each port; the last is the observer. A program may use fewer
	word   int     // bytes
	bare   bool    // keep no history, trace, holds, and skip the closing observation

	tasks   []*task // every coroutine
	active  []*task // those with a step under way, in order of start
	current *task   // the one that is running

	locks     []*lock
	lockCount int

	network network
	mail    []byte        // for the data of messages
	step    int           // number of the latest step: what time passes for
	closing bool          // after the last step: faults are healed, and there are no new ones
	uses    model.KindSet // events that mean something to the design, found in its trial mount
	fallen  []int         // steps that a crash has just ended
	always  always

	program      model.Program
	addressed    bool // it has holds or strikes
	holdCounts   []int
	strikes      []bool
	strikeCounts []int
	known        [256]bool // data numbers that the program writes
	stopped      bool      // at the first defect
	time         int64
	trace        []model.Record
	history      []model.Op
	holds        []model.HoldState
	defects      []model.Defect
	marks        []model.Mark
	arena        []byte // for the data of reads
	encoded      []byte // scratch for digests
}

func newWorld(d *Design, template *disk.Image, kinds model.KindSet, hosts int) *world {
	w := &world{
		design: d,
		kinds:  kinds,
		disk:   disk.New(template, hosts+1),
		word:   template.BlockSize() / model.WordsPerBlock,
	}
	for i := range hosts + 1 {
		h := &Host{w: w, id: model.Host(i), port: disk.Port(i)}
		h.cache.init(h, template.Blocks(), template.BlockSize())
		w.hosts = append(w.hosts, h)
	}
	w.observer().id = model.Final
	return w
}

func (w *world) observer() *Host { return w.hosts[len(w.hosts)-1] }

// reset makes the world new for a program.
func (w *world) reset(p model.Program) {
	w.disk.Reset()
	for _, h := range w.hosts {
		h.reset()
		h.now, h.noDisk, h.cut, h.registered = 0, false, false, false
	}
	w.lockCount = 0
	w.network.reset()
	w.mail, w.fallen = w.mail[:0], w.fallen[:0]
	w.step, w.closing = 0, false
	w.program, w.stopped, w.time = p, false, 0
	clear(w.known[:])
	for _, s := range p.Steps {
		w.known[s.Data] = true
	}
	w.known[model.Hole] = true
}

// run executes the program up to its end or the first defect.
func (w *world) run() {
	for _, h := range w.hosts[:w.program.Hosts] {
		w.attach(h, 0)
	}
	w.attach(w.observer(), 0)
	for i, s := range w.program.Steps {
		if w.stopped {
			break
		}
		w.next(i + 1)
		if s.Kind.Event() && w.event(s, i+1) {
			continue
		}
		w.start(w.hosts[s.Host], s, i+1)
	}
	w.heal()
	for !w.stopped {
		t := w.oldest(func(t *task) bool { return t.daemon == nil })
		if t == nil {
			break
		}
		w.finish(t)
	}
	for i, h := range w.program.Unmounts {
		if w.stopped {
			break
		}
		w.next(len(w.program.Steps) + 1 + i)
		if host := w.hosts[h]; host.phase == mounted {
			w.start(host, model.Step{Host: h, Kind: model.Unmount}, w.step)
		}
	}
	w.step = 0
	if !w.stopped && !w.bare {
		w.start(w.observer(), model.Step{Host: model.Final}, 0)
	}
	w.abandon()
}

// next comes to a step.
func (w *world) next(number int) {
	w.step = number
	w.rest()
}

// start runs a step until it has ended, is stopped at a hold, or waits for
// something that a later step brings.
func (w *world) start(h *Host, s model.Step, number int) {
	if s.Kind >= model.Mount && s.Kind <= model.Reboot && !w.quiet(h) {
		if !w.stopped {
			w.skip(s, number)
			w.ended(number)
			w.settle(nil)
		}
		return
	}
	if h.id != model.Final && !w.can(h, s) {
		w.skip(s, number)
		w.ended(number)
		w.settle(nil)
		return
	}
	t := w.begin(h, number)
	t.step = s
	w.advance(t)
	w.settle(t)
}

// quiet ends the calls that are under way on a host, since a mount can only
// come or go when there are none. It reports false when one cannot end now.
func (w *world) quiet(h *Host) bool {
	for !w.stopped {
		t := w.oldest(func(t *task) bool { return t.host == h && t.daemon == nil })
		if t == nil {
			return true
		}
		if h.paused {
			return false
		}
		if w.finish(t); slices.Contains(w.active, t) && t.daemon == nil && !w.stopped {
			return false
		}
	}
	return false
}

// begin makes a task ready to run.
func (w *world) begin(h *Host, number int) *task {
	t := w.idleTask()
	t.host, t.number, t.op = h, number, -1
	t.daemon, t.hold, t.calls, t.mutexes, t.until = nil, -1, 0, 0, nil
	t.dying, t.unwound, t.flying, t.landing = false, 0, 0, gate{}
	w.active = append(w.active, t)
	t.background = false
	return t
}

// can reports whether the host is in a state for the step.
func (w *world) can(h *Host, s model.Step) bool {
	if !w.kinds.Has(s.Kind) {
		return false
	}
	if h.paused {
		return false
	}
	if s.Kind == model.Mount {
		return h.phase == unmounted
	}
	return h.phase == mounted && (!s.Direct || h.direct) && (h.ranges || s.Len == 0 || s.Kind != model.Lock && s.Kind != model.Unlock)
}

func (w *world) idleTask() *task {
	for _, t := range w.tasks {
		if t.state == idle {
			return t
		}
	}
	t := newTask(w)
	w.tasks = append(w.tasks, t)
	return t
}

// advance lets t run until it ends, is held or waits. Steps that were held
// until the one that ended go on.
func (w *world) advance(t *task) {
	w.current, t.state = t, running
	t.next()
	w.current = nil
	// What follows can give the coroutine to a new daemon.
	number, ended := t.number, t.daemon == nil && (t.state == idle || t.state == lost)
	if t.state == idle || t.state == lost {
		w.retire(t)
	}
	if h := t.host; h.resetting {
		h.resetting = false
		w.crash(h, model.Step{Host: h.id, Kind: model.Crash}, number)
	}
	if ended && !w.stopped {
		w.ended(number)
	}
}

// retire takes a task that will not run again off the list.
func (w *world) retire(t *task) {
	if n := len(w.active) - 1; w.active[n] == t { // as nearly always
		w.active = w.active[:n]
	} else {
		w.active = slices.DeleteFunc(w.active, t.is)
	}
	if t.state == lost {
		w.tasks = slices.DeleteFunc(w.tasks, t.is)
	}
}

// ended releases the steps that were held until step number, and delivers the
// messages that were.
func (w *world) ended(number int) {
	if len(w.network.late) > 0 {
		w.deliverLate(number)
	}
	for i := 0; i < len(w.active) && number > 0 && !w.stopped; i++ {
		if t := w.active[i]; t.state == held && !t.host.paused && w.program.Holds[t.hold].Until == number {
			w.release(t, model.HoldEnded)
			i = -1 // the list has changed
		}
	}
}

func (w *world) release(t *task, how model.RecordKind) {
	w.record(model.Record{Step: int16(t.number), Host: t.host.id, Kind: how})
	w.advance(t)
}

// runnable reports whether t can go on.
func (t *task) runnable() bool {
	if t.dying {
		return t.state == blocked || t.state == held
	}
	return t.state == blocked && !t.host.paused && t.until.ready(t)
}

// settle runs what can run, oldest first, until nothing can and t (if any) does
// not wait, or waits in vain. When it waits, and no fault is outstanding that a
// later step could end, the oldest hold is cut short. Else time passes, if
// anybody waits for a time. When that does not help either, t waits for ever;
// with a fault outstanding, it waits for the steps to come.
func (w *world) settle(t *task) {
	for ticks := 0; !w.stopped; {
		if next := w.oldest((*task).runnable); next != nil {
			w.advance(next)
			continue
		}
		if t == nil || t.state != blocked || t.daemon != nil { // a daemon may have got the coroutine of a step that ended
			return
		}
		troubled := w.troubled()
		if next := w.oldest(func(t *task) bool { return t.state == held }); next != nil && !troubled {
			w.holds[next.hold] = model.FiredEarly
			w.release(next, model.HoldCut)
			continue
		}
		most := maxWait
		if troubled {
			most = aWhile
		}
		if ticks++; ticks <= most && w.oldest((*task).timed) != nil {
			w.tick(model.Everyone)
			continue
		}
		if !troubled {
			w.addDefect(model.Deadlock, t, fmt.Sprintf("%v waits for a lock, a message or a write that never comes", t.step.Kind))
		}
		return
	}
}

// maxWait is how many ticks an operation may wait for once every fault is
// healed, and still be said to make progress.
const maxWait = 1 << 10

// aWhile is how many ticks pass by themselves for an operation that waits while a
// fault is outstanding: enough for a host to be given up for dead.
const aWhile = 1 << 5

func (w *world) oldest(ok func(*task) bool) *task {
	for _, t := range w.active {
		if ok(t) {
			return t
		}
	}
	return nil
}

// finish runs an active task to its end, whatever holds it.
func (w *world) finish(t *task) {
	if t.state == held && !t.host.paused {
		w.holds[t.hold] = model.FiredEarly
		w.release(t, model.HoldCut)
	}
	w.settle(t)
}

// abandon unwinds the steps that will never end, so that their coroutines can
// be used again.
func (w *world) abandon() {
	for len(w.active) > 0 {
		w.kill(w.active[0])
	}
}

// kill unwinds a task wherever it is stopped.
func (w *world) kill(t *task) {
	t.dying = true
	w.current, t.state = t, running
	t.next()
	w.current = nil
	w.retire(t)
}

// attach gives the host a new incarnation of its port and an empty memory.
func (w *world) attach(h *Host, number int) {
	n := w.disk.Attach(h.port)
	h.cut = false
	clear(h.failing[:])
	h.cache.drop()
	w.record(model.Record{Step: int16(number), Host: h.id, Kind: model.Attached, Version: n})
}

// record adds a line to the trace, at the next moment.
func (w *world) record(r model.Record) {
	if w.bare {
		return
	}
	w.time++
	r.Time = int32(w.time)
	w.trace = append(w.trace, r)
}

// fail ends the step, and with it the run, at something no file system may do.
func (w *world) fail(kind model.DefectKind, t *task, text string) {
	w.addDefect(kind, t, text)
	t.dying = true
	panic(unwind{})
}

func (w *world) addDefect(kind model.DefectKind, t *task, text string) {
	if !w.stopped { // what follows a defect is its consequence
		w.defects = append(w.defects, model.Defect{Kind: kind, Host: t.host.id, Step: t.number, Text: text})
	}
	w.stopped = true
}

// skip notes a step that its host could not do.
func (w *world) skip(s model.Step, number int) {
	if w.bare {
		return
	}
	w.time += 2
	op := entry(s, number, w.time-1)
	op.Return, op.Skipped = w.time, true
	w.history = append(w.history, op)
}

// entry is a step that was called, in the history.
func entry(s model.Step, number int, call int64) model.Op {
	return model.Op{Step: number, Host: s.Host, Kind: s.Kind, Path: s.Path, To: s.To, File: s.File,
		Off: s.Off, Len: s.Len, Data: s.Data, Direct: s.Direct, Shared: s.Shared, Call: call, Return: model.Never}
}

// call opens the entry of an operation in the history.
func (w *world) call(t *task, s model.Step) {
	t.calls = 0
	w.record(model.Record{Step: int16(t.number), Host: t.host.id, Kind: model.StepStarted})
	if w.bare {
		return
	}
	t.op = len(w.history)
	w.history = append(w.history, entry(s, t.number, w.time))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// done closes it.
func (w *world) done(t *task, r model.Result) {
	if t.dying {
		t.swallowed()
		panic(unwind{})
	}
	if w.bare {
		return
	}
	w.record(model.Record{Step: int16(t.number), Host: t.host.id, Kind: model.StepEnded, Sum: w.sum(r)})
	op := &w.history[t.op]
	op.Return, op.Result = w.time, r
}

// sum is a checksum over a result, so that the digest covers what hosts saw.
func (w *world) sum(r model.Result) uint32 {
	b := append(w.encoded[:0], byte(r.Errno), byte(r.Type))
	for _, n := range [...]int64{r.Size, r.Total, r.Free} {
		b = append(b, byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
	}
	b = append(b, r.Data...)
	for _, name := range r.Names {
		b = append(append(b, name...), 0)
	}
	w.encoded = b
	return crc32.Checksum(b, castagnoli)
}
