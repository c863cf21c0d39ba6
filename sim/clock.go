package sim

import "github.com/doublemount/doublemount/model"

// Time is counted in ticks, which pass between two steps (the event tick) or
// while an operation waits and nothing else can happen. Each host has a clock of
// its own: a tick of one host makes it run ahead of the others.

// Now is the host's clock, in ticks since the host was made.
func (h *Host) Now() int64 {
	h.enter()
	h.w.uses |= model.SetOf(model.Tick)
	return h.now
}

// Sleep waits until so many ticks have passed on the host's clock.
func (h *Host) Sleep(ticks int) {
	t := h.enter()
	h.w.uses |= model.SetOf(model.Tick)
	t.waiting = wait{deadline: h.now + int64(ticks), timed: true}
	t.await(&t.waiting)
	if t.daemon != nil && !t.background {
		t.number = h.w.step // what it does next is done for the step that time passes for
	}
}

// Watchdog arms the host's watchdog, or feeds it: if it is not fed again within
// so many ticks, the machine is reset, as by hardware: also when the host stands
// still. 0 disarms it.
func (h *Host) Watchdog(ticks int) {
	h.enter()
	h.w.uses |= model.SetOf(model.Tick)
	h.watchdog = 0
	if ticks > 0 {
		h.watchdog = h.now + int64(ticks)
	}
}

// wait is what Sleep, Receive and Event wait for.
type wait struct {
	timed      bool
	deadline   int64
	event      *Event
	generation int
	inbox      bool
}

func (v *wait) ready(t *task) bool {
	return v.timed && t.host.now >= v.deadline ||
		v.event != nil && v.event.generation != v.generation ||
		v.inbox && len(t.host.inbox) > 0
}

// timed reports whether t waits for a time to come.
func (t *task) timed() bool {
	v, ok := t.until.(*wait)
	return ok && t.state == blocked && v.timed && !t.host.paused
}

// tick lets one tick pass, on one host or on all. A host that stands still does
// not notice, but its watchdog does.
func (w *world) tick(id model.Host) {
	for _, h := range w.hosts {
		if id != model.Everyone && id != h.id {
			continue
		}
		h.now++
		if h.watchdog > 0 && h.now >= h.watchdog && !w.stopped {
			w.mark("the watchdog bites")
			w.crash(h, model.Step{Host: h.id, Kind: model.Crash}, w.step)
		}
	}
	w.record(model.Record{Step: int16(w.step), Host: id, Kind: model.Ticked})
	w.rest()
}

// Event is something that clients and daemons of one host wait for. The zero
// value is ready to use; it must not be copied after its first use.
type Event struct {
	generation int
}

// Broadcast wakes all that wait.
func (e *Event) Broadcast(h *Host) {
	h.enter()
	e.generation++
}

// Wait frees m, waits for a Broadcast, and takes m again.
func (e *Event) Wait(h *Host, m *Mutex) { e.wait(h, m, wait{}) }

// WaitFor is Wait that gives up after so many ticks; it reports whether a
// Broadcast came first.
func (e *Event) WaitFor(h *Host, m *Mutex, ticks int) bool {
	h.w.uses |= model.SetOf(model.Tick)
	return e.wait(h, m, wait{timed: true, deadline: h.now + int64(ticks)})
}

func (e *Event) wait(h *Host, m *Mutex, v wait) bool {
	t := h.enter()
	m.Unlock(h)
	v.event, v.generation = e, e.generation
	t.waiting = v
	t.await(&t.waiting)
	m.Lock(h)
	return e.generation != v.generation
}
