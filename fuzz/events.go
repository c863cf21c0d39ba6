package fuzz

import (
	"math"
	"math/bits"

	"github.com/doublemount/doublemount/model"
)

// faultsOf are the faults of which an event of kind k is one, 0 for operations
// and for ordinary life. A tick is both: of all hosts, or of one.
func faultsOf(k model.Kind) model.Faults {
	if k == model.Partition || k == model.Heal {
		return model.Partitions | model.DiskPartitions
	}
	if k == model.Tick {
		return 0
	}
	return model.Step{Kind: k}.Fault()
}

// disturbs reports whether k is an event that comes from outside.
func disturbs(k model.Kind) bool { return k >= model.Crash }

// drawFaults draws which faults of the budget this run has: about two of many,
// and sometimes none. A run in which everything goes wrong says little. But a
// host that stands still wants to be fenced: that is how zombies are made.
func (g *Generator) drawFaults() {
	g.faults = 0
	n := bits.OnesCount32(uint32(g.caps.Survives))
	for left := g.caps.Survives; left != 0; left &= left - 1 {
		if g.src.Intn(n+2) >= n {
			g.faults |= left & -left
		}
	}
	if g.faults.Has(model.Pauses) && g.caps.Survives.Has(model.Fences) && g.src.Intn(2) == 1 {
		g.faults |= model.Fences
	}
}

// weighFaults gives the events that are faults of this run their weights, when
// all others have theirs: together about one step in seven.
func (g *Generator) weighFaults() {
	n := bits.OnesCount32(uint32(g.faults &^ strikable))
	whole := max(g.total, 12)
	for k := model.Crash; int(k) < kinds; k++ {
		if faultsOf(k)&g.faults == 0 || !g.can(k) || k == model.Resume || k == model.Heal {
			continue
		}
		g.weights[k] = uint16(max(whole*(1+g.src.Intn(3))/(12*n), 1))
		g.total += int(g.weights[k])
	}
}

// due is an event that ends a disturbance, once there are so many steps.
type due struct {
	step model.Step
	at   int
}

// overdue makes the next event that is due, if there is one and it still makes
// sense.
func (g *Generator) overdue() bool {
	for i := 0; i < len(g.due); i++ {
		if g.due[i].at > len(g.steps) {
			continue
		}
		s, w := g.due[i].step, &g.world
		g.due = append(g.due[:i], g.due[i+1:]...)
		i--
		switch s.Kind {
		case model.Resume:
			if !w.paused[s.Host] {
				continue
			}
		case model.Mount:
			if w.mounted[s.Host] {
				continue
			}
		case model.Unmount, model.Remount, model.Reboot:
			if !w.fenced[s.Host] {
				continue
			}
		}
		g.emit(s, noName)
		return true
	}
	return false
}

// later makes s due after least to least+span-1 more steps, most of the time;
// often is in eighths.
func (g *Generator) later(s model.Step, least, span, often int) {
	if g.hostCan(s.Host, s.Kind) && g.src.Intn(8) < often {
		g.due = append(g.due, due{s, len(g.steps) + least + g.src.Intn(span)})
	}
}

// disturb makes an event from outside, most often of the host that has just
// done something, and what belongs to it: a step that it interrupts, and what
// ends it later. It reports false if the event cannot happen to the host, or, if it is
// not wild, would change nothing.
func (g *Generator) disturb(h model.Host, k model.Kind, wild bool) bool {
	w := &g.world
	if k == model.Tick {
		g.emit(g.tick(h), noName)
		return true
	}
	if w.mounted[g.last] && !w.paused[g.last] && g.src.Intn(4) > 0 {
		h = g.last
	}
	h = g.dirtyFrom(h)
	if k == model.Fence && g.src.Intn(4) > 0 {
		h = g.standing(h)
	}
	if !g.hostCan(h, k) {
		return false
	}
	s := model.Step{Host: h, Kind: k}
	// A host that has changed nothing has little to lose.
	ok := w.mounted[h] && (w.dirty[h] || w.paused[h] || k == model.Partition || g.src.Intn(4) == 3)
	switch k {
	case model.Pause:
		ok = ok && !w.paused[h] && g.n > 1
	case model.Fence:
		ok = ok && !w.fenced[h]
	case model.Partition:
		s.Off = g.partedFrom(h)
		ok = ok && (g.n > 1 || s.Off == model.FromDisk)
	case model.DiskReset:
		ok = w.changed
	}
	if !ok && !wild {
		return false
	}
	if ok {
		g.interrupt(h)
	}
	switch k {
	case model.Crash:
		s.Off = g.kept()
	case model.PowerLoss, model.DiskReset:
		s.Host, s.Off = model.Everyone, g.kept()
	}
	up := w.mounted
	g.emit(s, noName)
	switch k {
	case model.Crash:
		g.later(model.Step{Host: h, Kind: model.Mount}, 0, 3, 6)
	case model.PowerLoss:
		for h := range g.n {
			if up[h] {
				g.later(model.Step{Host: model.Host(h), Kind: model.Mount}, 0, 3, 6)
			}
		}
	case model.Pause:
		g.later(model.Step{Host: h, Kind: model.Resume}, 1, 4, 7)
	case model.Partition:
		g.later(model.Step{Host: h, Kind: model.Heal, Off: s.Off}, 1, 5, 7)
	case model.Fence:
		g.later(model.Step{Host: h, Kind: g.revival()}, 1, 4, 7)
	}
	return true
}

