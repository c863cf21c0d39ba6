package doublemount

import (
	"context"
	"fmt"

	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/reports"
)

// hangFinding is the finding of a run that did not come back. The goroutine
// that knows what it hangs in cannot be asked, so the Program is run again with
// one step, two steps, and so on, until it hangs; that takes as long as the
// hang did, and leaves a second goroutine behind.
func (s settings) hangFinding(h *hung) reports.Finding {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var w watch
	stuck := w.supervise(s.hang, func() {
		e, err := newEngine(s, &w)
		if err != nil {
			return
		}
		defer e.close()
		// First with the holds that are known to fire, then with the next one,
		// which is thrown away if it does not: it would make a case stale.
		p := h.program.Clone()
		for n := 1; n <= len(p.Steps); n++ {
			for _, before := range []int{n - 1, n} {
				run, err := e.runner.Run(ctx, prefix(p, n, before))
				if err != nil {
					return
				}
				w.ended(run)
				p.Holds = fired(p.Holds, before, run.Holds)
			}
		}
	})
	p, history := h.program, []model.Op(nil)
	if stuck != nil {
		p, history = stuck.program, stuck.before
	}
	last := len(p.Steps)
	if n := len(history); n > 0 || last == 1 {
		s := p.Steps[last-1]
		op := model.Op{Step: last, Host: s.Host, Kind: s.Kind, Path: s.Path, File: s.File, Off: s.Off, Len: s.Len, Data: s.Data, Return: model.Never}
		if n > 0 {
			op.Call = history[n-1].Return + 1
		}
		history = append(history, op)
	}
	text := fmt.Sprintf("the run made no progress for %v", s.hang)
	f := s.bare(p, model.Verdict{
		Guarantee: model.Progress.Name, Outcome: model.Violated, Anomaly: model.Anomaly(model.Hang.String()),
		Observed: text, Allowed: []string{"every step returns"}, Steps: []int{last},
		Proof: [2]string{
			"a step returns, or calls its host and can be stopped there.",
			fmt.Sprintf("however %s, in step %d or in the unmounts after it: something loops, or waits, without calling its host.", text, last),
		},
	})
	f.Run.History, f.Original = history, len(h.program.Steps)
	return f
}

// prefix is the first n steps of p with the holds of steps before another, cut
// to where the prefix ends.
func prefix(p model.Program, n, before int) model.Program {
	short := model.Program{Hosts: p.Hosts, Steps: p.Steps[:n], Unmounts: p.Unmounts}
	for _, h := range p.Holds {
		if h.Step < before {
			h.Until = min(h.Until, n)
			short.Holds = append(short.Holds, h)
		}
	}
	return short
}

// fired is holds without those of steps before another that did not fire.
func fired(holds []model.Hold, before int, states []model.HoldState) (kept []model.Hold) {
	for _, h := range holds {
		if h.Step < before && len(states) > 0 {
			state := states[0]
			if states = states[1:]; state == model.NeverFired {
				continue
			}
		}
		kept = append(kept, h)
	}
	return kept
}
