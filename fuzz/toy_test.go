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

// everyFault is every fault there is.
const everyFault = 2*model.LyingDisk - 1

// toy is a Runner small enough to be seen to be right: the specification
// itself, with mounts, a disk that gets full, and holds that change nothing.
// Faults lose nothing: a crash is a hasty unmount, during which the step that
// was held until then stays unanswered; a fenced host, or one without its disk,
// is told EIO; a host that stands still skips; strikes hit and do no harm.
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

// newHardy is a toy that survives every fault.
func newHardy() *toy {
	r := newToy()
	r.caps.Survives, r.caps.Direct = everyFault, true
	return r
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
	w := toyRun{toy: r, run: model.Run{Program: p.Clone(), Holds: make([]model.HoldState, len(p.Holds)),
		Strikes: make([]bool, len(p.Strikes)), Space: r.caps.Space}}
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
	paused  [model.MaxHosts]bool
	cut     [model.MaxHosts]bool // by a fence
	noDisk  [model.MaxHosts]bool
	disks   []toyDisk
	clock   int64
	version int32
}

func (w *toyRun) step(number int, s model.Step) {
	if s.Kind >= model.Crash {
		w.event(number, s)
	} else {
		switch h := s.Host; {
		case s.Kind == model.Mount:
			skipped := w.mounted[h] || w.paused[h]
			w.call(number, s, skipped)
			if !skipped {
				w.mounted[h], w.cut[h] = true, false
			}
		case s.Kind == model.Unmount:
			skipped := !w.mounted[h] || w.paused[h]
			w.call(number, s, skipped)
			w.mounted[h] = w.mounted[h] && skipped
		case s.Kind == model.Remount || s.Kind == model.Reboot:
			skipped := !w.mounted[h] || w.paused[h]
			w.call(number, model.Step{Host: h, Kind: model.Unmount}, skipped)
			if !skipped {
				w.cut[h] = false
			}
			w.call(number, model.Step{Host: h, Kind: model.Mount}, skipped)
		default:
			w.call(number, s, !w.mounted[h] || w.paused[h])
		}
	}
	skipped := w.run.History[len(w.run.History)-1].Skipped
	for i, h := range w.run.Program.Holds {
		if h.Step == number && h.N <= 2 && !skipped {
			w.run.Holds[i] = model.Fired
		}
	}
	for i, k := range w.run.Program.Strikes {
		if k.Step == number && k.N <= 2 && !skipped {
			w.run.Strikes[i] = true
		}
	}
}

// event carries out what happens from outside.
func (w *toyRun) event(number int, s model.Step) {
	h, skipped := s.Host, false
	switch s.Kind {
	case model.Crash:
		skipped = !w.mounted[h]
	case model.Pause:
		skipped = w.paused[h]
	case model.Resume:
		skipped = !w.paused[h]
	case model.Fence:
		skipped = !w.mounted[h] || w.cut[h]
	}
	w.call(number, s, skipped)
	if skipped {
		return
	}
	switch s.Kind {
	case model.Crash:
		w.down(number, h)
	case model.PowerLoss:
		w.run.Trace = append(w.run.Trace, model.Record{Kind: model.PowerLost, Step: int16(number), Host: s.Host})
		for h := range w.run.Program.Hosts {
			w.down(number, model.Host(h))
		}
	case model.Pause, model.Resume:
		w.paused[h] = s.Kind == model.Pause
	case model.Fence:
		w.cut[h] = true
	case model.Partition, model.Heal:
		if s.Off == model.FromDisk {
			w.noDisk[h] = s.Kind == model.Partition
		}
	}
}

// down crashes a host. What was held until then never returns.
func (w *toyRun) down(number int, host model.Host) {
	w.mounted[host], w.paused[host] = false, false
	for i, h := range w.run.Program.Holds {
		if h.Until != number || w.run.Holds[i] != model.Fired || w.run.Program.Steps[h.Step-1].Host != host {
			continue
		}
		for j := range w.run.History {
			if w.run.History[j].Step == h.Step {
				w.run.History[j].Return = model.Never
			}
		}
	}
}

func (w *toyRun) call(number int, s model.Step, skipped bool) {
	op := model.Op{Step: number, Host: s.Host, Kind: s.Kind, Path: s.Path, To: s.To, File: s.File, Off: s.Off,
		Len: s.Len, Data: s.Data, Direct: s.Direct, Call: w.clock, Return: w.clock + 1, Skipped: skipped}
	w.clock += 2
	switch outside := s.Kind >= model.Crash; {
	case skipped:
	case !outside && (w.cut[s.Host] || w.noDisk[s.Host]) && s.Kind != model.Mount:
		op.Result.Errno = model.EIO
	default:
		disk := &w.disks[0]
		if w.split && !outside {
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
