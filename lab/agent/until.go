package agent

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/doublemount/doublemount/lab/files"
	"github.com/doublemount/doublemount/model"
)

// ErrNotStale is wrapped by the error of [Runner.Until] if the step was right at
// once.
var ErrNotStale = errors.New("it was right at once")

// Until runs a Program in a fresh directory up to one of its steps, which must be a
// look at something (it is repeated), and asks that again and again until it answers
// what is right, as a judge of the run up to there says. The duration is the time from
// its first answer to the first that is right, as far as asking every few milliseconds
// tells; a negative one says that it was wrong all the time.
func (r *Runner) Until(ctx context.Context, p model.Program, step int, right func(model.Run) bool, limit time.Duration) (time.Duration, error) {
	if step < 1 || step > len(p.Steps) || p.Steps[step-1].Kind.Event() || p.Steps[step-1].Kind.Changes() {
		return 0, errors.New("not a step that looks at something")
	}
	dir := r.nextDir()
	if err := r.enter(ctx, dir, r.members[:p.Hosts]); err != nil {
		return 0, err
	}
	defer r.leave(dir)
	x := execution{r: r, ctx: ctx, dir: dir, program: p, written: files.WrittenBy(p)}
	if err := x.steps(step - 1); err != nil {
		return 0, err
	}
	if err := x.land(func(flight) bool { return true }); err != nil {
		return 0, err
	}
	s := p.Steps[step-1]
	m := r.members[s.Host]
	if !m.mounted {
		return 0, errors.New("its host is not mounted there")
	}
	before := len(x.history)
	for first, began := true, time.Now(); ; first = false {
		x.history = x.history[:before]
		n := x.call(step, s)
		a := m.host.Do(s)
		if a.Err != nil {
			return 0, a.Err
		}
		op := &x.history[n]
		op.Return, op.Skipped, op.Result = a.Return, a.Skipped, a.Result
		x.written.Judge(a.Result.Data)
		run := model.Run{Program: p, History: slices.Clone(x.history), LocksApart: true}
		took := time.Since(began)
		switch ok := right(run); {
		case ok && first:
			return 0, ErrNotStale
		case ok:
			return took, nil
		case took >= limit:
			return -1, nil
		}
		if err := sleep(ctx, patience); err != nil {
			return 0, err
		}
	}
}

// patience is how long Until waits before it asks again.
const patience = 20 * time.Millisecond
