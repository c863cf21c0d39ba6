package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/lab/dir"
	"github.com/doublemount/doublemount/model"
)

// player runs single programs and judges them.
type player struct {
	ctx   context.Context
	child *child
}

func (p *player) close() {
	if p.child != nil {
		p.child.close() // how it ends no longer matters
		p.child = nil
	}
}

// sim runs a program on a design, in a child process. One that ends the process
// has the verdict that a hunt gives it.
func (p *player) sim(design string, names []string, program model.Program) (shown, error) {
	if p.child == nil {
		var err error
		if p.child, err = startChild(p.ctx); err != nil {
			return shown{}, err
		}
	}
	ask := func(j job) (answer, error) {
		a, err := p.child.ask(j)
		if _, died := errors.AsType[*death](err); died {
			p.child = nil
		}
		return a, err
	}
	if _, err := ask(job{Task: taskOpen, Design: design}); err != nil {
		return shown{}, fmt.Errorf("design %q: format or trial mount: %w", design, err)
	}
	a, err := ask(job{Task: taskRun, Design: design, Guarantees: names, Program: program})
	d, died := errors.AsType[*death](err)
	switch {
	case err == nil:
		return *a.Shown, nil
	case !died || p.ctx.Err() != nil:
		return shown{}, err
	}
	s := shown{Run: model.Run{Program: program}}
	for _, name := range names {
		v := model.Verdict{Guarantee: name, Outcome: model.Inconclusive, Limit: "the run did not return: " + d.text}
		if name == model.Progress.Name {
			v = d.verdict()
		}
		s.Verdicts = append(s.Verdicts, v)
	}
	return s, nil
}

// dir runs a program in a directory of its own, which is removed afterwards.
// The design does not matter there.
func (p *player) dir(_ string, names []string, program model.Program) (s shown, err error) {
	promised, err := guarantees(names)
	if err != nil {
		return shown{}, err
	}
	parent, err := os.MkdirTemp("", "doublemount-")
	if err != nil {
		return shown{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(parent)) }()
	runner, err := dir.New(parent, dir.Options{})
	if err != nil {
		return shown{}, err
	}
	run, err := runner.Run(p.ctx, program)
	return shown{Run: run, Verdicts: checker.New(0, promised...)(run)}, err
}
