package designs

import (
	"slices"

	"github.com/doublemount/doublemount/model"
)

// transaction is what a host has changed since its journal's last commit. Each
// operation is in one transaction as a whole, so a crash leaves all of it or
// nothing; a later one is there only if the earlier ones are.
//
// The structure (inodes, bitmap, directories, indirect blocks) is pinned in the
// cache until its commit. Data is not journaled: it goes to its place at any
// time, at the latest before the commit of the sizes and block numbers that lead
// to it. What a crash leaves must be some of the operations, each whole (of a
// write over several blocks, any block), so data that overwrites what the last
// commit can see is written to its place only if that is right with and without
// the rest of the transaction:
//
//   - after a cut of the file, or after a rename or link, the write may be wrong
//     without that: the transaction is committed first;
//   - a block in which a write both overwrites and goes on behind the end that the
//     last commit knows is itself made part of the transaction, as data=journal
//     does with all data;
//   - what a cut leaves in the last block stays there, and is zeroed when the file
//     grows again; by then the cut is committed.
//
// A block that the transaction frees is not given out again before its commit
// (jbd2 keeps the committed bitmap for that: b_committed_data; XFS has its busy
// extents).
type transaction struct {
	v       *volume
	j       *journal
	ordered bool    // data goes before the commit that leads to it
	blocks  []int32 // pinned, in the order of their first change
	data    []int32 // to be on the disk before the commit
	stable  []byte  // bitmap and inode table as last committed, at their place on the disk
	cut     [inodes]bool
	moved   bool
	failed  error // the journal could not be written; nothing goes on until the next mount

	// Of the operation under way:
	whole   int  // a block of data that is made part of the transaction, 0 for none
	growing bool // it writes what the last commit cannot see
	changed bool // it has changed something

	images, revoked []int32 // scratch
}

// mostChanged is the most blocks of structure that one operation changes: the
// bitmap; four inodes (a rename: two directories, the file, the one it replaces);
// two directory blocks and the indirect block of the growing directory; the
// indirect block of the file replaced; and one block of data.
const mostChanged = 10

// mostTaken is the most blocks that an operation other than a write takes.
const mostTaken = 2

// begin reads what the first commit is compared with.
func (t *transaction) begin() error {
	t.stable = make([]byte, t.v.firstData*t.v.blockSize)
	for b := bitmapBlock; b < t.v.firstData; b++ {
		p, err := t.v.c.Get(b)
		if err != nil {
			return err
		}
		copy(t.stable[b*t.v.blockSize:], p)
	}
	return nil
}

// inUse reports whether the last commit has a block in use. Where the bitmap is
// another host's, this one's transaction has taken and freed nothing, so what it
// is led to is.
func (t *transaction) inUse(block int) bool {
	return !t.bitmapKnown() || t.stable[bitmapBlock*t.v.blockSize+block/8]&(1<<(block%8)) != 0
}

func (t *transaction) bitmapKnown() bool { return t.v.c.cover == nil || t.v.c.cover.bitmapKnown() }

// visible is the size of a file as last committed.
func (t *transaction) visible(ino int) int {
	block, off := t.v.inodeAt(ino)
	return int(order.Uint32(t.stable[block*t.v.blockSize+off+offSize:]))
}

// add makes a changed block part of the transaction.
func (t *transaction) add(block int) {
	t.changed = true
	if !t.v.c.Pinned(block) {
		t.v.c.Pin(block)
		t.blocks = append(t.blocks, int32(block))
	}
}

// takes reports whether the block of data is part of the transaction, or is to
// be.
func (t *transaction) takes(block int) bool { return block == t.whole || t.v.c.Pinned(block) }

// addData is add for data.
func (t *transaction) addData(block int) {
	t.changed = true
	switch {
	case t.takes(block):
		t.add(block)
	case (t.growing || !t.inUse(block)) && !slices.Contains(t.data, int32(block)):
		t.data = append(t.data, int32(block))
	}
}

