package dlm

import (
	"errors"
	"fmt"
	"slices"
)

// The ways for a request to be refused. The lock stays as it was.
var (
	// ErrBusy is a request with NoQueue that could not be granted at once.
	ErrBusy = errors.New("lock busy")
	// ErrDeadlock is a conversion that waits for one which waits for it.
	ErrDeadlock = errors.New("conversion deadlock")
	// ErrCanceled is a request that Cancel has taken back.
	ErrCanceled = errors.New("lock request canceled")
)

// Options of a request.
type Options struct {
	NoQueue bool   // answer ErrBusy rather than wait
	Value   *Value // the new lock value block, on the way down from PW or EX, or EX to EX
}

// held is a lock of this host, or was one.
type held struct {
	name     Name
	mode     Mode   // what the master has granted, as far as is known
	usable   Mode   // what may be made use of: less while it is given up
	answered uint32 // the last request that was

	busy      bool // a call is under way
	pending   bool // it has not been answered
	seq       uint32
	want      Mode
	noQueue   bool
	writes    bool
	canceling bool
	refused   error

	value   Value // the copy of the lock value block
	version uint32
	valid   bool

	blockedBy Mode // what somebody wants that this lock is in the way of
	calling   bool // Blocked has been called
}

// Lock takes a lock that the host does not have, and waits until it is granted.
// The error is ErrBusy, ErrCanceled or ErrRemoved.
func (n *Node) Lock(name Name, mode Mode, o Options) error {
	return n.ask("lock", name, mode, o)
}

// Convert changes the mode of a lock that the host has. On the way up, and
// between PR and CW, it waits until that is granted; meanwhile the host may make
// use of what both modes allow. On the way down the host has lost the
// difference with the call; what it changed under PW or EX must be on the disk
// before, and a host that cannot write it has to Withdraw. The error may also be
// ErrDeadlock: somebody has to give up what he has.
func (n *Node) Convert(name Name, mode Mode, o Options) error {
	return n.ask("convert", name, mode, o)
}

// Unlock gives a lock up; as with Convert, what was changed is on the disk. With value, from PW or EX, that is its new value.
func (n *Node) Unlock(name Name, value *Value) error {
	return n.ask("unlock", name, None, Options{Value: value})
}

// Cancel takes back the request that another call waits for, if it is not
// granted before.
func (n *Node) Cancel(name Name) {
	l := n.lockOf(name)
	if l == nil || !l.pending {
		n.h.Misuse(fmt.Sprintf("cancel of lock %v, which nobody waits for", name))
	}
	l.canceling = true
	if n.admitted {
		n.send(l, askBack)
	}
}

// Mode is what the host may make use of at present.
func (n *Node) Mode(name Name) Mode {
	if l := n.lockOf(name); l != nil && !n.ended {
		return l.usable
	}
	return None
}

// Value is the lock value block as it came with the lock, or as it was set. It
// is not valid when it may have been lost: somebody who could have changed it
// died, or the master did and nobody was left who knew it.
func (n *Node) Value(name Name) (value Value, valid bool) {
	if l := n.lockOf(name); l != nil {
		return l.value, l.valid && l.mode != None
	}
	return Value{}, false
}

// lockOf is the host's lock of that name, nil if it never had one.
func (n *Node) lockOf(name Name) *held {
	i, ok := sorted(n.locks, name, func(l *held) Name { return l.name })
	if !ok {
		return nil
	}
	return n.locks[i]
}

// ask makes a request and waits for its end.
func (n *Node) ask(call string, name Name, mode Mode, o Options) error {
	if n.ended {
		return ErrRemoved
	}
	l := n.lockOf(name)
	if l == nil {
		l = &held{name: name}
		i, _ := sorted(n.locks, name, func(l *held) Name { return l.name })
		n.locks = slices.Insert(n.locks, i, l)
	}
	if text := l.misused(call, mode, o); text != "" {
		n.h.Misuse(fmt.Sprintf("%s of lock %v: %s", call, name, text))
	}
	n.seq++
	l.busy, l.pending, l.seq, l.want = true, true, n.seq, mode
	l.noQueue, l.writes, l.canceling, l.refused = o.NoQueue, o.Value != nil, false, nil
	l.usable = meet(l.mode, mode)
	if l.writes {
		l.value, l.valid = *o.Value, true
		l.version++
	}
	if n.admitted {
		n.send(l, ask)
	}
	for l.pending && !n.ended {
		n.wait()
	}
	l.busy = false
	if n.ended {
		return ErrRemoved
	}
	n.giveWay(l)
	return l.refused
}

