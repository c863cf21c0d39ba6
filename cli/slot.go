package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/model"
)

// slot is the place of one child in a campaign: when its process ends, another
// takes it.
type slot struct {
	c     *campaign
	kill  context.Context // ends the processes
	child *child          // nil: none yet, or it died
}

// errKilled says that the parent ended the process.
var errKilled = errors.New("the worker was ended")

// work does batches until there are no more.
func (s *slot) work(ctx context.Context) error {
	for {
		batch, ok := s.c.take(ctx)
		if !ok {
			return nil
		}
		switch err := s.batch(batch); {
		case errors.Is(err, errKilled):
			return nil
		case err != nil:
			return err
		}
	}
}

// batch has one batch made and counted. Each run that ends the process is a
// finding, and the batch is made again without it. Which run that was is known
// at once if it hung; else the batch is made again by a child that says what it
// is about to run.
func (s *slot) batch(batch int) error {
	j := s.c.order
	j.Task, j.Batch, j.Skip = taskBatch, batch, maps.Clone(s.c.order.Skip)
	var lost []fuzz.Finding
	var failures []fuzz.Failure
	for {
		if err := s.ready(j.Design); err != nil {
			return err
		}
		a, err := s.child.ask(j)
		d, died := errors.AsType[*death](err)
		switch {
		case err == nil:
			b := *a.Batch
			b.Runs += len(lost) // they were made, and had a verdict
			b.HarnessErrors += len(failures)
			b.Tally.Add(&fuzz.Tally{Findings: lost, Failures: failures})
			return s.c.put(b)
		case !died:
			return fmt.Errorf("batch %d: %w", batch, err)
		case s.kill.Err() != nil:
			s.child = nil
			s.c.giveUp(lost)
			return errKilled
		}
		s.child = nil
		if d.at == nil {
			if j.Tell {
				return fmt.Errorf("batch %d: outside of any run: %w", batch, d)
			}
			j.Tell = true
			failures = []fuzz.Failure{{Run: batch * fuzz.BatchRuns, Text: d.text + "; not again in any run of this batch"}}
			continue
		}
		failures = nil // it was this run
		f := d.finding()
		f.Original = len(f.Program.Steps)
		lost = append(lost, f)
		if j.Skip == nil {
			j.Skip = map[int]bool{}
		}
		j.Skip[d.at.Run] = true
		if !s.c.died(d, f) {
			s.c.giveUp(lost)
			return nil
		}
	}
}

// ready makes sure that there is a child which has the design.
func (s *slot) ready(design string) error {
	if s.child != nil {
		return nil
	}
	child, err := startChild(s.kill)
	if err != nil {
		return err
	}
	a, err := child.ask(job{Task: taskOpen, Design: design})
	if err != nil {
		if s.kill.Err() != nil {
			return errKilled
		}
		if _, died := errors.AsType[*death](err); died {
			return fmt.Errorf("design %q: format or trial mount: %w", design, err)
		}
		child.close() // how it ends no longer matters
		return err
	}
	s.child = child
	s.c.opened(*a.Capabilities)
	return nil
}

// close ends the child, if there is one. How it ends no longer matters.
func (s *slot) close() {
	if s.child != nil {
		s.child.close()
		s.child = nil
	}
}

// finding is the violation that a run which ended its process is.
func (d *death) finding() fuzz.Finding {
	return fuzz.Finding{Verdict: d.verdict(), Program: d.at.Program, Run: d.at.Run}
}

// verdict is what a judge would say of it.
func (d *death) verdict() model.Verdict {
	return model.Verdict{
		Guarantee: model.Progress.Name,
		Outcome:   model.Violated,
		Anomaly:   model.Anomaly(d.kind.String()),
		Observed:  d.text,
		Proof: [2]string{
			"every operation of this program has to return an answer.",
			"however the design did not let one of them: " + d.text + ".",
		},
	}
}
