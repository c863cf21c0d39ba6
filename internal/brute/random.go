package brute

import (
	"math/rand/v2"
	"slices"

	"github.com/doublemount/doublemount/model"
)

// Random is a history of n operations of two hosts that keeps every guarantee:
// each operation was carried out by [model.FS] at one moment between its call
// and its return, and neighbours of different hosts may overlap. Some have a
// crash, a fence or a power loss, where the file system became what it would be
// without some changes of the host that nothing had made last, and on which no
// other result rested. It ends with both unmounts and what Final sees of every
// name. It is a function of the choices of rng.
func Random(rng *rand.Rand, n int) model.Run {
	steps := make([]model.Step, n, n+8)
	for i := range steps {
		steps[i] = randomStep(rng, i)
	}
	if rng.IntN(3) == 0 {
		cut := model.Step{Host: model.Host(rng.IntN(2)), Kind: []model.Kind{model.Crash, model.Fence, model.PowerLoss}[rng.IntN(3)]}
		if cut.Kind == model.PowerLoss {
			cut.Host = model.Everyone
		}
		at := rng.IntN(n + 1)
		steps, n = slices.Insert(steps, at, cut), n+1
		if cut.Kind == model.Fence { // and no more of a host whose answers say nothing
			k := at
			for _, s := range steps[at+1:] {
				if s.Host != cut.Host {
					k++
					steps[k] = s
				}
			}
			steps, n = steps[:k+1], k+1
		}
	}
	for _, p := range []model.Path{"/a", "/b", "/d", "/d/x", "/e/x"} {
		steps = append(steps, model.Step{Host: model.Final, Kind: model.Stat, Path: p})
	}
	steps = append(steps, model.Step{Host: model.Final, Kind: model.Read, Path: "/a", Len: 3 * model.WordsPerBlock})
	overlap := none
	if n > 1 && rng.IntN(2) == 0 {
		i := rng.IntN(n - 1)
		if a, b := steps[i], steps[i+1]; a.Host != b.Host && !a.Kind.Event() && !b.Kind.Event() && !downBefore(steps, i+1) {
			overlap = i
		}
	}
	order := make([]int, len(steps))
	for i := range order {
		order[i] = i
	}
	if overlap != none && rng.IntN(2) == 0 {
		order[overlap], order[overlap+1] = overlap+1, overlap
	}
	results := carryOut(rng, steps, order)
	unmounts := []model.Host{0, 1}
	if rng.IntN(2) == 0 {
		slices.Reverse(unmounts)
	}
	return lay(nil, steps, results, n, overlap, unmounts)
}

// carryOut is what one file system answers to steps in an order.
func carryOut(rng *rand.Rand, steps []model.Step, order []int) []model.Result {
	results := make([]model.Result, len(steps))
	gone := make([]bool, len(steps))
	fs := &model.FS{}
	for k, i := range order {
		results[i] = fs.Apply(steps[i])
		if isCut(steps[i]) {
			fs = cutOff(rng, steps, order[:k+1], results, gone)
		}
	}
	return results
}

// cutOff is the file system after the last step of done, a cut, with some
// changes undone, and marks those in gone.
func cutOff(rng *rand.Rand, steps []model.Step, done []int, results []model.Result, gone []bool) *model.FS {
	cut := steps[done[len(done)-1]]
	hit := func(s model.Step) bool { return cut.Host == model.Everyone || s.Host == cut.Host }
	for range 4 {
		undone := slices.Clone(gone)
		for k, i := range done {
			s := steps[i]
			saves := func(later int) bool {
				e := steps[later]
				return e.Kind == model.Fsync || (e.Kind == model.Sync || e.Kind == model.Remount) && e.Host == s.Host
			}
			if s.Kind.Changes() && results[i].Errno == model.OK && hit(s) && !slices.ContainsFunc(done[k:], saves) && rng.IntN(2) == 0 {
				undone[i] = true
			}
		}
		fs, kept := &model.FS{}, true
		for _, i := range done {
			failed := steps[i].Kind.Changes() && results[i].Errno != model.OK
			if undone[i] || failed && hit(steps[i]) { // what failed changed nothing
				continue
			}
			// an append counts as kept only where it was, which its size does not tell
			moved := steps[i].Kind == model.Append && slices.Contains(undone, true)
			kept = kept && (same(fs.Apply(steps[i]), results[i]) || hit(steps[i]) && !steps[i].Kind.Changes()) && !moved
		}
		if kept {
			copy(gone, undone)
			return fs
		}
	}
	fs := &model.FS{}
	for _, i := range done {
		if !gone[i] {
			fs.Apply(steps[i])
		}
	}
	return fs
}

func randomStep(rng *rand.Rand, i int) model.Step {
	s := model.Step{Host: model.Host(rng.IntN(2)), Path: "/a"}
	part := int32(rng.IntN(3)) * model.WordsPerBlock / 2
	switch rng.IntN(19) {
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
	case 16:
		pair := []model.Path{"/a", "/b"}
		if rng.IntN(2) == 0 {
			pair = []model.Path{"/b", "/a"}
		}
		s.Kind, s.Path, s.To = model.Rename, pair[0], pair[1]
	case 17:
		s.Kind, s.To = model.Link, "/b"
	case 18:
		s.Kind = model.Rename
		s.Path, s.To = []model.Path{"/d", "/e", "/d/x", "/a"}[rng.IntN(4)], []model.Path{"/e", "/d", "/d/x", "/e/x"}[rng.IntN(4)]
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

// CutAt is what had been called of a run by a time; what had not returned is
// pending.
func CutAt(run model.Run, at int64) model.Run {
	var ops []model.Op
	for _, o := range run.History {
		if o.Call > at {
			continue
		}
		if o.Return > at {
			o.Return, o.Result = model.Never, model.Result{}
		}
		ops = append(ops, o)
	}
	return model.Run{Program: run.Program, History: ops}
}