// crowded reports whether an operation might not fit into the transaction, or
// might not find a block but those that the transaction has freed.
func (t *transaction) crowded() (bool, error) {
	if len(t.blocks)+mostChanged > t.j.capacity() {
		return true, nil
	}
	return t.short(mostTaken)
}

// short reports whether a commit is needed before so many blocks can be taken.
func (t *transaction) short(need int) (bool, error) {
	if len(t.blocks) == 0 || !t.bitmapKnown() {
		return false, nil
	}
	bitmap, err := t.v.c.Cache.Get(bitmapBlock)
	if err != nil {
		return false, err
	}
	free, freed := 0, 0
	for b := t.v.firstData; b < t.v.blocks; b++ {
		if bitmap[b/8]&(1<<(b%8)) == 0 {
			free++
			if t.inUse(b) {
				freed++
			}
		}
	}
	return freed > 0 && free-freed < need, nil
}

// prepareWrite makes ready for n bytes at an offset, which need so many new
// blocks.
func (t *transaction) prepareWrite(ino, off, n, need int) error {
	short, err := t.short(need)
	if err != nil {
		return err
	}
	if short {
		if err := t.commit(); err != nil {
			return err
		}
	}
	size, err := t.v.size(ino)
	if err != nil {
		return err
	}
	if err := t.prepareRange(ino, min(off, size), off+n); err != nil || off <= size {
		return err
	}
	return t.zeroBehind(ino, size)
}

// prepareTruncate makes ready for another size.
func (t *transaction) prepareTruncate(ino, to int) error {
	size, err := t.v.size(ino)
	switch {
	case err != nil:
		return err
	case to < size:
		t.cut[ino] = true
		return nil
	case to == size:
		return nil
	}
	end := min(to, (size+t.v.blockSize-1)/t.v.blockSize*t.v.blockSize) // the rest is a hole
	if err := t.prepareRange(ino, size, end); err != nil {
		return err
	}
	return t.zeroBehind(ino, size)
}

// prepareRange makes ready for a change of the bytes of a file from one offset
// to another.
func (t *transaction) prepareRange(ino, from, to int) error {
	t.whole, t.growing = 0, false
	seen := false // the range has bytes that the last commit can see
	replayed := 0 // a block of it that a replay would overwrite
	visible, size := t.visible(ino), t.v.blockSize
	for i := from / size; i*size < to; i++ {
		b, err := t.v.blockOf(ino, i)
		if err != nil {
			return err
		}
		if b == 0 || !t.inUse(b) {
			continue
		}
		first, last := max(from, i*size), min(to, (i+1)*size)
		if first < visible {
			seen = true
			if last > visible {
				t.whole = b
			}
		}
		if t.j.live[b] != 0 && !t.v.c.Pinned(b) {
			replayed = b
		}
	}
	t.growing = to > visible
	if seen && (t.moved || t.cut[ino]) {
		if err := t.commit(); err != nil {
			return err
		}
		return t.prepareRange(ino, from, to)
	}
	if replayed != 0 && replayed != t.whole {
		return t.j.checkpoint(t.v.c.Cache)
	}
	return nil
}

// zeroBehind zeroes what stands behind the end of a file in its last block,
// before the file grows over it: what a cut left, or data whose size was lost in
// a crash.
func (t *transaction) zeroBehind(ino, size int) error {
	b, err := t.v.blockOf(ino, size/t.v.blockSize)
	if err != nil || b == 0 || size%t.v.blockSize == 0 {
		return err
	}
	p, err := t.v.c.Get(b)
	if err != nil {
		return err
	}
	behind := p[size%t.v.blockSize:]
	if !slices.ContainsFunc(behind, func(c byte) bool { return c != 0 }) {
		return nil
	}
	clear(behind)
	t.v.c.DirtyData(b)
	return nil
}

