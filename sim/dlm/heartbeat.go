package dlm

// ticks is the daemon that keeps the membership: it writes the heartbeat, looks
// after the others, and sends again what has not been answered.
func (n *Node) ticks() {
	for !n.ended {
		n.h.Sleep(1)
		if n.ended {
			return
		}
		switch err := n.look(); {
		case err == nil && n.member():
			n.failures = 0
			n.repeat()
		case err == nil:
		case n.view.epoch != 0 && !n.member():
			n.end() // evicted, and fenced now, or nobody is left to do it
		default:
			if n.failures++; n.failures >= n.c.Dead {
				n.end() // nobody sees that it is alive, or it does not see the others
			}
		}
	}
}

// look is what a node does on the disk in each tick.
func (n *Node) look() error {
	if err := n.writeBeat(); err != nil {
		return err
	}
	if n.view.epoch == 0 {
		return nil // not yet a member
	}
	n.feed()
	if err := n.refresh(); err != nil {
		return err
	}
	if n.member() {
		return n.watch()
	}
	return n.awaitFence()
}

// awaitFence is what is left to do for a host that has been evicted. It is
// ErrRemoved when nobody lives who could fence it.
func (n *Node) awaitFence() error {
	for i := range n.view.slots {
		if n.view.slots[i].member {
			if dead, err := n.dead(uint8(i)); err != nil || !dead {
				return err
			}
		}
	}
	return ErrRemoved
}

// dead looks at a heartbeat.
func (n *Node) dead(slot uint8) (bool, error) {
	b, err := n.readBeat(slot)
	if err != nil {
		return false, err
	}
	w := &n.watches[slot]
	if w.stale++; w.beat != b {
		w.beat, w.stale = b, 0
	}
	return w.stale >= n.c.Dead, nil
}

// writeBeat writes the heartbeat.
func (n *Node) writeBeat() error {
	p := n.block()
	defer n.giveBack(p)
	n.count++
	beat{n.life, n.count}.encode(p)
	if err := n.h.WriteBlocks(n.c.Beats+int(n.slot), p, true); err != nil {
		return err
	}
	return nil
}

// feed keeps the watchdog quiet.
func (n *Node) feed() {
	if n.c.Watchdog > 0 && !n.ended {
		n.h.Watchdog(n.c.Watchdog)
	}
}

func (n *Node) readBeat(slot uint8) (beat, error) {
	p := n.block()
	defer n.giveBack(p)
	if err := n.h.ReadBlock(n.c.Beats+int(slot), p); err != nil {
		return beat{}, err
	}
	return decodeBeat(p), nil
}

// watch finds members that are dead or, as the master, out of reach, and has
// them evicted. Time is counted in looks: a host that stood still does not take
// the others for dead.
func (n *Node) watch() error {
	epoch := n.view.epoch
	var dead, unreached []uint8
	for i := range n.view.slots {
		slot := uint8(i)
		if n.ended || n.view.epoch != epoch {
			return nil
		}
		if !n.view.slots[i].member || slot == n.slot {
			continue
		}
		stopped, err := n.dead(slot)
		if err != nil || n.view.epoch != epoch {
			return err
		}
		w := &n.watches[i]
		if n.master.active {
			w.silent++
		}
		if stopped {
			dead = append(dead, slot)
		} else if w.silent >= n.c.Silent {
			unreached = append(unreached, slot)
		}
	}
	if len(unreached) > 0 {
		// Of a network in parts the one goes on that is the larger, or has the
		// master. The others are fenced; a master in the smaller part resets itself.
		live := n.view.members() - len(dead)
		if 2*(live-len(unreached)) < live {
			n.h.Mark("a master without its members resets itself")
			n.h.Reset()
		}
		n.h.Mark("members out of the master's reach evicted")
		dead = append(dead, unreached...)
	}
	if len(dead) == 0 {
		return nil
	}
	return n.evict(dead)
}

// evict takes members out of the view, if they still are in that life.
func (n *Node) evict(slots []uint8) error {
	seen := n.view
	return n.change(func(v *view) bool {
		var gone []uint8
		for _, s := range slots {
			if v.has(s, seen.slots[s].life) {
				gone = append(gone, s)
			}
		}
		if len(gone) == 0 || !v.has(n.slot, n.life) {
			return false
		}
		v.evict(gone)
		return true
	})
}

// repeat sends again what may have been lost. A request that comes again has its
// blockers told again.
func (n *Node) repeat() {
	if n.master.active {
		n.startRecovery()
		n.pingAll(n.view.epoch)
	}
	if n.admitted {
		n.askAgain()
	}
}
