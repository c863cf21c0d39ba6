package designs

import (
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
)

// hostLocks are advisory locks as an ordinary file system has them (fs/locks.c): in
// the memory of the host, whose programs they keep apart. Another host that has
// mounted the disk knows nothing of them. They are right where one host at a time
// has the disk.
type hostLocks struct {
	v    *volume
	file [inodes]model.Locks
}

// lockingVolume is a volume with locks in its host's memory.
type lockingVolume struct {
	*volume
	*hostLocks
}

// Lock takes a lock on a whole file.
func (l *hostLocks) Lock(file sim.Inode, handle int, shared bool) error {
	return l.LockRange(file, handle, 0, model.WholeFile, shared)
}

// Unlock gives up what a handle has of a file.
func (l *hostLocks) Unlock(file sim.Inode, handle int) error {
	return l.UnlockRange(file, handle, 0, model.WholeFile)
}

// LockRange takes a lock on some words.
func (l *hostLocks) LockRange(file sim.Inode, handle int, from, to int64, shared bool) (err error) {
	l.v.p.enter()
	defer l.v.end(&err)
	if !l.file[file].Take(model.FileLock{Handle: handle, From: from, To: to, Shared: shared}) {
		return model.EAGAIN
	}
	return nil
}

// UnlockRange gives up what a handle has of some words.
func (l *hostLocks) UnlockRange(file sim.Inode, handle int, from, to int64) (err error) {
	l.v.p.enter()
	defer l.v.end(&err)
	l.file[file].Release(handle, from, to)
	return nil
}

// diskLocks are advisory locks that all hosts see, since they are on the disk: each
// inode has a byte for each handle that has the whole file (VMFS keeps its file
// locks on the disk, too). Ranges are not kept. Nobody takes away what a host
// leaves that dies; so they are for designs that survive no crash.
type diskLocks struct{ *volume }

// In the byte of a lock: the host, its handle, and whether it is shared. 0 is none.
const lockShared = 0x80

func lockOwner(h *sim.Host, handle int) byte {
	return byte(int(h.ID())*(model.MaxFile+1) + handle)
}

// Lock takes a lock on a whole file; ENOLCK where the inode has no room for it.
func (l diskLocks) Lock(file sim.Inode, handle int, shared bool) (err error) {
	l.p.enter()
	defer l.end(&err)
	p, err := l.inode(int(file))
	if err != nil {
		return err
	}
	table, mine, own := p[offLocks:inodeSize], -1, lockOwner(l.h, handle)
	for i, b := range table {
		switch {
		case b&^lockShared == own || b == 0 && mine < 0:
			mine = i
		case b != 0 && !(shared && b&lockShared != 0):
			return model.EAGAIN
		}
	}
	if mine < 0 {
		return model.ENOLCK
	}
	l.forgetLock(table, own)
	if table[mine] = own; shared {
		table[mine] |= lockShared
	}
	l.inodeDirty(int(file))
	return nil
}

// Unlock gives up what a handle has of a file.
func (l diskLocks) Unlock(file sim.Inode, handle int) (err error) {
	l.p.enter()
	defer l.end(&err)
	p, err := l.inode(int(file))
	if err != nil {
		return err
	}
	if l.forgetLock(p[offLocks:inodeSize], lockOwner(l.h, handle)) {
		l.inodeDirty(int(file))
	}
	return nil
}

func (diskLocks) forgetLock(table []byte, own byte) (had bool) {
	for i, b := range table {
		if b&^lockShared == own {
			table[i], had = 0, true
		}
	}
	return had
}
