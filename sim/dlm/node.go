package dlm

import (
	"fmt"
	"slices"

	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
)

// Config is a lock space: its place on the disk, its times and what its user
// has to do for it. The disk must have compare-and-write.
type Config struct {
	View  int // the block that says who is a member
	Beats int // the first of [Slots] heartbeat blocks

	// Dead is after how many looks at a heartbeat that does not change, a tick
	// apart, its host is dead; Silent, for how many ticks the master must not have
	// heard of a host to give it up; Watchdog, after how many ticks without a
	// heartbeat of its own a host is reset, 0 for never.
	Dead, Silent, Watchdog int

	// Recover makes what the last life of a slot has left behind whole, such as by
	// a replay of its journal. That life is fenced, and nothing that it had locked
	// is granted before Recover returns. It may be called again for the same life,
	// after an attempt that its host did not survive. After an error this host is
	// removed.
	Recover func(slot int) error

	// Blocked tells that somebody cannot have a lock because of this host's. It
	// runs beside everything else and is to Convert or Unlock soon, to a mode
	// that is compatible with by. It is called again if it does not.
	Blocked func(name Name, by Mode)
}

// Format makes an empty lock space.
func Format(d disk.Device, c Config) error {
	p := make([]byte, d.BlockSize())
	if len(p) < viewBytes {
		return fmt.Errorf("lock space on blocks of %d bytes; want at least %d", len(p), viewBytes)
	}
	for i := range Slots {
		if err := d.WriteBlock(c.Beats+i, p); err != nil {
			return err
		}
	}
	v := view{master: nobody}
	v.encode(p)
	return d.WriteBlock(c.View, p)
}

// ErrRemoved is what every call answers once the host is no member any more:
// others have given it up, it cannot reach the disk, or it has withdrawn.
var ErrRemoved = fmt.Errorf("removed from the lock space: %w", model.EIO)

// Node is a host's membership in a lock space.
type Node struct {
	h    *sim.Host
	c    Config
	slot uint8
	life uint32

	view     view
	admitted bool // the master has begun the epoch: requests are sent
	ended    bool // no member any more
	leaving  bool

	locks []*held
	seq   uint32 // of the latest request

	master     master // what this node knows as the master
	recovering bool   // a recovery is under way
	watches    [Slots]watch
	count      uint32 // heartbeats written
	failures   int    // heartbeats in a row that could not be

	mutex   sim.Mutex // for changed; never kept while others run
	changed sim.Event // an answer, an epoch or the end has come
	spare   [][]byte  // blocks for reads and writes
}

// watch is what a node has seen of another.
type watch struct {
	beat   beat
	stale  int // looks at the same beat
	silent int // ticks without a message, counted by the master only
}

// Join makes the host a member, and returns when the lock space has taken it in.
// That waits for members that have died to be found dead, and recovered. The
// error is ErrRemoved, or the disk's.
func Join(h *sim.Host, c Config) (*Node, error) {
	n := &Node{h: h, c: c, slot: slotOf(h.ID())}
	v, err := n.readView()
	if err != nil {
		return nil, err
	}
	// The heartbeat first: it tells others that the last life is over, so that
	// they do not fence this one for it.
	n.life = v.slots[n.slot].life + 1
	if err := n.writeBeat(); err != nil {
		return nil, err
	}
	h.Background(n.ticks)
	h.Go(n.receive)
	if err := n.change(func(v *view) bool { v.join(n.slot); return true }); err != nil {
		return nil, err
	}
	for !n.admitted && !n.ended {
		n.wait()
	}
	if n.ended {
		return nil, ErrRemoved
	}
	n.feed()
	return n, nil
}

// Leave ends the membership. What the host had locked must be as it is to be
// found; no recovery follows.
func (n *Node) Leave() error {
	n.leaving = true
	for n.recovering && !n.ended {
		n.wait()
	}
	left := false
	err := n.change(func(v *view) bool {
		left = v.has(n.slot, n.life)
		if left {
			v.leave(n.slot)
		}
		return left
	})
	switch {
	case err != nil:
		n.end()
		return err
	case !left:
		return ErrRemoved
	}
	n.h.Watchdog(0)
	v := n.view
	m := message{kind: ping, epoch: v.epoch} // or they would find out with the next tick
	for i, s := range v.slots {
		if s.member {
			n.post(uint8(i), m.append(nil))
		}
	}
	return nil
}

// Withdraw ends the membership of a host that cannot go on, such as one that
// fails to write its journal. What it had locked stays locked until the others
// have fenced it and recovered what it left.
func (n *Node) Withdraw() { n.end() }

// Alone reports whether no other host was a member when this one looked last.
func (n *Node) Alone() bool {
	for i, s := range n.view.slots {
		if s.member && i != int(n.slot) {
			return false
		}
	}
	return true
}

// Removed reports whether the host is no member any more.
func (n *Node) Removed() bool { return n.ended }

// Slot is the number of the host's place, below [Slots].
func (n *Node) Slot() int { return int(n.slot) }

