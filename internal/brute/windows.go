package brute

import (
	"cmp"
	"math"
	"slices"

	"github.com/doublemount/doublemount/model"
)

// refresh is the earliest time of what operation i may have seen: of the words of
// a file and where they end, or else of names and attributes.
func (h *history) refresh(i int, words bool) int64 {
	o := h.ops[i]
	at := int64(math.MinInt64)
	switch h.promise.Refresh {
	case model.RefreshCall:
		return o.Call
	case model.RefreshOpen:
		switch {
		case !words:
			at = h.ticksBefore(i)
		case h.slot[i] != none:
			at = h.ops[h.slot[i]].Call
		default:
			at = o.Call
		}
	}
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

// ticksBefore is when the last Staleness ticks of its host before the call of
// operation i began, or at the beginning of time if there were fewer.
func (h *history) ticksBefore(i int) int64 {
	o := h.ops[i]
	left := h.promise.Staleness
	if left == 0 {
		return o.Call
	}
	ticks := slices.Clone(h.ops)
	slices.SortFunc(ticks, func(a, b model.Op) int { return cmp.Compare(b.Return, a.Return) })
	for _, e := range ticks {
		if e.Kind != model.Tick || !e.Succeeded() || e.Return >= o.Call || e.Host != o.Host && e.Host != model.Everyone {
			continue
		}
		if left -= int(e.Len); left <= 0 {
			return e.Call
		}
	}
	return math.MinInt64
}

// publish is the latest time of the effect of change i; ok is false when there
// is none. What comes after a crash or fence of the host publishes nothing of
// before.
func (h *history) publish(i int, g guess) (at int64, ok bool) {
	o := h.ops[i]
	if o.Pending() {
		return model.Never, false
	}
	switch {
	case h.promise.Publish == model.PublishReturn, h.promise.Publish == model.PublishClose && !throughHandle(o):
		return o.Return, true
	}
	at = model.Never
	for j, e := range h.ops {
		if h.followedBy(i, j) && (h.covers(j, i, g, g.file[i]) || h.promise.Publish == model.PublishClose && h.closes(j, i)) {
			at = min(at, e.Return)
		}
	}
	if h.end[i] != none && at == model.Never && h.secured(i) {
		cut := h.ops[h.end[i]] // what lasts has had an effect when its host crashes
		return cut.Return, !cut.Pending()
	}
	return at, at != model.Never
}

// throughHandle reports whether o changes a file's content through a handle.
func throughHandle(o model.Op) bool { return changesData(o.Kind) && o.File != 0 }

// closes reports whether operation j closes the handle that change i was made
// through.
func (h *history) closes(j, i int) bool {
	return h.ops[j].Kind == model.Close && h.slot[j] != none && throughHandle(h.ops[i]) && h.slot[i] == h.slot[j]
}

// secured reports whether change i lasts because of what its host had been told
// before it was cut off, where durability begins before an fsync.
func (h *history) secured(i int) bool {
	o := h.ops[i]
	switch {
	case o.Pending() || h.promise.Durable == model.DurableFsync:
		return false
	case h.promise.Durable == model.DurableReturn || !throughHandle(o):
		return true
	}
	for j := range h.ops {
		if h.followedBy(i, j) && h.closes(j, i) {
			return true
		}
	}
	return false
}

// followedBy reports whether event j succeeded on the host of change i, after
// the change had returned, and before that host was cut off from the disk.
func (h *history) followedBy(i, j int) bool {
	o, e := h.ops[i], h.ops[j]
	return e.Host == o.Host && e.Succeeded() && e.Call > o.Return && h.end[j] == h.end[i]
}

// covers reports whether event j, if it comes after change i, makes that last, and
// on every rung published. file is the one that a rename moved, or none.
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
