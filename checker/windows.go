package checker

import (
	"slices"
	"sort"

	"github.com/doublemount/doublemount/model"
)

// windows is what the rungs need to know about each operation of a history
// beyond what it carries: which file handle it went through and between which
// moments it may be placed. It is made once for a run, for all guarantees.
type windows struct {
	info      []opInfo                  // parallel to Run.History
	published bool                      // publish has been called
	closes    bool                      // close has been called
	suspect   bool                      // some answer may be impossible
	syncs     [model.MaxHosts + 1][]int // by host: its syncs and unmounts
	crashed   []int32                   // by life: index of what ended it, -1 for none
	lives     [model.MaxHosts + 1]hostLife
}

// hostLife is where a host stands while a history is gone through.
type hostLife struct {
	life   int32
	mount  int64
	opener []int32 // by handle slot: index+1 of the open that filled it, as far as any was used
	zombie bool
}

// open notes what filled a handle slot: the index+1 of an open, 0 for none.
func (h *hostLife) open(slot uint8, opener int32) {
	for opener != 0 && int(slot) >= len(h.opener) {
		h.opener = append(h.opener, 0)
	}
	if int(slot) < len(h.opener) {
		h.opener[slot] = opener
	}
}

// opened is the index of the open that filled a handle slot, -1 for none.
func (h *hostLife) opened(slot uint8) int32 {
	if int(slot) < len(h.opener) {
		return h.opener[slot] - 1
	}
	return -1
}

// begin starts another life of a host: of a mount, or of what comes after one.
func (w *windows) begin(h *hostLife) {
	h.life = int32(len(w.crashed))
	w.crashed = append(w.crashed, -1)
	clear(h.opener)
}

// opInfo is the place of one operation in its host's life.
type opInfo struct { // one for each operation of a history that may have millions: small
	mount  int64 // call of the mount that this life began with
	sync   int64 // return of the first sync or unmount called after the operation returned; Never if none
	closed int64 // the same of the close of its handle; of a close itself the next of its slot, from 1
	fresh  int64 // how old a view of names may be ([windows.age])
	life   int32 // of the host's mount, counted over all hosts; 0 = before any
	opener int32 // index of the open that filled the slot it used, -1 for none
	crash  int32 // index of the crash, power loss or fence that ends the life, -1 for none
	late   int32 // index of a power loss after that: what survived may still have been in the disk's cache; or -1
	used   bool  // it says something that a rung judges, or changes something
	cut    bool  // it was under way then: it has no result, and its change may be missing
	open   bool  // it has no answer that says whether it changed anything: it never returned, or failed with an error that does not tell
	zombie bool  // its host had been fenced: it is excused, and has no effect
}

// ends reports whether op takes the machine, or its port, from hosts, so that the
// lives of their mounts end.
func ends(op *model.Op) bool {
	return !op.Skipped && (op.Kind == model.Crash || op.Kind == model.PowerLoss || op.Kind == model.Fence)
}

// failed reports whether op is a change that failed with an error that says
// nothing of what it had done by then. A write that had written words and failed
// then is one, whatever the error: its close did, where space is asked for late.
func failed(op *model.Op) bool {
	if !op.Kind.Changes() || op.Skipped || op.Pending() {
		return false
	}
	return op.Result.Errno.Uncertain() || op.Result.Errno != model.OK && op.Result.Size > 0 && (op.Kind == model.Write || op.Kind == model.Append)
}

// nested reports whether one of the names of a rename or link stands below the
// other, so that it cannot have succeeded.
func nested(op *model.Op) bool {
	return op.Kind.TwoPaths() && (op.To.Below(op.Path) || op.Path.Below(op.To))
}

