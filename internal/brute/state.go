package brute

import (
	"bytes"
	"slices"

	"github.com/doublemount/doublemount/model"
)

// state is what the names and the files are: the shared one, or a host's view.
// It is copied before it is changed.
type state struct {
	names []int    // for each of history.names: absent, directory, or a file
	words [][]byte // for each file its content; its length is the size
}

// What a name can be besides the number of a file.
const (
	absent    = -1
	directory = -2
)

// blank is the file system before the first operation.
func (h *history) blank() state {
	st := state{names: make([]int, len(h.names)), words: make([][]byte, len(h.files))}
	for n := range st.names {
		st.names[n] = absent
	}
	return st
}

func (st state) clone() state {
	return state{slices.Clone(st.names), slices.Clone(st.words)}
}

// entry is what name p is.
func (h *history) entry(st state, p model.Path) int {
	if p == model.Root {
		return directory
	}
	return st.names[slices.Index(h.names, p)]
}

// typeOf is the type of an entry as a set of one.
func typeOf(entry int) types {
	switch entry {
	case absent:
		return only(model.Absent)
	case directory:
		return only(model.Dir)
	}
	return only(model.File)
}

// around is the types of the directory of p and of p.
func (h *history) around(st state, p model.Path) (parent, entry model.NodeType) {
	for _, dir := range above(p) {
		switch h.entry(st, dir) {
		case directory:
			continue
		case absent:
			return model.Absent, model.Absent
		}
		return model.File, model.Absent
	}
	switch h.entry(st, p) {
	case absent:
		return model.Dir, model.Absent
	case directory:
		for _, child := range h.children(p) {
			if h.entry(st, child) != absent {
				return model.Dir, model.FullDir
			}
		}
		return model.Dir, model.Dir
	}
	return model.Dir, model.File
}

// permits reports whether name change o can succeed in st.
func (h *history) permits(st state, o model.Op) bool {
	parent, entry := h.around(st, o.Path)
	if !o.Kind.TwoPaths() {
		return model.NameResult(o.Kind, parent, entry)[0] == model.OK
	}
	toParent, toEntry := h.around(st, o.To)
	return model.TwoNamesResult(o.Kind, model.TwoNames{
		Parent: parent, Entry: entry, ToParent: toParent, ToEntry: toEntry,
		SameFile:   o.Path == o.To && entry != model.Absent || entry == model.File && h.entry(st, o.Path) == h.entry(st, o.To),
		IntoItself: o.To.Below(o.Path), OntoAbove: o.Path.Below(o.To),
	})[0] == model.OK
}

// pieces counts the parts of change i that a crash can undo apart: the blocks of
// a write or an append at offset, the whole of anything else.
func (h *history) pieces(i, offset int) int {
	o := h.ops[i]
	switch o.Kind {
	case model.Write:
		offset = int(o.Off)
	case model.Append:
	default:
		return 1
	}
	const w = model.WordsPerBlock
	return max(1, (offset+written(o)+w-1)/w-offset/w)
}

// change makes change i in st, whether permitted or not. file is the file of a
// change of data, or the one that a rename or link found at its old name, or
// none. offset is where an append writes. The pieces in without are left out.
func (h *history) change(st state, i, file, offset int, without pieceSet) state {
	o := h.ops[i]
	st = st.clone()
	switch o.Kind {
	case model.Create:
		h.set(st, o.Path, h.made[i])
	case model.Mkdir:
		h.set(st, o.Path, directory)
	case model.Unlink, model.Rmdir:
		h.set(st, o.Path, absent)
	case model.Rename, model.Link:
		h.changeTwo(st, o, file)
	case model.Write:
		st.words[file] = overwrite(st.words[file], int(o.Off), written(o), o.Data, without)
	case model.Append:
		st.words[file] = overwrite(st.words[file], offset, written(o), o.Data, without)
	case model.Truncate:
		words := st.words[file]
		st.words[file] = append(bytes.Clone(words[:min(len(words), int(o.Len))]), make([]byte, max(0, int(o.Len)-len(words)))...)
	}
	return st
}

// set makes name p what entry says, in place.
func (h *history) set(st state, p model.Path, entry int) {
	st.names[slices.Index(h.names, p)] = entry
}

// changeTwo renames or links in st, in place. Where the old name is gone, as in
// a view that has the change on top, the host still has what it found there.
func (h *history) changeTwo(st state, o model.Op, file int) {
	entry := h.entry(st, o.Path)
	if entry == absent && h.rung == lossless || o.Path.Below(o.To) || o.To.Below(o.Path) {
		return // not known, or never right
	}
	switch {
	case entry == absent && file == none:
		entry = directory
	case entry == absent:
		entry = file
	}
	if o.Kind == model.Link {
		h.set(st, o.To, entry)
		return
	}
	if o.Path == o.To || entry >= 0 && entry == h.entry(st, o.To) {
		return
	}
	old := slices.Clone(st.names)
	for n, p := range h.names {
		if p == o.To || p.Below(o.To) || p == o.Path || p.Below(o.Path) {
			st.names[n] = absent
		}
	}
	for n, p := range h.names {
		if p.Below(o.Path) && old[n] != absent {
			if k := slices.Index(h.names, p.Moved(o.Path, o.To)); k >= 0 {
				st.names[k] = old[n]
			}
		}
	}
	h.set(st, o.To, entry)
}

// overwrite is words with n of them, from off on, set to data, but for the
// blocks in without, the first counted as 0; holes fill what is between.
func overwrite(words []byte, off, n int, data byte, without pieceSet) []byte {
	words = bytes.Clone(words)
	const w = model.WordsPerBlock
	for k := off; k < off+n; k++ {
		if without.has(k/w - off/w) {
			continue
		}
		if k >= len(words) {
			words = append(words, make([]byte, k+1-len(words))...)
		}
		words[k] = data
	}
	return words
}

// holds reports whether words, and holes after their end, have data at from.
func holds(words []byte, from int, data []byte) bool {
	for k, want := range data {
		word := model.Hole
		if from+k < len(words) {
			word = words[from+k]
		}
		if word != want {
			return false
		}
	}
	return true
}
