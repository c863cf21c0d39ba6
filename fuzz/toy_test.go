package fuzz_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"

	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/model"
)

// everyKind is all that is ever generated.
var everyKind = func() model.KindSet {
	var s model.KindSet
	for _, k := range model.Kinds() {
		if k != model.Refresh {
			s |= model.SetOf(k)
		}
	}
	return s
}()

// toy is a Runner small enough to be seen to be right: the specification
// itself, with mounts, a disk that gets full, and holds that change nothing.
type toy struct {
	caps  model.Capabilities
	split bool                        // planted: each host has a file system of its own
	flaky bool                        // planted: no two runs are the same
	broke func(p model.Program) error // planted: the harness fails
	runs  int
}

func newToy() *toy {
	return &toy{caps: model.Capabilities{Name: "toy", Kinds: everyKind, MaxHosts: 3, Holds: true,
		Deterministic: true, Space: model.Space{Blocks: 40}}}
}

func (r *toy) Capabilities() model.Capabilities { return r.caps }

func (r *toy) Run(ctx context.Context, p model.Program) (model.Run, error) {
	r.runs++
	if err := ctx.Err(); err != nil {
		return model.Run{}, err
	}
	if err := p.Validate(); err != nil {
		return model.Run{}, err
	}
	if r.broke != nil {
		if err := r.broke(p); err != nil {
			return model.Run{}, err
		}
	}
	w := toyRun{toy: r, run: model.Run{Program: p.Clone(), Holds: make([]model.HoldState, len(p.Holds)), Space: r.caps.Space}}
	w.disks = make([]toyDisk, p.Hosts)
	for i, s := range p.Steps {
		w.step(i+1, s)
	}
	for i, h := range p.Unmounts {
		w.call(len(p.Steps)+i+1, model.Step{Host: h, Kind: model.Unmount}, !w.mounted[h])
	}
	sum := fnv.New64a()
	for _, op := range w.run.History {
		fmt.Fprintln(sum, op)
	}
	if r.flaky {
		fmt.Fprintln(sum, r.runs)
	}
	w.run.Digest = sum.Sum64()
	return w.run, nil
}

// toyRun is one run of a toy.
type toyRun struct {
	*toy
	run     model.Run
	mounted [model.MaxHosts]bool
	disks   []toyDisk
	clock   int64
	version int32
}

func (w *toyRun) step(number int, s model.Step) {
	switch h := s.Host; s.Kind {
	case model.Mount:
		w.call(number, s, w.mounted[h])
		w.mounted[h] = true
	case model.Unmount:
		w.call(number, s, !w.mounted[h])
		w.mounted[h] = false
	case model.Remount, model.Reboot:
		w.call(number, model.Step{Host: h, Kind: model.Unmount}, !w.mounted[h])
		w.call(number, model.Step{Host: h, Kind: model.Mount}, !w.mounted[h])
	default:
		w.call(number, s, !w.mounted[h])
	}
	for i, h := range w.run.Program.Holds {
		if h.Step == number && h.N <= 2 && !w.run.History[len(w.run.History)-1].Skipped {
			w.run.Holds[i] = model.Fired
		}
	}
}

func (w *toyRun) call(number int, s model.Step, skipped bool) {
	op := model.Op{Step: number, Host: s.Host, Kind: s.Kind, Path: s.Path, File: s.File, Off: s.Off,
		Len: s.Len, Data: s.Data, Call: w.clock, Return: w.clock + 1, Skipped: skipped}
	w.clock += 2
	if !skipped {
		disk := &w.disks[0]
		if w.split {
			disk = &w.disks[s.Host]
		}
		op.Result = disk.apply(s, w.caps.Space.Blocks)
		if op.Result.Errno == model.OK && s.Kind.Changes() {
			w.version++
			w.run.Trace = append(w.run.Trace, model.Record{Kind: model.BlockWritten, Step: int16(number),
				Host: s.Host, Block: 1, Version: w.version})
		}
	}
	w.run.History = append(w.run.History, op)
}

// toyDisk is the specification with an end of space: a block for each
// directory that ever had a name, and what the files need.
type toyDisk struct {
	fs    model.FS
	words map[model.Path]int32
	open  map[[2]uint8]model.Path
	dirs  map[model.Path]bool
}

