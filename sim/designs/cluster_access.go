package designs

import (
	"errors"

	"github.com/doublemount/doublemount/sim/dlm"
)

// The locks of a cluster volume, in the order in which they are taken.
const (
	bitmapID  = inodes // behind the inodes
	lockCount = inodes + 1

	inodeLock = 1 // types of names
	bitLock   = 2
	openLock  = 3
)

func lockName(id int) dlm.Name {
	if id == bitmapID {
		return dlm.Name{Type: bitLock}
	}
	return dlm.Name{Type: inodeLock, Number: uint32(id)}
}

// glock is what a host knows of a lock that it keeps.
type glock struct {
	mode    dlm.Mode // None, PR or EX
	holders int      // operations that count on it
	busy    bool     // it is being changed
	loaded  bool     // what it covers has been read since it was taken
}

// access is one operation, and the locks for it. Which ones it needs is found out
// by trying: when it comes to a block that it has no lock for, it starts again,
// with that lock too. All are taken in one order, so no two hosts wait for each
// other; and before they are taken nothing is changed that is not put back.
type access struct {
	need, have [lockCount]dlm.Mode
	again      bool
	saved      []savedBlock
}

// savedBlock is what a block was before the operation; nothing if it was not in
// the cache.
type savedBlock struct {
	block int
	data  []byte
}

// errAgain ends an attempt that lacked a lock.
var errAgain = errors.New("a lock is missing")

// run carries out an operation.
func (f *cluster) run(op *access, body func() error) error {
	for {
		if err := f.acquire(op); err != nil {
			return err
		}
		err := f.attempt(op, body)
		if err == nil || op.again || !f.rules.keepsOnError {
			f.release(op)
		}
		if !op.again {
			return err
		}
	}
}

// attempt carries it out under the locks that it has. If it fails, nothing has
// changed.
func (f *cluster) attempt(op *access, body func() error) error {
	f.mutex.Lock(f.h)
	defer f.mutex.Unlock(f.h)
	f.t.whole, f.t.growing = 0, false
	crowded, err := f.t.crowded()
	if crowded && err == nil {
		f.h.Mark("commit for want of room")
		err = f.t.commit()
	}
	op.again = false
	if err == nil {
		f.op = op
		if err = body(); err != nil || op.again {
			f.restore(op)
		}
		f.op = nil
	}
	op.saved = op.saved[:0]
	if f.t.failed != nil {
		f.n.Withdraw() // others have to replay what is there
		return f.t.failed
	}
	return err
}

// restore puts back what an attempt has changed.
func (f *cluster) restore(op *access) {
	for i := len(op.saved) - 1; i >= 0; i-- {
		s := op.saved[i]
		if s.data == nil {
			f.c.Forget(s.block)
		} else if f.c.Cached(s.block) {
			if p, err := f.c.Cache.Get(s.block); err == nil {
				copy(p, s.data)
			}
		}
	}
}

// save notes what a block is before the operation can change it.
func (op *access) save(block int, p []byte) {
	for i := range op.saved {
		if op.saved[i].block == block {
			return
		}
	}
	s := savedBlock{block: block}
	if p != nil {
		s.data = append(make([]byte, 0, len(p)), p...)
	}
	op.saved = append(op.saved, s)
}

// get is the copy of a block, if the operation has a lock for it.
func (f *cluster) get(block int) ([]byte, error) {
	op := f.op
	if op == nil {
		return f.c.Cache.Get(block)
	}
	id := f.covering(block)
	if op.again || !op.has(id, dlm.PR) {
		return nil, errAgain
	}
	p, err := f.c.Cache.Get(block)
	if err != nil {
		return nil, err
	}
	if block >= bitmapBlock && block < f.firstData && !f.locks[id].loaded {
		f.locks[id].loaded = true
		copy(f.t.stable[block*f.blockSize:], p)
	}
	op.save(block, p)
	return p, nil
}

