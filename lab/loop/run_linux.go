package loop

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"

	"github.com/doublemount/doublemount/lab/agent"
	"github.com/doublemount/doublemount/model"
)

// Run executes p on a fresh disk. The error is ctx's, wraps [model.ErrProgram],
// or is of the harness: a host's process that died or did not answer, a checker
// that could not be run.
func (r *Runner) Run(ctx context.Context, p model.Program) (model.Run, error) {
	if err := ctx.Err(); err != nil {
		return model.Run{}, err
	}
	if err := p.Validate(); err != nil {
		return model.Run{}, err
	}
	if p.Hosts > r.caps.MaxHosts {
		return model.Run{}, fmt.Errorf("%w: %d hosts; this lab has %d", model.ErrProgram, p.Hosts, r.caps.MaxHosts)
	}
	w := r.world
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reset(p)
	w.ctx = ctx
	if err := r.execute(ctx); err != nil {
		for _, h := range w.hosts { // what state they are in is not known
			w.cut(h)
		}
		return model.Run{}, cmp.Or(ctx.Err(), err)
	}
	w.mu.Unlock()
	problems, err := r.audit(ctx)
	w.mu.Lock()
	if err != nil {
		return model.Run{}, err
	}
	run := model.Run{Program: p.Clone(), History: w.history, Trace: w.trace, Holds: w.holds,
		Audit: problems, Space: r.caps.Space, Strikes: w.strikes, Marks: w.sortedMarks(), LocksApart: true}
	var b []byte
	for _, record := range run.Trace {
		b = record.AppendBinary(b)
	}
	run.Digest = xxhash.Sum64(b)
	return run, nil
}

func (w *world) sortedMarks() (all []model.Mark) {
	for name, n := range w.marks { // any order: sorted below
		all = append(all, model.Mark{Name: name, Count: n})
	}
	slices.SortFunc(all, func(a, b model.Mark) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// execute carries out the program, closing observation included.
func (r *Runner) execute(ctx context.Context) error {
	w := r.world
	for i, s := range w.program.Steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		w.step = i + 1
		if s.Kind >= model.Crash {
			w.event(s)
			w.over(i + 1)
		} else {
			w.start(r, w.hosts[s.Host], s)
		}
		if w.trouble != nil {
			return w.trouble
		}
	}
	w.heal()
	if !w.await(func() bool { return len(w.tasks) == 0 }) {
		return fmt.Errorf("step %d did not return within %v", w.tasks[0].number, patience)
	}
	for i, h := range w.program.Unmounts {
		w.step = len(w.program.Steps) + 1 + i
		if host := w.hosts[h]; host.mounted {
			w.start(r, host, model.Step{Host: h, Kind: model.Unmount})
		}
	}
	w.step = 0
	if w.trouble == nil {
		w.observe(r)
	}
	return w.trouble
}

// task is a step under way.
type task struct {
	number int
	host   *host
	call   *call // that it waits for
}

// start starts a step and waits until it has ended or is held.
func (w *world) start(r *Runner, h *host, s model.Step) {
	if s.Kind >= model.Mount && s.Kind <= model.Reboot && !h.paused {
		// A mount can only come or go when there are no calls.
		if !w.await(func() bool { return !w.busyWith(h) }) {
			w.fail("step %d: calls of host %v did not return within %v", w.step, h.id, patience)
			return
		}
	}
	if !w.can(r, h, s) {
		w.skip(s)
		w.over(w.step)
		return
	}
	t := &task{number: w.step, host: h}
	w.tasks = append(w.tasks, t)
	w.note(h.id, model.StepStarted, 0)
	go func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.perform(r, t, s)
		w.tasks = slices.DeleteFunc(w.tasks, func(o *task) bool { return o == t })
		w.over(t.number)
	}()
	done := w.await(func() bool {
		return !slices.Contains(w.tasks, t) || t.call != nil && t.call.held > 0 || w.trouble != nil
	})
	if !done {
		w.fail("step %d, %v: host %v did not answer within %v", t.number, s, h.id, patience)
		w.cut(h)
	}
}

// busyWith reports whether a step of a host is under way.
func (w *world) busyWith(h *host) bool {
	return slices.ContainsFunc(w.tasks, func(t *task) bool { return t.host == h })
}

// can reports whether a host is in a state for a step.
func (w *world) can(r *Runner, h *host, s model.Step) bool {
	switch {
	case !r.caps.Kinds.Has(s.Kind) || h.paused:
		return false
	case s.Kind == model.Mount:
		return !h.mounted
	}
	return h.mounted && (!s.Direct || r.system.direct)
}

// perform carries out a step.
func (w *world) perform(r *Runner, t *task, s model.Step) {
	h := t.host
	switch s.Kind {
	case model.Mount:
		w.mount(r, t)
	case model.Unmount:
		w.unmount(t, true)
	case model.Remount:
		if w.unmount(t, false) {
			w.mount(r, t)
		}
	case model.Reboot:
		if w.unmount(t, true) {
			h.file = ""
			w.mount(r, t)
		}
	default:
		w.operate(t, s)
	}
}

