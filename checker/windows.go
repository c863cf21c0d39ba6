package checker

import "github.com/doublemount/doublemount/model"

// windows is what the rungs need to know about each operation of a history
// beyond what it carries: which file handle it went through and between which
// moments it may be placed. It is made once for a run, for all guarantees.
type windows struct {
	info      []opInfo // parallel to Run.History
	published bool     // publish has been called
}

// opInfo is the place of one operation in its host's life.
type opInfo struct {
	life   int   // of the host's mount, counted over all hosts; 0 = before any
	mount  int64 // call of the mount that this life began with
	sync   int64 // return of the first sync or unmount called after the operation returned; Never if none
	opener int   // index of the open that filled the slot it used, -1 for none
	used   bool  // it says something that a rung judges, or changes something
}

// uninformative errors say nothing about names or contents. Capacity and
// progress judge them.
func informative(e model.Errno) bool {
	switch e {
	case model.OK, model.EEXIST, model.ENOENT, model.ENOTDIR, model.EISDIR, model.EPERM, model.ENOTEMPTY:
		return true
	}
	return false
}

// make fills w for a history, in memory that is used again.
func (w *windows) make(history []model.Op) {
	w.info = w.info[:0]
	var lives [model.MaxHosts + 1]struct {
		life   int
		mount  int64
		opener [model.MaxFile + 1]int // index+1
	}
	life := 0
	for i := range history {
		op := &history[i]
		h := &lives[min(op.Host, model.MaxHosts)] // Final is the one beyond
		in := opInfo{life: h.life, mount: h.mount, sync: model.Never, opener: -1}
		in.used = !op.Skipped && (op.Pending() && op.Kind.Changes() || !op.Pending() && informative(op.Result.Errno))
		switch op.Kind {
		case model.Mount:
			if op.Succeeded() {
				life++
				h.life, h.mount = life, op.Call
				clear(h.opener[:])
			}
			in.used = false
		case model.Unmount:
			if !op.Skipped {
				clear(h.opener[:])
			}
			in.used = false
		case model.Open:
			if op.Succeeded() {
				h.opener[op.File] = i + 1
			}
		case model.Close:
			if !op.Skipped && op.Result.Errno != model.EBADF { // that closes nothing, nor an open under way
				h.opener[op.File] = 0
			}
			in.used = false
		case model.Sync, model.Statfs, model.Writeback, model.Refresh:
			in.used = false
		default:
			if op.File != 0 {
				in.opener = h.opener[op.File] - 1
				in.used = in.used && in.opener >= 0
			}
		}
		w.info = append(w.info, in)
	}
	w.published = false
}

// publish fills in the syncs, which only the rungs below linearizable ask for.
func (w *windows) publish(history []model.Op) {
	if w.published {
		return
	}
	w.published = true
	for i := range history {
		op := &history[i]
		if op.Pending() || !op.Kind.Changes() {
			continue
		}
		for j := i + 1; j < len(history); j++ {
			next := &history[j]
			if next.Host == op.Host && (next.Kind == model.Sync || next.Kind == model.Unmount) && next.Call > op.Return && next.Succeeded() {
				w.info[i].sync = next.Return
				break
			}
		}
	}
}
