package designs

import (
	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
	"github.com/doublemount/doublemount/sim/dlm"
)

// ClusterLock is a cluster file system: every host mounts the disk, caches what it
// likes, and locks say what that is (GFS2 with its glocks, OCFS2). There is a lock
// for each inode, with all that belongs to it, and one for the bitmap. Who has it
// in PR may keep clean copies, who has it in EX may change them. Locks are kept
// after use, until another host wants them: then EX is flushed, and what the lock
// covers is forgotten. Each host has a journal; when a host dies, another fences
// it and replays its journal before its locks are free.
//
// Why it is linearizable:
//
//   - An operation has all its locks before it changes anything, and until it is
//     done (cluster_access.go). So operations that touch the same inode exclude
//     each other unless both only read, and their order is one of whole operations.
//   - A host that gives EX up has first committed what it changed, written it to
//     its place, and emptied its journal. So who gets the lock finds on the disk
//     what was there last, and no replay puts anything older over it.
//   - A host that gives a lock up has nothing in its cache that it covers. A block
//     that is freed is forgotten before the bitmap's lock is given up, and nobody
//     can get it before.
//   - Locks of a dead host stay with it until it is fenced and its journal has been
//     replayed (package dlm says why).
//
// A file that is open somewhere must not be freed: whoever has it open holds a
// third kind of lock in PR, and who would free it tries that in EX (GFS2's iopen
// locks). Files whose last host died with them are freed after the recovery.
func ClusterLock() sim.Design {
	right := clusterRules{}
	d := clusterLock("cluster-lock", "GFS2, OCFS2", right)
	bug := func(name, text string, rules clusterRules) {
		d.Bugs = append(d.Bugs, clusterLock("cluster-lock/"+name, "planted bug: "+text, rules))
	}
	bug("late-invalidate", "gives a lock up first and forgets what it covers afterwards (gfs2 58e9fee1)",
		clusterRules{lateInvalidate: true})
	bug("late-replay", "gives a lock up while its journal still has old images of what it covers (gfs2 d14e1ca3)",
		clusterRules{keepsImages: true})
	bug("grant-before-replay", "grants the locks of a dead host before its journal is replayed (ocfs2 814ce694)",
		clusterRules{replayLater: true})
	bug("append-race", "an append asks for the size, lets the lock go, and takes it again to write there (fs/gfs2/file.c: \"there is still a race\")",
		clusterRules{looseAppend: true})
	bug("no-open-locks", "the last name's removal frees a file that another host has open (gfs2 feaa7bba)",
		clusterRules{ownOpens: true})
	bug("stuck-lock", "an operation that fails does not let its locks go, so that others wait for nobody (dlm b790c3b7)",
		clusterRules{keepsOnError: true})
	bug("kept-flock", "an advisory lock that is given up on its host stays granted in the cluster (dlm b790c3b7: a stray granted lock)",
		clusterRules{keepsFlock: true})
	return d
}

// clusterRules are where a cluster file system can go wrong. The zero value is
// the right one.
type clusterRules struct {
	lateInvalidate bool // the cache is invalidated when the lock has gone
	keepsImages    bool // the journal is not emptied before EX is given up
	replayLater    bool // the journal of a dead host is replayed when its locks are free already
	looseAppend    bool // an append does not keep the lock between asking for the size and writing
	ownOpens       bool // only this host's opens keep a file
	keepsOnError   bool // an operation that fails keeps its locks
	keepsFlock     bool // an advisory lock that no handle has any more stays with the host
}

// The parts of the disk behind the file system, and the times of the lock space.
const (
	lockBlocks = 1 + dlm.Slots // the view and the heartbeats

	// clusterJournal is how long each journal is: a little shorter than that of a
	// host alone, since there is one for each.
	clusterJournal = 21

	deadAfter     = 4
	silentAfter   = 6
	watchdogAfter = 12
)

func clusterLock(name, standsFor string, rules clusterRules) sim.Design {
	s := shape{journal: clusterJournal, journals: dlm.Slots, behind: lockBlocks, spread: true}
	d := design(name, standsFor, model.Linearizable, nil)
	d.Survives = model.Crashes | model.PowerLosses | model.Pauses | model.Partitions | model.DiskPartitions |
		model.Fences | model.LostMessages | model.SkewedClocks
	// As much room for files as the others have.
	d.Disk = disk.Config{BlockSize: 256, Blocks: 70 + s.extra(), Volatile: true, Compare: true}
	d.Format = func(to disk.Device) error {
		if err := formatShape(to, s); err != nil {
			return err
		}
		return dlm.Format(to, lockSpace(to.Blocks()))
	}
	d.Mount = func(h *sim.Host) (sim.FS, error) { return mountCluster(h, rules) }
	d.Marks = []model.Instant{
		{Name: "recovery of a dead member", Needs: model.Crashes},
		{Name: "journal replayed", Needs: model.Crashes},
	}
	return d
}

// lockSpace is where the lock space is on a disk of so many blocks.
func lockSpace(blocks int) dlm.Config {
	first := blocks - lockBlocks
	return dlm.Config{View: first, Beats: first + 1, Dead: deadAfter, Silent: silentAfter, Watchdog: watchdogAfter}
}

