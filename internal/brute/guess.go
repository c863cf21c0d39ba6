package brute

import (
	"slices"

	"github.com/doublemount/doublemount/model"
)

// guess is one way to settle what the history leaves open. It is indexed by
// operation.
type guess struct {
	file   []int // the file that a path led to, or none; of a rename that is a directory
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
		names := changes && h.rung == viewed && o.Kind.TwoPaths()
		if names {
			o.Result.Errno = model.OK // of a pending one: had it succeeded
			files := h.filesAt(o.Path)
			if o.Kind == model.Rename {
				files = append(files, none) // a directory
			}
			if len(files) == 0 {
				if o.Pending() {
					continue
				}
				return nil, false
			}
			all = append(all, choice{aboutFile, i, files})
		}
		if (names || h.observes(i)) && o.Path != "" {
			n := len(h.causes(o))
			if n == 0 && o.Pending() {
				continue
			}
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
	case model.Rename:
		return !o.Path.Below(o.To) && !o.To.Below(o.Path)
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

// filesAt lists the files that can ever have been at a path.
func (h *history) filesAt(p model.Path) []int {
	var files []int
	for f, at := range h.at {
		if slices.Contains(at, p) {
			files = append(files, f)
		}
	}
	return files
}

// offsets lists every size a file can have had before append i: nothing, the
// end of a write, a truncated size, each with any of the other appends after it;
// where a crash can undo blocks, also each end of a block below the largest.
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
	for j, o := range h.ops {
		if h.cuts(j, o.Host) {
			for size := range slices.Max(sizes) {
				if size%model.WordsPerBlock == 0 {
					sizes = append(sizes, size)
				}
			}
			break
		}
	}
	slices.Sort(sizes)
	return slices.Compact(sizes)
}
