package fuzz

import "github.com/doublemount/doublemount/model"

// plainerEvents makes of an event the plainer one: of a power loss the crash of
// one host, of a clock that runs ahead time that passes for all, of a partition
// from one host, with what heals it, that from all.
func plainerEvents(p model.Program, can model.KindSet, yield func(model.Program) bool) {
	for i, s := range p.Steps {
		switch {
		case s.Kind == model.PowerLoss && can.Has(model.Crash):
			for h := range p.Hosts {
				q := p.Clone()
				q.Steps[i] = model.Step{Host: model.Host(h), Kind: model.Crash, Off: s.Off}
				if !yield(q) {
					return
				}
			}
		case s.Kind == model.Tick && s.Host != model.Everyone:
			q := p.Clone()
			q.Steps[i].Host = model.Everyone
			if !yield(q) {
				return
			}
		case s.Kind == model.Partition && s.Off > 0:
			q := p.Clone()
			q.Steps[i].Off = model.FromAll
			for _, j := range endsOf(p, i) {
				q.Steps[j].Off = model.FromAll
			}
			if !yield(q) {
				return
			}
		case s.Kind == model.Heal && s.Off > 0: // of a partition that is gone, or of several
			q := p.Clone()
			q.Steps[i].Off = model.FromAll
			if !yield(q) {
				return
			}
		}
	}
}

// plainerStrikes hits an earlier command, with the plainest strike that is the
// same fault, for a shorter time.
func plainerStrikes(p model.Program, _ model.KindSet, yield func(model.Program) bool) {
	for i, k := range p.Strikes {
		with := func(change func(k *model.Strike)) bool {
			q := p.Clone()
			change(&q.Strikes[i])
			return yield(q)
		}
		plainer := model.NoStrike
		switch k.Kind {
		case model.FailOn:
			plainer = model.Fail
		case model.Misdirect:
			plainer = model.LoseWrite
		case model.Double, model.Delay:
			plainer = model.Drop
		}
		if plainer != model.NoStrike && !with(func(k *model.Strike) { k.Kind, k.Arg = plainer, 0 }) {
			return
		}
		least := 0
		if k.Kind == model.Delay {
			least = k.Step + 1
		}
		if k.Kind.TakesArg() && k.Arg > least &&
			(!with(func(k *model.Strike) { k.Arg = least }) || !with(func(k *model.Strike) { k.Arg-- })) {
			return
		}
		if k.N > 1 && (!with(func(k *model.Strike) { k.N = 1 }) || !with(func(k *model.Strike) { k.N-- })) {
			return
		}
	}
}
