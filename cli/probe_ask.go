package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/lab/agent"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/reports"
)

// probing is a probe at work.
type probing struct {
	verb   *probeVerb
	runner *agent.Runner
	judge  model.Judge
	light  model.Judge       // of runs in which no mount is a real one
	mounts bool              // every host can be remounted
	rungs  []model.Guarantee // that are judged, strongest first
	judged []model.Guarantee // the rungs, progress, exclusion
	out    io.Writer         // for the table, which grows
	began  time.Time
	total  time.Duration // that it may take
	pair   *pair         // one disk mounted twice, and nevertheless probed
	stop   bool          // ... and seen to be

	rows       []probeRow
	base       tally // of programs without appends
	appends    tally // of those with some: what two hosts append may be overwritten where all else is right
	locks      [2]*breach
	locked     [2]lockSeen   // what was seen of locks of that kind
	remounted  int           // the questions with a remount that sync-to-mount held for
	turns      model.Verdict // of the hand-overs, if they were asked for
	hung       string        // the first operation that never returned
	hangs      int
	operations int
	tried      [256]attempts // by kind
	cases      []string
	unwritten  error
	staleFor   time.Duration // of the breach of close-to-open; 0: not known, negative: all the time
	staleLimit time.Duration // for which it was watched then
}

// attempts is what became of the operations of one kind.
type attempts struct {
	succeeded, failed int
	last              model.Errno
}

// never says of a kind that it was tried often enough and never succeeded, and with
// which error; empty otherwise.
func (p *probing) never(k model.Kind) string {
	const enough = 5
	if t := p.tried[k]; t.succeeded == 0 && t.failed >= enough {
		return fmt.Sprintf("%v (%v, %s)", k, t.last, t.last.Meaning())
	}
	return ""
}

// tally is what the runs of one family broke.
type tally struct {
	broken    []*breach // by probing.judged: the first run that broke it, or nil
	undecided int       // runs in which the judge reached its limit
}

// breach is a run that broke a guarantee.
type breach struct {
	guarantee model.Guarantee
	verdict   model.Verdict
	program   model.Program
	run       model.Run // in which it was seen
	fixed     bool      // of the suite: it is small
	judge     model.Judge
	resting   bool // remounts rested
}

// why is what was wrong, within another sentence: the second of the proof, or, where
// that says no more than that nothing explains it, what was answered.
func (b *breach) why() string {
	v := b.verdict
	text := strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(v.Proof[1], "however "), "."), ": a contradiction")
	if strings.HasPrefix(text, "no order of") {
		text = strings.TrimSuffix(v.Proof[0], ".")
		if len(v.Allowed) > 0 {
			text += ", and right is " + strings.Join(v.Allowed, " or ")
		}
	}
	return text
}

// probeRow is a line of the table.
type probeRow struct {
	Name   string `json:"name"`
	Asks   string `json:"asks"`
	Keeps  string `json:"keeps"`            // the strongest guarantee that the run kept, or "none"
	Reason string `json:"reason,omitempty"` // why none stronger
}

// The kinds of advisory locks, by how they are asked for.
const (
	flock  = iota // whole files
	ranges        // fcntl(2)
)

var lockNames = [...]string{"flock(2)", "fcntl(2) ranges"}

// locksOf is which kinds of locks a Program has.
func locksOf(p model.Program) (has [2]bool) {
	for _, s := range p.Steps {
		if s.Kind == model.Lock {
			has[min(s.Len, 1)] = true
		}
	}
	return has
}

func appends(p model.Program) bool {
	return slices.ContainsFunc(p.Steps, func(s model.Step) bool { return s.Kind == model.Append })
}

