package sim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/model"
)

// events are what the world itself can do to any design's hosts.
var events = model.SetOf(model.Crash, model.PowerLoss, model.DiskReset, model.Pause, model.Resume, model.Partition, model.Heal, model.Fence)

// event carries out what happens to a host rather than on it. It reports false
// for the steps that the host carries out itself.
func (w *world) event(s model.Step, number int) bool {
	if s.Kind < model.Crash {
		return false
	}
	switch s.Kind {
	case model.PowerLoss:
		w.happened(s, number, true)
		w.record(model.Record{Step: int16(number), Host: model.Everyone, Kind: model.PowerLost})
		for _, h := range w.hosts[:w.program.Hosts] {
			w.down(h, model.Step{})
			h.paused = false
		}
		w.diskLoss(s, number)
		w.bury()
	case model.DiskReset:
		w.happened(s, number, true)
		w.record(model.Record{Step: int16(number), Host: model.Everyone, Kind: model.WasReset})
		w.diskLoss(s, number)
	case model.Tick:
		w.happened(s, number, true)
		for range s.Len {
			if w.tick(s.Host); w.stopped {
				break
			}
			w.settle(nil)
		}
	default:
		h := w.hosts[s.Host]
		ok := w.possible(h, s)
		if s.Kind == model.Crash && ok {
			w.crash(h, s, number)
			break
		}
		w.happened(s, number, ok)
		if ok {
			w.befall(h, s, number)
		}
	}
	if !w.stopped {
		w.ended(number)
		w.settle(nil)
	}
	return true
}

// possible reports whether an event changes anything.
func (w *world) possible(h *Host, s model.Step) bool {
	switch s.Kind {
	case model.Crash:
		return h.phase != unmounted
	case model.Fence:
		return h.phase != unmounted && !h.cut
	case model.Pause:
		return !h.paused
	case model.Resume:
		return h.paused
	}
	return true
}

// befall carries out an event of one host.
func (w *world) befall(h *Host, s model.Step, number int) {
	switch s.Kind {
	case model.Fence:
		w.markFence(h)
		w.cut(h, number)
	case model.Pause:
		h.paused = true
		w.note(h, number, model.Paused, 0)
	case model.Resume:
		w.resume(h, number)
	case model.Partition, model.Heal:
		w.part(h, s.Off, s.Kind == model.Partition, number)
	}
}

// happened notes an event in the history.
func (w *world) happened(s model.Step, number int, ok bool) {
	if !ok {
		w.skip(s, number)
		return
	}
	if w.bare {
		return
	}
	w.time += 2
	op := entry(s, number, w.time-1)
	op.Return = w.time
	w.history = append(w.history, op)
}

// note records an event in the trace.
func (w *world) note(h *Host, number int, kind model.RecordKind, block int) {
	w.record(model.Record{Step: int16(number), Host: h.id, Kind: kind, Block: int32(block)})
}

// crash takes a host's memory, its port and everything that it has under way.
// Of the blocks that it has on their way to the disk those reach it that s
// keeps.
func (w *world) crash(h *Host, s model.Step, number int) {
	w.happened(s, number, true)
	w.note(h, number, model.Crashed, 0)
	w.down(h, s)
	w.bury()
	w.settle(nil)
}

// diskLoss takes from the disk what it had not made stable, but for the writes
// that s keeps.
func (w *world) diskLoss(s model.Step, number int) {
	if w.disk.Unflushed() > 0 {
		w.mark("power loss with unflushed writes")
	}
	for _, back := range w.disk.DeviceReset(uint32(s.Off)) {
		w.record(model.Record{Step: int16(number), Host: model.Everyone, Kind: model.Reverted,
			Block: int32(back.Block), Version: back.Version, Base: back.Overwrote, Sum: back.Sum})
	}
	for _, h := range w.hosts {
		h.registered = w.disk.Registered(h.port)
	}
}

