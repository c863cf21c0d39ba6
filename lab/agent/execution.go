package agent

import (
	"context"
	"errors"
	"fmt"

	"github.com/doublemount/doublemount/lab/files"
	"github.com/doublemount/doublemount/model"
)

// execution is a Program being run.
type execution struct {
	r       *Runner
	ctx     context.Context
	dir     string
	program model.Program
	written *files.Written
	history []model.Op
	flying  []flight // operations that were begun and not waited for, in order of their steps
	changed bool     // a host has been told to change something
}

// flight is an operation that is under way.
type flight struct {
	step   int
	host   model.Host
	until  int // the step that is to end first
	op     int // in the history
	answer <-chan Answer
}

// run carries out the steps, the closing unmounts and the closing observation.
func (x *execution) run() error {
	if err := x.steps(len(x.program.Steps)); err != nil {
		return err
	}
	for i, h := range x.program.Unmounts {
		if !x.r.members[h].mounted {
			continue
		}
		if err := x.unmount(len(x.program.Steps)+1+i, h); err != nil {
			return fmt.Errorf("closing unmount of %v: %w", h, err)
		}
	}
	return x.observe()
}

// steps carries out the first n steps.
func (x *execution) steps(n int) error {
	for i, s := range x.program.Steps[:n] {
		if err := x.ctx.Err(); err != nil {
			return fmt.Errorf("before step %d of %d: %w", i+1, len(x.program.Steps), err)
		}
		if err := x.step(i+1, s); err != nil {
			return fmt.Errorf("step %d (%v): %w", i+1, s, err)
		}
		if err := x.land(func(f flight) bool { return f.until <= i+1 }); err != nil {
			return err
		}
	}
	return nil
}

// step carries out step n, or notes that it was skipped.
func (x *execution) step(n int, s model.Step) error {
	if s.Host == model.Everyone || s.Kind.Event() && !x.r.kinds.Has(s.Kind) {
		x.skip(n, s)
		return nil
	}
	m := x.r.members[s.Host]
	able := !m.lacks().Has(s.Kind)
	switch s.Kind {
	case model.Mount:
		// Without a command it can only be the first thing that happens.
		if m.mounted || m.trouble != nil || !m.remounts() && x.changed && !m.crashed {
			x.skip(n, s)
			return nil
		}
		return x.mount(n, s.Host)
	case model.Unmount, model.Remount, model.Crash:
		if !m.mounted || !able {
			x.skip(n, s)
			return nil
		}
		if s.Kind == model.Crash {
			return x.crash(n, s)
		}
		if err := x.unmount(n, s.Host); err != nil || s.Kind == model.Unmount || m.trouble != nil {
			return err
		}
		return x.mount(n, s.Host)
	}
	if !m.mounted || !able || !x.r.kinds.Has(s.Kind) || s.Direct && !x.r.direct {
		x.skip(n, s)
		return nil
	}
	x.changed = x.changed || s.Kind.Changes()
	f := flight{step: n, host: s.Host, until: n, op: x.call(n, s), answer: m.host.Begin(s)}
	for _, h := range x.program.Holds {
		if h.Step == n {
			f.until = h.Until
		}
	}
	x.flying = append(x.flying, f)
	return nil
}

// call notes the call of a step, and that it has not returned.
func (x *execution) call(n int, s model.Step) int {
	x.history = append(x.history, model.Op{Step: n, Host: s.Host, Kind: s.Kind, Path: s.Path, To: s.To, File: s.File,
		Off: s.Off, Len: s.Len, Data: s.Data, Direct: s.Direct, Shared: s.Shared, Call: x.r.clock.Now(), Return: model.Never})
	return len(x.history) - 1
}

func (x *execution) skip(n int, s model.Step) {
	op := x.call(n, s)
	x.history[op].Skipped, x.history[op].Return = true, x.r.clock.Now()
}

// land waits for the operations under way that which picks, and notes their
// answers.
func (x *execution) land(which func(flight) bool) error {
	var left []flight
	var failure error
	for _, f := range x.flying {
		if !which(f) {
			left = append(left, f)
			continue
		}
		if err := x.note(f, <-f.answer); err != nil && failure == nil {
			failure = fmt.Errorf("step %d: %w", f.step, err)
		}
	}
	x.flying = left
	return failure
}

// note takes an answer down. An operation that is stuck costs its host; one
// whose agent is lost, if it was not meant to be, is the error.
func (x *execution) note(f flight, a Answer) error {
	op, m := &x.history[f.op], x.r.members[f.host]
	switch {
	case a.Err == nil:
		op.Return, op.Skipped, op.Result = a.Return, a.Skipped, a.Result
		x.written.Judge(op.Result.Data)
		return nil
	case errors.Is(a.Err, ErrStuck):
		m.giveUp(a.Err)
		return nil
	case m.crashed || m.trouble != nil:
		return nil
	}
	return a.Err
}