// ask puts the questions of the suite.
func (p *probing) ask(ctx context.Context) error {
	all, err := suite(p.runner.Capabilities())
	if err != nil {
		return err
	}
	if p.pair != nil { // what shows it first
		slices.SortStableFunc(all, func(a, b probe) int {
			return boolInt(b.visible()) - boolInt(a.visible())
		})
	}
	for _, q := range all {
		// Without remounts a run takes a tenth of the time, and only what is asked with
		// them needs them.
		p.rest(!slices.ContainsFunc(q.Steps, func(s model.Step) bool { return s.Kind == model.Remount }))
		if p.until(1) == 0 {
			p.row(probeRow{Name: q.name, Asks: q.asks, Keeps: "not asked"})
			continue
		}
		run, err := p.runner.Run(ctx, q.Program)
		if err != nil {
			p.row(probeRow{Name: q.name, Asks: q.asks, Keeps: "no run", Reason: short(err)})
			return fmt.Errorf("%s: %w", q.name, err)
		}
		row, verdicts := p.note(run, true)
		row.Name, row.Asks = q.name, q.asks
		if slices.ContainsFunc(verdicts, func(v model.Verdict) bool {
			return v.Guarantee == model.Exclusion.Name && v.Outcome == model.Violated
		}) {
			row.Keeps = "no exclusion"
		}
		if i := slices.IndexFunc(verdicts, func(v model.Verdict) bool { return v.Guarantee == model.SyncToMount.Name }); strings.Contains(q.name, "remount") && i >= 0 && verdicts[i].Outcome == model.Held {
			p.remounted++
		}
		if strings.HasSuffix(q.name, "-turns") {
			p.turns = verdicts[slices.IndexFunc(verdicts, func(v model.Verdict) bool { return v.Guarantee == model.SyncToMount.Name })]
		}
		if text := sizes(run); text != "" {
			row.Reason = text
		}
		p.row(row)
		if p.pair != nil && q.visible() && p.base.broken[0] != nil {
			p.stop = true
			return nil
		}
	}
	return nil
}

// rest has remounts rest, or not. Where even a new directory is seen only after a
// remount, no run can be made without.
func (p *probing) rest(rest bool) { p.runner.RestRemounts(rest && !p.runner.SeenAfterRemount()) }

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// row prints a line of the table as soon as it is known.
func (p *probing) row(r probeRow) {
	p.rows = append(p.rows, r)
	fmt.Fprintf(p.out, "%-20s %-15s %s\n", r.Name, r.Keeps, r.Asks)
	if r.Reason != "" {
		fmt.Fprintf(p.out, "%36s  %s\n", "", printable(r.Reason))
	}
}

// random makes random runs without appends, then some with, then, where hosts can be
// remounted, some in which they are, until there were enough operations or their time
// is over. After a few operations that never returned
// there is no more to learn that is worth the wait.
func (p *probing) random(ctx context.Context) error {
	caps := func() (all, withoutAppends model.Capabilities) {
		all = p.runner.Capabilities()
		withoutAppends = all
		withoutAppends.Kinds &^= model.SetOf(model.Append)
		return all, withoutAppends
	}
	any := func(model.Program) bool { return true }
	p.rest(true)
	all, without := caps()
	err := p.series(ctx, "random", without, probeOperations, randomUntil, any)
	if err == nil && all.Kinds.Has(model.Append) {
		err = p.series(ctx, "random, appends", all, probeAppends, appendsUntil, appends)
	}
	p.rest(false)
	if err == nil && p.mounts {
		_, without = caps()
		err = p.series(ctx, "random, remounts", without, probeRemounts, remountsUntil, any)
	}
	return err
}

// series makes the runs of one row.
func (p *probing) series(ctx context.Context, name string, caps model.Capabilities, enough int, part float64, wanted func(model.Program) bool) error {
	const mostHangs = 3
	opts := fuzz.Options{Seed: p.verb.Seed, Hosts: len(p.verb.Real.Host), Faults: fuzz.NoFaults}
	worst, before, runs := probeRow{Keeps: p.rungs[0].Name}, p.operations, 0
	var failure error
	for n := 0; p.operations-before < enough && p.until(part) > 0 && p.hangs < mostHangs; n++ {
		program := opts.Program(caps, n)
		if !wanted(program) {
			continue
		}
		run, err := p.runner.Run(ctx, program)
		if err != nil {
			failure = fmt.Errorf("random program %d: %w", n, err)
			break
		}
		runs++
		if row, _ := p.note(run, false); p.rank(row.Keeps) > p.rank(worst.Keeps) {
			worst = row
		}
	}
	worst.Name, worst.Asks = name, fmt.Sprintf("%d random programs, %s operations", runs, thousands(p.operations-before))
	switch {
	case runs == 0:
		worst.Keeps = "not asked"
	case failure != nil:
		worst.Reason = short(failure)
	}
	p.row(worst)
	return failure
}

