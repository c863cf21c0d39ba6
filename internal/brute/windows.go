package brute

import (
	"math"

	"github.com/doublemount/doublemount/model"
)

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
// is none. What comes after a crash or fence of the host publishes nothing of
// before.
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
		if h.followedBy(i, j) && h.covers(j, i, g, g.file[i]) {
			at = min(at, e.Return)
		}
	}
	return at, at != model.Never
}

// followedBy reports whether event j succeeded on the host of change i, after
// the change had returned, and before that host was cut off from the disk.
func (h *history) followedBy(i, j int) bool {
	o, e := h.ops[i], h.ops[j]
	return e.Host == o.Host && e.Succeeded() && e.Call > o.Return && h.end[j] == h.end[i]
}

// covers reports whether event j is one that, coming after change i, publishes
// it or makes it last. file is the one that a rename moved, or none.
func (h *history) covers(j, i int, g guess, file int) bool {
	e, o := h.ops[j], h.ops[i]
	switch e.Kind {
	case model.Sync, model.Unmount:
		return e.Host == o.Host
	case model.Fsync:
		of := h.fileOf(j, g)
		switch {
		case changesData(o.Kind):
			return of != none && of == h.fileOf(i, g)
		case of != none && (o.Kind == model.Create && h.made[i] == of || o.Kind == model.Rename && file == of):
			return true
		}
		path := h.nameAt(j)
		return path != "" && (path == o.To || path == o.Path && o.Kind != model.Link)
	}
	return false
}

// nameAt is the path that fsync j makes last: of a handle the one it was opened
// by, or what renames by its own host have made of that.
func (h *history) nameAt(j int) model.Path {
	open := h.slot[j]
	if open == none {
		return h.ops[j].Path
	}
	path := h.ops[open].Path
	for i, r := range h.ops {
		if r.Kind != model.Rename || r.Host != h.ops[j].Host || !r.Succeeded() || r.Call < h.ops[open].Return || r.Return > h.ops[j].Call {
			continue
		}
		if path == r.Path || path.Below(r.Path) {
			path = h.ops[i].To + path[len(r.Path):]
		}
	}
	return path
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
