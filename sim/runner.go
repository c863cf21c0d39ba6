package sim

import (
	"context"
	"errors"
	"fmt"

	"github.com/cespare/xxhash/v2"
	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/model"
)

// Runner executes Programs on a Design. It implements [model.Runner] and
// [model.Describer]. It is not safe for concurrent use: make one for each
// worker, and Close it to give its coroutines back.
type Runner struct {
	design   Design
	template *disk.Image
	caps     model.Capabilities
	world    *world
	lens     [2]int    // of the last run's trace and history, to size the next
	spare    model.Run // given back, for its memory
}

// New formats a disk and makes one trial mount to learn what the design can do.
// It fails if the design lacks Format or Mount, if either fails, if Space
// panics, or if its disk is out of range.
func New(d Design) (*Runner, error) {
	if d.Format == nil || d.Mount == nil {
		return nil, fmt.Errorf("design %q: Format and Mount are needed", d.Name)
	}
	config, err := d.Disk.Normal()
	if err != nil {
		return nil, fmt.Errorf("design %q: %w", d.Name, err)
	}
	r := &Runner{design: d}
	if r.template, err = disk.NewImage(config); err == nil {
		err = guard(func() error { return d.Format(r.template) })
	}
	if err != nil {
		return nil, fmt.Errorf("design %q: format: %w", d.Name, err)
	}
	r.caps = model.Capabilities{Name: d.Name, MaxHosts: model.MaxHosts, Survives: d.Survives,
		Instants: append(instants(config), d.Marks...), Holds: true, Deterministic: true}
	if err := r.trial(); err != nil {
		return nil, fmt.Errorf("design %q: trial mount of a freshly formatted disk: %w", d.Name, err)
	}
	if d.Space != nil {
		if err := guard(func() error { r.caps.Space = d.Space(r.template); return nil }); err != nil {
			return nil, fmt.Errorf("design %q: space: %w", d.Name, err)
		}
	}
	return r, nil
}

// guard turns a panic of the design into an error.
func guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return f()
}

// trial mounts the design once and finds out what its FS can do, then once more
// on another host and finds out whether two may.
func (r *Runner) trial() error {
	w := newWorld(&r.design, r.template, model.SetOf(model.Mount, model.Unmount), 2)
	defer w.close()
	mount := r.design.Mount
	probe := r.design
	probe.Mount = func(h *Host) (FS, error) {
		fs, err := mount(h)
		if err == nil && fs == nil {
			err = errors.New("its Mount returned neither an FS nor an error")
		}
		if err == nil {
			r.caps.Kinds = kinds(fs) | events
			r.caps.Direct, r.caps.Ranges = hasDirect(fs), hasRanges(fs)
		}
		return fs, err
	}
	w.design = &probe
	w.reset(model.Program{Hosts: 2, Steps: []model.Step{{Kind: model.Mount}, {Host: 1, Kind: model.Mount}}, Unmounts: []model.Host{0, 1}})
	w.run()
	if len(w.defects) > 0 {
		return errors.New(w.defects[0].String())
	}
	r.caps.Kinds |= w.uses
	for _, op := range w.history {
		switch e := op.Result.Errno; {
		case op.Kind != model.Mount || e == model.OK:
		case e == model.EBUSY && op.Host == 1:
			r.caps.Exclusive = true
		default:
			return e
		}
	}
	return nil
}

// Capabilities is what the design can do, on up to 16 hosts.
func (r *Runner) Capabilities() model.Capabilities { return r.caps }

// Run executes p. The error is ctx's, or wraps [model.ErrProgram].
func (r *Runner) Run(ctx context.Context, p model.Program) (model.Run, error) {
	w, err := r.prepare(ctx, p, false)
	if err != nil {
		return model.Run{}, err
	}
	w.run()
	run := model.Run{
		Program: p, History: w.history, Trace: w.trace, Holds: w.holds,
		Defects: w.defects, Space: r.caps.Space, Strikes: w.strikes, Marks: w.sortedMarks(),
	}
	problems, panicked := w.audit()
	if run.Audit = problems; panicked != nil {
		run.Defects = append(run.Defects, model.Defect{Kind: model.Panic, Host: model.Final, Text: fmt.Sprintf("fsck: %v", panicked)})
	}
	b := w.encoded[:0]
	for i := range w.trace {
		b = w.trace[i].AppendBinary(b)
	}
	w.encoded = b
	run.Digest = xxhash.Sum64(b)
	r.lens = [2]int{len(w.trace), len(w.history)}
	return run, nil
}

// Bare executes p and keeps nothing of it: no history, trace, holds, closing
// observation or digest. It is the measure of what the design itself costs, for
// benchmarks.
func (r *Runner) Bare(p model.Program) error {
	w, err := r.prepare(context.Background(), p, true)
	if err == nil {
		w.run()
	}
	return err
}

func (r *Runner) prepare(ctx context.Context, p model.Program, bare bool) (*world, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if r.world == nil || len(r.world.hosts) <= p.Hosts {
		if r.world != nil {
			r.world.close()
		}
		r.world = newWorld(&r.design, r.template, r.caps.Kinds, p.Hosts)
	}
	w := r.world
	w.reset(p)
	// The run keeps what it records. So each gets memory of its own, a little more
	// than the last one needed, unless there is a run's that was given back.
	w.bare, w.defects, w.holds, w.strikes, w.marks, w.addressed = bare, nil, nil, nil, nil, false
	w.trace, w.history = nil, nil
	if bare {
		return w, nil
	}
	if r.spare.History != nil {
		w.trace, w.history = r.spare.Trace[:0], r.spare.History[:0]
		w.arena = w.arena[:0]
		r.spare = model.Run{}
	} else {
		w.trace = make([]model.Record, 0, r.lens[0]+r.lens[0]/4+64)
		w.history = make([]model.Op, 0, r.lens[1]+r.lens[1]/4+16)
		w.arena = nil
	}
	w.address(p)
	return w, nil
}

// Recycle takes back the last Run for its memory. It implements
// [model.Recycler]; an older Run is left alone, since the data of its reads may
// stand in memory that later ones share.
func (r *Runner) Recycle(run model.Run) {
	if len(run.Trace) > 0 && r.world != nil && len(r.world.trace) == len(run.Trace) && &r.world.trace[0] == &run.Trace[0] {
		r.spare = run
	}
}

// Describe says what a block was at the end of the last Run: "bitmap".
func (r *Runner) Describe(block int32) string {
	if r.design.Block == nil || r.world == nil || block < 0 || int(block) >= r.template.Blocks() {
		return ""
	}
	text := ""
	if guard(func() error { text = r.design.Block(r.world.disk.Image(), int(block)); return nil }) != nil {
		return ""
	}
	return text
}

// Close ends the coroutines. The Runner must not be used afterwards.
func (r *Runner) Close() {
	if r.world != nil {
		r.world.close()
		r.world = nil
	}
}

func (w *world) close() {
	for _, t := range w.tasks {
		t.stop()
	}
}
