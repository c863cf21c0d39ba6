package checker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/doublemount/doublemount/model"
)

// NotIsolated is the text of a cause that no intervention confirmed.
const NotIsolated = "cause not isolated"

// Explain runs a program that gives verdict v once more and looks for its
// cause. It returns the run, for a report to show, and the cause. The error is
// the Runner's, or says that the run did not give the verdict.
//
// A suspect is a block write that destroyed what its host had never seen, or a
// copy that a host went on using. Each is tried: just before a step of the
// suspect's host, the other hosts write back and that host re-reads the block;
// where steps overlap, that they do not. A suspect stands if the guarantee is
// held then. The interventions are ordinary programs, so the nearest passing
// run can be replayed.
func Explain(ctx context.Context, r model.Runner, judge model.Judge, p model.Program, v model.Verdict) (model.Run, Cause, error) {
	run, err := r.Run(ctx, p)
	if err != nil {
		return run, Cause{Text: NotIsolated}, err
	}
	if !slices.ContainsFunc(judge(run), v.Same) {
		return run, Cause{Text: NotIsolated}, fmt.Errorf("explain: the program does not give %s %v %s", v.Guarantee, v.Outcome, v.Anomaly)
	}
	e := explainer{ctx: ctx, runner: r, judge: judge, run: run, verdict: v, tried: map[string]trial{}}
	e.suspects = suspects(run, v)
	e.describe()
	for i := range e.suspects {
		e.suspects[i].Meaning = e.meaning(e.suspects[i].Block)
	}
	return run, e.cause(), nil
}

type explainer struct {
	ctx      context.Context
	runner   model.Runner
	judge    model.Judge
	run      model.Run
	verdict  model.Verdict
	suspects []Cause
	tried    map[string]trial // by the text of the program
	meanings map[int32]string // of the blocks that the trace speaks of
}

// cause is the first suspect that an intervention confirms. Those come first of
// which facts of the trace say most: a lock that two hosts have, a replay that did harm, a hand-over of the
// block alone, then of all that the host has copies of, a journal that was
// replayed too late, a fence, a write that did not reach the disk; then no crash,
// no strike, no overlap, a handle; then what is wide: two hand-overs, remounts.
func (e *explainer) cause() Cause {
	for _, try := range []func() (Cause, bool){
		e.unshared,
		e.kept,
		e.replayed,
		e.recovered,
		func() (Cause, bool) { return e.handedOver(true) },
		func() (Cause, bool) { return e.handedOver(false) },
		e.falselyFenced,
		e.fenced,
		e.unflushed,
		e.unwritten,
		e.crashed,
		e.struck,
		e.apart,
		e.freedOpen,
		e.leftBehind,
		e.handedOverTwice,
		func() (Cause, bool) { return e.remounted(false) },
		func() (Cause, bool) { return e.remounted(true) },
	} {
		if c, ok := try(); ok {
			c.Verified = true
			return c
		}
	}
	return Cause{Text: NotIsolated, Block: -1}
}

// handedOver is the first suspect against which one hand-over helps.
func (e *explainer) handedOver(oneBlock bool) (Cause, bool) {
	for _, s := range e.suspects {
		for _, h := range e.handOvers(s, oneBlock) {
			if p := e.with(h); e.stands(s, h, p) {
				s.Nearest, s.Change, s.Text, s.Absent = p, e.wish(h)+e.held(), s.sentence(), s.absence()
				return s, true
			}
		}
	}
	return Cause{}, false
}

// apart is a hold without which the guarantee is held: steps overlapped that
// must not. A write that then destroys nothing more is its block.
func (e *explainer) apart() (Cause, bool) {
	for i, h := range e.run.Program.Holds {
		p := e.run.Program.Clone()
		p.Holds = slices.Delete(p.Holds, i, i+1)
		left, ok := e.passes(p)
		if !ok {
			continue
		}
		step, _ := p.StepAt(h.Step)
		until, _ := p.StepAt(h.Until)
		s := Cause{Block: -1, Step: h.Step, Host: step.Host}
		s.Text = fmt.Sprintf("step %d (%v) had begun, and stopped at %v#%d until step %d (%v) had ended: nothing made one of them wait for the other.",
			h.Step, step, h.At, h.N, h.Until, until)
		for _, c := range e.suspects {
			if c.Kind == staleWrite && (c.Step == h.Step || c.WroteAt == h.Step) && !slices.ContainsFunc(left, c.again) {
				s = c
				s.Text = c.sentence()
				break
			}
		}
		s.Kind, s.Nearest = "overlap", p
		s.Change = fmt.Sprintf("had step %d (%v) ended before step %d began%s", h.Step, step, h.Step+1, e.held())
		return s, true
	}
	return Cause{}, false
}