// down is what crash and power loss do to one host. No other runs meanwhile.
func (w *world) down(h *Host, s model.Step) {
	if h.phase == unmounted {
		return
	}
	if h.cache.Changed() {
		w.mark("crash with dirty blocks")
	}
	w.abort(h, s)
	w.disk.Cut(h.port)
	for {
		t := w.oldest(func(t *task) bool { return t.host == h })
		if t == nil {
			break
		}
		if t.daemon == nil {
			w.mark("crash inside an operation")
		}
		number := t.number
		if w.kill(t); t.daemon == nil && !w.stopped {
			w.fallen = append(w.fallen, number)
		}
	}
	for _, l := range w.locks[:w.lockCount] {
		if l.owner != nil && l.owner.host == h {
			l.owner = nil
		}
	}
	h.reset()
	h.cut = true
}

// bury lets go on who was held until a step that a crash has ended.
func (w *world) bury() {
	for len(w.fallen) > 0 && !w.stopped {
		n := w.fallen[0]
		w.fallen = slices.Delete(w.fallen, 0, 1)
		w.ended(n)
	}
}

// abort settles what becomes of a host's writes that are on their way.
func (w *world) abort(h *Host, s model.Step) {
	n := 0
	for _, t := range w.active {
		if t.host != h || t.flying == 0 {
			continue
		}
		w.mark("crash with a write in flight")
		var keep uint32
		for i := range t.flying {
			if s.Keeps(n) {
				keep |= 1 << (i % model.KeptBits)
			}
			n++
		}
		t.flying = 0
		landed, _ := w.disk.Abort(t.ticket, keep) // an error says that nothing did
		for _, done := range landed {
			w.wrote(t, done)
		}
	}
}

// cut is a fence: nothing that the host has sent or sends to the disk lands any
// more, until it attaches anew.
func (w *world) cut(h *Host, number int) {
	h.cut = true
	w.disk.Cut(h.port)
	w.note(h, number, model.PortCut, 0)
}

// reserved notes who lost the registration to a reservation command of another
// host: whether the file system calls it so or not, that host is fenced.
func (w *world) reserved(by *Host, t *task) {
	for _, h := range w.hosts {
		registered := w.disk.Registered(h.port)
		if h.registered && !registered && h != by && h.phase != unmounted {
			w.fenced(h, t.number)
		}
		h.registered = registered
	}
}

// fenced notes a fence that the design has made.
func (w *world) fenced(h *Host, number int) {
	w.markFence(h)
	w.happened(model.Step{Host: h.id, Kind: model.Fence}, number, true)
}

func (w *world) markFence(h *Host) {
	if h.cache.Changed() {
		w.mark("fence of a host with dirty blocks")
	}
	if w.oldest(func(t *task) bool { return t.host == h && t.flying > 0 }) != nil {
		w.mark("fence with a write in flight")
	}
}

// Fence cuts another host's port, as a fence agent does that talks to the
// storage or the power switch. When it returns, nothing that the other sent or
// will send reaches the disk, until it mounts anew.
func (h *Host) Fence(victim model.Host) {
	t := h.enter()
	w := h.w
	if int(victim) >= w.program.Hosts || victim == h.id {
		w.fail(model.Misuse, t, fmt.Sprintf("fence of host %v of %d hosts", victim, w.program.Hosts))
	}
	other := w.hosts[victim]
	if other.phase == unmounted || other.cut {
		return
	}
	w.fenced(other, t.number)
	w.cut(other, t.number)
}

// Reset resets the machine: it crashes at once. It does not return. It is what a
// host does that must not go on, such as one that has lost its lease.
func (h *Host) Reset() {
	t := h.enter()
	h.resetting = true
	t.dying = true
	panic(unwind{})
}

// resume lets a paused host go on, with the steps whose hold has ended
// meanwhile.
func (w *world) resume(h *Host, number int) {
	h.paused = false
	w.note(h, number, model.Resumed, 0)
	if h.cut && h.phase != unmounted {
		w.mark("a fenced host goes on")
	}
	for !w.stopped {
		t := w.oldest(func(t *task) bool {
			return t.host == h && t.state == held && w.over(w.program.Holds[t.hold].Until)
		})
		if t == nil {
			return
		}
		w.release(t, model.HoldEnded)
	}
}

