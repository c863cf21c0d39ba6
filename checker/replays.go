package checker

import (
	"fmt"
	"slices"

	"github.com/doublemount/doublemount/model"
)

// replay is a write of a journal replay, as the trace shows it: a host read a block
// that an earlier mount, of its own or of another host, had written in another
// life, and at once wrote the same bytes to another block. No design says that it
// does so, and none has to.
type replay struct {
	time    int32
	step    int
	host    model.Host // that replays
	block   int32      // that gets the image
	version int32      // that it becomes
	over    int32      // that was there before
	image   int32      // block of the journal
	sum     uint32
	logged  int        // step in which the image was logged
	logger  model.Host // by whom
	at      int32      // time of that
	alive   bool       // the logger was mounted, and nothing was wrong with it
	harms   bool       // so, or another host had changed the block since; then by is the last such write
	by      model.Record
}

// replays lists them in order.
func replays(run *model.Run) (list []replay) {
	trace := run.Trace
	for i := range trace {
		w := &trace[i]
		if w.Kind != model.BlockWritten {
			continue
		}
		r := readBefore(trace, i)
		if r == nil || r.Block == w.Block || r.Sum != w.Sum || r.Version == 0 {
			continue
		}
		by := logWrite(trace, r)
		if by == nil || by.Host == w.Host && by.Time > mountedAt(run, w) {
			continue // its own journal, of this mount: a checkpoint
		}
		p := replay{time: w.Time, step: int(w.Step), host: w.Host, block: w.Block, version: w.Version,
			over: overwrote(trace, i), image: r.Block, sum: w.Sum, logged: int(by.Step), logger: by.Host, at: by.Time,
			alive: by.Host != w.Host && alive(run, by.Host, by.Time, w.Time)}
		p.by, p.harms = p.late(trace)
		p.harms = p.harms || p.alive
		list = append(list, p)
	}
	return list
}

// readBefore is the last thing that the host of a write did at the disk before it,
// if that was a read.
func readBefore(trace []model.Record, write int) *model.Record {
	for i := write - 1; i >= 0; i-- {
		if r := &trace[i]; r.Host == trace[write].Host {
			switch r.Kind {
			case model.BlockRead:
				return r
			case model.BlockWritten, model.Flushed:
				return nil
			}
		}
	}
	return nil
}

// logWrite is the write of what was read, if that was the continuation of a longer
// one: a log has a descriptor before its images. Blocks that hosts write one by one
// have the same bytes by chance, such as two heartbeats.
func logWrite(trace []model.Record, read *model.Record) *model.Record {
	for i := 1; i < len(trace); i++ {
		w, before := &trace[i], &trace[i-1]
		if w.Kind == model.BlockWritten && w.Block == read.Block && w.Version == read.Version &&
			before.Kind == model.BlockWritten && before.Host == w.Host && before.Block == w.Block-1 {
			return w
		}
	}
	return nil
}

// writerOf is the write of what was read.
func writerOf(trace []model.Record, read *model.Record) *model.Record {
	for i := range trace {
		if w := &trace[i]; w.Kind == model.BlockWritten && w.Block == read.Block && w.Version == read.Version {
			return w
		}
	}
	return nil
}

// mountedAt is when the mount began in which a host wrote: its last mount step that
// started before, or the closing observer's only one.
func mountedAt(run *model.Run, w *model.Record) (at int32) {
	for i := range run.Trace {
		r := &run.Trace[i]
		if r.Time > w.Time {
			break
		}
		if r.Kind == model.StepStarted && r.Host == w.Host {
			if s, _ := run.Program.StepAt(int(r.Step)); s.Kind == model.Mount || s.Kind == model.Remount || s.Kind == model.Reboot {
				at = r.Time
			}
		}
	}
	return at
}