// handedOverTwice is for two hosts that each worked on what the other changed.
func (e *explainer) handedOverTwice() (Cause, bool) {
	for _, a := range e.suspects {
		for _, second := range e.handOvers(a, false) {
			f := explainer{run: model.Run{Program: e.with(second), History: e.run.History}}
			for _, b := range e.suspects {
				for _, first := range e.handOvers(b, false) {
					if first.to == second.to || first.before >= second.before {
						continue // the later one is put in first, so that numbers still hold
					}
					p := f.with(first)
					if _, ok := e.passes(p); ok {
						a.Nearest, a.Text = p, a.sentence()
						a.Change = fmt.Sprintf("%s, and %s%s", e.wish(first), e.wish(second), e.held())
						return a, true
					}
				}
			}
		}
	}
	return Cause{}, false
}

// handOver is an intervention: just before a step the other hosts write back,
// and one host drops its copy of a block, or all its copies.
type handOver struct {
	to        model.Host
	before    int   // step
	block     int32 // -1 for all
	writeBack bool
}

// handOvers lists those that might have helped against a suspect: to its host,
// before an operation of its own up to the guilty one, latest first; and, where
// a write was destroyed, to the host that had written it, so that its write
// would have had the guilty host's change in it. What a re-read alone cures
// needs no writing back.
func (e *explainer) handOvers(s Cause, oneBlock bool) (list []handOver) {
	add := func(to model.Host, last int, writeBack bool) {
		h := handOver{to: to, block: -1, writeBack: writeBack}
		if oneBlock {
			h.block = s.Block
		}
		for h.before = min(last, len(e.run.Program.Steps)); h.before >= 1; h.before-- {
			if step := e.run.Program.Steps[h.before-1]; step.Host == to && !step.Kind.Event() && step.Kind != model.Sync && step.Kind != model.Statfs {
				list = append(list, h)
			}
		}
	}
	add(s.Host, s.Step, false)
	add(s.Host, s.Step, true)
	if s.Kind == staleWrite {
		add(s.Writer, s.WroteAt, true)
	}
	return list
}

// stands reports whether p, which has a hand-over, is a passing run because of
// it: what the suspect is blamed for does not happen any more. Where steps
// overlap, the write-backs alone must not do, since they end by force what
// another host was held in; then the overlap is the cause.
func (e *explainer) stands(s Cause, h handOver, p model.Program) bool {
	left, ok := e.passes(p)
	if !ok || s.Kind == staleWrite && slices.ContainsFunc(left, s.again) {
		return false
	}
	if len(p.Holds) == 0 || !h.writeBack {
		return true
	}
	_, ok = e.passes(e.insert(h.before, e.writeBacks(h)))
	return !ok
}

// again reports whether o is the same doing of the same host.
func (c Cause) again(o Cause) bool {
	return o.Kind == c.Kind && o.Host == c.Host && o.Block == c.Block && o.Writer == c.Writer
}

// with is the program with a hand-over put in.
func (e *explainer) with(h handOver) model.Program {
	refresh := model.Step{Host: h.to, Kind: model.Refresh}
	if h.block >= 0 {
		refresh.Off, refresh.Len = h.block, 1
	}
	return e.insert(h.before, append(e.writeBacks(h), refresh))
}

// writeBacks are those of every mounted host but the one that re-reads.
func (e *explainer) writeBacks(h handOver) (steps []model.Step) {
	for n := range e.run.Program.Hosts {
		if host := model.Host(n); h.writeBack && host != h.to && e.mounted(host, h.before) {
			steps = append(steps, model.Step{Host: host, Kind: model.Writeback})
		}
	}
	return steps
}

// insert is the program with steps put in before a step.
func (e *explainer) insert(before int, steps []model.Step) model.Program {
	p := e.run.Program.Clone()
	p.Steps = slices.Insert(p.Steps, before-1, steps...)
	for i := range p.Holds {
		if p.Holds[i].Step >= before {
			p.Holds[i].Step += len(steps)
		}
		if p.Holds[i].Until >= before {
			p.Holds[i].Until += len(steps)
		}
	}
	for i := range p.Strikes {
		k := &p.Strikes[i]
		if k.Step >= before {
			k.Step += len(steps)
		}
		if k.Kind == model.Delay && k.Arg >= before {
			k.Arg += len(steps) // it names a step
		}
	}
	return p
}

