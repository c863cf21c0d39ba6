package dlm

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
)

// game is a lock space whose hosts do what the names of the files say that they
// create, and, outside of all hosts, who may do what: the oracle.
type game struct {
	claims  []claim
	players []*player
	latest  [things]uint64 // of each lock value block
	doubt   [things]bool   // ... or that was lost when nobody had a lock
	serial  uint64
	errs    []string
	turns   [Slots]int // recoveries begun

	grants, deadlocks, busies, cancels, blocked, recovered, invalid, zombies int
}

// claim is a mode that a host believes it has. It ends when the host says so
// before it gives the lock up, or when its last life has been recovered.
type claim struct {
	who   *player
	thing uint32
	mode  Mode
}

const (
	things    = 3
	viewBlock = 0
	beatBlock = 1
	firstUse  = beatBlock + Slots
)

// design makes the game's design. Names are three letters: what to do, on which
// thing, in which mode.
func (g *game) design() sim.Design {
	c := Config{View: viewBlock, Beats: beatBlock}
	return sim.Design{
		Name: "game",
		Disk: disk.Config{BlockSize: 256, Blocks: firstUse + things + 1, Compare: true, Volatile: true},
		Format: func(d disk.Device) error {
			return Format(d, c)
		},
		Mount: func(h *sim.Host) (sim.FS, error) {
			p := &player{g: g, h: h}
			g.players = append(g.players, p)
			n, err := Join(h, Config{View: viewBlock, Beats: beatBlock, Dead: 4, Silent: 6, Watchdog: 9,
				Recover: func(slot int) error { return g.recover(h, slot) },
				Blocked: p.blocked})
			if err != nil {
				return nil, err
			}
			p.n, p.joined = n, true
			for _, c := range g.claims {
				if c.who.h == h && c.mode != None {
					g.fail("host %v joined before what its last life had was recovered", h.ID())
				}
			}
			return p, nil
		},
	}
}

func (g *game) fail(format string, args ...any) {
	g.errs = append(g.errs, fmt.Sprintf(format, args...))
}

// recover ends the claims of what has gone, as of now.
func (g *game) recover(by *sim.Host, slot int) error {
	g.turns[slot]++
	turn := g.turns[slot]
	p := make([]byte, by.BlockSize())
	for range 3 { // it takes a while
		by.Sleep(1)
		if err := by.WriteBlock(firstUse+things, p); err != nil {
			return err
		}
		if g.turns[slot] != turn {
			g.fail("slot %d is recovered by %v and by another at once", slot, by.ID())
		}
	}
	g.recovered++
	for _, p := range g.players {
		if p.joined && int(slotOf(p.h.ID())) == slot {
			p.void = true
		}
	}
	kept := g.claims[:0]
	for _, c := range g.claims {
		if !c.who.void {
			kept = append(kept, c)
		}
	}
	g.claims = kept
	return nil
}

// player is one mount.
type player struct {
	g      *game
	h      *sim.Host
	n      *Node
	joined bool
	void   bool // recovered: nothing of it counts any more, nothing of it may land

	using [things]sim.Mutex
	modes [things]Mode
}

func name(thing uint32) Name { return Name{7, thing} }

// claim notes that the host now has a mode, or less than it had.
func (p *player) claim(thing uint32, mode Mode) {
	if p.void {
		p.g.zombies++
		return
	}
	g := p.g
	found := false
	for i := range g.claims {
		c := &g.claims[i]
		switch {
		case c.thing != thing:
		case c.who == p:
			c.mode, found = mode, true
		case !c.mode.Compatible(mode):
			g.fail("%v of thing %d was granted to host %v while host %v has %v", mode, thing, p.h.ID(), c.who.h.ID(), c.mode)
		}
	}
	if !found {
		g.claims = append(g.claims, claim{p, thing, mode})
	}
}

// alone reports whether nobody else has a lock on the thing.
func (p *player) alone(thing uint32) bool {
	for _, c := range p.g.claims {
		if c.who != p && c.thing == thing && c.mode != None {
			return false
		}
	}
	return true
}

// change brings the host's lock to a mode; the caller has using.
func (p *player) change(thing uint32, mode Mode, noQueue bool) error {
	g, from := p.g, p.modes[thing]
	if p.n.Removed() {
		return ErrRemoved
	}
	o := Options{NoQueue: noQueue}
	if from >= PW && mode <= from {
		// What was changed has to be on the disk before others may see it.
		if err := p.h.WriteBlock(firstUse+int(thing), make([]byte, p.h.BlockSize())); err != nil {
			p.n.Withdraw()
			return err
		}
		if p.n.Removed() {
			return ErrRemoved
		}
		g.serial++
		v := Value{}
		order.PutUint64(v[:], g.serial)
		o.Value = &v
		if !p.void {
			g.latest[thing], g.doubt[thing] = g.serial, false
		}
	}
	if less := meet(from, mode); less != from {
		p.claim(thing, less)
	}
	alone := p.alone(thing) && from == None
	var err error
	switch {
	case from == None && mode == None:
		return nil
	case from == None:
		err = p.n.Lock(name(thing), mode, o)
	case mode == None:
		err = p.n.Unlock(name(thing), o.Value)
	default:
		err = p.n.Convert(name(thing), mode, o)
	}
	switch err {
	case nil:
	case ErrBusy:
		g.busies++
	case ErrDeadlock:
		g.deadlocks++
	case ErrCanceled:
		g.cancels++
	default:
		return err
	}
	if err != nil {
		if less := meet(from, mode); less != from {
			p.claim(thing, from)
		}
		return err
	}
	g.grants++
	p.modes[thing] = mode
	p.claim(thing, mode)
	if transferOf(from, mode) == readValue && !p.void {
		p.checkValue(thing, mode, alone || from == None && p.alone(thing))
	}
	return nil
}

