package fuzz

import "github.com/doublemount/doublemount/model"

// maxStrikes is the most strikes a Program is given.
const maxStrikes = 3

// strikable are the faults that befall single commands.
const strikable = model.IOErrors | model.LostMessages | model.LyingDisk

// strikes draws the strikes, if the run has such faults: one to maxStrikes, of
// steps that may issue a command of that kind.
func (g *Generator) strikes() []model.Strike {
	if g.faults&strikable == 0 || len(g.steps) == 0 {
		return nil
	}
	wanted := 1
	for wanted < maxStrikes && g.src.Intn(3) == 2 {
		wanted++
	}
	var strikes [maxStrikes]model.Strike
	n := 0
	const tries = 12
	for range tries {
		if n == wanted {
			break
		}
		i := g.src.Intn(len(g.steps))
		if k, ok := g.strike(i); ok && !struckAlready(strikes[:n], k) {
			strikes[n] = k
			n++
		}
	}
	return append([]model.Strike(nil), strikes[:n]...)
}

func struckAlready(strikes []model.Strike, k model.Strike) bool {
	for _, s := range strikes {
		if s.Step == k.Step && s.At == k.At && s.N == k.N {
			return true
		}
	}
	return false
}

// strike draws what hits step i, from 0. ok is false if the step is not
// expected to issue such a command.
func (g *Generator) strike(i int) (k model.Strike, ok bool) {
	const reads, writes = readsMaybe | readsLikely, writesMaybe | writesLikely
	t := g.traffic[i]
	var fit [3]model.Faults
	n := 0
	for _, f := range [...]model.Faults{model.IOErrors, model.LostMessages, model.LyingDisk} {
		if g.faults.Has(f) {
			fit[n] = f
			n++
		}
	}
	k.Step, k.N = i+1, 1
	switch fit[g.src.Intn(n)] {
	case model.IOErrors:
		k.At = g.failing(t)
		k.Kind = [...]model.StrikeKind{model.Fail, model.Fail, model.Fail, model.FailOn}[g.src.Intn(4)]
	case model.LyingDisk:
		if t&writes == 0 {
			return k, false
		}
		k.At = model.WriteCommand
		if k.Kind = [...]model.StrikeKind{model.LoseWrite, model.Misdirect}[g.src.Intn(2)]; k.Kind == model.Misdirect {
			k.Arg = g.src.Intn(16) // where what all hosts need is likely to be
			if g.src.Intn(2) == 1 {
				k.Arg = g.src.Intn(max(g.caps.Space.Blocks, 16))
			}
		}
	default:
		k.At = model.SendCommand
		k.Kind = [...]model.StrikeKind{model.Drop, model.Double, model.Delay}[g.src.Intn(3)]
		if k.Kind == model.Delay {
			if i+1 == len(g.steps) {
				return k, false
			}
			k.Arg = i + 2 + g.src.Intn(min(4, len(g.steps)-i-1))
		}
	}
	if t&(reads|writes) == 0 || k.At == model.NoCommand {
		return k, false
	}
	k.N = g.nth(t&(readsLikely|writesLikely) != 0)
	return k, true
}

// failing draws which command of a step with traffic t fails.
func (g *Generator) failing(t traffic) model.CommandKind {
	if g.caps.Survives.Has(model.Fences) && g.src.Intn(12) == 11 {
		return [...]model.CommandKind{model.CompareCommand, model.ReserveCommand}[g.src.Intn(2)]
	}
	if t&flushes != 0 && g.src.Intn(4) == 3 {
		return model.FlushCommand
	}
	reads, writes := t&(readsMaybe|readsLikely) != 0, t&(writesMaybe|writesLikely) != 0
	switch {
	case reads && (!writes || g.src.Intn(2) == 0):
		return model.ReadCommand
	case writes:
		return model.WriteCommand
	}
	return model.NoCommand
}
