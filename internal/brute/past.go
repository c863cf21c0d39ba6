package brute

import (
	"math"
	"slices"

	"github.com/doublemount/doublemount/model"
)

// none stands for no file, no operation, no point.
const none = -1

// history is what the operations say before anything is guessed.
type history struct {
	ops   []model.Op
	rung  rung
	names []model.Path // every name that occurs, but Root
	made  []int        // for each operation the file that it makes, or none
	files []model.Path // for each file the path it is made at
	life  []int        // for each operation the mounts and unmounts of its host before it
	slot  []int        // for each operation through a handle the open, or none
}

func newHistory(ops []model.Op, r rung) *history {
	h := &history{ops: ops, rung: r,
		made: make([]int, len(ops)), life: make([]int, len(ops)), slot: make([]int, len(ops))}
	for i, o := range ops {
		h.made[i], h.slot[i] = none, none
		if o.Skipped {
			continue
		}
		if o.Path != "" {
			h.name(o.Path.Parent())
			h.name(o.Path)
			for _, child := range o.Result.Names {
				h.name(o.Path.Child(child))
			}
		}
		if o.Kind == model.Create && h.changes(i) {
			h.made[i] = len(h.files)
			h.files = append(h.files, o.Path)
		}
		for _, e := range ops[:i] {
			if e.Host == o.Host && (e.Kind == model.Mount || e.Kind == model.Unmount) && e.Succeeded() && e.Return < o.Call {
				h.life[i]++
			}
		}
		if o.File != 0 && o.Kind.TakesData() {
			h.slot[i] = h.openOf(i)
		}
	}
	return h
}

func (h *history) name(p model.Path) {
	if p != model.Root && !slices.Contains(h.names, p) {
		h.names = append(h.names, p)
	}
}

// openOf is the open that filled the slot that operation i goes through.
func (h *history) openOf(i int) int {
	for j := i - 1; j >= 0; j-- {
		o := h.ops[j]
		if o.Host != h.ops[i].Host || o.File != h.ops[i].File || h.life[j] != h.life[i] || !o.Succeeded() {
			continue
		}
		switch o.Kind {
		case model.Open:
			return j
		case model.Close:
			return none
		}
	}
	return none
}

// changes reports whether operation i changes something or, pending, may.
func (h *history) changes(i int) bool {
	o := h.ops[i]
	return o.Kind.Changes() && !o.Skipped && (o.Pending() || o.Succeeded())
}

// changesData reports whether a change of kind k is one of a file's content.
func changesData(k model.Kind) bool {
	return k == model.Write || k == model.Append || k == model.Truncate
}

// observes reports whether operation i is an observation that the rung judges.
func (h *history) observes(i int) bool {
	o := h.ops[i]
	if o.Skipped || o.Pending() || h.changes(i) || h.rung == lossless && o.Host != model.Final {
		return false
	}
	switch o.Result.Errno {
	case model.ENOSPC, model.EIO, model.EROFS, model.ESTALE, model.EUCLEAN, model.EBADF, model.EMFILE,
		model.EBUSY, model.EOTHER, model.ENOMEM, model.EFBIG, model.EINVAL:
		return false
	}
	switch o.Kind {
	case model.Close, model.Sync, model.Statfs:
		return false
	}
	return !o.Kind.Event()
}

// onlyBinds reports whether operation i is not judged, but finds a file that
// the judging of others needs: at nothing-lost an fsync, and an open whose
// handle a change or an fsync goes through.
func (h *history) onlyBinds(i int) bool {
	o := h.ops[i]
	if h.rung != lossless || o.Host == model.Final || !o.Succeeded() {
		return false
	}
	if o.Kind == model.Open {
		for j := range h.ops {
			if h.slot[j] == i && (h.changes(j) || h.ops[j].Kind == model.Fsync && h.ops[j].Succeeded()) {
				return true
			}
		}
		return false
	}
	return o.Kind == model.Fsync && o.Path != ""
}

// refresh is the earliest time of what operation i may have seen.
func (h *history) refresh(i int) int64 {
	o := h.ops[i]
	if h.rung == linear {
		return o.Call
	}
	at := int64(math.MinInt64)
	if o.Host == model.Final {
		for j := len(h.ops) - 1; j >= 0; j-- {
			if h.ops[j].Host == model.Final {
				at = h.ops[j].Call
			}
		}
	}
	for _, e := range h.ops {
		if e.Host == o.Host && e.Kind == model.Mount && e.Succeeded() && e.Return < o.Call {
			at = max(at, e.Call)
		}
	}
	return at
}

// publish is the latest time of the effect of change i; ok is false when there
// is none.
func (h *history) publish(i int, g guess) (at int64, ok bool) {
	o := h.ops[i]
	if o.Pending() {
		return model.Never, false
	}
	if h.rung == linear {
		return o.Return, true
	}
	at = model.Never
	for j, e := range h.ops {
		if e.Host == o.Host && e.Succeeded() && e.Call > o.Return && h.covers(j, i, g) {
			at = min(at, e.Return)
		}
	}
	return at, at != model.Never
}

// covers reports whether event j is one that publishes change i.
func (h *history) covers(j, i int, g guess) bool {
	e, o := h.ops[j], h.ops[i]
	switch e.Kind {
	case model.Sync, model.Unmount:
		return true
	case model.Fsync:
		if changesData(o.Kind) {
			return h.fileOf(j, g) != none && h.fileOf(j, g) == h.fileOf(i, g)
		}
		path := e.Path
		if h.slot[j] != none {
			path = h.ops[h.slot[j]].Path
		}
		return path == o.Path
	}
	return false
}

// fileOf is the file that operation i is about under the guess.
func (h *history) fileOf(i int, g guess) int {
	if h.ops[i].File != 0 && h.ops[i].Kind != model.Open {
		if h.slot[i] == none {
			return none
		}
		i = h.slot[i]
	}
	return g.file[i]
}

// overlaid is the changes of the host that operation i's views have on top, in
// order of call.
func (h *history) overlaid(i int) []int {
	if h.rung == linear {
		return nil
	}
	var own []int
	for j, c := range h.ops {
		if c.Host == h.ops[i].Host && h.changes(j) && c.Return < h.ops[i].Call && h.life[j] == h.life[i] {
			own = append(own, j)
		}
	}
	return own
}

// written is how many words a write or append wrote.
func written(o model.Op) int {
	if o.Pending() {
		return int(o.Len)
	}
	return int(o.Result.Size)
}
