package fuzz

import "github.com/doublemount/doublemount/model"

// maxHolds is the most holds a Program is given: few overlaps in the right
// place find more than many.
const maxHolds = 3

// holds draws the holds: those that put an event in the middle of a step, and
// besides none in more than half of the runs, else one to maxHolds in all.
func (g *Generator) holds() []model.Hold {
	var holds [maxHolds]model.Hold
	n := copy(holds[:], g.amid)
	if !g.caps.Holds && !g.caps.Overlaps || g.n < 2 || len(g.steps) < 2 || g.src.Intn(100) < 53 {
		return append([]model.Hold(nil), holds[:n]...)
	}
	wanted := min(n+1, maxHolds)
	for wanted < maxHolds && g.src.Intn(3) == 2 {
		wanted++
	}
	const tries = 8
	for range tries {
		if n == wanted {
			break
		}
		i := g.src.Intn(len(g.steps) - 1)
		at, likely := g.command(g.traffic[i])
		if at == model.NoCommand || !likely && g.src.Intn(2) == 1 || heldAlready(holds[:n], i+1) {
			continue
		}
		if until, ok := g.until(i); ok {
			holds[n] = model.Hold{Step: i + 1, At: at, N: g.nth(likely), Until: until + 1}
			n++
		}
	}
	return append([]model.Hold(nil), holds[:n]...)
}

func heldAlready(holds []model.Hold, step int) bool {
	for _, h := range holds {
		if h.Step == step {
			return true
		}
	}
	return false
}

// command draws the kind of command to stop at from those that a step with
// traffic t may issue; likely says whether it probably issues one.
func (g *Generator) command(t traffic) (at model.CommandKind, likely bool) {
	const reads, writes = readsMaybe | readsLikely, writesMaybe | writesLikely
	if t != 0 {
		// Faults that only hosts with messages or reservations survive say that
		// there are some.
		if g.caps.Survives&(model.Partitions|model.LostMessages) != 0 && g.src.Intn(6) == 5 {
			return model.SendCommand, true
		}
		if g.caps.Survives.Has(model.Fences) && g.src.Intn(16) == 15 {
			return [...]model.CommandKind{model.CompareCommand, model.ReserveCommand}[g.src.Intn(2)], true
		}
	}
	pick := t & (readsLikely | writesLikely)
	if likely = pick != 0; !likely {
		pick = t & (readsMaybe | writesMaybe)
	}
	rare := g.src.Intn(20)
	switch {
	case pick == 0:
		return model.NoCommand, false
	case rare == 18 && t&flushes != 0:
		return model.FlushCommand, true
	case rare == 19:
		return model.LockCommand, false
	case pick&reads != 0 && pick&writes != 0 && g.src.Intn(2) == 0 || pick&writes == 0:
		return model.ReadCommand, likely
	}
	return model.WriteCommand, likely
}

// nth draws which command to stop at, low numbers first. A step of which we are
// not sure that it issues any has hardly more than one.
func (g *Generator) nth(likely bool) int {
	c := g.src.Intn(10)
	switch {
	case c < 6 || !likely:
		return 1
	case c < 8:
		return 2
	}
	return c - 5 // 3 or 4
}

// until draws the step (from 0) whose end releases step i: soon after another
// host has worked on the same names, else after another host has worked at
// all.
func (g *Generator) until(i int) (int, bool) {
	const reach = 6
	end := min(i+reach, len(g.steps)-1)
	found := -1
	for j := i + 1; j <= end; j++ {
		if g.steps[j].Host == g.steps[i].Host {
			continue
		}
		if found < 0 {
			found = j
		}
		if meet(g.steps[i], g.steps[j]) {
			found = j
			break
		}
	}
	if found < 0 {
		return 0, false
	}
	return min(found+g.src.Intn(3), len(g.steps)-1), true
}

// meet reports whether two steps may work on the same names. One without a
// path, a sync or a mount, may work on any.
func meet(a, b model.Step) bool {
	return sameTop(a.Path, b.Path) || a.To != "" && sameTop(a.To, b.Path) || b.To != "" && sameTop(a.Path, b.To) ||
		a.To != "" && b.To != "" && sameTop(a.To, b.To)
}

func sameTop(p, q model.Path) bool {
	return p == "" || q == "" || p == model.Root || q == model.Root || p.Top() == q.Top()
}
