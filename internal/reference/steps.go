package reference

import (
	"math/rand/v2"

	"github.com/doublemount/doublemount/model"
)

const block = model.WordsPerBlock

// files is two files of one block.
func files(words int32) []model.Step {
	return []model.Step{
		{Kind: model.Create, Path: "/a"}, {Kind: model.Create, Path: "/b"},
		{Kind: model.Write, Path: "/a", Len: words, Data: 200}, {Kind: model.Write, Path: "/b", Len: words, Data: 201},
	}
}

var bothFiles = []model.Path{"/a", "/b"}

// anyStep draws an operation on two names, one file or a handle, of one block.
func anyStep(rng *rand.Rand, i int) model.Step {
	s := model.Step{Path: bothFiles[rng.IntN(2)]}
	k := rng.IntN(20)
	switch k {
	case 0, 1:
		s.Kind = model.Create
	case 2:
		s.Kind = model.Unlink
	case 3, 4:
		s.Kind, s.To = model.Rename, bothFiles[rng.IntN(2)]
	case 5, 6:
		s.Kind = model.Stat
	case 7:
		s.Kind = model.Fsync
	case 8:
		s = model.Step{Kind: model.Sync}
	case 9, 10, 11:
		s.Kind, s.File = model.Open, 1
	default:
		s = dataStep(rng, i, 2)
		if rng.IntN(2) == 0 {
			s.Path, s.File = "", 1
		}
	}
	return s
}

// askingStep is anyStep with more questions about names.
func askingStep(rng *rand.Rand, i int) model.Step {
	if rng.IntN(2) == 0 {
		return anyStep(rng, i)
	}
	return model.Step{Kind: model.Stat, Path: bothFiles[rng.IntN(2)]}
}

// syncingStep is anyStep with more to lose in a crash, and to keep.
func syncingStep(rng *rand.Rand, i int) model.Step {
	if rng.IntN(2) == 0 {
		return anyStep(rng, i)
	}
	s := dataStep(rng, i, 2)
	if s.Kind == model.Read {
		s.Kind, s.Off, s.Len = model.Fsync, 0, 0
	}
	return s
}

// dataStep draws a read, or a write of one block of a file of some.
func dataStep(rng *rand.Rand, i, blocks int) model.Step {
	s := model.Step{Path: bothFiles[rng.IntN(2)]}
	switch rng.IntN(5) {
	case 0:
		s.Kind = []model.Kind{model.Fsync, model.Sync}[rng.IntN(2)]
		if s.Kind == model.Sync {
			s.Path = ""
		}
	case 1, 2:
		s.Kind, s.Len = model.Read, int32(blocks)*block
	default:
		s.Kind, s.Off, s.Len, s.Data = model.Write, int32(rng.IntN(blocks))*block, block, byte(i%190+1)
	}
	return s
}