// mount opens the directory of the run on a host, after its command if it has
// one. A crashed host is waited for.
func (x *execution) mount(n int, h model.Host) error {
	m := x.r.members[h]
	op := x.call(n, model.Step{Host: h, Kind: model.Mount})
	if err := m.ready(x.ctx, &x.r.config, &x.r.clock); err != nil {
		return err
	}
	if m.remounts() {
		if err := m.remount(x.ctx, &x.r.config); err != nil {
			return err
		}
	}
	mount := m.mount(x.dir)
	mount.Direct = x.r.direct
	if _, err := m.host.Mount(mount); err != nil {
		return m.unusableFor("open a directory", err)
	}
	m.mounted = true
	x.history[op].Return = x.r.clock.Now()
	return nil
}

// unmount waits for what the host has under way, then closes its handles, syncs,
// and closes its directory.
func (x *execution) unmount(n int, h model.Host) error {
	m := x.r.members[h]
	if err := x.land(func(f flight) bool { return f.host == h }); err != nil || m.trouble != nil {
		return err
	}
	op := x.call(n, model.Step{Host: h, Kind: model.Unmount})
	r, err := m.host.Unmount()
	switch {
	case errors.Is(err, ErrStuck):
		m.giveUp(err)
		return nil
	case err != nil:
		return err
	}
	m.mounted = false
	x.history[op].Result, x.history[op].Return = r, x.r.clock.Now()
	return nil
}

// crash takes a host its memory by its command. What it had under way never
// returns.
func (x *execution) crash(n int, s model.Step) error {
	m := x.r.members[s.Host]
	op := x.call(n, s)
	m.crashed = true
	if err := m.command(x.ctx, "crash", m.Crash, x.r.config.Event); err != nil {
		return err
	}
	m.giveUp(nil)
	x.history[op].Return = x.r.clock.Now()
	return x.land(func(f flight) bool { return f.host == s.Host })
}

// observe has the first host that can still be used look at what is left, after
// a remount if it has a command for that. If it has none, the observer has no mount
// in the history: its host's cache may hold what is as old as the run, so no
// guarantee may take the observer for one who has just come.
func (x *execution) observe() error {
	for _, m := range x.r.members[:x.program.Hosts] {
		if m.trouble != nil {
			continue
		}
		if err := x.look(m); err != nil {
			return fmt.Errorf("closing observation by %s: %w", m.Name, err)
		}
		return nil
	}
	return fmt.Errorf("no host is left to look at the result: %w", x.r.members[0].trouble)
}

func (x *execution) look(m *member) error {
	mount := -1
	if m.remounts() {
		mount = x.call(0, model.Step{Host: model.Final, Kind: model.Mount})
	}
	if err := m.ready(x.ctx, &x.r.config, &x.r.clock); err != nil {
		return err
	}
	if m.remounts() {
		if err := m.remount(x.ctx, &x.r.config); err != nil {
			return err
		}
	}
	if _, err := m.host.Mount(m.mount(x.dir)); err != nil {
		return m.unusableFor("open a directory", err)
	}
	if mount >= 0 {
		x.history[mount].Return = x.r.clock.Now()
	}
	var failure error
	files.Observe(x.program.Paths(), func(s model.Step) model.Result {
		if failure != nil {
			return model.Result{}
		}
		op := x.call(0, s)
		a := m.host.Do(s)
		if failure = a.Err; failure != nil {
			return model.Result{} // if it hangs it stands in the history as that
		}
		x.history[op].Return, x.history[op].Skipped, x.history[op].Result = a.Return, a.Skipped, a.Result
		x.written.Judge(a.Result.Data)
		return a.Result
	})
	if errors.Is(failure, ErrStuck) {
		m.giveUp(failure)
		return nil
	}
	if failure != nil {
		return failure
	}
	op := x.call(0, model.Step{Host: model.Final, Kind: model.Unmount})
	r, err := m.host.Unmount()
	if errors.Is(err, ErrStuck) {
		m.giveUp(err)
		return nil
	}
	x.history[op].Result, x.history[op].Return = r, x.r.clock.Now()
	return err
}

// holds says which steps did overlap with one after them that they were to.
func (x *execution) holds() []model.HoldState {
	states := make([]model.HoldState, len(x.program.Holds))
	for i, h := range x.program.Holds {
		var held *model.Op
		for j := range x.history {
			op := &x.history[j]
			switch {
			case op.Step == h.Step:
				held = op
			case held != nil && !held.Skipped && op.Step > h.Step && op.Step <= h.Until && !op.Skipped && op.Call < held.Return:
				states[i] = model.Fired
			}
		}
	}
	return states
}
