package designs

import (
	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
)

// lease is a host's right to the whole disk: a reservation of the disk, and the
// duty to show that the host lives. It shows that by changing its key from time
// to time (the defender of a Windows cluster disk renews its registration every
// 3 seconds, and a challenger looks again after twice that time). So no block of
// the disk is needed, and who preempts the key that it has watched cannot hit a
// holder that has renewed it since: that key is no longer there.
//
// A host that unmounts does not release the reservation, it marks its key as
// free: a disk that nobody has reserved lets everyone write, also a host that was
// preempted long ago, stood still, and wakes up now.
type lease struct {
	h       *sim.Host
	rules   leaseRules
	key     disk.Key
	renewed int64 // when the host last knew that it had the lease
	lost    bool
	renewal sim.Mutex
}

// leaseRules are what the right protocol does at the two moments that matter.
type leaseRules struct {
	fence     disk.ReserveAction // of a silent holder
	persist   disk.Persist       // of the reservation, when the disk loses power
	impatient bool               // a holder is given no time to show that it lives
}

const (
	renewEvery = 2 // ticks
	// leaseTime is how old a renewal may be for the host to answer from its
	// memory, challengeTime how long a challenger watches. What reaches the disk
	// does not hang on them, since the disk refuses a host that was preempted. What
	// that host answers does: where its clock is behind, it is of the past.
	leaseTime     = 4
	challengeTime = 6

	reservation = disk.WriteExclusiveRegistrantsOnly

	// freeKey is set in the key of a host that holds the reservation and has
	// nothing mounted.
	freeKey disk.Key = 1

	// nobodyFenced is a fence that asks and does nothing.
	nobodyFenced = disk.Report
)

// takeLease waits until the host has the reservation, or EBUSY if another host
// has it and lives.
func takeLease(h *sim.Host, rules leaseRules) (*lease, error) {
	l := &lease{h: h, rules: rules, key: (disk.Key(h.ID())+1)<<32 | disk.Key(h.Now())<<1}
	for {
		l.renewed = h.Now()
		err := h.Reserve(&disk.Reserve{Action: disk.Replace, IgnoreKey: true, NewKey: l.key, Persist: rules.persist})
		if err == nil {
			err = l.acquire()
		}
		if err != model.EBADE {
			return l, err
		}
		holder, ok, err := l.holder()
		switch {
		case err != nil:
			return nil, err
		case !ok:
			continue // the disk has just forgotten it
		}
		switch err := l.succeed(holder); err {
		case nil:
			l.renewed = h.Now()
			return l, nil
		case model.EBUSY, model.EBADE: // it lives, or another challenger was faster
			_ = l.unregister() // a key left behind harms nobody
			return nil, model.EBUSY
		default:
			return nil, err
		}
	}
}

// succeed takes the disk over from a holder that has nothing mounted, or that is
// silent for too long.
func (l *lease) succeed(holder disk.Key) error {
	if holder&freeKey != 0 {
		return l.preempt(holder, disk.PreemptAndAbort) // it loses nothing
	}
	if !l.rules.impatient {
		l.h.Sleep(challengeTime)
	}
	if now, _, err := l.holder(); err != nil {
		return err
	} else if now != holder {
		return model.EBUSY
	}
	l.h.Mark("failover")
	return l.preempt(holder, l.rules.fence)
}

// holder is the key of the host that holds the reservation; ok is false if none
// does.
func (l *lease) holder() (key disk.Key, ok bool, err error) {
	var r disk.ReservationReport
	if err := l.h.Reserve(&disk.Reserve{Action: disk.Report, Report: &r}); err != nil {
		return 0, false, err
	}
	for _, g := range r.Registrants {
		if g.Holder {
			return g.Key, true, nil
		}
	}
	return 0, false, nil
}

func (l *lease) acquire() error {
	return l.h.Reserve(&disk.Reserve{Action: disk.Acquire, Key: l.key, Type: reservation})
}

// preempt takes the disk from its holder. After a preempt-and-abort nothing that
// the holder has sent or sends can reach the disk.
func (l *lease) preempt(holder disk.Key, how disk.ReserveAction) error {
	if how == nobodyFenced {
		return nil
	}
	return l.h.Reserve(&disk.Reserve{Action: how, Key: l.key, OtherKey: holder, Type: reservation})
}

// check says whether the host may answer from its memory: it renewed the lease a
// short time ago, or can do so now.
func (l *lease) check() error {
	if !l.lost && l.h.Now()-l.renewed < leaseTime {
		return nil
	}
	return l.renew()
}

// renew changes the key. If that is refused the host has been fenced.
func (l *lease) renew() error {
	l.renewal.Lock(l.h)
	defer l.renewal.Unlock(l.h)
	if l.lost {
		return model.EIO
	}
	now := l.h.Now()
	err := l.h.Reserve(&disk.Reserve{Action: disk.Replace, Key: l.key, NewKey: l.key + 2, Persist: l.rules.persist})
	switch err {
	case nil:
		l.key, l.renewed = l.key+2, now
		return nil
	case model.EBADE:
		l.lost = true
		l.h.Mark("the lease is lost")
	}
	return model.EIO
}

// renewals is the daemon that keeps the lease alive.
func (l *lease) renewals() {
	for !l.lost {
		l.h.Sleep(renewEvery)
		_ = l.renew() // the next call tells
	}
}

// giveUp lets the next host have the disk at once.
func (l *lease) giveUp() error {
	l.renewal.Lock(l.h)
	defer l.renewal.Unlock(l.h)
	l.lost = true
	return l.h.Reserve(&disk.Reserve{Action: disk.Replace, Key: l.key, NewKey: l.key | freeKey, Persist: l.rules.persist})
}

func (l *lease) unregister() error {
	return l.h.Reserve(&disk.Reserve{Action: disk.Unregister, Key: l.key})
}
