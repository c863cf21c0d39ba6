package dlm

import "slices"

// master is what the master of an epoch knows. It grants nothing until every
// member has told what it has (reported) and nothing is left to recover; then
// the epoch is open.
type master struct {
	active    bool
	open      bool
	adopting  bool // the last master is gone: values come from the reports, until an epoch is open
	reported  [Slots]bool
	resources []*resource // sorted by name
}

// preside makes the node the master of an epoch that it has just adopted.
func (n *Node) preside(old view) {
	m := &n.master
	again := m.active
	if !again {
		m.resources = nil
	}
	gone := func(slot uint8) bool {
		return !n.view.has(slot, old.slots[slot].life)
	}
	for _, r := range m.resources {
		r.rebuild(gone)
	}
	m.adopting = !again || m.adopting && !m.open
	m.active, m.open = true, false
	clear(m.reported[:])
	epoch := n.view.epoch
	n.sendReport()
	n.startRecovery()
	n.pingAll(epoch)
}

// pingAll asks all members for a sign of life, and tells them of the epoch.
func (n *Node) pingAll(epoch uint32) {
	m := message{kind: ping, epoch: epoch}
	for i := range n.view.slots {
		if n.view.epoch != epoch || n.ended {
			return
		}
		if n.view.slots[i].member && uint8(i) != n.slot {
			n.post(uint8(i), m.append(nil))
		}
	}
}

// takeReport notes what a member has.
func (n *Node) takeReport(from uint8, entries []byte) {
	m := &n.master
	if !m.active {
		return
	}
	if m.reported[from] {
		if m.open { // it has missed that
			a := message{kind: admit, epoch: n.view.epoch}
			n.post(from, a.append(nil))
		}
		return
	}
	m.reported[from] = true
	for _, r := range m.resources {
		r.forget(from)
	}
	for ; len(entries) >= entryBytes; entries = entries[entryBytes:] {
		e := decodeEntry(entries)
		m.resource(e.name, !m.adopting).report(from, &e, m.adopting)
	}
	n.openEpoch()
}

// resource finds a resource or makes it; what nobody has a lock on has a value
// of zeroes, and that is valid.
func (m *master) resource(name Name, valid bool) *resource {
	i, ok := sorted(m.resources, name, func(r *resource) Name { return r.name })
	if !ok {
		m.resources = slices.Insert(m.resources, i, &resource{name: name, valid: valid})
	}
	return m.resources[i]
}

// openEpoch begins to grant when all is known and recovered.
func (n *Node) openEpoch() {
	m := &n.master
	if !m.active || m.open || n.ended || n.recovering || n.view.dirty() != nobody {
		return
	}
	for i, s := range n.view.slots {
		if s.member && !m.reported[i] {
			return
		}
	}
	m.open = true
	m.resources = slices.DeleteFunc(m.resources, func(r *resource) bool { return !r.held() })
	a := message{kind: admit, epoch: n.view.epoch}
	for i := range n.view.slots {
		if n.view.epoch != a.epoch || n.ended {
			return
		}
		if n.view.slots[i].member {
			n.post(uint8(i), a.append(nil))
		}
	}
}

// serve carries out a request.
func (n *Node) serve(from uint8, q *message) {
	m := &n.master
	if !m.open {
		return // asked again when the epoch is open
	}
	r := m.resource(q.name, true)
	if q.kind == askBack {
		r.cancel(from, q.seq)
	} else {
		r.request(&request{slot: from, seq: q.seq, mode: q.mode, noQueue: q.noQueue,
			writes: q.writes, value: q.value, version: q.version})
	}
	n.answer(r)
	n.callBack(r)
}

// answer tells those whose requests have ended.
func (n *Node) answer(r *resource) {
	epoch := n.view.epoch
	for i := 0; i < len(r.locks) && n.view.epoch == epoch && !n.ended; i++ {
		l := &r.locks[i]
		if !l.tell {
			continue
		}
		l.tell = false
		m := message{kind: tellOutcome, epoch: epoch, name: r.name, seq: l.seq, mode: l.granted, answer: l.answer,
			value: r.value, version: r.version, valid: r.valid}
		n.post(l.slot, m.append(nil))
	}
}

// callBack tells those who are in the way of whoever is next.
func (n *Node) callBack(r *resource) {
	epoch := n.view.epoch
	for i := 0; i < len(r.locks) && n.view.epoch == epoch && !n.ended; i++ {
		next, l := r.head(), &r.locks[i]
		if next == nil {
			return
		}
		if l.slot == next.slot || l.granted.Compatible(next.wanted) {
			continue
		}
		m := message{kind: tellBlocked, epoch: epoch, name: r.name, mode: next.wanted}
		n.post(l.slot, m.append(nil))
	}
}

// startRecovery begins to recover what is dirty, if this node is to.
func (n *Node) startRecovery() {
	if n.recovering || n.leaving || n.view.dirty() == nobody {
		return
	}
	n.recovering = true
	n.h.Go(n.recover)
}

// recover fences the lives that are gone, makes whole what they left, and says
// so on the disk. It goes on through later epochs, so that a node is never at it
// twice. All are fenced first: one of them may be at recovering another.
func (n *Node) recover() {
	for !n.ended && !n.leaving && n.view.master == n.slot {
		slot := n.view.dirty()
		if slot == nobody {
			break
		}
		s := n.view.slots[slot]
		err := n.fenceAll()
		if err == nil && n.view.slots[slot] == s {
			n.h.Mark("recovery of a dead member")
			err = n.c.Recover(int(slot))
		}
		if err == nil && !n.ended {
			err = n.change(func(v *view) bool {
				done := v.has(n.slot, n.life) && v.slots[slot] == s
				if done {
					v.slots[slot].dirty = false
				}
				return done
			})
		}
		if err != nil {
			n.end() // others can, if the disk is there for them
		}
	}
	n.recovering = false
	n.changed.Broadcast(n.h)
	n.openEpoch()
}

// fenceAll makes sure that nothing more comes from the lives that are gone. A
// machine that has come back with a new one need not be fenced for the old, and
// must not: the fence would hit the new.
func (n *Node) fenceAll() error {
	for i := range n.view.slots {
		s := n.view.slots[i]
		if !s.dirty || s.member {
			continue
		}
		b, err := n.readBeat(uint8(i))
		if err != nil {
			return err
		}
		if b.life <= s.life {
			n.h.Fence(hostOf(uint8(i)))
		}
	}
	return nil
}
