package brute

import (
	"slices"

	"github.com/doublemount/doublemount/model"
)

// guess is one way to settle what the history leaves open. It is indexed by
// operation.
type guess struct {
	file   []int // the file that a path led to, or none
	offset []int // where an append wrote, below linearizable
	cause  []int // which of causes explains the answer
}

// choice is one open question and its possible answers.
type choice struct {
	about   about
	op      int
	options []int
}

type about uint8

const (
	aboutFile about = iota
	aboutOffset
	aboutCause
)

func (h *history) newGuess() guess {
	g := guess{file: make([]int, len(h.ops)), offset: make([]int, len(h.ops)), cause: make([]int, len(h.ops))}
	for i := range g.file {
		g.file[i] = none
	}
	return g
}

// choices lists the open questions. possible is false when some operation's
// answer cannot be right whatever the others did.
func (h *history) choices() (all []choice, possible bool) {
	for i, o := range h.ops {
		changes := h.changes(i)
		if !changes && !h.observes(i) && !h.onlyBinds(i) {
			continue
		}
		if !plausible(o) {
			return nil, false
		}
		if o.File != 0 && o.Kind != model.Open {
			if h.slot[i] == none && !o.Pending() && (changes || h.observes(i)) || h.observes(i) && o.Result.Errno != model.OK {
				return nil, false
			}
		} else if h.findsFile(i) {
			files := h.filesAt(o.Path)
			if h.onlyBinds(i) {
				files = append(files, none)
			}
			if len(files) == 0 && !o.Pending() {
				return nil, false
			}
			if len(files) > 0 {
				all = append(all, choice{aboutFile, i, files})
			}
		}
		if o.Kind == model.Append && changes && h.rung != linear {
			all = append(all, choice{aboutOffset, i, h.offsets(i)})
		}
		if h.observes(i) && o.Path != "" {
			n := len(h.causes(o))
			if n == 0 {
				return nil, false
			}
			if n > 1 {
				options := make([]int, n)
				for k := range options {
					options[k] = k
				}
				all = append(all, choice{aboutCause, i, options})
			}
		}
	}
	return all, true
}

// plausible reports whether the form of o's answer can be right.
func plausible(o model.Op) bool {
	if !o.Succeeded() {
		return true
	}
	switch o.Kind {
	case model.Write, model.Append:
		return o.Result.Size >= 0 && o.Result.Size <= int64(o.Len)
	case model.Read:
		return len(o.Result.Data) <= int(o.Len)
	case model.Readdir:
		names := slices.Clone(o.Result.Names)
		slices.Sort(names)
		return len(slices.Compact(names)) == len(o.Result.Names)
	}
	return true
}

// findsFile reports whether operation i, through a path, led to a file, or,
// pending, may.
func (h *history) findsFile(i int) bool {
	o := h.ops[i]
	switch o.Kind {
	case model.Open, model.Read, model.Write, model.Append, model.Truncate, model.Fsync:
		return o.Pending() || o.Succeeded()
	case model.Stat:
		return o.Succeeded() && o.Result.Type == model.File && o.Path != model.Root
	}
	return false
}

// filesAt lists the files ever made at a path.
func (h *history) filesAt(p model.Path) []int {
	var files []int
	for f, at := range h.files {
		if at == p {
			files = append(files, f)
		}
	}
	return files
}

// offsets lists every size a file can have had before append i: nothing, the
// end of a write, a truncated size, each with any of the other appends after it.
func (h *history) offsets(i int) []int {
	sizes := []int{0}
	for j, o := range h.ops {
		if h.changes(j) && o.Kind == model.Write {
			sizes = append(sizes, int(o.Off)+written(o))
		}
		if h.changes(j) && o.Kind == model.Truncate {
			sizes = append(sizes, int(o.Len))
		}
	}
	for j, o := range h.ops {
		if j == i || !h.changes(j) || o.Kind != model.Append {
			continue
		}
		for _, size := range slices.Clone(sizes) {
			sizes = append(sizes, size+written(o))
		}
	}
	slices.Sort(sizes)
	return slices.Compact(sizes)
}

// look is one name asked about and the types that the answer allows.
type look struct {
	name  model.Path
	types types
}

// types is a set of Absent, File and Dir.
type types uint8

func only(t model.NodeType) types { return 1 << t }

const present = types(1<<model.File | 1<<model.Dir)

// causes lists the ways in which names can explain the answer of o, each a list
// of names that must all look as it says. It is model.NameResult read backwards.
func (h *history) causes(o model.Op) [][]look {
	gives := func(parent, entry model.NodeType) bool {
		return slices.Contains(model.NameResult(o.Kind, parent, entry), o.Result.Errno)
	}
	var all [][]look
	var inDir []look
	if parent := o.Path.Parent(); parent != model.Root {
		for _, t := range []model.NodeType{model.Absent, model.File} {
			if gives(t, model.Absent) {
				all = append(all, []look{{parent, only(t)}})
			}
		}
		inDir = []look{{parent, only(model.Dir)}}
	}
	explained := func(more ...look) { all = append(all, append(slices.Clone(inDir), more...)) }
	children := h.children(o.Path)

	switch {
	case o.Kind == model.Rmdir:
		for _, t := range []model.NodeType{model.Absent, model.File} {
			if gives(model.Dir, t) {
				explained(look{o.Path, only(t)})
			}
		}
		if gives(model.Dir, model.Dir) {
			empty := []look{{o.Path, only(model.Dir)}}
			for _, child := range children {
				empty = append(empty, look{child, only(model.Absent)})
			}
			explained(empty...)
		}
		if gives(model.Dir, model.FullDir) {
			for _, child := range children {
				explained(look{o.Path, only(model.Dir)}, look{child, present})
			}
		}
	case o.Kind == model.Readdir && o.Result.Errno == model.OK:
		var listing []look
		if o.Path != model.Root {
			listing = append(listing, look{o.Path, only(model.Dir)})
		}
		for _, child := range children {
			listed := only(model.Absent)
			if slices.Contains(o.Result.Names, child.Name()) {
				listed = present
			}
			listing = append(listing, look{child, listed})
		}
		explained(listing...)
	case o.Path == model.Root:
		if o.Result.Errno == model.OK && o.Result.Type == model.Dir {
			explained()
		}
	default:
		var entry types
		for _, t := range []model.NodeType{model.Absent, model.File, model.Dir} {
			if gives(model.Dir, t) {
				entry |= only(t)
			}
		}
		if o.Kind == model.Stat && o.Result.Errno == model.OK {
			entry &= only(o.Result.Type)
		}
		if entry != 0 {
			explained(look{o.Path, entry})
		}
	}
	return all
}

// children lists the names of the history in directory p.
func (h *history) children(p model.Path) []model.Path {
	var all []model.Path
	for _, name := range h.names {
		if name.Parent() == p && name != p {
			all = append(all, name)
		}
	}
	return all
}
