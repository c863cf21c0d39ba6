package designs

import (
	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
)

// LocalJournal is Local with a journal, as the file systems have that people
// mount twice. On one host it is right through crashes and power losses: what
// was synced is there, each operation is there whole or not at all. On two hosts
// it is worse off than Local: a mount replays the journal of a host that is still
// there, over what that host has written since, and both write one journal.
//
// It declares nothing-lost, as Local does, and that it survives crashes.
//
// Verified by its tests: every operation cut at every disk command, with every
// subset of a few unflushed writes lost; random programs with crashes, power
// losses, writebacks and holds. Not verified: disks that fail or lie.
func LocalJournal() sim.Design {
	right := journalRules{barriers: true, ordered: true}
	d := localJournal("local-journal", "ext4, XFS, NTFS with their journal, mounted by two hosts at once", right)
	bug := func(name, leavesOut string, rules journalRules) {
		d.Bugs = append(d.Bugs, localJournal("local-journal/"+name, "planted bug: "+leavesOut, rules))
	}
	bug("no-barriers", "no flush between a transaction and its commit (mount -o barrier=0)",
		journalRules{ordered: true})
	bug("no-ordered-data", "a commit does not wait for the data that it leads to (mount -o data=writeback)",
		journalRules{barriers: true})
	return d
}

// journalRules are what a journal can do without, and be wrong.
type journalRules struct {
	barriers bool // flushes where the order of writes matters, and where a sync ends
	ordered  bool // data is on the disk before what leads to it is committed
}

const (
	// journalBlocks is how long the journal is: long enough for the largest
	// operation beside some small ones, short enough to get full in a short run.
	journalBlocks = 24
	// commitInterval is after how many ticks a change is committed, by itself (the
	// commit interval of ext4 and jbd2 is 5 seconds).
	commitInterval = 5
)

func localJournal(name, standsFor string, rules journalRules) sim.Design {
	d := design(name, standsFor, model.NothingLost, nil)
	d.Survives = model.Crashes | model.PowerLosses
	d.Marks = []model.Instant{
		{Name: "journal replayed", Needs: model.Crashes}, // a crash between commit and checkpoint
		{Name: "nameless file reclaimed", Needs: model.Crashes},
		{Name: "commit for want of room"},
	}
	// As much room for files as the others have.
	d.Disk = disk.Config{BlockSize: 256, Blocks: 64 + journalBlocks, Volatile: true}
	d.Format = func(to disk.Device) error { return formatWith(to, journalBlocks) }
	d.Mount = func(h *sim.Host) (sim.FS, error) { return mountJournaled(h, rules) }
	return d
}

// journaled is the volume of a host that has a journal.
type journaled struct {
	*volume
	*hostLocks
	protocol *journalProtocol
}

func mountJournaled(h *sim.Host, rules journalRules) (sim.FS, error) {
	v, err := mount(h)
	if err != nil {
		return nil, err
	}
	if v.journal == 0 {
		return nil, model.EUCLEAN
	}
	j := newJournal(h, v.layout, rules.barriers)
	if err := j.replay(); err != nil {
		return nil, err
	}
	t := &transaction{v: v, j: j, ordered: rules.ordered}
	p := &journalProtocol{local: local{v: v}, t: t}
	v.p, v.c.running = p, t
	if err := t.begin(); err != nil {
		return nil, err
	}
	if err := t.reclaim(); err != nil {
		return nil, err
	}
	h.Go(p.commits)
	return journaled{v, &hostLocks{v: v}, p}, nil
}

// Unmount leaves an empty journal.
func (f journaled) Unmount() (err error) {
	f.p.enter()
	defer f.end(&err)
	if err := f.p.sync(); err != nil {
		return err
	}
	return f.protocol.t.j.checkpoint(f.c.Cache)
}

// journalProtocol is local with a transaction. When its journal cannot be
// written, or an operation stops half-way because the disk fails, every call fails
// until the next mount, as with XFS.
type journalProtocol struct {
	local
	t *transaction
}

func (p *journalProtocol) enter() {
	p.local.enter()
	p.t.whole, p.t.growing, p.t.changed = 0, false, false
	crowded, err := p.t.crowded()
	if crowded && err == nil {
		p.v.h.Mark("commit for want of room")
		err = p.t.commit()
	}
	if err != nil {
		p.t.failed = err
	}
}

func (p *journalProtocol) leave() error {
	if err := p.local.leave(); err != nil {
		return err
	}
	return p.t.failed
}

func (p *journalProtocol) sync() error { return p.t.sync() }

// fsync writes the file's data and commits. The structure among the blocks is
// pinned, or has an image in the journal.
func (p *journalProtocol) fsync(blocks []int32) error {
	for _, b := range blocks {
		if p.t.j.live[b] != 0 {
			continue
		}
		if err := p.v.c.WriteBlock(int(b)); err != nil {
			return err
		}
	}
	if err := p.t.commit(); err != nil {
		return err
	}
	return p.t.j.flush()
}

// commits is the daemon that commits from time to time (kjournald).
func (p *journalProtocol) commits() {
	for {
		p.v.h.Sleep(commitInterval)
		p.enter()
		_ = p.t.commit() // the next call tells of an error
		_ = p.leave()
	}
}