// rank is the place of a rung, beyond all for none.
func (p *probing) rank(name string) int {
	if i := slices.IndexFunc(p.rungs, func(g model.Guarantee) bool { return g.Name == name }); i >= 0 {
		return i
	}
	return len(p.rungs)
}

// note judges a run and remembers what it broke.
func (p *probing) note(run model.Run, fixed bool) (probeRow, []model.Verdict) {
	for _, op := range run.History {
		if op.Host == model.Final || op.Kind.Event() || op.Skipped {
			continue
		}
		p.operations++
		if t := &p.tried[op.Kind]; op.Succeeded() {
			t.succeeded++
		} else if !op.Pending() {
			t.failed++
			t.last = op.Result.Errno
		}
	}
	t, has := &p.base, locksOf(run.Program)
	if appends(run.Program) {
		t = &p.appends
	}
	p.noteLocks(run)
	row := probeRow{Keeps: "none"}
	undecided := false
	judge := p.judge
	if p.mounts && !p.runner.Mounts() {
		judge = p.light
	}
	verdicts := judge(run)
	for _, verdict := range verdicts {
		i := slices.IndexFunc(p.judged, func(g model.Guarantee) bool { return g.Name == verdict.Guarantee })
		g := p.judged[i]
		switch verdict.Outcome {
		case model.Inconclusive:
			undecided = true
		case model.Violated:
			b := &breach{g, verdict, run.Program, run, fixed, judge, !p.runner.Mounts()}
			if t.broken[i] == nil || fixed && !t.broken[i].fixed {
				t.broken[i] = b
			}
			p.noteAxis(b, has)
			if !g.Axis || row.Reason == "" {
				row.Reason = reports.Finding{Guarantee: g, Verdict: verdict, Run: run}.Headline()
			}
		case model.Held:
			if !g.Axis && row.Keeps == "none" {
				row.Keeps = g.Name
			}
		}
	}
	if undecided {
		t.undecided++
	}
	return row, verdicts
}

// lockSeen is which hosts have had locks of a kind, and whether one was refused while
// another host had one.
type lockSeen uint8

const (
	lockedByA lockSeen = 1 << iota
	lockedByAnother
	refusedOnce
	excluded = lockedByA | lockedByAnother | refusedOnce
)

// noteLocks remembers what was seen of locks.
func (p *probing) noteLocks(run model.Run) {
	for _, op := range run.History {
		if op.Kind != model.Lock || op.Skipped || op.Pending() {
			continue
		}
		seen := &p.locked[min(op.Len, 1)]
		switch {
		case op.Result.Errno == model.EAGAIN:
			*seen |= refusedOnce
		case op.Succeeded() && op.Host == 0:
			*seen |= lockedByA
		case op.Succeeded():
			*seen |= lockedByAnother
		}
	}
}

// noteAxis remembers what was broken beside the ladder.
func (p *probing) noteAxis(b *breach, has [2]bool) {
	switch {
	case b.verdict.Anomaly == model.NoProgress:
		p.hangs++
		if p.hung == "" {
			p.hung = b.hung()
		}
	case b.guarantee.Name == model.Exclusion.Name:
		for kind := range has {
			if has[kind] && !has[1-kind] && p.locks[kind] == nil {
				p.locks[kind] = b
			}
		}
	}
}

// hung is the operation that never returned: "B: append /a 4 #2".
func (b *breach) hung() string {
	for _, op := range b.run.History {
		if op.Pending() && slices.Contains(b.verdict.Steps, op.Step) {
			s := op.AsStep()
			return s.String()
		}
	}
	return b.why()
}

// sizes says what a probe for the size of the disk has found; nothing of others.
func sizes(run model.Run) string {
	var all []model.Op
	for _, op := range run.History {
		if op.Kind == model.Statfs && op.Succeeded() {
			all = append(all, op)
		}
	}
	for _, op := range all {
		if op.Result.Total != all[0].Result.Total {
			return fmt.Sprintf("%v has %d blocks, %v has %d", all[0].Host, all[0].Result.Total, op.Host, op.Result.Total)
		}
	}
	return ""
}
