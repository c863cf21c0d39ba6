package brute

import (
	"slices"
	"strings"

	"github.com/doublemount/doublemount/model"
)

// none stands for no file, no operation, no point.
const none = -1

// history is what the operations say before anything is guessed.
type history struct {
	ops     []model.Op // what a host cut off from the disk did is pending or skipped
	promise model.Guarantee
	rung    rung         // of promise
	names   []model.Path // every name that can come to be, but Root
	made    []int        // for each operation the file that it makes, or none
	files   []int        // for each file the create that makes it
	at      [][]model.Path
	life    []int // for each operation the mounts, unmounts and cuts of its host before it
	slot    []int // for each operation through a handle, a close too, the open, or none
	end     []int // for each operation the first cut of its host after it, or none
}

func newHistory(ops []model.Op, g model.Guarantee) *history {
	h := &history{ops: slices.Clone(ops), promise: g, rung: rungOf(g),
		made: make([]int, len(ops)), life: make([]int, len(ops)), slot: make([]int, len(ops)), end: make([]int, len(ops))}
	for i := range h.ops {
		h.excuse(i)
	}
	for i, o := range h.ops {
		h.made[i], h.slot[i] = none, none
		if o.Skipped {
			continue
		}
		if o.Path != "" {
			h.name(o.Path)
			h.name(o.To)
			for _, child := range o.Result.Names {
				h.name(o.Path.Child(child))
			}
		}
		if o.Kind == model.Create && h.changes(i) {
			h.made[i] = len(h.files)
			h.files = append(h.files, i)
		}
		for j, e := range h.ops[:i] {
			mounts := e.Host == o.Host && (e.Kind == model.Mount || e.Kind == model.Unmount) && e.Succeeded()
			if (mounts || h.cuts(j, o.Host)) && e.Return < o.Call {
				h.life[i]++
			}
		}
		if o.File != 0 && (o.Kind.TakesData() || o.Kind == model.Close) {
			h.slot[i] = h.openOf(i)
		}
	}
	h.followRenames()
	return h
}

// cuts reports whether operation j is, or pending may be, a crash, a fence or a
// power loss of host.
func (h *history) cuts(j int, host model.Host) bool {
	switch e := h.ops[j]; e.Kind {
	case model.Crash, model.Fence, model.PowerLoss:
		return !e.Skipped && e.Result.Errno == model.OK && host != model.Final &&
			(e.Kind == model.PowerLoss || e.Host == host)
	}
	return false
}

// excuse finds the cut that ends operation i, and makes the operation pending if
// it had not returned by then. What a fenced host does before it mounts again is
// skipped.
func (h *history) excuse(i int) {
	o := &h.ops[i]
	h.end[i] = none
	if h.cuts(i, o.Host) || o.Kind == model.PowerLoss {
		return
	}
	fenced := false
	for j, e := range h.ops {
		switch {
		case !h.cuts(j, o.Host):
			if e.Host == o.Host && e.Kind == model.Mount && e.Succeeded() && e.Return < o.Call {
				fenced = false
			}
		case e.Return < o.Call:
			fenced = fenced || e.Kind == model.Fence
		case h.end[i] == none:
			h.end[i] = j
		}
	}
	if fenced && o.Kind != model.Mount {
		o.Skipped = true
	}
	if h.end[i] == none || o.Return < h.ops[h.end[i]].Call || o.Skipped {
		return
	}
	if !o.Pending() && judged(*o) && o.Result.Errno != model.OK {
		o.Skipped = true
		return
	}
	o.Return, o.Result = model.Never, model.Result{}
}

// name adds p and the directories it is in.
func (h *history) name(p model.Path) {
	for ; p != model.Root && p != ""; p = p.Parent() {
		if !slices.Contains(h.names, p) {
			h.names = append(h.names, p)
		}
	}
}

// followRenames adds the names that renamed directories give to what is in them,
// and finds at which names each file can come to be.
func (h *history) followRenames() {
	deepest := 2 * model.MaxDepth // twice what any operation can name
	for n := 0; n < len(h.names); n++ {
		for i, o := range h.ops {
			if p := h.names[n]; o.Kind == model.Rename && h.changes(i) && p.Below(o.Path) {
				if to := p.Moved(o.Path, o.To); strings.Count(string(to), "/") <= deepest {
					h.name(to)
				}
			}
		}
	}
	for _, create := range h.files {
		at := []model.Path{h.ops[create].Path}
		for n := 0; n < len(at); n++ {
			for i, o := range h.ops {
				if !o.Kind.TwoPaths() || !h.changes(i) {
					continue
				}
				to := o.To
				if o.Kind == model.Rename && at[n].Below(o.Path) {
					to = at[n].Moved(o.Path, o.To)
				} else if at[n] != o.Path {
					continue
				}
				if !slices.Contains(at, to) && slices.Contains(h.names, to) {
					at = append(at, to)
				}
			}
		}
		h.at = append(h.at, at)
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

// judged reports whether the rungs say when o may answer what it did. What no
// state of names and handles gives, some other thing has gone wrong with, and
// EPERM has too many reasons to be one.
func judged(o model.Op) bool {
	switch o.Kind {
	case model.Close, model.Sync, model.Statfs, model.Lock, model.Unlock:
		return false
	}
	if o.Kind.Event() {
		return false
	}
	handle := o.File != 0 && o.Kind != model.Open
	if handle || o.Path == model.Root {
		switch o.Result.Errno {
		case model.OK, model.ENOENT:
			return true
		case model.EEXIST, model.EISDIR, model.ENOTDIR, model.ENOTEMPTY:
			return !handle
		}
		return false
	}
	deep := o.Path.Parent() != model.Root || o.Kind.TwoPaths() && o.To.Parent() != model.Root
	makes := o.Kind == model.Create || o.Kind == model.Mkdir
	lists := o.Kind == model.Rmdir || o.Kind == model.Readdir
	two := o.Kind == model.Rename && o.Path != o.To
	switch o.Result.Errno {
	case model.OK:
		return true
	case model.ENOENT:
		return deep || !makes
	case model.ENOTDIR:
		return deep || lists || two
	case model.EISDIR:
		return two || !makes && !lists && o.Kind != model.Stat && !o.Kind.TwoPaths()
	case model.EEXIST:
		return makes || two || o.Kind == model.Rmdir || o.Kind == model.Link
	case model.ENOTEMPTY:
		return two || o.Kind == model.Rmdir
	case model.EINVAL:
		return o.Kind == model.Rename && o.To.Below(o.Path)
	}
	return false
}

// observes reports whether operation i is an observation that the rung judges.
func (h *history) observes(i int) bool {
	o := h.ops[i]
	if o.Skipped || o.Pending() || h.changes(i) || h.rung == lossless && o.Host != model.Final {
		return false
	}
	return judged(o)
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