// change reports whether the operation may change a block that it has read.
func (f *cluster) change(block int) bool {
	return f.op == nil || !f.op.again && f.op.has(f.covering(block), dlm.EX)
}

// create reports whether it may change one that it has not.
func (f *cluster) create(block int) bool {
	if !f.change(block) {
		return false
	}
	if f.op == nil {
		return true
	}
	var p []byte
	if f.c.Cached(block) {
		p, _ = f.c.Cache.Get(block) // it is there
	}
	f.op.save(block, p)
	return true
}

func (f *cluster) bitmapKnown() bool { return f.locks[bitmapID].loaded }

// has reports whether the operation has a lock in a mode; if not it starts
// again, with it.
func (op *access) has(id int, mode dlm.Mode) bool {
	if id < 0 || op.have[id].Covers(mode) {
		return true
	}
	op.need[id], op.again = max(op.need[id], mode), true
	return false
}

// covering is the lock that covers a block, -1 for none. A block that belongs to
// no inode that the operation has a lock on has just been taken from the bitmap.
func (f *cluster) covering(block int) int {
	switch {
	case block == superBlock:
		return -1
	case block == bitmapBlock:
		return bitmapID
	case block < f.firstData:
		return block - inodeBlock
	}
	for ino := range inodes {
		if f.op.have[ino] != dlm.None && f.leadsTo(ino, block) {
			return ino
		}
	}
	return bitmapID
}

// leadsTo reports whether a block belongs to an inode, as far as the cache knows.
func (f *cluster) leadsTo(ino, block int) bool {
	found := false
	f.each(ino, func(b int) { found = found || b == block })
	return found
}

// each calls visit for the blocks of an inode that the cache knows of.
func (f *cluster) each(ino int, visit func(block int)) {
	at, _ := f.inodeAt(ino)
	if !f.c.Cached(at) {
		return
	}
	p, err := f.c.Cache.Get(at)
	if err != nil || p[0] == modeFree {
		return
	}
	list := func(pointers []byte) {
		for ; len(pointers) > 0; pointers = pointers[2:] {
			if b := int(order.Uint16(pointers)); b >= f.firstData && b < f.blocks {
				visit(b)
			}
		}
	}
	list(p[offDirect:offIndirect])
	indirect := int(order.Uint16(p[offIndirect:]))
	if indirect < f.firstData || indirect >= f.blocks {
		return
	}
	visit(indirect)
	if !f.c.Cached(indirect) {
		return
	}
	if p, err := f.c.Cache.Get(indirect); err == nil {
		list(p)
	}
}

// acquire takes the locks that an operation needs, in their order.
func (f *cluster) acquire(op *access) error {
	for id := range op.need {
		if op.need[id] == dlm.None {
			continue
		}
		if err := f.hold(id, op.need[id]); err != nil {
			f.release(op)
			return err
		}
		op.have[id] = op.need[id]
	}
	if f.n.Removed() {
		f.release(op)
		return dlm.ErrRemoved
	}
	return nil
}

// release lets them go; the host keeps them until somebody wants them.
func (f *cluster) release(op *access) {
	for id := range op.have {
		if op.have[id] != dlm.None {
			f.locks[id].holders--
		}
	}
	clear(op.have[:])
	f.changed.Broadcast(f.h)
}

// hold waits until the host has a lock in a mode, and keeps it there.
func (f *cluster) hold(id int, mode dlm.Mode) error {
	g := &f.locks[id]
	for {
		switch {
		case f.n.Removed():
			return dlm.ErrRemoved
		case g.busy:
			f.wait()
		case g.mode.Covers(mode):
			g.holders++
			return nil
		case g.holders > 0:
			f.wait()
		default:
			g.busy = true
			err := f.obtain(id, mode)
			g.busy = false
			f.changed.Broadcast(f.h)
			if err != nil {
				return err
			}
		}
	}
}