// checkValue compares a value that came with a lock. It has to be the latest
// where the mode keeps writers out. fresh: before, nobody had a lock, so the value
// began anew.
func (p *player) checkValue(thing uint32, mode Mode, fresh bool) {
	v, valid := p.n.Value(name(thing))
	got := order.Uint64(v[:])
	switch {
	case !valid:
		p.g.invalid++
	case mode <= CR:
		// Somebody's last value may still be on its way, or be no more.
		p.g.doubt[thing] = p.g.doubt[thing] || fresh
	case got == 0 && (fresh || p.g.doubt[thing]):
		p.g.latest[thing] = 0
	case got != p.g.latest[thing]:
		want := p.g.latest[thing]
		if p.h.ReadBlock(firstUse+int(thing), make([]byte, p.h.BlockSize())) != nil {
			return // who is fenced may see anything
		}
		p.g.fail("host %v got value %d of thing %d as valid; it is %d", p.h.ID(), got, thing, want)
	}
}

// use does what the mode allows: nothing of a host that was recovered may land,
// and nobody else may write what is protected.
func (p *player) use(thing uint32) error {
	mode := p.modes[thing]
	b := make([]byte, p.h.BlockSize())
	if mode >= PW {
		err := p.h.WriteBlock(firstUse+int(thing), b)
		if err == nil && p.void {
			p.g.fail("a write of host %v landed after it was recovered", p.h.ID())
		}
		return err
	}
	return p.h.ReadBlock(firstUse+int(thing), b)
}

func (p *player) blocked(name Name, by Mode) {
	p.g.blocked++
	thing := name.Number
	m := &p.using[thing]
	m.Lock(p.h)
	defer m.Unlock(p.h)
	if p.modes[thing] != None {
		_ = p.change(thing, p.modes[thing].Below(by), false)
	}
}

var letters = map[byte]Mode{'n': NL, 'c': CR, 'w': CW, 'p': PR, 'q': PW, 'e': EX, 'x': None}

func (p *player) Create(path string) error {
	do, thing, mode := path[1], uint32(path[2]-'0'), letters[path[3]]
	if do == 'z' { // cancel what somebody of this host waits for
		if l := p.n.lockOf(name(thing)); l != nil && l.pending {
			p.n.Cancel(name(thing))
		}
		return nil
	}
	m := &p.using[thing]
	m.Lock(p.h)
	defer m.Unlock(p.h)
	if p.modes[thing] != mode {
		err := p.change(thing, mode, do == 't')
		if err == ErrDeadlock {
			if err = p.change(thing, None, false); err == nil {
				err = p.change(thing, mode, false)
			}
		}
		if err == ErrBusy || err == ErrCanceled {
			return nil
		}
		if err != nil {
			return err
		}
	}
	if mode == None {
		return nil
	}
	if err := p.use(thing); err != nil {
		return err
	}
	switch do {
	case 'r':
		return p.change(thing, None, false)
	case 'd':
		return p.change(thing, min(mode, NL), false)
	case 'b': // something else at once, with this in hand
		other := (thing + 1) % things
		if other > thing && p.modes[other] < mode {
			p.using[other].Lock(p.h)
			defer p.using[other].Unlock(p.h)
			err := p.change(other, mode, true)
			if err == ErrBusy || err == ErrDeadlock {
				return nil
			}
			return err
		}
	}
	return nil
}

func (p *player) Unmount() error {
	for i := range things {
		p.using[i].Lock(p.h)
		err := p.change(uint32(i), None, false)
		p.using[i].Unlock(p.h)
		if err != nil {
			return err
		}
	}
	return p.n.Leave()
}

func (p *player) Unlink(string) error                                 { return nil }
func (p *player) Stat(string) (sim.Attr, error)                       { return sim.Attr{}, model.ENOENT }
func (p *player) Open(string) (sim.Inode, error)                      { return 1, nil }
func (p *player) Close(sim.Inode) error                               { return nil }
func (p *player) ReadAt(sim.Inode, []byte, int64) (int, error)        { return 0, nil }
func (p *player) WriteAt(_ sim.Inode, b []byte, _ int64) (int, error) { return len(b), nil }

// play runs a program and reports what went wrong.
func (g *game) play(r *sim.Runner, p model.Program) (run model.Run, err error) {
	g.claims, g.players, g.errs, g.latest, g.doubt, g.serial = nil, nil, nil, [things]uint64{}, [things]bool{}, 0
	run, err = r.Run(context.Background(), p)
	if err == nil && len(run.Defects) > 0 {
		err = fmt.Errorf("defects: %v", run.Defects)
	}
	if err == nil && len(g.errs) > 0 {
		err = fmt.Errorf("%s", strings.Join(g.errs, "; "))
	}
	return run, err
}

func newGame(t *testing.T) (*game, *sim.Runner) {
	t.Helper()
	g := &game{}
	r, err := sim.New(g.design())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return g, r
}