// member reports whether the node is one, as far as it knows.
func (n *Node) member() bool { return n.view.has(n.slot, n.life) }

// end is the end of the membership, for whatever reason. The disk may not know
// it yet.
func (n *Node) end() {
	n.ended, n.admitted = true, false
	n.changed.Broadcast(n.h)
}

// wait waits for something to change.
func (n *Node) wait() {
	n.mutex.Lock(n.h)
	n.changed.Wait(n.h, &n.mutex)
	n.mutex.Unlock(n.h)
}

// block is memory for one block on its way, giveBack returns it.
func (n *Node) block() []byte {
	if len(n.spare) == 0 {
		return make([]byte, n.h.BlockSize())
	}
	p := n.spare[len(n.spare)-1]
	n.spare = n.spare[:len(n.spare)-1]
	return p
}

func (n *Node) giveBack(p []byte) { n.spare = append(n.spare, p) }

// readView reads the view from the disk.
func (n *Node) readView() (v view, err error) {
	p := n.block()
	defer n.giveBack(p)
	if err := n.h.ReadBlock(n.c.View, p); err != nil {
		return v, err
	}
	if !v.decode(p) {
		return v, model.EUCLEAN
	}
	return v, nil
}

// refresh adopts the view that is on the disk.
func (n *Node) refresh() error {
	v, err := n.readView()
	if err == nil {
		n.adopt(v)
	}
	return err
}

// change changes the view on the disk, or leaves it when alter returns false,
// and adopts it. alter is called again when others were faster.
func (n *Node) change(alter func(v *view) bool) error {
	old, p := n.block(), n.block()
	defer n.giveBack(old)
	defer n.giveBack(p)
	for {
		if err := n.h.ReadBlock(n.c.View, old); err != nil {
			return err
		}
		var v view
		if !v.decode(old) {
			return model.EUCLEAN
		}
		if !alter(&v) {
			n.adopt(v)
			return nil
		}
		v.encode(p)
		matched, err := n.h.CompareAndWrite(n.c.View, old, p)
		if err != nil {
			return err
		}
		if matched {
			n.adopt(v)
			return nil
		}
	}
}

// adopt makes v the node's view if it is newer. Of the same epoch only what is
// recovered can differ.
func (n *Node) adopt(v view) {
	switch {
	case n.ended || v.epoch < n.view.epoch:
		return
	case v.epoch == n.view.epoch:
		n.view = v
		return
	}
	old := n.view
	n.view, n.admitted = v, false
	if !v.has(n.slot, n.life) {
		// Evicted: it is about to be fenced, and ends when it sees that. To end
		// earlier would be to tell of it before it has happened.
		if n.master = (master{}); n.leaving {
			n.end()
		}
		return
	}
	for i, s := range v.slots {
		if s.life != old.slots[i].life || s.member != old.slots[i].member {
			n.watches[i] = watch{}
		}
	}
	if v.master == n.slot {
		n.preside(old)
	} else {
		n.master = master{}
		n.sendReport()
	}
}

// receive is the daemon that takes messages in. Each is handled in a task of its
// own: when one of the answers is held up, the others are not.
func (n *Node) receive() {
	for {
		m := n.h.Receive()
		data := append(make([]byte, 0, len(m.Data)), m.Data...)
		n.h.Go(func() { n.handle(slotOf(m.From), data) })
	}
}

// post sends a message; one to the node itself is handled at once. Others may
// run meanwhile, so whoever posts has his own state in order first.
func (n *Node) post(to uint8, data []byte) {
	if to == n.slot {
		n.handle(to, data)
		return
	}
	n.h.Send(hostOf(to), data)
}

// handle does what a message asks for. Only one of the node's own epoch counts;
// the sender of one that is too old sends it again when it knows better.
func (n *Node) handle(from uint8, data []byte) {
	m, rest, ok := decodeMessage(data)
	if !ok || n.ended || !n.member() {
		return
	}
	if m.epoch > n.view.epoch && n.refresh() != nil {
		return // the next tick finds out
	}
	if n.ended || m.epoch != n.view.epoch || !n.member() {
		return
	}
	if n.view.master == n.slot {
		n.watches[from].silent = 0
	} else if from != n.view.master {
		return
	}
	switch m.kind {
	case ping:
		if !n.admitted {
			n.sendReport()
			return
		}
		answer := message{kind: pong, epoch: m.epoch}
		n.post(from, answer.append(nil))
	case reportLocks:
		n.takeReport(from, rest)
	case admit:
		n.begin()
	case ask, askBack:
		n.serve(from, &m)
	case tellOutcome:
		n.answered(&m)
	case tellBlocked:
		n.blocked(&m)
	}
}

// sorted finds a name in a sorted list.
func sorted[T any](list []T, name Name, nameOf func(T) Name) (int, bool) {
	return slices.BinarySearchFunc(list, name, func(x T, name Name) int {
		a := nameOf(x)
		if a.Type != name.Type {
			return int(a.Type) - int(name.Type)
		}
		return int(int64(a.Number) - int64(name.Number))
	})
}
