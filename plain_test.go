package doublemount_test

import (
	"bytes"
	"slices"
	"sync/atomic"

	"github.com/anishathalye/porcupine"
	"github.com/cespare/xxhash/v2"
	"github.com/doublemount/doublemount/model"
)

// plain is what one would write to judge a history with Porcupine alone: a file
// system without directories as a model, for the benchmarks to be compared with. A
// state is never changed: a step copies the list of files and the words of the one
// that it changes. Each file's hash is made once, so that the hash of a state is
// the sum of a few numbers.
type plain struct {
	files []plainFile // by name
	hash  uint64
}

type plainFile struct {
	name  model.Path
	words []byte
	hash  uint64
}

func (s *plain) find(name model.Path) (int, bool) {
	return slices.BinarySearchFunc(s.files, name, func(f plainFile, n model.Path) int {
		switch {
		case f.name < n:
			return -1
		case f.name > n:
			return 1
		}
		return 0
	})
}

// with is s where file k has other words.
func (s *plain) with(k int, words []byte) *plain {
	next := &plain{files: slices.Clone(s.files), hash: s.hash - s.files[k].hash}
	f := &next.files[k]
	f.words, f.hash = words, hashOf(f.name, words)
	next.hash += f.hash
	return next
}

func hashOf(name model.Path, words []byte) uint64 {
	return xxhash.Sum64(words) ^ xxhash.Sum64String(string(name))*31
}

// step is the model: the state after op, and whether op can answer what it did.
func (s *plain) step(op *model.Op) (bool, *plain) {
	k, there := s.find(op.Path)
	answer := op.Result.Errno
	if op.Pending() {
		answer = model.OK
	}
	switch {
	case op.Kind == model.Create:
		if there || answer != model.OK {
			return there && answer == model.EEXIST, s
		}
		f := plainFile{name: op.Path, hash: hashOf(op.Path, nil)}
		return true, &plain{files: slices.Insert(slices.Clone(s.files), k, f), hash: s.hash + f.hash}
	case !there:
		return answer == model.ENOENT, s
	case answer != model.OK:
		return false, s
	}
	words := s.files[k].words
	off, end := int(op.Off), int(op.Off+op.Len)
	switch op.Kind {
	case model.Unlink:
		return true, &plain{files: slices.Delete(slices.Clone(s.files), k, k+1), hash: s.hash - s.files[k].hash}
	case model.Stat:
		return op.Result.Type == model.File && op.Result.Size == int64(len(words)), s
	case model.Read:
		got := words[min(off, len(words)):min(end, len(words))]
		return bytes.Equal(got, op.Result.Data), s
	case model.Truncate:
		next := make([]byte, op.Len)
		copy(next, words)
		return true, s.with(k, next)
	case model.Append:
		off, end = len(words), len(words)+int(op.Len)
	}
	next := make([]byte, max(end, len(words)))
	copy(next, words)
	for i := off; i < end; i++ {
		next[i] = op.Data
	}
	return true, s.with(k, next)
}

// limit is a count of steps for plainModel.
func limit(steps int64) *atomic.Int64 {
	n := new(atomic.Int64)
	n.Store(steps)
	return n
}

// plainModel is Porcupine's model of that. steps counts down to 0; from then on
// nothing is possible, so that a search ends; what it says then means nothing.
// Porcupine searches the names at once, each in a goroutine of its own.
func plainModel(partitioned bool, steps *atomic.Int64) porcupine.Model {
	m := porcupine.Model{
		Init: func() any { return &plain{} },
		Step: func(s, in, _ any) (bool, any) {
			if steps.Add(-1) < 0 {
				return false, s
			}
			ok, next := s.(*plain).step(in.(*model.Op))
			return ok, next
		},
		Equal: func(a, b any) bool {
			p, q := a.(*plain), b.(*plain)
			return p == q || p.hash == q.hash && slices.EqualFunc(p.files, q.files, func(f, g plainFile) bool {
				return f.name == g.name && bytes.Equal(f.words, g.words)
			})
		},
		Hash: func(s any) uint64 { return s.(*plain).hash },
	}
	if partitioned {
		m.Partition = func(history []porcupine.Operation) [][]porcupine.Operation {
			by := map[model.Path]int{}
			var parts [][]porcupine.Operation
			for _, op := range history {
				name := op.Input.(*model.Op).Path
				k, ok := by[name]
				if !ok {
					k, parts = len(parts), append(parts, nil)
					by[name] = k
				}
				parts[k] = append(parts[k], op)
			}
			return parts
		}
	}
	return m
}

// plainHistory is a history as Porcupine takes it: what never returned may take
// effect at any time, or, returning after everything, as if never.
func plainHistory(history []model.Op) []porcupine.Operation {
	var ops []porcupine.Operation
	for i := range history {
		if op := &history[i]; !op.Kind.Event() {
			ops = append(ops, porcupine.Operation{ClientId: int(op.Host), Input: op, Call: op.Call, Return: op.Return})
		}
	}
	return ops
}