// commit makes the transaction one that is replayed, and empties it. After an
// error nothing can be committed until the next mount: a part of it may be on
// the disk.
func (t *transaction) commit() error {
	if t.failed != nil {
		return t.failed
	}
	if len(t.blocks) > 0 {
		if t.failed = t.tryCommit(); t.failed != nil {
			return t.failed
		}
	}
	t.blocks, t.data, t.moved = t.blocks[:0], t.data[:0], false
	clear(t.cut[:])
	return nil
}

// ended is called when an operation is done. If the disk failed when it had
// changed something already, half of it is in the transaction, which must not be
// committed any more (XFS shuts down when it has to cancel a transaction that is
// dirty: fs/xfs/xfs_trans.c xfs_trans_cancel). A design with locks of its own puts
// back what the operation has changed.
func (t *transaction) ended(err error) {
	if t.changed && t.failed == nil && t.v.c.cover == nil && (err == model.EIO || err == model.EBADE) {
		t.failed = err
	}
}

func (t *transaction) tryCommit() error {
	c := &t.v.c
	bitmap := t.stable[bitmapBlock*t.v.blockSize:]
	if t.bitmapKnown() {
		var err error
		if bitmap, err = c.Cache.Get(bitmapBlock); err != nil {
			return err
		}
	}
	free := func(b int32) bool {
		return int(b) >= t.v.firstData && t.bitmapKnown() && bitmap[b/8]&(1<<(b%8)) == 0
	}
	if t.ordered {
		for _, b := range t.data {
			if free(b) {
				continue
			}
			if err := c.WriteBlock(int(b)); err != nil {
				return err
			}
		}
	}
	t.images, t.revoked = t.images[:0], t.revoked[:0]
	for _, b := range t.blocks {
		if !free(b) {
			t.images = append(t.images, b)
		}
	}
	t.listRevoked(free)
	if !t.j.room(len(t.images), len(t.revoked)) {
		if err := t.j.checkpoint(c.Cache); err != nil {
			return err
		}
		if t.listRevoked(free); !t.j.room(len(t.images), len(t.revoked)) {
			return model.EUCLEAN // on a sound disk no operation changes so much
		}
	}
	if err := t.j.write(t.images, t.revoked, c.Cache); err != nil {
		return err
	}
	for _, b := range t.blocks {
		if free(b) {
			c.Forget(int(b))
		} else {
			c.Unpin(int(b))
		}
	}
	for b := t.v.firstData; t.bitmapKnown() && b < t.v.blocks; b++ {
		if t.inUse(b) && free(int32(b)) {
			c.Forget(b)
		}
	}
	return t.settle()
}

// listRevoked lists the blocks given back of which the journal has an image.
func (t *transaction) listRevoked(free func(int32) bool) {
	t.revoked = t.revoked[:0]
	for b, at := range t.j.live {
		if at != 0 && free(int32(b)) {
			t.revoked = append(t.revoked, int32(b))
		}
	}
}

// settle notes what the bitmap and the inodes are now that they are committed.
func (t *transaction) settle() error {
	for _, b := range t.images {
		if int(b) >= t.v.firstData {
			continue
		}
		p, err := t.v.c.Cache.Get(int(b))
		if err != nil {
			return err
		}
		copy(t.stable[int(b)*t.v.blockSize:], p)
	}
	return nil
}

// sync writes all data and commits.
func (t *transaction) sync() error {
	if err := t.v.c.Sync(); err != nil {
		return err
	}
	if err := t.commit(); err != nil {
		return err
	}
	return t.j.flush()
}

// reclaim frees the files that were open, and had no name, when their host went:
// the orphans of ext3.
func (t *transaction) reclaim() error {
	for ino := range inodes {
		p, err := t.v.inode(ino)
		if err != nil {
			return err
		}
		if p[0] != modeNameless {
			continue
		}
		if err := t.v.freeInode(ino); err != nil && err != model.EUCLEAN {
			return err
		}
		t.v.h.Mark("nameless file reclaimed")
		if err := t.commit(); err != nil {
			return err
		}
	}
	return nil
}
