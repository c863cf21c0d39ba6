package fuzz

import (
	"slices"

	"github.com/doublemount/doublemount/model"
)

// Generator makes Programs that a Runner with given capabilities can carry
// out. It holds scratch memory, so it makes many Programs with few allocations
// and is not safe for concurrent use; each Program is the caller's.
type Generator struct {
	caps     model.Capabilities // as Options.Within narrows them
	maxHosts int
	hosts    int // of each Program, or 0: drawn
	maxSteps int

	// Of the Program being made.
	src     Source
	world   picture
	n       int    // hosts
	length  int    // steps to make
	names   []int8 // the names in use
	weights [kinds]uint16
	total   int          // of weights
	faults  model.Faults // that this run draws
	direct  bool         // this run reads and writes past the cache
	ranges  bool         // this run locks words of files
	turns   bool         // one host is mounted at a time
	last    model.Host   // who made the last step
	hot     int          // name last touched, or noName
	data    uint8        // number of the last write
	steps   []model.Step
	traffic []traffic    // of each step
	due     []due        // what ends a disturbance, later
	amid    []model.Hold // that put an event in the middle of a step
}

// kinds and errnos are the sizes of tables over all Kinds and Errnos.
const (
	kinds  = int(model.Tick) + 1
	errnos = model.NumErrnos
)

// ordinary is how often a kind is drawn when a run favours none. Mount is not
// in it: it is drawn for a host that is not mounted; nor faults, whose share
// does not depend on what else there is. Refresh is for interventions, never for
// Programs.
var ordinary = [kinds]uint8{
	model.Create: 6, model.Open: 4, model.Close: 2, model.Read: 4, model.Write: 8,
	model.Append: 4, model.Truncate: 2, model.Unlink: 4, model.Mkdir: 3, model.Rmdir: 2,
	model.Readdir: 3, model.Stat: 3, model.Fsync: 3, model.Sync: 3, model.Statfs: 1,
	model.Unmount: 1, model.Remount: 2, model.Reboot: 1, model.Writeback: 4,
	model.Rename: 5, model.Link: 3, model.Lock: 3, model.Unlock: 1, model.Tick: 4,
}

// NewGenerator prepares for a Runner with caps. Of opts it uses Hosts, Steps and
// Faults. Capabilities that make no sense are cut to what does: at least one
// host, no kind that does not exist.
func NewGenerator(caps model.Capabilities, opts Options) *Generator {
	g := &Generator{caps: opts.Within(caps), maxHosts: min(max(caps.MaxHosts, 1), model.MaxHosts), maxSteps: opts.steps()}
	if opts.Hosts > 0 {
		g.hosts = min(opts.Hosts, g.maxHosts)
	}
	return g
}

// Generate makes one Program from the choices of src, for a caller who wants
// only one; see [Generator] for many.
func Generate(src Source, caps model.Capabilities, opts Options) model.Program {
	return NewGenerator(caps, opts).Generate(src)
}

// Generate makes one Program from the choices of src. It always passes
// [model.Program.Validate] and stays within the capabilities; the same choices
// give the same Program.
func (g *Generator) Generate(src Source) model.Program {
	g.begin(src)
	g.mounts()
	if g.fills() {
		g.fillDisk()
	} else if g.contends() {
		g.contend()
	}
	for g.total > 0 && len(g.steps) < g.length {
		g.step()
	}
	return model.Program{
		Hosts:    g.n,
		Steps:    slices.Clone(g.steps),
		Holds:    g.holds(),
		Strikes:  g.strikes(),
		Unmounts: g.unmounts(),
	}
}

// begin draws what this run is like. Each run favours some kinds and leaves
// others out: what is rare in a uniform mix is then common in some run.
func (g *Generator) begin(src Source) {
	g.src, g.world, g.last, g.hot, g.data = src, picture{}, 0, noName, 0
	g.world.types[root] = model.Dir
	g.steps, g.traffic, g.due, g.amid = g.steps[:0], g.traffic[:0], g.due[:0], g.amid[:0]

	g.n = g.hosts
	if g.n == 0 {
		g.n = min(2, g.maxHosts)
		if g.maxHosts > 2 && src.Intn(4) == 3 {
			g.n = 3
		}
	}
	g.length = minSteps + src.Intn(g.maxSteps-minSteps+1)
	g.names = shapes[src.Intn(len(shapes))]
	if g.can(model.Rename) && src.Intn(8) == 7 {
		g.names = deepShapes[src.Intn(len(deepShapes))]
	}
	g.direct = g.caps.Direct && src.Intn(2) == 1
	g.ranges = g.caps.Ranges && src.Intn(2) == 1
	if g.drawFaults(); g.faults != 0 {
		g.length += 4 // a fault takes steps, and what it broke shows later
	}

	favours := [...]uint8{1, 1, 2, 4, 0, 0, 1, 2}
	g.weights, g.total = [kinds]uint16{}, 0
	for k := model.Create; int(k) < kinds; k++ {
		if ordinary[k] == 0 || !g.can(k) {
			continue
		}
		favour := favours[src.Intn(len(favours))]
		if k == model.Create {
			favour = max(favour, 1) // without files hardly anything succeeds
		}
		g.weights[k] = uint16(ordinary[k] * favour)
		g.total += int(g.weights[k])
	}
	g.weighFaults()
	if len(g.names) == 1 && g.weights[model.Rename]+g.weights[model.Link] > 0 {
		g.names = shapes[1] // a new name must be another
	}
}

