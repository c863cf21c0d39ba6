package model

import (
	"math"
	"slices"
)

// Locks are the advisory locks that open files have on one file, as the
// specification has them. They belong to the open file, which is called a handle
// here, cover a range of words and are shared or exclusive; a lock on the whole
// file is one on every word it can ever have. Nobody waits: what is in somebody's
// way is refused (EAGAIN).
//
// These are the open file description locks of Linux (fcntl(2), F_OFD_SETLK);
// whole they are what flock(2) with LOCK_NB takes, on a simulated host. On a real
// one there are two kinds ([Run].LocksApart), each a Locks of its own: the whole
// file is flock's and words are fcntl's. On a Linux host they do not see each
// other, over NFS they do (flock(2), NOTES). And flock gives up what a handle has
// before it makes a shared lock exclusive, or the other way round: others can get
// it between, and who is then refused may have nothing left. A range is changed at
// once, or not at all. POSIX's own locks, which belong to the process and go with
// its first close of the file, are not modelled.
//
// The zero value has none.
type Locks struct{ held []FileLock }

// FileLock is one lock: the words from From up to To.
type FileLock struct {
	Handle   int
	From, To int64
	Shared   bool
}

// WholeFile is the To of a lock that ends nowhere.
const WholeFile int64 = math.MaxInt64

// LockRange is the words that a Lock or Unlock step is about.
func (s Step) LockRange() (from, to int64) {
	if s.Len == 0 {
		return 0, WholeFile
	}
	return int64(s.Off), int64(s.Off) + int64(s.Len)
}

// Excludes reports whether l and m cannot both be: they are of two handles, have
// a word in common, and one is not shared.
func (l FileLock) Excludes(m FileLock) bool {
	return l.Handle != m.Handle && l.From < m.To && m.From < l.To && !(l.Shared && m.Shared)
}

// Take adds a lock in place of what its handle has in that range. It reports
// false, and changes nothing, where another handle's excludes it.
func (l *Locks) Take(lock FileLock) bool {
	if slices.ContainsFunc(l.held, lock.Excludes) {
		return false
	}
	l.Release(lock.Handle, lock.From, lock.To)
	l.held = append(l.held, lock)
	return true
}

// Release takes a range away from a handle's locks, and what is left of each
// stays. It is no error if there are none.
func (l *Locks) Release(handle int, from, to int64) {
	kept := make([]FileLock, 0, len(l.held)+1)
	for _, h := range l.held {
		if h.Handle != handle || h.To <= from || to <= h.From {
			kept = append(kept, h)
			continue
		}
		for _, left := range [][2]int64{{h.From, from}, {to, h.To}} {
			if left[0] < left[1] {
				kept = append(kept, FileLock{Handle: handle, From: left[0], To: left[1], Shared: h.Shared})
			}
		}
	}
	l.held = kept
}

// Held lists the locks, in no order that means anything. It is the caller's to
// read only.
func (l *Locks) Held() []FileLock { return l.held }