// make fills w for a history, in memory that is used again.
func (w *windows) make(history []model.Op) {
	w.info, w.crashed = slices.Grow(w.info[:0], len(history))[:len(history)], w.crashed[:0]
	lives := &w.lives
	for h := range lives {
		clear(lives[h].opener)
		lives[h] = hostLife{life: int32(h), opener: lives[h].opener}
		w.crashed = append(w.crashed, -1)
	}
	crashes := false
	w.suspect = false
	for i := range history {
		op := &history[i]
		h := &lives[min(op.Host, model.MaxHosts)] // Final is the one beyond
		in := &w.info[i]
		*in = opInfo{life: h.life, mount: h.mount, sync: model.Never, closed: model.Never, opener: -1, crash: -1, late: -1, open: op.Pending(), zombie: h.zombie}
		in.used = !op.Skipped && (op.Pending() && op.Kind.Changes() && !nested(op) || !op.Pending() && informative(op))
		switch op.Kind {
		case model.Mount:
			if op.Succeeded() {
				w.begin(h)
				h.mount, h.zombie = op.Call, false
			}
			in.used = false
		case model.Unmount:
			if !op.Skipped {
				clear(h.opener)
			}
			if op.Succeeded() {
				w.begin(h)
			}
			in.used = false
		case model.Crash, model.PowerLoss, model.Fence:
			if ends(op) {
				crashes = true
				w.end(lives[:], i, op)
			}
			in.used = false
		case model.Open:
			if op.Succeeded() {
				h.open(op.File, int32(i)+1)
			}
		case model.Close:
			in.opener = h.opened(op.File)
			if !op.Skipped && op.Result.Errno != model.EBADF { // that closes nothing, nor an open under way
				h.open(op.File, 0)
			}
			in.used = false
		case model.Lock, model.Unlock: // judged apart, in exclusion.go
			in.opener, in.used = h.opened(op.File), false
		case model.Sync, model.Statfs, model.Writeback, model.Refresh:
			in.used = false
		default:
			in.used = in.used && !op.Kind.Event()
			if op.File != 0 {
				in.opener = h.opened(op.File)
				in.used = in.used && in.opener >= 0
			}
		}
		if failed(op) {
			in.open, in.used = true, !nested(op)
		}
		in.used = in.used && !in.zombie
		w.suspect = w.suspect || impossible(op, in)
	}
	w.published, w.closes = false, false
	if crashes {
		w.cut(history)
		w.publish(history) // what is durable is asked on every rung
	}
}

// end notes that a crash, power loss or fence ended the lives of its hosts.
func (w *windows) end(lives []hostLife, i int, op *model.Op) {
	for n := range lives {
		if h := &lives[n]; model.Host(n) == op.Host || op.Kind == model.PowerLoss {
			w.crashed[h.life] = int32(i)
			w.begin(h)
			h.zombie = op.Kind == model.Fence
		}
	}
}

// cut marks what was under way when its host's life ended, and what a power loss
// after that can still undo.
func (w *windows) cut(history []model.Op) {
	for i := range history {
		op, in := &history[i], &w.info[i]
		if in.crash = w.crashed[in.life]; in.crash < 0 {
			continue
		}
		in.cut = op.Return > history[in.crash].Call
		if history[in.crash].Kind != model.PowerLoss {
			in.late = later(history, in.crash, op.Host)
		}
	}
}

// later is the first loss of the disk's power after a crash of a host, -1 if there
// is none or the host synced before it.
func later(history []model.Op, crash int32, host model.Host) int32 {
	for i := int(crash) + 1; i < len(history); i++ {
		op := &history[i]
		switch {
		case (op.Kind == model.PowerLoss || op.Kind == model.DiskReset) && !op.Skipped:
			return int32(i)
		case op.Host == host && (op.Kind == model.Sync || op.Kind == model.Unmount) && op.Succeeded():
			return -1
		}
	}
	return -1
}

// publish fills in the syncs, which only the rungs below linearizable ask for.
func (w *windows) publish(history []model.Op) {
	if w.published {
		return
	}
	w.published = true
	for h := range w.syncs {
		w.syncs[h] = w.syncs[h][:0]
	}
	for i := range history {
		if op := &history[i]; (op.Kind == model.Sync || op.Kind == model.Unmount) && op.Succeeded() {
			h := min(op.Host, model.MaxHosts)
			w.syncs[h] = append(w.syncs[h], i)
		}
	}
	for i := range history {
		op := &history[i]
		if op.Pending() || w.info[i].cut || w.info[i].zombie || !op.Kind.Changes() {
			continue
		}
		later := w.syncs[min(op.Host, model.MaxHosts)]
		later = later[sort.Search(len(later), func(k int) bool { return history[later[k]].Call > op.Return }):]
		for _, j := range later {
			if w.alive(i, history[j].Return, history) {
				w.info[i].sync = history[j].Return
				break
			}
			if !w.alive(i, history[j].Call, history) {
				break // nor are those after it
			}
		}
	}
}

// alive reports whether the life of operation i lasted beyond a time.
func (w *windows) alive(i int, at int64, history []model.Op) bool {
	crash := w.info[i].crash
	return crash < 0 || at < history[crash].Call
}