// misused says what is wrong with a call, if anything.
func (l *held) misused(call string, mode Mode, o Options) string {
	switch {
	case l.busy:
		return "another call is under way"
	case call == "lock" && l.mode != None:
		return "the host has it in " + l.mode.String()
	case call != "lock" && l.mode == None:
		return "the host does not have it"
	case call != "unlock" && !mode.valid():
		return "no such mode: " + mode.String()
	case o.Value != nil && transferOf(l.mode, mode) != writeValue:
		return fmt.Sprintf("a value cannot be set from %v to %v", l.mode, mode)
	}
	return ""
}

// send sends what is pending of a lock to the master.
func (n *Node) send(l *held, kind messageKind) {
	m := message{kind: kind, epoch: n.view.epoch, name: l.name, seq: l.seq, mode: l.want, noQueue: l.noQueue,
		writes: l.writes, value: l.value, version: l.version}
	n.post(n.view.master, m.append(nil))
}

// askAgain sends again every request that has not been answered.
func (n *Node) askAgain() {
	for i := 0; i < len(n.locks) && n.admitted; i++ {
		if l := n.locks[i]; l.pending {
			n.send(l, ask)
			if l.pending && l.canceling && n.admitted {
				n.send(l, askBack)
			}
		}
	}
}

// begin begins the epoch: all members are known and what was lost is recovered.
func (n *Node) begin() {
	if n.admitted {
		return
	}
	n.admitted = true
	n.changed.Broadcast(n.h)
	n.askAgain()
}

// sendReport tells the master what the host has. What it is giving up is still
// reported: the request to do so is sent again.
func (n *Node) sendReport() {
	m := message{kind: reportLocks, epoch: n.view.epoch}
	p := m.append(nil)
	for _, l := range n.locks {
		if l.mode != None {
			e := entry{name: l.name, mode: l.mode, usable: l.usable, seq: l.answered,
				valid: l.valid, version: l.version, value: l.value}
			p = e.append(p)
		}
	}
	n.post(n.view.master, p)
}

// answered takes in how a request ended.
func (n *Node) answered(m *message) {
	l := n.lockOf(m.name)
	if l == nil || !l.pending || m.seq != l.seq {
		return
	}
	l.pending, l.answered = false, m.seq
	switch m.answer {
	case granted:
		if transferOf(l.mode, l.want) == readValue {
			l.value, l.version, l.valid = m.value, m.version, m.valid
		}
		l.mode, l.usable = l.want, l.want
	case busy:
		l.refused = ErrBusy
	case deadlock:
		l.refused = ErrDeadlock
	case canceled:
		l.refused = ErrCanceled
	}
	if l.refused != nil {
		l.usable = l.mode
	}
	n.changed.Broadcast(n.h)
}

// blocked notes that somebody waits for this host's lock.
func (n *Node) blocked(m *message) {
	if l := n.lockOf(m.name); l != nil {
		l.blockedBy = m.mode
		n.giveWay(l)
	}
}

// giveWay has the user told, in a task of its own, that his lock blocks another.
func (n *Node) giveWay(l *held) {
	if l.blockedBy == None || l.busy || l.calling || n.ended {
		return
	}
	by := l.blockedBy
	l.blockedBy = None
	if l.usable.Compatible(by) {
		return
	}
	l.calling = true
	n.h.Go(func() {
		had := l.mode
		n.c.Blocked(l.name, by)
		l.calling = false
		if l.mode == had { // not given way: the next tick asks again, not a loop
			l.blockedBy = None
		}
		n.giveWay(l)
	})
}