// over reports whether a step has ended.
func (w *world) over(number int) bool {
	return number <= w.step && w.oldest(func(t *task) bool { return t.daemon == nil && t.number == number }) == nil
}

// part begins or ends a partition between h and the disk, another host, or all.
func (w *world) part(h *Host, from int32, parted bool, number int) {
	kind := model.Healed
	if parted {
		kind = model.Parted
	}
	switch from {
	case model.FromDisk:
		h.noDisk = parted
		w.note(h, number, kind, -1)
	case model.FromAll:
		for _, other := range w.hosts[:w.program.Hosts] {
			if other != h {
				w.network.part(h, other, parted)
			}
		}
		w.note(h, number, kind, int(h.id))
	default:
		other := w.hosts[from-1]
		w.network.part(h, other, parted)
		w.note(h, number, kind, int(other.id))
	}
}

// troubled reports whether a fault is outstanding that a later step can end.
func (w *world) troubled() bool {
	if w.closing {
		return false
	}
	for _, h := range w.hosts[:w.program.Hosts] {
		if h.paused || h.noDisk {
			return true
		}
	}
	return w.network.troubled()
}

// heal ends every fault that is outstanding, as the end of a program does.
func (w *world) heal() {
	w.closing = true
	for _, h := range w.hosts[:w.program.Hosts] {
		if h.noDisk {
			h.noDisk = false
			w.happened(model.Step{Host: h.id, Kind: model.Heal, Off: model.FromDisk}, w.step, true)
			w.note(h, w.step, model.Healed, -1)
		}
		if w.network.cutOff(h) {
			w.happened(model.Step{Host: h.id, Kind: model.Heal}, w.step, true)
			w.note(h, w.step, model.Healed, int(h.id))
		}
	}
	w.network.healAll()
	w.deliverLate(len(w.program.Steps) + 1)
	for _, h := range w.hosts[:w.program.Hosts] {
		if h.paused && !w.stopped {
			w.happened(model.Step{Host: h.id, Kind: model.Resume}, w.step, true)
			w.resume(h, w.step)
		}
	}
	if !w.stopped {
		w.settle(nil)
	}
}

// instants are the marks of this package that every campaign must reach which
// draws the faults.
func instants(c disk.Config) []model.Instant {
	all := []model.Instant{
		{Name: "crash inside an operation", Needs: model.Crashes},
		{Name: "crash with a write in flight", Needs: model.Crashes},
		{Name: "crash with dirty blocks", Needs: model.Crashes},
		{Name: "fence of a host with dirty blocks", Needs: model.Fences},
		{Name: "fence with a write in flight", Needs: model.Fences},
		{Name: "a fenced host goes on", Needs: model.Fences | model.Pauses},
	}
	if c.Volatile {
		all = append(all, model.Instant{Name: "power loss with unflushed writes", Needs: model.PowerLosses})
	}
	return all
}

// Mark counts an instant that is worth reaching, such as "crash between commit
// and checkpoint". A campaign that never reaches one of [Design.Marks] is weak.
func (h *Host) Mark(name string) {
	h.enter()
	h.w.mark(name)
}

// mark counts an instant that is worth reaching.
func (w *world) mark(name string) {
	if w.bare {
		return
	}
	for i := range w.marks {
		if w.marks[i].Name == name {
			w.marks[i].Count++
			return
		}
	}
	w.marks = append(w.marks, model.Mark{Name: name, Count: 1})
}

// sortedMarks is the marks for the run, by name.
func (w *world) sortedMarks() []model.Mark {
	slices.SortFunc(w.marks, func(a, b model.Mark) int { return strings.Compare(a.Name, b.Name) })
	return w.marks
}
