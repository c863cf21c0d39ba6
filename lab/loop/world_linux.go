package loop

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/lab/files"
	"github.com/doublemount/doublemount/model"
)

// world is the disk and its hosts. One goroutine, that of Run, starts steps;
// commands of the disk and answers of hosts come on others. Everything is
// guarded by mu.
type world struct {
	mu      sync.Mutex
	changed *sync.Cond // something that somebody may wait for

	disk    *disk.Disk
	hosts   []*host // one for each port; the last is the observer
	exports *exports
	runs    int             // number of the run
	ctx     context.Context // of the run

	program      model.Program
	written      *files.Written
	step         int          // number of the latest step
	ended        map[int]bool // steps
	time         int64
	busy         time.Time // when something last happened
	history      []model.Op
	trace        []model.Record
	holds        []model.HoldState
	holdCounts   []int
	released     []bool
	strikes      []bool
	strikeCounts []int
	marks        map[string]int
	flights      []flight
	tasks        []*task
	refusals     []string // what failed mounts were told, in the words of the system
	trouble      error    // of the harness
}

func newWorld(template *disk.Image, hosts int) *world {
	w := &world{disk: disk.New(template, hosts+1)}
	w.changed = sync.NewCond(&w.mu)
	w.exports = newExports(w, int64(template.Blocks())*blockSize)
	for i := range hosts + 1 {
		w.hosts = append(w.hosts, &host{w: w, id: model.Host(i), port: disk.Port(i)})
	}
	w.hosts[hosts].id = model.Final
	return w
}

func (w *world) observer() *host { return w.hosts[len(w.hosts)-1] }

// reset makes the world new for a program. Whatever still comes from the hosts
// of the run before belongs to another incarnation, and is lost.
func (w *world) reset(p model.Program) {
	w.disk.Reset()
	w.runs++
	w.program, w.written, w.step, w.time, w.trouble = p, files.WrittenBy(p), 0, 0, nil
	w.history, w.trace = nil, nil
	w.holds, w.holdCounts, w.released = make([]model.HoldState, len(p.Holds)), make([]int, len(p.Holds)), make([]bool, len(p.Holds))
	w.strikes, w.strikeCounts = make([]bool, len(p.Strikes)), make([]int, len(p.Strikes))
	w.ended, w.marks = map[int]bool{}, map[string]int{}
	w.flights, w.tasks, w.refusals = nil, nil, nil
	for _, h := range w.hosts {
		h.mounted, h.paused, h.noDisk, h.file, h.calls = false, false, false, "", nil
	}
}

// attach gives a host a new incarnation of its port.
func (w *world) attach(h *host) {
	n := w.disk.Attach(h.port)
	h.fresh, h.failed = true, false
	h.failOn = [model.CommandKinds]bool{}
	h.file = w.exports.add(portFile{w.runs, h.port, n}, h.id)
	w.record(model.Record{Step: int16(w.step), Host: h.id, Kind: model.Attached, Version: n})
}

func (w *world) record(r model.Record) {
	r.Time = int32(len(w.trace))
	w.trace = append(w.trace, r)
	w.busy = time.Now()
}

func (w *world) note(h model.Host, kind model.RecordKind, block int32) {
	w.record(model.Record{Step: int16(w.step), Host: h, Kind: kind, Block: block})
}

// working is the call that a command of a host is issued for: the latest that is
// not held, else the latest; nil when the kernel does it by itself.
func (h *host) working() *call {
	var found *call
	for _, c := range h.calls {
		if c.held == 0 || found == nil || found.held > 0 {
			found = c
		}
	}
	return found
}

// command carries out a command of an incarnation and reports whether it
// succeeded. It waits as long as a pause or a hold keeps the command.
func (w *world) command(f portFile, c disk.Command) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if f.run != w.runs || w.disk.Incarnation(f.port) != f.incarnation {
		return false
	}
	h := w.hosts[f.port]
	ticket, err := w.disk.Submit(f.port, c)
	if err != nil {
		return false
	}
	number, by := w.step, h.working()
	if by != nil {
		number = by.number
	}
	w.flights = append(w.flights, flight{h, number, ticket, c.Kind, int(c.Blocks)})
	struck := w.reach(h, by, number, c.Kind, f)
	for h.paused && w.current(f) {
		w.changed.Wait()
	}
	if f.run != w.runs {
		return false
	}
	w.unfly(ticket)
	fate := disk.Fate{}
	switch {
	case h.noDisk || h.failOn[c.Kind]:
		fate.Kind = disk.Failed
	case struck != nil:
		fate = w.strike(h, struck)
	}
	_, err = w.disk.CompleteWith(ticket, fate)
	w.busy = time.Now()
	if err != nil {
		if c.Kind != model.ReadCommand && w.disk.Incarnation(f.port) == f.incarnation {
			h.failed = true
		}
		return false
	}
	w.landed(h, number, c.Kind)
	return true
}