// dirtyFrom is h, or the next host after it that has changed something, if there
// is one.
func (g *Generator) dirtyFrom(h model.Host) model.Host {
	for i := range g.n {
		if next := model.Host((int(h) + i) % g.n); g.world.dirty[next] && !g.world.paused[next] {
			return next
		}
	}
	return h
}

// standing is a host that stands still, or h.
func (g *Generator) standing(h model.Host) model.Host {
	for other := range g.n {
		if g.world.paused[other] && !g.world.fenced[other] {
			return model.Host(other)
		}
	}
	return h
}

// revival is what gives a fenced host its disk back.
func (g *Generator) revival() model.Kind {
	switch {
	case g.can(model.Remount) && (g.src.Intn(2) == 0 || !g.can(model.Reboot)):
		return model.Remount
	case g.can(model.Reboot):
		return model.Reboot
	}
	return model.Unmount // and a mount when it is its turn
}

// interrupt is called before an event of host h: more often than not the event
// happens in the middle of a step of h, most often one made for that, and most
// often where that writes.
func (g *Generator) interrupt(h model.Host) {
	if !g.caps.Holds || !g.world.mounted[h] || g.world.paused[h] || len(g.amid) == maxHolds || g.src.Intn(3) == 0 {
		return
	}
	if g.src.Intn(4) > 0 {
		g.prepare(h)
	}
	i, ok := g.lastOf(h)
	if !ok {
		return
	}
	at, likely := g.command(g.traffic[i])
	if g.traffic[i]&(writesMaybe|writesLikely) != 0 && g.src.Intn(4) > 0 {
		at = model.WriteCommand
	}
	if at == model.NoCommand {
		return
	}
	n := g.nth(likely)
	if at == model.WriteCommand && n == 1 && g.src.Intn(4) == 3 {
		n = 2 + g.src.Intn(4) // between two writes that belong together
	}
	if other := g.nextHost(); other != h && g.world.mounted[other] && g.src.Intn(4) == 3 {
		if k, ok := g.quietKind(); ok {
			if s, name, ok := g.fit(other, k, false); ok {
				g.emit(s, name)
			}
		}
	}
	if g.world.mounted[h] || g.steps[i].Kind == model.Unmount {
		g.amid = append(g.amid, model.Hold{Step: i + 1, At: at, N: n, Until: len(g.steps) + 1})
	}
}

// prepare makes a step of h that is worth interrupting: half of the time one
// that writes what is dirty, where something is.
func (g *Generator) prepare(h model.Host) {
	k, ok := g.quietKind()
	if g.world.dirty[h] && g.src.Intn(2) == 1 {
		k = [...]model.Kind{model.Sync, model.Writeback, model.Fsync, model.Unmount}[g.src.Intn(4)]
		ok = g.can(k)
	}
	if !ok {
		return
	}
	s, name, ok := g.fit(h, k, false)
	if !ok {
		return
	}
	if k == model.Writeback {
		s.Off, s.Len = 0, 0
	}
	g.emit(s, name)
}

// quietKind draws a kind that is no event from outside; ok is false if it draws
// none.
func (g *Generator) quietKind() (k model.Kind, ok bool) {
	for range 3 {
		if k := g.kind(); !disturbs(k) {
			return k, true
		}
	}
	return model.Create, g.can(model.Create)
}

// lastOf is the latest step of h (from 0) that may still be under way: one of
// the last few, with disk commands, not held yet.
func (g *Generator) lastOf(h model.Host) (int, bool) {
	const reach = 4
	for i := len(g.steps) - 1; i >= max(0, len(g.steps)-reach); i-- {
		if g.steps[i].Host == model.Everyone && g.steps[i].Kind != model.Tick || g.steps[i].Host == h && disturbs(g.steps[i].Kind) {
			break
		}
		if g.steps[i].Host == h && g.traffic[i] != 0 && !heldAlready(g.amid, i+1) {
			return i, true
		}
	}
	return 0, false
}

// kept draws which writes survive a crash, power loss or disk reset: none, all, one, the
// first few, any.
func (g *Generator) kept() int32 {
	switch c := g.src.Intn(8); {
	case c < 3:
		return 0
	case c < 4:
		return math.MaxInt32
	case c < 5:
		return 1 << g.src.Intn(8)
	case c < 6:
		return 1<<(1+g.src.Intn(6)) - 1
	}
	return int32(g.src.Intn(math.MaxInt32))
}

// partedFrom draws what h is parted from, within the faults of the run.
func (g *Generator) partedFrom(h model.Host) int32 {
	disk, hosts := g.faults.Has(model.DiskPartitions), g.faults.Has(model.Partitions)
	switch {
	case disk && (!hosts || g.src.Intn(2) == 1):
		return model.FromDisk
	case g.n > 1 && g.src.Intn(2) == 1:
		return 1 + int32((int(h)+1+g.src.Intn(g.n-1))%g.n)
	}
	return model.FromAll
}

// tick draws how much time passes, for whom: little mostly.
func (g *Generator) tick(h model.Host) model.Step {
	s := model.Step{Host: model.Everyone, Kind: model.Tick, Len: 1}
	if g.faults.Has(model.SkewedClocks) && g.src.Intn(2) == 1 {
		s.Host = h
	}
	switch c := g.src.Intn(32); {
	case c < 12:
	case c < 24:
		s.Len += int32(g.src.Intn(8))
	case c < 31:
		s.Len += int32(g.src.Intn(64))
	default:
		s.Len += int32(g.src.Intn(model.MaxTick))
	}
	return s
}