func (d *toyDisk) apply(s model.Step, blocks int) model.Result {
	if d.words == nil {
		d.words, d.open, d.dirs = map[model.Path]int32{}, map[[2]uint8]model.Path{}, map[model.Path]bool{}
	}
	slot := [2]uint8{uint8(s.Host), s.File}
	path := s.Path
	if path == "" {
		path = d.open[slot]
	}
	before, file := d.words[path]
	words, dir := before, path.Parent()
	switch s.Kind {
	case model.Write:
		words = max(words, s.Off+s.Len)
	case model.Append:
		words += s.Len
	case model.Truncate:
		words = s.Len
	}
	names := s.Kind == model.Create || s.Kind == model.Mkdir
	if blocks > 0 && (file && words > before || names && !d.dirs[dir]) {
		probe := d.used() - blocksOf(before) + blocksOf(words)
		if names && !d.dirs[dir] {
			probe++
		}
		parent := model.Step{Kind: model.Readdir, Path: dir}
		exists := model.Step{Kind: model.Stat, Path: path}
		fits := !names || d.fs.Apply(parent).Errno == model.OK && d.fs.Apply(exists).Errno == model.ENOENT
		if probe > blocks && fits {
			return model.Result{Errno: model.ENOSPC}
		}
	}
	result := d.fs.Apply(s)
	if result.Errno != model.OK {
		return result
	}
	switch s.Kind {
	case model.Open:
		d.open[slot] = path
	case model.Create:
		d.words[path] = 0
	case model.Unlink:
		delete(d.words, path)
	case model.Rmdir:
		delete(d.dirs, path)
	case model.Write, model.Append, model.Truncate:
		if file {
			d.words[path] = words
		}
	}
	if names {
		d.dirs[dir] = true
	}
	return result
}

func (d *toyDisk) used() int {
	sum := len(d.dirs)
	for _, n := range d.words {
		sum += blocksOf(n)
	}
	return sum
}

func blocksOf(words int32) int { return int(words+model.WordsPerBlock-1) / model.WordsPerBlock }

// Judges of the toy. twoCreators is the planted violation "two hosts created
// the same name", which the toy shows when split, else only after an unlink.
func twoCreators(run model.Run) []model.Verdict {
	v := model.Verdict{Guarantee: model.Linearizable.Name}
	creator := map[model.Path]model.Host{}
	for _, op := range run.History {
		if op.Kind != model.Create || !op.Succeeded() {
			continue
		}
		if h, ok := creator[op.Path]; ok && h != op.Host {
			v.Outcome, v.Anomaly = model.Violated, model.LostFile
			v.Path = op.Path
		}
		creator[op.Path] = op.Host
	}
	return []model.Verdict{v}
}

// overlapped is violated when a hold fired in whose window another host
// touched the name of the held step.
func overlapped(run model.Run) []model.Verdict {
	v := model.Verdict{Guarantee: model.NothingLost.Name}
	steps := run.Program.Steps
	for i, h := range run.Program.Holds {
		held := steps[h.Step-1]
		for _, s := range steps[h.Step:h.Until] {
			if run.Holds[i] != model.NeverFired && held.Kind == model.Write && s.Host != held.Host &&
				s.Path != "" && s.Path == held.Path {
				v.Outcome, v.Anomaly = model.Violated, model.TornWrite
			}
		}
	}
	return []model.Verdict{v}
}

// both is twoCreators and overlapped.
func both(run model.Run) []model.Verdict {
	return append(twoCreators(run), overlapped(run)...)
}

// content is a judge that never objects.
func content(model.Run) []model.Verdict { return []model.Verdict{{Guarantee: model.Linearizable.Name}} }

var errHarness = errors.New("no such machine")

// bytesSource is the Source of native fuzzing: 0 once the bytes are used up.
type bytesSource struct{ left []byte }

func (s *bytesSource) Intn(n int) int {
	if len(s.left) == 0 {
		return 0
	}
	c := int(s.left[0])
	s.left = s.left[1:]
	return c % n
}

var _ fuzz.Source = (*bytesSource)(nil)
