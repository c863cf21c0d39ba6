package checker

import (
	"fmt"
	"slices"

	"github.com/doublemount/doublemount/model"
)

// Cause is the block write that brought a violation about.
//
// It is found by provenance (who wrote which version of a block from a copy of
// which version) and checked by intervention: the same Program is run again
// with the hosts made to hand the block over at one moment, and the cause
// stands (Verified) only if the guarantee is held then.
type Cause struct {
	Text string // one sentence, or [NotIsolated]
	// Kind is "stale-write", "stale-copy", "rollback", "replay", "early-use",
	// "unfenced", "false-fence", "no-flush", "no-write-back", "crash", "strike",
	// "overlap", "unshared-lock", "kept-lock", "early-free", "left-behind" or "".
	Kind      string
	Mechanism Mechanism  // what the field calls it, or ""
	Absent    string     // what did not happen and should have, where that is the cause, or ""
	Step      int        // the step that issued the guilty write, or used the stale copy
	Host      model.Host // the guilty host
	Block     int32      // -1 for none
	Meaning   string     // what the block is: "directory block of /"
	Basis     int32      // the version that the guilty host's copy had, -1 for none
	Over      int32      // the version that it destroyed, or did not see
	Writer    model.Host // who had written that version
	WroteAt   int        // and at which step
	Verified  bool
	later     bool // stale-copy: that version came when Step had ended

	Nearest model.Program // the nearest passing run; no steps when not Verified
	Change  string        // what it does otherwise: "had B re-read block 7 before step 6, ..."
}

const (
	staleWrite = "stale-write"
	staleCopy  = "stale-copy"
)

// suspects lists what may have caused a violation, the likeliest first: writes
// that destroyed a version which their host had never seen, latest first, those
// of or over the steps of the proof before others; then copies that the hosts
// of the proof's steps went on using although the disk had newer ones.
func suspects(run model.Run, v model.Verdict) []Cause {
	var list []Cause
	for i := len(run.Trace) - 1; i >= 0; i-- {
		w := run.Trace[i]
		if w.Kind != model.BlockWritten || w.Host == model.Final || w.Base >= overwrote(run.Trace, i) {
			continue
		}
		// The latest version among those it had not seen that another host made.
		for j := i - 1; j >= 0; j-- {
			o := run.Trace[j]
			if o.Kind == model.BlockWritten && o.Block == w.Block && o.Version > w.Base && o.Host != w.Host {
				list = append(list, Cause{Kind: staleWrite, Step: int(w.Step), Host: w.Host, Block: w.Block,
					Basis: w.Base, Over: o.Version, Writer: o.Host, WroteAt: int(o.Step)})
				break
			}
		}
	}
	proof := func(c Cause) int {
		if slices.Contains(v.Steps, c.Step) || slices.Contains(v.Steps, c.WroteAt) {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(list, func(a, b Cause) int { return proof(a) - proof(b) })
	return append(list, staleCopies(run)...)
}

// overwrote is the version that a write replaced.
func overwrote(trace []model.Record, write int) int32 {
	for i := write - 1; i >= 0; i-- {
		if r := &trace[i]; r.Block == trace[write].Block && (r.Kind == model.BlockWritten || r.Kind == model.Reverted) {
			return r.Version
		}
	}
	return 0
}

// staleCopies lists, for each operation, latest first, the blocks that its host
// had a copy of which was older than what another host had put on the disk, or
// than what it put there later: then the change was still in that host's cache.
func staleCopies(run model.Run) []Cause {
	var list []Cause
	for n := len(run.Program.Steps); n >= 1; n-- {
		step := run.Program.Steps[n-1]
		if step.Kind.Event() {
			continue
		}
		var end int32
		for _, r := range run.Trace {
			if int(r.Step) == n && r.Kind == model.StepEnded {
				end = r.Time
			}
		}
		seen := map[int32]int32{} // version that the host had of each block
		for _, r := range run.Trace {
			if r.Time <= end && (r.Kind == model.Crashed && r.Host == step.Host || r.Kind == model.PowerLost) {
				clear(seen) // its copies went with its memory
			}
			if r.Time <= end && r.Host == step.Host && (r.Kind == model.BlockRead || r.Kind == model.BlockWritten) {
				seen[r.Block] = r.Version
			}
		}
		for i := len(run.Trace) - 1; i >= 0; i-- {
			r := run.Trace[i]
			had, ok := seen[r.Block]
			if r.Kind != model.BlockWritten || r.Host == step.Host || r.Host == model.Final || !ok || r.Version <= had {
				continue
			}
			delete(seen, r.Block) // one suspect a block
			list = append(list, Cause{Kind: staleCopy, Step: n, Host: step.Host, Block: r.Block,
				Basis: had, Over: r.Version, Writer: r.Host, WroteAt: int(r.Step), later: r.Time > end})
		}
	}
	return list
}

// absence is what did not happen that would have spared the suspect.
func (c Cause) absence() string {
	between := ""
	if 0 < c.WroteAt && c.WroteAt < c.Step {
		between = fmt.Sprintf(" between steps %d and %d", c.WroteAt, c.Step)
	}
	if c.Kind == staleCopy && c.later {
		return fmt.Sprintf("no write-back by %v before step %d ended", c.Writer, c.Step)
	}
	return fmt.Sprintf("no invalidation of it on %v, and no re-read%s", c.Host, between)
}

// sentence says what was done, in one sentence.
func (c Cause) sentence() string {
	block := fmt.Sprintf("block %d", c.Block)
	if c.Meaning != "" {
		block += " (" + c.Meaning + ")"
	}
	from := fmt.Sprintf("from a copy of version %d", c.Basis)
	if c.Basis < 0 {
		from = "without having read it"
	}
	switch {
	case c.Kind == rollback:
		return fmt.Sprintf("%v gave %s %s the bytes of version %d back, over version %d, which %v had written %s.",
			c.Host, block, inStep(c.Step), c.Basis, c.Over, c.Writer, inStep(c.WroteAt))
	case c.Kind == staleCopy && c.later:
		return fmt.Sprintf("%v used its copy of %s, version %d, in step %d, while a change by %v came to the disk only %s, as version %d: %s.",
			c.Host, block, c.Basis, c.Step, c.Writer, inStep(c.WroteAt), c.Over, c.absence())
	case c.Kind == staleCopy:
		return fmt.Sprintf("%v used its copy of %s, version %d, in step %d, although %v had written version %d %s: %s.",
			c.Host, block, c.Basis, c.Step, c.Writer, c.Over, inStep(c.WroteAt), c.absence())
	}
	return fmt.Sprintf("%v wrote %s %s %s, and destroyed version %d, which %v had written %s and %v had never seen.",
		c.Host, block, inStep(c.Step), from, c.Over, c.Writer, inStep(c.WroteAt), c.Host)
}

// inStep is "in step 4", or when that was the closing observer's doing.
func inStep(step int) string {
	if step == 0 {
		return "after the last step"
	}
	return fmt.Sprintf("in step %d", step)
}
