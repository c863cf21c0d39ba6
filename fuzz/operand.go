package fuzz

import "github.com/doublemount/doublemount/model"

// fit gives a step of kind k on host h its operands. ok is false where the
// picture has nothing for k to work on, so that another kind is a better step;
// never for a wild one.
func (g *Generator) fit(h model.Host, k model.Kind, wild bool) (s model.Step, name int, ok bool) {
	s, name = model.Step{Host: h, Kind: k}, noName
	switch k {
	case model.Writeback:
		if s.Len = int32(g.src.Intn(4)); s.Len > 0 && g.src.Intn(3) == 2 {
			s.Off = int32(1 + g.src.Intn(3))
		}
		return s, name, wild || g.world.dirty[h]
	case model.Sync:
		return s, name, wild || g.world.dirty[h]
	case model.Unmount, model.Remount, model.Reboot:
		return s, name, wild || g.world.changed
	case model.Statfs:
		return s, name, true
	case model.Close:
		s.File, ok = g.slot(h, true, wild)
		return s, name, ok
	case model.Lock, model.Unlock:
		if s.File, ok = g.slot(h, true, wild && g.src.Intn(4) == 0); ok {
			g.lock(&s)
		}
		return s, name, ok
	case model.Open:
		s.File, ok = g.slot(h, false, wild && g.src.Intn(2) == 0)
		if !ok && wild {
			s.File, ok = g.slot(h, true, false)
		}
		if !ok {
			return s, name, false
		}
	}
	if k.TakesData() {
		g.extent(&s)
		if g.can(model.Open) && g.src.Intn(2) == 1 {
			if s.File, ok = g.slot(h, true, wild && g.src.Intn(2) == 0); ok {
				return s, name, true
			}
		}
	}
	if name, ok = g.name(k, wild); !ok {
		return s, name, false
	}
	s.Path = names[name]
	if k.TwoPaths() {
		var to int
		if to, ok = g.newName(k, name, wild); ok {
			s.To = names[to]
		}
	}
	return s, name, ok
}

// newName draws what a rename or link calls name, so that it succeeds, or any
// name if wild: itself, one below itself, one that is taken. ok is false if
// there is none.
func (g *Generator) newName(k model.Kind, name int, wild bool) (to int, ok bool) {
	if wild {
		return int(g.names[g.src.Intn(len(g.names))]), true
	}
	var fit [nameCount]int8
	n := 0
	for _, to := range g.names {
		if !g.world.sameFile(name, int(to)) && g.world.allowsTo(k, name, int(to)) {
			fit[n] = to
			n++
		}
	}
	if n == 0 {
		return noName, false
	}
	return int(fit[g.src.Intn(n)]), true
}

// slot draws a handle slot of h that is in use or not, as wanted, or any slot
// if wild.
func (g *Generator) slot(h model.Host, used, wild bool) (slot uint8, ok bool) {
	if wild {
		return uint8(1 + g.src.Intn(model.MaxFile)), true
	}
	var fit [model.MaxFile]uint8
	n := 0
	for slot := uint8(1); slot <= model.MaxFile; slot++ {
		if g.world.slots[h][slot] == used {
			fit[n] = slot
			n++
		}
	}
	if n == 0 {
		return 0, false
	}
	if !used {
		return fit[0], true // which empty slot is filled makes no difference
	}
	return fit[g.src.Intn(n)], true
}

// name draws a name on which k succeeds, favouring the one last touched, or
// any name if wild. ok is false if there is none.
func (g *Generator) name(k model.Kind, wild bool) (name int, ok bool) {
	lists := k == model.Readdir
	if wild {
		if k == model.Stat {
			lists = true
		}
		n := len(g.names)
		if lists {
			n++
		}
		if i := g.src.Intn(n); i < len(g.names) {
			return int(g.names[i]), true
		}
		return root, true
	}
	var fit [nameCount]int8
	n, hot := 0, false
	for _, name := range g.names {
		// That others fill a directory while it is removed is worth a failure.
		full := k == model.Rmdir && g.world.types[name] == model.Dir
		if full || g.world.allows(k, int(name)) {
			fit[n] = name
			n++
			hot = hot || int(name) == g.hot
		}
	}
	if lists {
		fit[n] = root
		n++
	}
	switch {
	case n == 0:
		return noName, false
	case hot && g.src.Intn(2) == 0:
		return g.hot, true
	}
	return int(fit[g.src.Intn(n)]), true
}

// lock draws what a lock is of: a file, or some of its first words; and now and
// then that others may have it too. Where these are two kinds of lock that need not
// see each other, a run has one of them.
func (g *Generator) lock(s *model.Step) {
	if s.Kind == model.Lock {
		s.Shared = g.src.Intn(3) == 2
	}
	if g.ranges && (g.caps.LocksApart || g.src.Intn(3) > 0) {
		const half = model.WordsPerBlock / 2
		s.Off, s.Len = half*int32(g.src.Intn(3)), half*int32(1+g.src.Intn(2))
	}
}

// extent draws the offset and length that s.Kind uses: a block or two, now and
// then parts of blocks.
func (g *Generator) extent(s *model.Step) {
	const block = model.WordsPerBlock
	switch s.Kind {
	case model.Read, model.Write:
		switch c := g.src.Intn(16); {
		case c < 10:
		case c < 13:
			s.Off = block
		case c < 14:
			s.Off = 2 * block
		default:
			s.Off = int32(g.src.Intn(2 * block))
		}
		fallthrough
	case model.Append:
		switch c := g.src.Intn(16); {
		case c < 9:
			s.Len = block
		case c < 12:
			s.Len = 2 * block
		default:
			s.Len = int32(1 + g.src.Intn(2*block))
		}
	case model.Truncate:
		switch c := g.src.Intn(8); {
		case c < 3:
		case c < 5:
			s.Len = block
		default:
			s.Len = int32(g.src.Intn(3 * block))
		}
	}
	if g.direct && (s.Kind == model.Read || s.Kind == model.Write) && g.src.Intn(3) == 2 {
		s.Direct = true
		s.Off -= s.Off % block
		s.Len = (s.Len + block - 1) / block * block
	}
}
