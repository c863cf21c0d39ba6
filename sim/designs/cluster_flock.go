package designs

import (
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
	"github.com/doublemount/doublemount/sim/dlm"
)

// flock is what a host has of a file's advisory lock: its handles in its memory,
// and for all of them one lock of the cluster, in PR if they share and in EX if one
// has it alone (ocfs2_file_lock, gfs2's do_flock: each keeps a lock of the lock
// manager for it, and asks with LM_FLAG_TRY). A host that dies loses it when it is
// recovered, as it loses all its locks. Ranges are not kept: OCFS2 with o2cb has
// flock across the cluster, and no fcntl locks.
type flock struct {
	handles model.Locks
	mode    dlm.Mode
	busy    bool // it is being changed
}

const flockLock = 4 // a type of names

func flockName(ino int) dlm.Name { return dlm.Name{Type: flockLock, Number: uint32(ino)} }

// Lock takes an advisory lock on a whole file.
func (f *cluster) Lock(file sim.Inode, handle int, shared bool) error {
	l := f.beginFlock(int(file))
	defer f.endFlock(l)
	want, lock := dlm.EX, model.FileLock{Handle: handle, To: model.WholeFile, Shared: shared}
	if shared {
		want = dlm.PR
	}
	for _, h := range l.handles.Held() {
		if h.Excludes(lock) {
			return model.EAGAIN
		}
	}
	if !l.mode.Covers(want) {
		if err := f.raiseFlock(int(file), l, want); err != nil {
			return err
		}
	}
	l.handles.Take(lock)
	return f.lowerFlock(int(file), l)
}

// Unlock gives up what a handle has of a file.
func (f *cluster) Unlock(file sim.Inode, handle int) error {
	l := f.beginFlock(int(file))
	defer f.endFlock(l)
	l.handles.Release(handle, 0, model.WholeFile)
	return f.lowerFlock(int(file), l)
}

// beginFlock waits until nobody else on the host is changing a file's lock.
func (f *cluster) beginFlock(ino int) *flock {
	l := &f.flocks[ino]
	for l.busy {
		f.wait()
	}
	l.busy = true
	return l
}

func (f *cluster) endFlock(l *flock) {
	l.busy = false
	f.changed.Broadcast(f.h)
}

// raiseFlock asks the cluster for more, and does not wait.
func (f *cluster) raiseFlock(ino int, l *flock, want dlm.Mode) error {
	ask := f.n.Lock
	if l.mode != dlm.None {
		ask = f.n.Convert
	}
	switch err := ask(flockName(ino), want, dlm.Options{NoQueue: true}); err {
	case nil:
		l.mode = want
		return nil
	case dlm.ErrBusy, dlm.ErrDeadlock:
		return model.EAGAIN
	default:
		return err
	}
}

// lowerFlock keeps no more of the cluster's lock than the handles need.
func (f *cluster) lowerFlock(ino int, l *flock) (err error) {
	need := dlm.None
	for _, h := range l.handles.Held() {
		if need = dlm.PR; !h.Shared {
			need = dlm.EX
			break
		}
	}
	switch {
	case f.n.Removed():
		return dlm.ErrRemoved
	case need == l.mode, f.rules.keepsFlock:
		return nil
	case need == dlm.None:
		err = f.n.Unlock(flockName(ino), nil)
	default:
		err = f.n.Convert(flockName(ino), need, dlm.Options{})
	}
	l.mode = need
	return err
}