func (g *Generator) can(k model.Kind) bool { return g.caps.Kinds.Has(k) }

// hostCan reports whether host h can do k, allCan whether every host can.
func (g *Generator) hostCan(h model.Host, k model.Kind) bool {
	return g.can(k) && (int(h) >= len(g.caps.Lacks) || !g.caps.Lacks[h].Has(k))
}

func (g *Generator) allCan(k model.Kind) bool {
	for h := range g.n {
		if !g.hostCan(model.Host(h), k) {
			return false
		}
	}
	return true
}

// mounts brings the hosts online: all, or all but one that comes later, or
// only the first where hosts take turns.
func (g *Generator) mounts() {
	if !g.can(model.Mount) {
		for h := range g.n {
			g.world.mounted[h] = true // as there is nothing to mount
		}
		return
	}
	online := g.n
	g.turns = false
	if g.n > 1 {
		switch manner := g.src.Intn(10); {
		case !g.allCan(model.Unmount): // who cannot leave is there from the beginning
		case manner >= 7 && manner < 9 && !g.caps.Exclusive:
			online--
		case manner == 9 || g.caps.Exclusive && manner > 0:
			online, g.turns = 1, true
		}
	}
	for h := range online {
		g.emit(model.Step{Host: model.Host(h), Kind: model.Mount}, noName)
	}
	g.length = max(g.length, online+2)
}

// step makes the next step, sometimes a few: whose turn, what, on what.
func (g *Generator) step() {
	if g.overdue() {
		return
	}
	h := g.nextHost()
	if !g.world.mounted[h] {
		if g.turns && g.world.mounted[g.last] {
			g.emit(model.Step{Host: g.last, Kind: model.Unmount}, noName)
		}
		if g.can(model.Mount) && g.src.Intn(8) < 7 {
			g.emit(model.Step{Host: h, Kind: model.Mount}, noName)
			return
		}
	}
	const tries = 4
	wild := g.src.Intn(8) == 7 // whatever comes of it
	for range tries {
		if g.attempt(h, g.kind(), wild) {
			return
		}
	}
	// There is nothing to work on: make something, or do anything at all.
	k := model.Create
	if !g.can(k) || g.src.Intn(8) == 7 {
		k = g.kind()
	}
	if !g.attempt(h, k, false) {
		g.attempt(h, k, true) // makes a step, unless h cannot do k at all
	}
}

// attempt makes a step of kind k, if there is something for it to work on or it
// is wild.
func (g *Generator) attempt(h model.Host, k model.Kind, wild bool) bool {
	if disturbs(k) {
		return g.disturb(h, k, wild)
	}
	if !g.hostCan(h, k) {
		return false
	}
	s, name, ok := g.fit(h, k, wild)
	if ok {
		g.emit(s, name)
	}
	return ok
}

// nextHost favours another host than the last, so that hosts touch the same
// names soon after each other; where they take turns, a turn lasts a while.
func (g *Generator) nextHost() model.Host {
	change := 3
	if g.turns {
		change = 1
	}
	h := g.last
	if g.n > 1 && g.src.Intn(5) < change {
		h = model.Host((int(g.last) + 1 + g.src.Intn(g.n-1)) % g.n)
	}
	for range g.n { // one that stands still does nothing
		if !g.world.paused[h] {
			break
		}
		h = model.Host((int(h) + 1) % g.n)
	}
	return h
}

// kind draws a kind by its weight.
func (g *Generator) kind() model.Kind {
	n := g.src.Intn(g.total)
	for k, w := range g.weights {
		if n -= int(w); n < 0 {
			return model.Kind(k)
		}
	}
	return model.Create // not reached: n < total
}

// emit appends s and keeps the picture up to date.
func (g *Generator) emit(s model.Step, name int) {
	if s.Kind == model.Write || s.Kind == model.Append {
		g.data++
		s.Data = g.data
	}
	g.steps = append(g.steps, s)
	g.traffic = append(g.traffic, g.world.apply(s, name))
	if s.Host != model.Everyone {
		g.last = s.Host
	}
	switch {
	case s.Kind.TwoPaths():
		g.hot = indexOf(s.To)
	case name != noName && name != root:
		g.hot = name
	}
}

// unmounts draws the closing order.
func (g *Generator) unmounts() []model.Host {
	order := make([]model.Host, g.n)
	for h := range order {
		order[h] = model.Host(h)
	}
	for i := range len(order) - 1 {
		j := i + g.src.Intn(len(order)-i)
		order[i], order[j] = order[j], order[i]
	}
	return order
}
