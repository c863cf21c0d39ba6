package designs

import (
	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
)

// ActivePassive lets one host at a time mount the disk, as a Windows failover
// cluster does with an NTFS volume, and as everybody means who says that a disk
// is "online on one side only". The host that is active holds a reservation
// (lease.go); another that mounts is refused (EBUSY) while the active one lives.
// When it does not renew its registration any more, it is preempted, what it has
// in flight is aborted, its journal is replayed, and the other is active.
//
// Why it is linearizable: only the holder of the reservation can write. Who
// mounts has the reservation before it reads anything, and from then on nothing
// that an earlier holder has sent or will send reaches the disk. So each mount
// begins with a disk that nobody else changes, and in between it is a journaled
// file system on one host. A holder that stood still finds that its lease is over
// before it answers from its memory. One whose clock is behind can answer old
// things after it was preempted, as a fenced host may, but change nothing.
//
// Verified by its tests: failover from a host that is dead, paused, cut off from
// the disk or fenced; power losses of everything and of the disk alone; clocks
// that run apart. Not verified: disks that fail or lie.
func ActivePassive() sim.Design {
	d := activePassive("active-passive", "an NTFS volume in a Windows failover cluster; any file system behind SCSI-3 or NVMe reservations",
		leaseRules{fence: disk.PreemptAndAbort, persist: disk.PersistOn})
	bug := func(name, leavesOut string, rules leaseRules) {
		d.Bugs = append(d.Bugs, activePassive("active-passive/"+name, "planted bug: "+leavesOut, rules))
	}
	bug("no-fence", "takes over from a host that is silent without fencing it",
		leaseRules{fence: nobodyFenced, persist: disk.PersistOn})
	bug("no-abort", "preempts the silent host and forgets what that has in flight",
		leaseRules{fence: disk.Preempt, persist: disk.PersistOn})
	bug("volatile-fence", "the reservation is lost when the disk loses power (APTPL=0)",
		leaseRules{fence: disk.PreemptAndAbort, persist: disk.PersistOff})
	bug("impatient", "takes a holder for dead without waiting for it to renew (VMware KB 2113956, false ATS miscompares)",
		leaseRules{fence: disk.PreemptAndAbort, persist: disk.PersistOn, impatient: true})
	return d
}

func activePassive(name, standsFor string, rules leaseRules) sim.Design {
	journal := journalRules{barriers: true, ordered: true}
	d := localJournal(name, standsFor, journal)
	d.Guarantee = model.Linearizable
	d.Survives = model.Crashes | model.PowerLosses | model.DiskResets | model.Pauses |
		model.DiskPartitions | model.Fences | model.SkewedClocks
	// A host that lives through a reset of the disk must not lose what it wrote, so
	// the disk's cache is one that a battery keeps.
	d.Disk.Volatile, d.Disk.Reservations = false, true
	d.Marks = append(d.Marks,
		model.Instant{Name: "failover", Needs: model.Crashes},
		model.Instant{Name: "the lease is lost", Needs: model.Pauses},
		model.Instant{Name: "reservation conflict", Needs: model.Pauses})
	d.Mount = func(h *sim.Host) (sim.FS, error) {
		l, err := takeLease(h, rules)
		if err != nil {
			return nil, err
		}
		h.Go(l.renewals) // from now on: a replay can take longer than a challenger waits
		fs, err := mountJournaled(h, journal)
		if err != nil {
			_ = l.giveUp() // what counts is that the mount failed
			return nil, err
		}
		v := fs.(journaled)
		v.p = &activeProtocol{journalProtocol: v.protocol, lease: l}
		return active{v, l}, nil
	}
	return d
}

// active is the journaled volume of the host that has the lease.
type active struct {
	journaled
	lease *lease
}

// Unmount gives the lease up after everything is on the disk. If that is not
// possible it is not given up: others must replay the journal first, and fence
// this host before.
func (f active) Unmount() error {
	if err := f.journaled.Unmount(); err != nil {
		return err
	}
	return f.lease.giveUp()
}

// activeProtocol answers only while the host has the lease: an operation may have
// stood still in its middle, so it looks again at the end.
type activeProtocol struct {
	*journalProtocol
	lease *lease
}

func (p *activeProtocol) enter() {
	if err := p.lease.check(); err != nil && p.t.failed == nil {
		p.t.failed = err
	}
	p.journalProtocol.enter()
}

func (p *activeProtocol) leave() error {
	if err := p.journalProtocol.leave(); err != nil {
		return err
	}
	return p.lease.check()
}
