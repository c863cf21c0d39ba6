package loop

import (
	"github.com/doublemount/doublemount/model"
)

// event carries out what happens to a host, or to all, from outside.
func (w *world) event(s model.Step) {
	if s.Host == model.Everyone {
		w.happened(s, w.step)
		w.markCrash(w.hosts...)
		kind := model.PowerLost
		if s.Kind == model.DiskReset {
			kind = model.WasReset
		}
		w.note(model.Everyone, kind, 0)
		if s.Kind == model.PowerLoss {
			for _, h := range w.hosts[:w.program.Hosts] {
				h.paused = false
				w.cut(h)
			}
		}
		w.diskLoss(s)
		return
	}
	h := w.hosts[s.Host]
	if !w.possible(h, s) {
		w.skip(s)
		return
	}
	w.happened(s, w.step)
	switch s.Kind {
	case model.Crash:
		w.markCrash(h)
		w.note(h.id, model.Crashed, 0)
		w.abort(h, s)
		h.paused = false
		w.cut(h)
	case model.Fence:
		w.disk.Cut(h.port)
		w.note(h.id, model.PortCut, 0)
	case model.Pause:
		h.paused = true
		w.note(h.id, model.Paused, 0)
	case model.Resume:
		h.paused = false
		w.note(h.id, model.Resumed, 0)
	case model.Partition:
		h.noDisk = true
		w.note(h.id, model.Parted, -1)
	case model.Heal:
		h.noDisk = false
		w.note(h.id, model.Healed, -1)
	}
	w.changed.Broadcast()
}

// possible reports whether an event changes anything here. There are no messages
// between hosts that could be lost, and time is not ours to let pass.
func (w *world) possible(h *host, s model.Step) bool {
	switch s.Kind {
	case model.Crash:
		return h.mounted || w.busyWith(h)
	case model.Fence:
		return (h.mounted || w.busyWith(h)) && w.disk.Attached(h.port)
	case model.Pause:
		return !h.paused
	case model.Resume:
		return h.paused
	case model.Partition:
		return s.Off == model.FromDisk && !h.noDisk
	case model.Heal:
		return s.Off == model.FromDisk && h.noDisk
	}
	return false
}

// cut ends a host: nothing that it has sent or sends lands any more, and its
// process is killed.
func (w *world) cut(h *host) {
	w.disk.Cut(h.port)
	h.mounted, h.file = false, ""
	h.kill()
	w.changed.Broadcast()
}

// abort lets land what a crash keeps of the writes that are on their way.
func (w *world) abort(h *host, s model.Step) {
	n := 0
	for _, f := range w.flights {
		if f.host != h || f.kind != model.WriteCommand {
			continue
		}
		var keep uint32
		for i := range f.blocks {
			if s.Keeps(n + i) {
				keep |= 1 << (i % model.KeptBits)
			}
		}
		n += f.blocks
		if landed, err := w.disk.Abort(f.ticket, keep); err == nil && len(landed) > 0 {
			w.landed(h, f.number, model.WriteCommand)
		}
	}
}

// diskLoss takes from the disk what it had not made stable, but for the writes that
// s keeps.
func (w *world) diskLoss(s model.Step) {
	if w.disk.Unflushed() > 0 {
		w.marks["power loss with unflushed writes"]++
	}
	for _, back := range w.disk.DeviceReset(uint32(s.Off)) {
		w.record(model.Record{Step: int16(w.step), Host: model.Everyone, Kind: model.Reverted,
			Block: int32(back.Block), Version: back.Version, Base: back.Overwrote, Sum: back.Sum})
	}
}

// markCrash notes in what state hosts are about to crash.
func (w *world) markCrash(hosts ...*host) {
	for _, h := range hosts {
		if len(h.calls) > 0 {
			w.marks["crash inside an operation"]++
		}
		for _, f := range w.flights {
			if f.host == h && f.kind == model.WriteCommand {
				w.marks["crash with a write in flight"]++
			}
		}
	}
}

// heal ends every fault that is outstanding, as the end of a program does.
func (w *world) heal() {
	for _, h := range w.hosts[:w.program.Hosts] {
		if h.noDisk {
			w.event(model.Step{Host: h.id, Kind: model.Heal, Off: model.FromDisk})
		}
		if h.paused {
			w.event(model.Step{Host: h.id, Kind: model.Resume})
		}
	}
}
