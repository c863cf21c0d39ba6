package fuzz

import "github.com/doublemount/doublemount/model"

// fills draws whether this run fills the disk. Few do: such runs are slow and
// find little else. It needs to know the size, and one write must be able to
// reach it.
func (g *Generator) fills() bool {
	blocks := g.caps.Space.Blocks
	if blocks < 1 || blocks > model.MaxWords/model.WordsPerBlock {
		return false
	}
	return g.src.Intn(32) == 31
}

// fillDisk makes the steps that fill the disk and then ask for one block more
// in each way there is. How many blocks a format needs for itself is not known,
// so the big write is drawn from a range and small ones go after it. The
// directory made before may get its first block only when it gets its first
// name: putting one there is what can fail.
func (g *Generator) fillDisk() {
	g.names = everyName
	if g.src.Intn(4) < 3 {
		g.put(model.Mkdir, dirA, 0)
	}
	big := fileB
	g.put(model.Create, big, 0)
	g.put(model.Write, big, max(g.caps.Space.Blocks-g.src.Intn(8), 1))
	for range g.src.Intn(4) {
		k := model.Append
		if !g.can(k) {
			k = model.Write
		}
		g.put(k, big, 1+g.src.Intn(2))
	}
	last := [...]struct {
		kind model.Kind
		name int
	}{
		{model.Create, childAB}, {model.Mkdir, childAB}, {model.Create, childAA}, {model.Create, dirA},
		{model.Mkdir, dirA}, {model.Append, big}, {model.Unlink, big}, {model.Statfs, noName},
	}
	for range 1 + g.src.Intn(3) {
		next := last[g.src.Intn(len(last))]
		g.put(next.kind, next.name, 1)
	}
	// Something must be left to happen on the full disk.
	g.length = max(g.length, min(len(g.steps)+1, g.maxSteps))
}

// put emits a step of kind k on a mounted host, if the Runner can do it; blocks
// is the length of a write.
func (g *Generator) put(k model.Kind, name, blocks int) {
	h := g.nextHost()
	if !g.world.mounted[h] {
		h = g.last
	}
	if !g.hostCan(h, k) || !g.world.mounted[h] {
		return
	}
	s := model.Step{Host: h, Kind: k}
	if name != noName {
		s.Path = names[name]
	}
	if k == model.Write || k == model.Append {
		s.Len = int32(blocks * model.WordsPerBlock)
	}
	g.emit(s, name)
}
