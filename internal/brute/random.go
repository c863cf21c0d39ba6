package brute

import (
	"math/rand/v2"
	"slices"

	"github.com/doublemount/doublemount/model"
)

// Random is a history of n operations of two hosts that keeps every guarantee:
// each operation was carried out by [model.FS] at one moment between its call
// and its return, and neighbours of different hosts may overlap. It ends with
// both unmounts and what Final sees of every name. It is a function of the
// choices of rng.
func Random(rng *rand.Rand, n int) model.Run {
	var fs model.FS
	steps := make([]model.Step, n, n+3)
	for i := range steps {
		steps[i] = randomStep(rng, i)
	}
	for _, p := range []model.Path{"/a", "/d", "/d/x"} {
		steps = append(steps, model.Step{Host: model.Final, Kind: model.Stat, Path: p})
	}
	steps = append(steps, model.Step{Host: model.Final, Kind: model.Read, Path: "/a", Len: 3 * model.WordsPerBlock})
	overlap := none
	if n > 1 && rng.IntN(2) == 0 {
		i := rng.IntN(n - 1)
		if a, b := steps[i], steps[i+1]; a.Host != b.Host && !a.Kind.Event() && !b.Kind.Event() {
			overlap = i
		}
	}
	results := make([]model.Result, len(steps))
	order := make([]int, len(steps))
	for i := range order {
		order[i] = i
	}
	if overlap != none && rng.IntN(2) == 0 {
		order[overlap], order[overlap+1] = overlap+1, overlap
	}
	for _, i := range order {
		results[i] = fs.Apply(steps[i])
	}
	unmounts := []model.Host{0, 1}
	if rng.IntN(2) == 0 {
		slices.Reverse(unmounts)
	}
	return lay(nil, steps, results, n, overlap, unmounts)
}

func randomStep(rng *rand.Rand, i int) model.Step {
	s := model.Step{Host: model.Host(rng.IntN(2)), Path: "/a"}
	part := int32(rng.IntN(3)) * model.WordsPerBlock / 2
	switch rng.IntN(16) {
	case 0, 1, 2:
		s.Kind = model.Create
	case 3:
		s.Kind = model.Unlink
	case 4:
		s.Kind = model.Stat
	case 5, 6:
		s.Kind, s.Off, s.Len, s.Data = model.Write, part, model.WordsPerBlock, byte(i%model.MaxData+1)
	case 7:
		s.Kind, s.Len, s.Data = model.Append, model.WordsPerBlock/2, byte(i%model.MaxData+1)
	case 8, 9:
		s.Kind, s.Len = model.Read, 2*model.WordsPerBlock
	case 10:
		s.Kind, s.Len = model.Truncate, part
	case 11:
		s.Kind = model.Fsync
	case 12:
		s.Kind, s.Path = []model.Kind{model.Sync, model.Remount}[rng.IntN(2)], ""
	case 13:
		s.Kind, s.Path = []model.Kind{model.Mkdir, model.Rmdir, model.Readdir}[rng.IntN(3)], "/d"
	case 14:
		s.Kind, s.Path = []model.Kind{model.Create, model.Unlink, model.Stat}[rng.IntN(3)], "/d/x"
	case 15:
		s.Kind, s.File = model.Open, uint8(1+rng.IntN(2))
		if rng.IntN(2) == 0 {
			s = model.Step{Host: s.Host, Kind: model.Read, File: s.File, Len: model.WordsPerBlock}
		}
	}
	return s
}

// Mutate is run with the result of one operation changed to another one that
// such an operation can have: success and failure exchanged, another size,
// other words, other names. It shares no results with run.
func Mutate(rng *rand.Rand, run model.Run) model.Run {
	run.History = slices.Clone(run.History)
	var able []int
	for i, o := range run.History {
		if !o.Skipped && !o.Pending() && !o.Kind.Event() && o.Kind != model.Sync {
			able = append(able, i)
		}
	}
	if len(able) == 0 {
		return run
	}
	o := &run.History[able[rng.IntN(len(able))]]
	errnos := model.Results(o.Kind)
	old := o.Result
	o.Result = model.Result{Errno: errnos[rng.IntN(len(errnos))]}
	if o.Result.Errno != model.OK {
		return run
	}
	switch o.Kind {
	case model.Write, model.Append:
		o.Result.Size = int64(o.Len)
	case model.Stat:
		o.Result.Type = []model.NodeType{model.File, model.File, model.File, model.Dir}[rng.IntN(4)]
		if o.Result.Type == model.File {
			o.Result.Size = int64(rng.IntN(4)) * model.WordsPerBlock / 2
		}
	case model.Read:
		o.Result.Data = append(slices.Clone(old.Data), make([]byte, model.WordsPerBlock/2)...)
		o.Result.Data = o.Result.Data[:min(len(o.Result.Data), int(o.Len))]
		word := byte(rng.IntN(len(run.History)))
		for from := rng.IntN(len(o.Result.Data)); from < len(o.Result.Data); from++ {
			o.Result.Data[from] = word
		}
	case model.Readdir:
		if len(old.Names) == 0 {
			o.Result.Names = []string{"x"}
		}
	}
	return run
}
