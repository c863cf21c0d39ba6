package checker

import (
	"context"
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
	e := explainer{ctx: ctx, runner: r, judge: judge, run: run, verdict: v}
	e.suspects = suspects(run, v)
	for i := range e.suspects {
		if d, ok := r.(model.Describer); ok {
			e.suspects[i].Meaning = d.Describe(e.suspects[i].Block)
		}
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
}

// cause is the first suspect that an intervention confirms: the block alone
// first, then all that its host has copies of, then without the overlap.
func (e *explainer) cause() Cause {
	for _, one := range []bool{true, false} {
		for _, s := range e.suspects {
			for _, step := range e.moments(s) {
				if p := e.handOver(s, step, one); e.stands(s, step, p) {
					s.Verified, s.Nearest = true, p
					s.Change = e.handOverText(s, step, one)
					s.Text = s.sentence()
					return s
				}
			}
		}
	}
	for i, h := range e.run.Program.Holds {
		p := e.run.Program.Clone()
		p.Holds = slices.Delete(p.Holds, i, i+1)
		if run, ok := e.passes(p); ok {
			left := suspects(run, e.verdict)
			s := Cause{Kind: "overlap", Block: -1, Step: h.Step, Nearest: p}
			for _, c := range e.suspects {
				if c.Kind == staleWrite && (c.Step == h.Step || c.WroteAt == h.Step) && !slices.ContainsFunc(left, c.again) {
					s = c
					s.Kind, s.Nearest = "overlap", p
					break
				}
			}
			step, _ := p.StepAt(h.Step)
			s.Host, s.Verified = pick(s.Block < 0, step.Host, s.Host), true
			s.Change = fmt.Sprintf("had step %d (%v) ended before step %d began, %s would be held", h.Step, step, h.Step+1, e.verdict.Guarantee)
			s.Text = s.sentence()
			return s
		}
	}
	// Two hand-overs, where each of two hosts worked on what the other changed.
	for _, a := range e.suspects {
		for _, at := range e.moments(a) {
			first := e.handOver(a, at, false)
			for _, b := range e.suspects {
				if b.Host == a.Host {
					continue
				}
				for _, later := range e.moments(b) {
					if later >= at {
						continue // the later one is put in first, so that numbers still hold
					}
					f := explainer{run: model.Run{Program: first, History: e.run.History}}
					p := f.handOver(b, later, false)
					if _, ok := e.passes(p); ok {
						a.Verified, a.Nearest = true, p
						a.Change = fmt.Sprintf("%s, and %s", strings.TrimSuffix(e.handOverText(b, later, false), e.held()), e.handOverText(a, at, false))
						a.Text = a.sentence()
						return a
					}
				}
			}
		}
	}
	return Cause{Text: NotIsolated, Block: -1}
}

func pick(cond bool, a, b model.Host) model.Host {
	if cond {
		return a
	}
	return b
}

// moments lists the steps before which a hand-over to the suspect's host might
// have helped: its own operations up to the guilty one, latest first.
func (e *explainer) moments(s Cause) []int {
	var list []int
	for n := min(s.Step, len(e.run.Program.Steps)); n >= 1; n-- {
		if step := e.run.Program.Steps[n-1]; step.Host == s.Host && !step.Kind.Event() && step.Kind != model.Sync && step.Kind != model.Statfs {
			list = append(list, n)
		}
	}
	return list
}

// stands reports whether p, which has a hand-over of a suspect's block before a
// step, is a passing run because of it: what the suspect is blamed for does not
// happen any more. Where steps overlap, the write-backs alone must not do, since
// they end by force what another host was held in; then the overlap is the cause.
func (e *explainer) stands(s Cause, before int, p model.Program) bool {
	run, ok := e.passes(p)
	if !ok || s.Kind == staleWrite && slices.ContainsFunc(suspects(run, e.verdict), s.again) {
		return false
	}
	if len(p.Holds) == 0 {
		return true
	}
	_, ok = e.passes(e.insert(before, e.writeBacks(s, before)))
	return !ok
}

// again reports whether o is the same doing of the same host.
func (c Cause) again(o Cause) bool {
	return o.Kind == c.Kind && o.Host == c.Host && o.Block == c.Block && o.Writer == c.Writer
}

// handOver is the program with a hand-over put in before a step: every other
// mounted host writes back, and the suspect's host drops its copy of the block,
// or all its copies.
func (e *explainer) handOver(s Cause, before int, oneBlock bool) model.Program {
	refresh := model.Step{Host: s.Host, Kind: model.Refresh}
	if oneBlock {
		refresh.Off, refresh.Len = s.Block, 1
	}
	return e.insert(before, append(e.writeBacks(s, before), refresh))
}

// writeBacks are those of every mounted host but the suspect's.
func (e *explainer) writeBacks(s Cause, before int) (steps []model.Step) {
	for h := range e.run.Program.Hosts {
		if host := model.Host(h); host != s.Host && e.mounted(host, before) {
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
	return p
}

// mounted reports whether a host was mounted when a step began.
func (e *explainer) mounted(h model.Host, step int) bool {
	mounted := false
	for i := range e.run.History {
		if op := &e.run.History[i]; op.Host == h && op.Step < step && !op.Skipped {
			switch op.Kind {
			case model.Mount:
				mounted = op.Result.Errno == model.OK
			case model.Unmount:
				mounted = false
			}
		}
	}
	return mounted
}

func (e *explainer) handOverText(s Cause, before int, oneBlock bool) string {
	what := "every block"
	if oneBlock {
		what = fmt.Sprintf("block %d", s.Block)
	}
	var others []string
	for h := range e.run.Program.Hosts {
		if host := model.Host(h); host != s.Host && e.mounted(host, before) {
			others = append(others, host.String())
		}
	}
	text := fmt.Sprintf("had %v re-read %s before step %d%s", s.Host, what, before, e.held())
	if len(others) > 0 {
		text = fmt.Sprintf("had %s written back and %v re-read %s before step %d%s",
			strings.Join(others, " and "), s.Host, what, before, e.held())
	}
	return text
}

func (e *explainer) held() string { return ", " + e.verdict.Guarantee + " would be held" }

// passes runs a program and reports whether the guarantee is held. A run in
// which less happens than in the first proves nothing: a hold that is cut short
// or never reached would make an overlap the cause of everything, and a step
// that is skipped would take the violation with it.
func (e *explainer) passes(p model.Program) (model.Run, bool) {
	if p.Validate() != nil {
		return model.Run{}, false
	}
	run, err := e.runner.Run(e.ctx, p)
	if err != nil || e.skipsMore(run) {
		return run, false
	}
	if len(run.Holds) == len(e.run.Holds) { // else it is the overlap that is tried
		for i, h := range e.run.Holds {
			if h == model.Fired && run.Holds[i] != model.Fired || h == model.FiredEarly && run.Holds[i] == model.NeverFired {
				return run, false
			}
		}
	}
	for _, v := range e.judge(run) {
		if v.Guarantee == e.verdict.Guarantee {
			return run, v.Outcome == model.Held
		}
	}
	return run, false
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
