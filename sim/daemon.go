package sim

import (
	"fmt"
	"slices"

	"github.com/doublemount/doublemount/model"
)

// Go starts a daemon of the host: work that goes on beside the calls of the file
// system, such as a flusher or the server of a lock. It may be called from Mount
// on. It runs when what it waits for has come, and ends with run, or where it is
// when its host is unmounted or crashes. A daemon that only computes and never
// waits is cut like any call that does not return; so are daemons that start
// others without end.
func (h *Host) Go(run func()) {
	caller := h.enter()
	if len(h.w.active) >= maxActive {
		h.w.fail(model.Hang, caller, fmt.Sprintf("%d daemons and calls are under way", maxActive))
	}
	number := caller.number
	if caller.background {
		number = h.w.step
	}
	t := h.w.begin(h, number)
	t.daemon, t.calls = run, caller.calls
	t.state, t.until = blocked, &h.w.always
}

// maxActive is how many daemons there can be, beside the calls that wait. A host
// needs a few, and each is a coroutine.
const maxActive = 1 << 13

// rest is for daemons, which may live as long as the run: between two steps or
// ticks it begins anew how often one may call its host.
func (w *world) rest() {
	for _, t := range w.active {
		if t.daemon != nil {
			t.calls = 0
		}
	}
}

// Background is Go for work that no step is the reason of, such as a heartbeat:
// what it does counts for none, so that no hold or strike finds it. What it
// starts by Go counts for the step that time passes for.
func (h *Host) Background(run func()) {
	h.Go(run)
	t := h.w.active[len(h.w.active)-1]
	t.number, t.background = 0, true
}

// always is what a task waits for that can run at once.
type always struct{}

func (*always) ready(*task) bool { return true }

// endDaemons ends what goes on beside the calls of a host that has been unmounted:
// nobody receives its messages or feeds its watchdog any more, and its daemons end
// at the next moment when no task runs.
func (w *world) endDaemons(h *Host) {
	h.inbox, h.watchdog = h.inbox[:0], 0
	if len(w.active) == 1 {
		return // there is only the step that unmounts
	}
	for _, t := range w.active {
		if t.host == h && t.daemon != nil {
			t.dying, t.flying = true, 0
		}
	}
	h.cache.flying = slices.DeleteFunc(h.cache.flying, func(t *task) bool { return t.dying })
	for _, l := range w.locks[:w.lockCount] {
		if l.owner != nil && l.owner.dying {
			l.owner = nil
		}
	}
}
