package doublemount

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/fnv"
	"runtime/debug"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/reports"
)

// twiceEvery is how often a run is made twice to see whether it is the same.
const twiceEvery = 100

// search is the random part of a Run. Its property is what rapid calls.
type search struct {
	*engine
	ctx      context.Context
	stopAt   time.Time
	programs *rapid.Generator[model.Program]

	made         int // runs
	late         bool
	badDraw      string // the last draw that gave no Program
	counter      fuzz.Counter
	digest       hash.Hash64
	inconclusive int

	found     *violation
	different *model.Program // gave two different runs
	err       error          // of the harness
}

// search makes the runs and reports what came of them.
func (r *testRun) search(ctx context.Context, e *engine, a *answer) {
	gen := fuzz.NewGenerator(e.runner.Capabilities(), r.options())
	s := &search{engine: e, ctx: ctx, stopAt: r.stopAt, programs: programs(gen), digest: fnv.New64a()}
	complaints := r.t.check(s.property)
	switch {
	case s.found != nil:
		f, err := e.minimise(ctx, *s.found)
		if e.w.abandoned() {
			return
		}
		a.failure = fmt.Sprintf("%s broke %s after %d runs\n", r.design.Name, f.Guarantee.Name, s.made)
		if s.made == 1 {
			a.failure = fmt.Sprintf("%s broke %s in the first run\n", r.design.Name, f.Guarantee.Name)
		}
		if err != nil {
			a.failure += fmt.Sprintf("note: %v\n", err)
		}
		a.failure += r.report(f, r.foundIn(s.found.run))
	case s.different != nil:
		a.failure = fmt.Sprintf("%s: %v\n%s\n\n%v", r.design.Name, ErrNondeterministic, nondeterministicHint, s.different)
	case s.err != nil:
		a.failure = fmt.Sprintf("%s: run %d: %v", r.design.Name, s.made, s.err)
	case s.made < s.runs && !s.late:
		complaints = append(complaints, s.badDraw)
		a.failure = fmt.Sprintf("%s: only %d of %d runs were drawn\nhint: -rapid.checks must be 1 or more, with -short 5\n%s",
			r.design.Name, s.made, s.runs, strings.Join(complaints, "\n"))
	default:
		s.summary(a)
	}
}

// property draws and tries Programs until the search is over. It returns
// normally whatever happens, so rapid has nothing to shrink or to write; a draw
// that rapid cuts short (from a fail file that somebody left) ends this call
// only.
func (s *search) property(t *rapid.T) {
	for s.goesOn() {
		p, ok := s.draw(t)
		if !ok {
			return
		}
		s.try(p)
	}
}

func (s *search) goesOn() bool {
	s.late = s.late || !s.stopAt.IsZero() && time.Now().After(s.stopAt)
	return s.made < s.runs && !s.late && s.found == nil && s.different == nil && s.err == nil && s.ctx.Err() == nil
}

func (s *search) draw(t *rapid.T) (p model.Program, ok bool) {
	defer func() {
		if r := recover(); r != nil {
			s.badDraw = fmt.Sprint(r)
		}
	}()
	return s.programs.Draw(t, "program"), true
}

// try makes one run. A panic of the harness itself must not reach rapid, which
// would take it for a property that failed.
func (s *search) try(p model.Program) {
	defer func() {
		if r := recover(); r != nil {
			s.err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	number := s.made
	s.made++
	s.w.number(number, p)
	run, err := s.runner.Run(s.ctx, p)
	if err != nil {
		s.err = err
		return
	}
	s.counter.Count(&run)
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], run.Digest)
	s.digest.Write(b[:])
	v, inconclusive := violated(s.judge(run))
	if v != nil || number%twiceEvery == 0 {
		again, err := s.runner.Run(s.ctx, p)
		if err != nil {
			s.err = err
			return
		}
		if again.Digest != run.Digest {
			s.different = &p
			return
		}
	}
	switch {
	case v != nil:
		s.found = &violation{program: p, verdict: *v, run: number}
	case inconclusive:
		s.inconclusive++
	}
}

// summary logs what was reached and found in order.
func (s *search) summary(a *answer) {
	names := make([]string, len(s.guarantees))
	for i, g := range s.guarantees {
		names[i] = g.Name
	}
	a.logf("%s: %d runs, %d operations, digest %s: no violation of %s", s.design.Name, s.made,
		s.counter.Attempted, reports.Hex(s.digest.Sum64()), strings.Join(names, ", "))
	if s.made < s.runs {
		a.logf("the deadline of the test was near: only %d of %d runs were made", s.made, s.runs)
	}
	if s.inconclusive > 0 {
		a.logf("inconclusive: %d runs could not be judged within the limit", s.inconclusive)
	}
	for _, weak := range s.counter.Weak(s.options().Within(s.runner.Capabilities())) {
		a.logf("weak: %s", weak)
	}
}