// mount mounts a host, on a new incarnation if it has none that can be used.
func (w *world) mount(r *Runner, t *task) {
	h := t.host
	op := w.begin(model.Step{Host: h.id, Kind: model.Mount}, t.number)
	if h.agent == nil {
		if err := h.start(r.system); err != nil {
			w.fail("%w", err)
			return
		}
	}
	if h.file == "" || !w.disk.Attached(h.port) {
		w.attach(h)
	}
	if !w.ask(t, r.mounting(h, false), op) {
		return
	}
	h.fresh = false
	if h.mounted = t.call.result.Errno == model.OK; !h.mounted {
		w.refusals = append(w.refusals, t.call.text)
		if r.system.Exclusive && w.taken(h) {
			// Kernels differ in what a refusal is called; another host has the disk.
			w.history[op].Result.Errno = model.EBUSY
		}
	}
}

// mounting asks for a mount of a host; make is for the shared directory, on a disk
// that was just formatted.
func (r *Runner) mounting(h *host, make bool) request {
	m := agent.Mount{Make: make, Word: wordSize, Direct: r.system.direct, Paths: h.w.program.Paths()}
	if h.fresh {
		m.Disk = r.path(h.file)
	}
	return func(a *agent.Host, then func(agent.Answer)) { a.BeginMount(m, then) }
}

// taken reports whether another host is mounted, or is about to be or was.
func (w *world) taken(h *host) bool {
	return slices.ContainsFunc(w.hosts, func(o *host) bool { return o != h && (o.mounted || w.busyWith(o)) })
}

// unmount unmounts a host and reports whether that ended. One that cannot
// unmount has lost its mount all the same, and what it had not written.
//
// umount(2) says nothing of writes that failed. The disk knows of them, so the
// answer is that they did.
func (w *world) unmount(t *task, detach bool) bool {
	h := t.host
	op := w.begin(model.Step{Host: h.id, Kind: model.Unmount}, t.number)
	h.mounted = false
	if !w.ask(t, unmounting(detach), op) {
		return false
	}
	h.fresh = h.fresh || detach
	answer := &w.history[op].Result
	if answer.Errno == model.OK && h.failed {
		answer.Errno = model.EIO
	}
	if answer.Errno != model.OK {
		w.cut(h)
		w.happened(model.Step{Host: h.id, Kind: model.Crash}, t.number)
	}
	return true
}

// operate carries out an operation, or an event that goes on in a mounted host.
func (w *world) operate(t *task, s model.Step) model.Result {
	op := w.begin(s, t.number)
	if !w.ask(t, doing(s), op) {
		return model.Result{}
	}
	return t.call.result
}

// ask sends a request of a task and waits for the answer. It reports whether
// there is one: a host that crashes gives none.
func (w *world) ask(t *task, q request, op int) bool {
	run := w.runs
	c := w.send(t.host, q, t.number, op)
	t.call = c
	for !c.done {
		w.changed.Wait()
	}
	return !c.lost && run == w.runs
}

// begin notes the call of an operation and returns where.
func (w *world) begin(s model.Step, number int) int {
	w.time++
	w.history = append(w.history, entry(s, number, w.time))
	return len(w.history) - 1
}

func entry(s model.Step, number int, now int64) model.Op {
	return model.Op{Step: number, Host: s.Host, Kind: s.Kind, Path: s.Path, To: s.To, File: s.File,
		Off: s.Off, Len: s.Len, Data: s.Data, Direct: s.Direct, Shared: s.Shared, Call: now, Return: model.Never}
}

// happened notes an event that took no time.
func (w *world) happened(s model.Step, number int) {
	op := w.begin(s, number)
	w.time++
	w.history[op].Return = w.time
}

func (w *world) skip(s model.Step) {
	w.happened(s, w.step)
	w.history[len(w.history)-1].Skipped = true
}

// observe is the closing observation: a host of its own mounts the disk, asks
// about every name of the program, reads every file, lists every directory and
// asks for the free space.
func (w *world) observe(r *Runner) {
	done := false
	go func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.look(r)
		done = true
		w.changed.Broadcast()
	}()
	if !w.await(func() bool { return done }) {
		w.fail("the closing observation did not end within %v", patience)
		w.cut(w.observer())
	}
}

func (w *world) look(r *Runner) {
	h := w.observer()
	t := &task{host: h}
	ask := func(s model.Step) model.Result {
		s.Host = model.Final
		return w.operate(t, s)
	}
	if w.mount(r, t); !h.mounted {
		return
	}
	ask(model.Step{Kind: model.Readdir, Path: model.Root})
	for _, p := range w.program.Paths() {
		switch a := ask(model.Step{Kind: model.Stat, Path: p}); a.Type {
		case model.File:
			if size := min(a.Size, model.MaxWords); size > 0 {
				ask(model.Step{Kind: model.Read, Path: p, Len: int32(size)})
			}
		case model.Dir:
			ask(model.Step{Kind: model.Readdir, Path: p})
		}
	}
	ask(model.Step{Kind: model.Statfs})
	w.unmount(t, true)
}
