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

// empty is the file system before the first operation.
func (h *history) empty() state {
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

// permits reports whether name change o can succeed in st.
func (h *history) permits(st state, o model.Op) bool {
	entry := h.entry(st, o.Path)
	switch o.Kind {
	case model.Create, model.Mkdir:
		return entry == absent && h.entry(st, o.Path.Parent()) == directory
	case model.Unlink:
		return entry >= 0
	case model.Rmdir:
		for _, child := range h.children(o.Path) {
			if h.entry(st, child) != absent {
				return false
			}
		}
		return entry == directory
	}
	return true
}

// change makes change i of file (for data) in st, whether permitted or not.
// offset is where an append writes.
func (h *history) change(st state, i, file, offset int) state {
	o := h.ops[i]
	st = st.clone()
	if !changesData(o.Kind) {
		entry := absent
		switch o.Kind {
		case model.Create:
			entry = h.made[i]
		case model.Mkdir:
			entry = directory
		}
		st.names[slices.Index(h.names, o.Path)] = entry
		return st
	}
	words := st.words[file]
	switch o.Kind {
	case model.Write:
		st.words[file] = overwrite(words, int(o.Off), written(o), o.Data)
	case model.Append:
		st.words[file] = overwrite(words, offset, written(o), o.Data)
	case model.Truncate:
		st.words[file] = append(bytes.Clone(words[:min(len(words), int(o.Len))]), make([]byte, max(0, int(o.Len)-len(words)))...)
	}
	return st
}

// overwrite is words with n of them, from off on, set to data; holes fill what
// is between.
func overwrite(words []byte, off, n int, data byte) []byte {
	if n == 0 {
		return words
	}
	words = append(bytes.Clone(words), make([]byte, max(0, off+n-len(words)))...)
	for k := range n {
		words[off+k] = data
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