// obtain gets a lock from its master. Where two hosts have it in PR and both want
// more, one has to give it up.
func (f *cluster) obtain(id int, mode dlm.Mode) error {
	g, name := &f.locks[id], lockName(id)
	if g.mode != dlm.None {
		err := f.n.Convert(name, mode, dlm.Options{})
		if err != dlm.ErrDeadlock {
			if err == nil {
				g.mode = mode
			}
			return err
		}
		f.mutex.Lock(f.h)
		f.forget(id)
		g.mode = dlm.None
		f.mutex.Unlock(f.h)
		if err := f.n.Unlock(name, nil); err != nil {
			return err
		}
	}
	err := f.n.Lock(name, mode, dlm.Options{})
	if err == nil {
		g.mode = mode
	}
	return err
}

// wait waits for something to change about the locks.
func (f *cluster) wait() {
	f.waiting.Lock(f.h)
	f.changed.Wait(f.h, &f.waiting)
	f.waiting.Unlock(f.h)
}

// blocked gives a lock up that another host wants, when no operation counts on it
// any more. What was changed under EX goes to the disk before, and what may be
// changed by others is forgotten before. A host that cannot write must keep its
// locks until it is fenced and recovered.
func (f *cluster) blocked(name dlm.Name, by dlm.Mode) {
	id := int(name.Number)
	switch name.Type {
	case bitLock:
		id = bitmapID
	case openLock, flockLock:
		return // who frees a file, or locks one for a client, only tries
	}
	g := &f.locks[id]
	for g.busy {
		f.wait()
	}
	g.busy = true
	for g.holders > 0 {
		f.wait()
	}
	if g.mode != dlm.None && !f.n.Removed() && f.giveUp(id, by) != nil {
		f.n.Withdraw()
	}
	g.busy = false
	f.changed.Broadcast(f.h)
}

func (f *cluster) giveUp(id int, by dlm.Mode) error {
	g, to := &f.locks[id], dlm.PR
	if !to.Compatible(by) || g.mode == dlm.PR {
		to = dlm.None
	}
	f.mutex.Lock(f.h)
	var err error
	if g.mode == dlm.EX {
		err = f.flush()
	}
	if err == nil && to == dlm.None && !f.rules.lateInvalidate {
		f.forget(id)
	}
	if err == nil {
		g.mode = to
	}
	f.mutex.Unlock(f.h)
	switch {
	case err != nil || f.n.Removed():
		return err
	case to == dlm.PR:
		return f.n.Convert(lockName(id), to, dlm.Options{})
	}
	err = f.n.Unlock(lockName(id), nil)
	if f.rules.lateInvalidate {
		f.h.Go(func() { f.forgetLater(id) })
	}
	return err
}

// forgetLater forgets what a lock covered a while after it has gone.
func (f *cluster) forgetLater(id int) {
	f.h.Sleep(1)
	f.mutex.Lock(f.h)
	if f.locks[id].mode == dlm.None {
		f.forget(id)
	}
	f.mutex.Unlock(f.h)
}

// forget drops what a lock covers from the cache. With the bitmap these are the
// blocks that are free: another host can now take them.
func (f *cluster) forget(id int) {
	g := &f.locks[id]
	if !g.loaded {
		return // nothing was read under it
	}
	g.loaded = false
	var list []int
	if id == bitmapID {
		p, err := f.c.Cache.Get(bitmapBlock)
		for b := f.firstData; b < f.blocks; b++ {
			if (err != nil || p[b/8]&(1<<(b%8)) == 0) && f.c.Cached(b) {
				list = append(list, b)
			}
		}
		list = append(list, bitmapBlock)
	} else {
		at, _ := f.inodeAt(id)
		_, err := f.c.Cache.Get(at)
		f.each(id, func(b int) { list = append(list, b) })
		if list = append(list, at); err != nil {
			f.c.Invalidate(0, 0)
		}
	}
	for _, b := range list {
		f.c.Forget(b)
	}
}
