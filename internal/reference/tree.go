package reference

import (
	"bytes"
	"maps"

	"github.com/doublemount/doublemount/model"
)

// tree is names in one directory and the files that they lead to. A file that has
// lost its last name stays: someone may have it open.
type tree struct {
	names map[model.Path]int
	words map[int][]byte
	next  int
}

func newTree() *tree { return &tree{names: map[model.Path]int{}, words: map[int][]byte{}} }

// clone shares the words, which are never changed in place.
func (t *tree) clone() *tree {
	return &tree{names: maps.Clone(t.names), words: maps.Clone(t.words), next: t.next}
}

// change carries out a change of names.
func (t *tree) change(s model.Step) model.Errno {
	file, there := t.names[s.Path]
	switch {
	case s.Kind == model.Create && there:
		return model.EEXIST
	case s.Kind == model.Create:
		t.next++
		t.names[s.Path] = t.next
	case !there:
		return model.ENOENT
	case s.Kind == model.Unlink:
		delete(t.names, s.Path)
	case s.Kind == model.Rename && s.Path != s.To:
		delete(t.names, s.Path)
		t.names[s.To] = file
	}
	return model.OK
}

// read is some words of a file.
func read(words []byte, s model.Step) model.Result {
	from, to := min(int(s.Off), len(words)), min(int(s.Off+s.Len), len(words))
	return model.Result{Data: bytes.Clone(words[from:to])}
}
