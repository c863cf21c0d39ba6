package fuzz

import "github.com/doublemount/doublemount/model"

// contends draws whether hosts of this run contend for the locks of one file.
// That takes a file which all of them have open, and left to chance that is rare.
func (g *Generator) contends() bool {
	return g.n > 1 && g.allCan(model.Lock) && g.allCan(model.Open) && g.can(model.Create) && g.src.Intn(16) == 15
}

// contend makes a file that every host opens, on a design without any coherence
// too, and has them lock it.
func (g *Generator) contend() {
	on := func(h model.Host, k model.Kind, change func(s *model.Step)) {
		if !g.hostCan(h, k) || !g.world.mounted[h] {
			return
		}
		s, name := model.Step{Host: h, Kind: k}, noName
		if k == model.Create || k == model.Open {
			s.Path, name = names[g.names[0]], int(g.names[0])
		}
		if change != nil {
			change(&s)
		}
		g.emit(s, name)
	}
	first := g.last
	on(first, model.Create, nil)
	on(first, model.Sync, nil)
	for h := range model.Host(g.n) {
		if h != first && g.src.Intn(2) == 0 {
			on(h, model.Remount, nil)
		}
		on(h, model.Open, func(s *model.Step) { s.File, _ = g.slot(h, false, false) })
	}
	for range 2 + g.src.Intn(3) {
		h := g.nextHost()
		k := model.Lock
		if g.src.Intn(4) == 3 {
			k = model.Unlock
		}
		if slot, ok := g.slot(h, true, false); ok {
			on(h, k, func(s *model.Step) {
				s.File = slot
				g.lock(s)
			})
		}
	}
	g.length = max(g.length, min(len(g.steps)+2, g.maxSteps))
}