// alive reports whether a host that wrote at one time was mounted at another, and
// had not crashed, been cut off, stood still or lost its way to the disk.
func alive(run *model.Run, host model.Host, since, at int32) bool {
	parted := false
	for i := range run.Trace {
		r := &run.Trace[i]
		if r.Time > at {
			break
		}
		switch {
		case r.Kind == model.PowerLost && r.Time > since:
			return false
		case r.Host != host:
		case r.Time > since && (r.Kind == model.Crashed || r.Kind == model.PortCut):
			return false
		case r.Kind == model.Paused, r.Kind == model.Parted:
			parted = true
		case r.Kind == model.Resumed, r.Kind == model.Healed:
			parted = false
		case r.Kind == model.StepEnded && r.Time > since:
			if s, _ := run.Program.StepAt(int(r.Step)); s.Kind == model.Unmount {
				return false
			}
		}
	}
	return !parted
}

// late reports whether a replay put an older image over what another host than its
// logger had made of the block since it was logged. by is the last such write.
func (p *replay) late(trace []model.Record) (by model.Record, ok bool) {
	for i := range trace {
		w := &trace[i]
		if w.Kind == model.BlockWritten && w.Block == p.block && w.Time > p.at && w.Time < p.time && w.Host != p.logger && w.Sum != p.sum {
			by, ok = *w, true
		}
	}
	return by, ok
}

// again reports whether q is the same doing of the same hosts.
func (p *replay) again(q replay) bool {
	return p.host == q.host && p.logger == q.logger && p.block == q.block && p.sum == q.sum
}

// replayed is the first replay that did harm: of the journal of a host that is well,
// or over what another host had changed since. It stands if the guarantee is held
// when the logger has remounted before, so that there is nothing to replay.
func (e *explainer) replayed() (Cause, bool) {
	for _, p := range replays(&e.run) {
		if !p.harms {
			continue
		}
		for before := e.within(p.step); before >= p.logged && before > 1; before-- {
			if !e.mounted(p.logger, before) {
				continue
			}
			fixed := e.insert(before, []model.Step{{Host: p.logger, Kind: model.Remount}})
			if _, ok := e.passes(fixed); !ok || slices.ContainsFunc(e.tried[fixed.String()].replays, func(q replay) bool { return q.harms && p.again(q) }) {
				continue
			}
			c := p.cause(e)
			c.Nearest = fixed
			c.Change = fmt.Sprintf("had %v remounted before step %d, so that nothing was left in its journal%s", p.logger, before, e.held())
			return c, true
		}
	}
	return Cause{}, false
}

// cause is a replay in words.
func (p *replay) cause(e *explainer) Cause {
	c := Cause{Kind: "replay", Mechanism: LiveReplay, Step: p.step, Host: p.host, Block: p.block, Meaning: e.meaning(p.block),
		Basis: -1, Over: p.over, Writer: p.logger, WroteAt: p.logged}
	c.Text = fmt.Sprintf("%v replayed %s, which %v had logged %s, to %s %s", p.host, c.named(p.image, e), p.logger, inStep(p.logged), c.named(p.block, e), inStep(p.step))
	if p.alive {
		c.Absent = fmt.Sprintf("nothing kept %v from the journal of %v, which was mounted and well", p.host, p.logger)
		c.Text += ": " + c.Absent + "."
		return c
	}
	by := &p.by
	c.Mechanism, c.Over, c.Writer, c.WroteAt = LateReplay, by.Version, by.Host, int(by.Step)
	c.Absent = fmt.Sprintf("nothing had emptied the journal of %v before %v wrote that block", p.logger, by.Host)
	c.Text += fmt.Sprintf(", over version %d, which %v had written %s: %s.", by.Version, by.Host, inStep(int(by.Step)), c.Absent)
	return c
}

// named is a block with its meaning.
func (c Cause) named(block int32, e *explainer) string {
	if m := e.meaning(block); m != "" {
		return fmt.Sprintf("block %d (%s)", block, m)
	}
	return fmt.Sprintf("block %d", block)
}

// within is a step, or the place behind the last one.
func (e *explainer) within(step int) int {
	if step == 0 {
		return len(e.run.Program.Steps) + 1
	}
	return min(step, len(e.run.Program.Steps)+1)
}