// mounted reports whether a host was mounted when a step began.
func (e *explainer) mounted(h model.Host, step int) bool {
	mounted := false
	for i := range e.run.History {
		if op := &e.run.History[i]; (op.Host == h || op.Host == model.Everyone) && op.Step < step && !op.Skipped {
			switch op.Kind {
			case model.Mount:
				mounted = op.Result.Errno == model.OK
			case model.Unmount, model.Crash, model.PowerLoss:
				mounted = false
			}
		}
	}
	return mounted
}

// wish is a hand-over in words: "had A written back and B re-read block 4
// before step 4".
func (e *explainer) wish(h handOver) string {
	what := "every block"
	if h.block >= 0 {
		what = fmt.Sprintf("block %d", h.block)
	}
	var others []string
	for _, s := range e.writeBacks(h) {
		others = append(others, s.Host.String())
	}
	text := "had "
	if len(others) > 0 {
		text += strings.Join(others, " and ") + " written back and "
	}
	return fmt.Sprintf("%s%v re-read %s before step %d", text, h.to, what, h.before)
}

func (e *explainer) held() string { return ", " + e.verdict.Guarantee + " would be held" }

// passes runs a program and reports whether the guarantee is held, and, if so,
// what would still be suspect. Different suspects ask for the same program, so
// each is run once.
func (e *explainer) passes(p model.Program) (left []Cause, ok bool) {
	text := p.String()
	if t, done := e.tried[text]; done {
		return t.left, t.held
	}
	t := trial{}
	if run, err := e.attempt(p); err == nil {
		for _, v := range e.judge(run) {
			t.held = t.held || v.Guarantee == e.verdict.Guarantee && v.Outcome == model.Held
		}
		if t.held {
			t.left = suspects(run, e.verdict)
			t.back = rollbacks(run)
			t.replays = replays(&run)
			t.reverted = reverted(&run, 0)
			t.wrote = written(&run)
		}
	}
	e.tried[text] = t
	return t.left, t.held
}

// trial is what became of an intervention.
type trial struct {
	held bool
	left []Cause
	back []Cause // writes that put old bytes back

	replays  []replay
	reverted []model.Record // what power losses took
	wrote    []model.Record // all writes
}

// written lists the writes of a run.
func written(run *model.Run) (list []model.Record) {
	for _, r := range run.Trace {
		if r.Kind == model.BlockWritten {
			list = append(list, r)
		}
	}
	return list
}

// describe notes what the blocks of the run to explain were at its end, which a
// Runner can say until the next run.
func (e *explainer) describe() {
	e.meanings = map[int32]string{}
	d, ok := e.runner.(model.Describer)
	for i := range e.run.Trace {
		if r := &e.run.Trace[i]; ok && (r.Kind == model.BlockRead || r.Kind == model.BlockWritten) {
			if _, done := e.meanings[r.Block]; !done {
				e.meanings[r.Block] = d.Describe(r.Block)
			}
		}
	}
}

// meaning is what a block was, or empty.
func (e *explainer) meaning(block int32) string { return e.meanings[block] }

// errLess is a run in which less happened than in the first.
var errLess = errors.New("less happened")

// attempt runs a program. A run in which less happens than in the first proves
// nothing: a hold that is cut short or never reached would make an overlap the
// cause of everything, and a step that is skipped would take the violation with
// it.
func (e *explainer) attempt(p model.Program) (model.Run, error) {
	if err := p.Validate(); err != nil {
		return model.Run{}, err
	}
	run, err := e.runner.Run(e.ctx, p)
	if err == nil && (e.skipsMore(run) || e.closesMore(run)) {
		err = errLess
	}
	if err != nil || len(run.Holds) != len(e.run.Holds) { // with fewer holds it is the overlap that is tried
		return run, err
	}
	for i, h := range e.run.Holds {
		if h == model.Fired && run.Holds[i] != model.Fired || h == model.FiredEarly && run.Holds[i] == model.NeverFired {
			return run, errLess
		}
	}
	return run, nil
}

// closesMore reports whether run found fewer open handles than the first run.
func (e *explainer) closesMore(run model.Run) bool {
	closed := func(history []model.Op) (n int) {
		for i := range history {
			if history[i].Result.Errno == model.EBADF {
				n++
			}
		}
		return n
	}
	return closed(run.History) > closed(e.run.History)
}

// skipsMore reports whether run skipped a step that the first run carried out,
// or one that was put in.
func (e *explainer) skipsMore(run model.Run) bool {
	skipped := func(history []model.Op) (n int) {
		for i := range history {
			if history[i].Skipped {
				n++
			}
		}
		return n
	}
	return skipped(run.History) > skipped(e.run.History)
}