// current reports whether an incarnation can still reach the disk.
func (w *world) current(f portFile) bool {
	return f.run == w.runs && w.disk.Incarnation(f.port) == f.incarnation && w.disk.Attached(f.port)
}

// reach counts a command for the holds and strikes of its step. A hold keeps it
// here until the step that it waits for has ended.
func (w *world) reach(h *host, by *call, number int, kind model.CommandKind, f portFile) *model.Strike {
	if number == 0 || by == nil {
		return nil
	}
	for i := range w.holds {
		a := &w.program.Holds[i]
		if a.Step != number || a.At != kind {
			continue
		}
		if w.holdCounts[i]++; w.holdCounts[i] != a.N || w.holds[i] != model.NeverFired {
			continue
		}
		w.holds[i] = model.Fired
		w.record(model.Record{Step: int16(number), Host: h.id, Kind: model.HoldStarted})
		by.held++
		w.changed.Broadcast()
		for w.current(f) && !w.released[i] && !w.ended[a.Until] {
			w.changed.Wait()
		}
		if f.run != w.runs {
			return nil
		}
		by.held--
		end := model.HoldEnded
		if w.holds[i] == model.FiredEarly {
			end = model.HoldCut
		}
		w.record(model.Record{Step: int16(number), Host: h.id, Kind: end})
	}
	for i := range w.strikes {
		k := &w.program.Strikes[i]
		if k.Step != number || k.At != kind {
			continue
		}
		if w.strikeCounts[i]++; w.strikeCounts[i] == k.N {
			w.strikes[i] = true
			w.record(model.Record{Step: int16(number), Host: h.id, Kind: model.Struck, Block: int32(i)})
			return k
		}
	}
	return nil
}

// strike is what becomes of a command that is hit.
func (w *world) strike(h *host, k *model.Strike) disk.Fate {
	switch k.Kind {
	case model.FailOn:
		h.failOn[k.At] = true
		return disk.Fate{Kind: disk.Failed}
	case model.Fail:
		return disk.Fate{Kind: disk.Failed}
	case model.LoseWrite:
		return disk.Fate{Kind: disk.Lost}
	case model.Misdirect:
		return disk.Fate{Kind: disk.Misdirected, Block: k.Arg}
	}
	return disk.Fate{}
}

// landed records what a command has done.
func (w *world) landed(h *host, number int, kind model.CommandKind) {
	r := model.Record{Step: int16(number), Host: h.id}
	switch kind {
	case model.FlushCommand:
		r.Kind = model.Flushed
		w.record(r)
		return
	case model.ReadCommand:
		r.Kind = model.BlockRead
	default:
		r.Kind = model.BlockWritten
	}
	for _, b := range w.disk.Results() {
		r.Block, r.Version, r.Base, r.Sum = int32(b.Block), b.Version, b.Base, b.Sum
		w.record(r)
	}
}

// readImage copies the disk's present bytes, for the checkers.
func (w *world) readImage(p []byte, offset int64) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.disk.Image().ReadAt(p, offset)
}

// over notes that a step has ended, and lets go who was held until then.
func (w *world) over(number int) {
	w.ended[number] = true
	w.changed.Broadcast()
}

// Limits of time. They decide no verdict: a run in which one is reached is an
// error of the harness, or says that a hold was cut short.
const (
	quiet    = 400 * time.Millisecond // no command and no answer: what is held, holds up
	patience = 90 * time.Second       // an operation that takes so long will not end
	look     = 50 * time.Millisecond
)

// await waits until ok, for patience at most and not after the end of the run's
// context, and reports whether ok. When
// nothing happens for a while, whoever is held is let go early, oldest first.
func (w *world) await(ok func() bool) bool {
	begun := time.Now()
	w.busy = begun
	for !ok() {
		if time.Since(begun) > patience || w.ctx.Err() != nil {
			return false
		}
		if time.Since(w.busy) > quiet {
			w.cutOldest()
		}
		timer := time.AfterFunc(look, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.changed.Broadcast()
		})
		w.changed.Wait()
		timer.Stop()
	}
	return true
}

// cutOldest ends the oldest hold that keeps a command.
func (w *world) cutOldest() {
	for _, f := range w.flights {
		if f.host.paused {
			continue
		}
		for i := range w.holds {
			if w.program.Holds[i].Step == f.number && w.holds[i] == model.Fired && !w.released[i] {
				w.holds[i], w.released[i] = model.FiredEarly, true
				w.busy = time.Now()
				w.changed.Broadcast()
				return
			}
		}
	}
}

// flight is a command that has come to its port and has not been carried out.
type flight struct {
	host   *host
	number int
	ticket disk.Ticket
	kind   model.CommandKind
	blocks int
}

func (w *world) unfly(t disk.Ticket) {
	for i := range w.flights {
		if w.flights[i].ticket == t {
			w.flights = append(w.flights[:i:i], w.flights[i+1:]...)
			return
		}
	}
}

// fail notes what the harness could not do. The first counts.
func (w *world) fail(format string, args ...any) {
	if w.trouble == nil {
		w.trouble = fmt.Errorf(format, args...)
	}
}