// cluster is the volume of one host among others. It is its own protocol.
type cluster struct {
	*volume
	rules clusterRules
	n     *dlm.Node
	t     *transaction
	open  [inodes]uint8 // opens by this host

	flocks [inodes]flock

	locks   [lockCount]glock
	waiting sim.Mutex // for changed
	changed sim.Event // something about locks or reclaims has

	mutex      sim.Mutex // of what is done to the cache and the transaction
	op         *access   // the operation that is being carried out
	recovered  bool      // a dead host was recovered by this one
	reclaiming int       // reclaims under way
	orphans    bool      // a file without a name could not be freed
}

func mountCluster(h *sim.Host, rules clusterRules) (sim.FS, error) {
	v, err := mount(h)
	if err != nil {
		return nil, err
	}
	f := &cluster{volume: v, rules: rules}
	space := lockSpace(h.Blocks())
	space.Recover, space.Blocked = f.recoverSlot, f.blocked
	n, err := dlm.Join(h, space)
	if err != nil {
		return nil, err
	}
	f.n = n
	f.t = &transaction{v: v, ordered: true,
		j: journalOf(h, v.layout, n.Slot(), true), stable: make([]byte, v.firstData*v.blockSize)}
	v.p, v.c.running, v.c.cover = f, f.t, f
	if err := f.t.j.replay(); err != nil { // it is empty: this is for its sequence number
		n.Withdraw()
		return nil, err
	}
	if f.recovered || n.Alone() { // then nobody else frees what hosts that died have left
		_ = f.reclaim() // the unmount tries again
	}
	h.Go(f.commits)
	return f, nil
}

// recoverSlot makes whole what a dead host left: its journal is replayed, and
// then files that only it had open are freed.
func (f *cluster) recoverSlot(slot int) error {
	replay := func() error { return journalOf(f.h, f.layout, slot, true).replay() }
	if f.rules.replayLater {
		f.h.Go(func() { f.h.Sleep(2); _ = replay() })
	} else if err := replay(); err != nil {
		return err
	}
	f.recovered = true
	if f.n != nil {
		f.reclaiming++
		f.h.Go(func() {
			_ = f.reclaim()
			f.reclaiming--
			f.changed.Broadcast(f.h)
		})
	}
	return nil
}

// reclaim frees the files that have no name and are open nowhere any more.
func (f *cluster) reclaim() error {
	f.orphans = false
	for ino := range inodes {
		if err := f.letGo(ino); err != nil {
			return err
		}
	}
	return nil
}

// letGo frees a file if nothing keeps it.
func (f *cluster) letGo(ino int) error {
	err := f.run(&access{}, func() error { return f.freeIfUnused(ino) })
	f.orphans = f.orphans || err != nil
	return err
}

// freeIfUnused frees a file if it has no name and nobody has it open.
func (f *cluster) freeIfUnused(ino int) error {
	mode, err := f.mode(ino)
	if err == model.EUCLEAN {
		return nil // it is free
	}
	if err != nil || mode != modeNameless {
		return err
	}
	if opens, err := f.opens(ino); err != nil || opens > 0 {
		return err
	}
	return f.freeInode(ino)
}

// commits is the daemon that commits from time to time.
func (f *cluster) commits() {
	for !f.n.Removed() {
		f.h.Sleep(commitInterval)
		f.mutex.Lock(f.h)
		if !f.n.Removed() {
			_ = f.t.commit() // the next call tells of an error
		}
		f.mutex.Unlock(f.h)
	}
}

// flush leaves nothing of this host's changes in its memory or in its journal.
func (f *cluster) flush() error {
	if err := f.t.sync(); err != nil {
		return err
	}
	f.unflushed = false
	if f.rules.keepsImages {
		if err := f.c.Sync(); err != nil {
			return err
		}
		return f.h.Flush()
	}
	return f.t.j.checkpoint(f.c.Cache)
}

// The protocol's part: locks are taken around whole operations, by run.
func (f *cluster) enter()              {}
func (f *cluster) leave() error        { return f.t.failed }
func (f *cluster) sync() error         { return f.t.sync() }
func (f *cluster) fsync([]int32) error { return f.t.sync() }

func openName(ino int) dlm.Name { return dlm.Name{Type: openLock, Number: uint32(ino)} }

// opened tells other hosts that this one has a file open. The caller has the
// file's lock, so nobody is about to free it.
func (f *cluster) opened(ino int) error {
	if f.open[ino] == 0 {
		if err := f.n.Lock(openName(ino), dlm.PR, dlm.Options{}); err != nil {
			return err
		}
	}
	f.open[ino]++
	return nil
}

// closed is opened's inverse.
func (f *cluster) closed(ino int) (left int, err error) {
	if f.open[ino]--; f.open[ino] == 0 {
		err = f.n.Unlock(openName(ino), nil)
	}
	return int(f.open[ino]), err
}

// opens is more than 0 if any host has the file open.
func (f *cluster) opens(ino int) (int, error) {
	switch {
	case f.op.again:
		return 0, errAgain
	case f.open[ino] > 0 || f.rules.ownOpens:
		return int(f.open[ino]), nil
	}
	switch err := f.n.Lock(openName(ino), dlm.EX, dlm.Options{NoQueue: true}); err {
	case nil:
		return 0, f.n.Unlock(openName(ino), nil)
	case dlm.ErrBusy:
		return 1, nil
	default:
		return 0, err
	}
}
