package dlm

import "slices"

// resource is one thing that is locked, as its master knows it. It is a pure
// state machine: requests in, answers to be sent out.
//
// The rules are those of VMS and fs/dlm (Linux fs/dlm/lock.c,
// _can_be_granted) with every conversion queued in order (QUECVT) and NL granted
// at once (EXPEDITE):
//
//   - a change that takes nothing more than the holder has is granted at once;
//   - other conversions are granted in the order in which they came;
//   - new requests are granted in order, and only when no conversion waits;
//   - a conversion that waits for one which waits for it is refused: a conversion
//     deadlock.
//
// A host has one lock on a resource. Its record stays after it has given the lock
// up, so that a late copy of an old request is known as one.
type resource struct {
	name       Name
	locks      []lock  // by first request
	converting []uint8 // slots, in order
	waiting    []uint8

	value   Value
	version uint32 // counts the writes of value
	valid   bool
}

// lock is what a master knows about a host's lock.
type lock struct {
	slot    uint8
	granted Mode
	seq     uint32 // of the latest request
	wanted  Mode
	queued  bool
	tell    bool // its answer is to be sent
	answer  outcome
}

// outcome is how a request ended.
type outcome uint8

const (
	granted outcome = iota
	busy
	deadlock
	canceled
)

// request is what a host asks for.
type request struct {
	slot    uint8
	seq     uint32
	mode    Mode // None gives the lock up
	noQueue bool
	writes  bool // value is to be the resource's, if the change writes it
	value   Value
	version uint32
}

// lock is the record of a host, nil if it never asked.
func (r *resource) lock(slot uint8) *lock {
	for i := range r.locks {
		if r.locks[i].slot == slot {
			return &r.locks[i]
		}
	}
	return nil
}

// request carries out what a host asks for, once, however often and late the
// request comes.
func (r *resource) request(q *request) {
	l := r.lock(q.slot)
	if l == nil {
		r.locks = append(r.locks, lock{slot: q.slot})
		l = &r.locks[len(r.locks)-1]
	}
	switch {
	case q.seq < l.seq:
		return
	case q.seq == l.seq:
		l.tell = !l.queued
		return
	}
	r.unqueue(l)
	l.seq, l.wanted = q.seq, q.mode
	switch {
	case l.wanted <= NL || meet(l.granted, l.wanted) == l.wanted:
		r.grant(l, q)
	case r.mayHave(l) && len(r.converting) == 0 && (l.granted != None || len(r.waiting) == 0):
		r.grant(l, q)
	case q.noQueue:
		l.tell, l.answer = true, busy
	case l.granted == None:
		l.queued = true
		r.waiting = append(r.waiting, q.slot)
	case r.deadlocks(l):
		l.tell, l.answer = true, deadlock
	default:
		l.queued = true
		r.converting = append(r.converting, q.slot)
	}
	r.advance()
}

// cancel takes a request back that has not been granted.
func (r *resource) cancel(slot uint8, seq uint32) {
	l := r.lock(slot)
	if l == nil || l.seq != seq {
		return
	}
	if l.queued {
		r.unqueue(l)
		l.answer = canceled
		r.advance()
	}
	l.tell = true
}

// unqueue takes a host's request out of the queues.
func (r *resource) unqueue(l *lock) {
	if !l.queued {
		return
	}
	l.queued = false
	is := func(slot uint8) bool { return slot == l.slot }
	r.converting = slices.DeleteFunc(r.converting, is)
	r.waiting = slices.DeleteFunc(r.waiting, is)
}

// mayHave reports whether what l wants can be beside what others have.
func (r *resource) mayHave(l *lock) bool {
	for i := range r.locks {
		if other := &r.locks[i]; other.slot != l.slot && !other.granted.Compatible(l.wanted) {
			return false
		}
	}
	return true
}

// deadlocks reports whether a conversion that is to wait behind the others
// blocks one of them: neither could ever be granted.
func (r *resource) deadlocks(l *lock) bool {
	return slices.ContainsFunc(r.converting, func(slot uint8) bool {
		return !r.lock(slot).wanted.Compatible(l.granted)
	})
}

// advance grants what can be granted of the queues.
func (r *resource) advance() {
	for len(r.converting) > 0 || len(r.waiting) > 0 {
		l := r.head()
		if !r.mayHave(l) {
			return
		}
		r.unqueue(l)
		r.grant(l, nil)
	}
}

// head is who is next, nil when nobody waits.
func (r *resource) head() *lock {
	switch {
	case len(r.converting) > 0:
		return r.lock(r.converting[0])
	case len(r.waiting) > 0:
		return r.lock(r.waiting[0])
	}
	return nil
}

// grant gives l what it wants; q, if it brings a value, is the request. A value
// that is no newer than the resource's is an old one: its request was carried out
// before the epoch and is asked again, and meanwhile others have had the lock.
func (r *resource) grant(l *lock, q *request) {
	if q != nil && q.writes && transferOf(l.granted, l.wanted) == writeValue && q.version > r.version {
		r.value, r.version, r.valid = q.value, q.version, true
	}
	l.granted, l.tell, l.answer = l.wanted, true, granted
	if l.granted == None && !r.held() {
		// Nobody has a lock: the resource is no more, and its value with it.
		r.value, r.valid = Value{}, true
	}
}

// held reports whether anybody has a lock.
func (r *resource) held() bool {
	return slices.ContainsFunc(r.locks, func(l lock) bool { return l.granted != None })
}

// rebuild makes the resource ready for the reports of a new epoch. If its master
// stays the same the value stays too, unless one is gone who could have changed
// it. What the others had stays known until they report: they too may go before
// they do.
func (r *resource) rebuild(gone func(slot uint8) bool) {
	for i := range r.locks {
		if l := &r.locks[i]; l.granted >= PW && gone(l.slot) {
			r.valid = false
		}
	}
	r.locks = slices.DeleteFunc(r.locks, func(l lock) bool { return gone(l.slot) })
	r.converting, r.waiting = r.converting[:0], r.waiting[:0]
}

// forget drops what is known of a host, before its report.
func (r *resource) forget(slot uint8) {
	r.locks = slices.DeleteFunc(r.locks, func(l lock) bool { return l.slot == slot })
}

// report takes in what a host says of its lock. With adopt the value is taken
// over too, since the old master has taken it with him. Only the copy of a host
// whose mode kept writers out is known to be the latest (Linux fs/dlm/recover.c,
// recover_lvb).
func (r *resource) report(slot uint8, e *entry, adopt bool) {
	r.locks = append(r.locks, lock{slot: slot, granted: e.mode, seq: e.seq})
	if !adopt {
		return
	}
	if latest := e.usable > CR && e.valid; latest && (!r.valid || e.version > r.version) ||
		!latest && !r.valid && e.version > r.version {
		r.value, r.version, r.valid = e.value, e.version, latest
	}
}
