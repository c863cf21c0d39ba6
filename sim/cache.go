package sim

import (
	"fmt"
	"slices"

	"github.com/doublemount/doublemount/model"
)

// Cache is a host's buffer cache: a copy of each block that the host has read
// or changed, and which of them are dirty. Nobody tells it what other hosts
// write; that is what makes a shared disk hard.
type Cache struct {
	h      *Host
	states []cacheState
	data   []byte
	size   int
	dirty  []int32 // dirty blocks, oldest first
	flying []*task // steps with a write of a block on its way to the disk: task.flight
	filled []int32 // blocks that are not absent, or were: for a cheap Drop
	pins   int     // pinned blocks
	err    error   // of the first write that failed: what it was to write is lost
}

type cacheState uint8

const (
	absent cacheState = iota
	clean
	dirty
	pinned // changed, and not to be written yet
)

func (c *Cache) init(h *Host, blocks, size int) {
	*c = Cache{h: h, states: make([]cacheState, blocks), data: make([]byte, blocks*size), size: size}
}

// Get is the cached copy of a block, read from the disk if there is none. The
// slice is the cache's own memory: change it only together with [Cache.Dirty],
// and do not keep it across calls that may drop it.
func (c *Cache) Get(block int) ([]byte, error) {
	t := c.check(block)
	p := c.block(block)
	if c.states[block] != absent {
		return p, nil
	}
	q := p
	if t.mayStop() {
		// While the read is on its way another client of the host may fill the
		// block, and change it.
		q = t.block(c.size)
	}
	if err := c.h.ReadBlock(block, q); err != nil {
		return nil, err
	}
	if c.states[block] == absent {
		copy(p, q)
		c.fill(block, clean)
	}
	return p, nil
}

// New is a zeroed, dirty copy of a block whose old content does not matter, so
// it is not read.
func (c *Cache) New(block int) []byte {
	c.check(block)
	if c.states[block] == absent {
		c.fill(block, clean)
	}
	p := c.block(block)
	clear(p)
	c.Dirty(block)
	return p
}

// Dirty marks a cached block as changed; the flusher or a sync writes it later.
func (c *Cache) Dirty(block int) {
	t := c.check(block)
	switch c.states[block] {
	case absent:
		c.h.w.fail(model.Misuse, t, fmt.Sprintf("block %d marked dirty, but it is not in the cache", block))
	case clean:
		c.states[block] = dirty
		c.dirty = append(c.dirty, int32(block))
	}
}

// Cached reports whether the cache has a copy of the block.
func (c *Cache) Cached(block int) bool {
	c.check(block)
	return c.states[block] != absent
}

// IsDirty reports whether the block has a change that the disk does not.
func (c *Cache) IsDirty(block int) bool {
	c.check(block)
	return c.states[block] >= dirty
}

// Pin keeps a cached block, and what is changed in it from now on, from being
// written by anybody until [Cache.Unpin]: its journal record has to be on the
// disk first (a buffer of a running jbd2 transaction, a pinned XFS log item). A
// write that is on its way already goes on.
func (c *Cache) Pin(block int) {
	t := c.check(block)
	switch c.states[block] {
	case absent:
		c.h.w.fail(model.Misuse, t, fmt.Sprintf("block %d pinned, but it is not in the cache", block))
	case dirty:
		c.unlist(block)
	case pinned:
		return
	}
	c.states[block] = pinned
	c.pins++
}

// Pinned reports whether the block is pinned.
func (c *Cache) Pinned(block int) bool {
	c.check(block)
	return c.states[block] == pinned
}

// Unpin makes a pinned block an ordinary dirty one, the youngest.
func (c *Cache) Unpin(block int) {
	c.check(block)
	if c.states[block] == pinned {
		c.states[block] = dirty
		c.dirty = append(c.dirty, int32(block))
		c.pins--
	}
}

// Forget drops the copy of a block that is no longer in use, dirty, pinned or
// not, once no write of it is on its way.
func (c *Cache) Forget(block int) {
	t := c.check(block)
	c.await(t, block)
	switch c.states[block] {
	case absent:
		return
	case dirty:
		c.unlist(block)
	case pinned:
		c.pins--
	}
	c.states[block] = absent
	if i := slices.Index(c.filled, int32(block)); i >= 0 {
		c.filled = slices.Delete(c.filled, i, i+1)
	}
}

// unlist takes a block off the list of dirty ones.
func (c *Cache) unlist(block int) {
	i := slices.Index(c.dirty, int32(block))
	c.dirty = slices.Delete(c.dirty, i, i+1)
}

// Changed reports whether the host has changes that the disk may not have yet:
// dirty or pinned blocks, or writes under way.
func (c *Cache) Changed() bool { return len(c.dirty) > 0 || c.pins > 0 || len(c.flying) > 0 }

// Writeback writes up to n dirty blocks, oldest first; 0 means all. It is what a
// flusher does: it does not wait for writes that others have under way.
func (c *Cache) Writeback(n int) error {
	c.h.enter()
	return c.writeback(0, n)
}

// writeback is Writeback that passes over the skip oldest blocks.
func (c *Cache) writeback(skip, n int) error {
	if n == 0 || n > len(c.dirty)-skip {
		n = len(c.dirty) - skip
	}
	for ; n > 0 && len(c.dirty) > skip; n-- {
		if err := c.WriteBlock(int(c.dirty[skip])); err != nil {
			return err
		}
	}
	return nil
}

// Sync writes every dirty block and waits for the writes that others have under
// way, so that the disk has all that the host had changed. A sync that looked
// for dirty blocks only would miss what a flusher has just begun to write.
func (c *Cache) Sync() error {
	t := c.h.enter()
	if err := c.Writeback(0); err != nil {
		return err
	}
	c.await(t, anyBlock)
	return c.err
}

const anyBlock = -1

// await waits until no other step of the host has a write of the block on its
// way.
func (c *Cache) await(t *task, block int) {
	for {
		i := slices.IndexFunc(c.flying, func(u *task) bool { return u != t && (block == anyBlock || u.flight == block) })
		if i < 0 {
			return
		}
		c.flying[i].landing.wait(t)
	}
}

// WriteBlock writes a block if it is dirty and not pinned, as it is when the
// write is issued. From that moment it counts as clean, as in a kernel: a change
// made while it is on its way makes it dirty again. If another step has a write
// of it on its way, that is waited for, clean or not. After a write that failed
// every later WriteBlock and Sync fails too, until the cache is dropped.
func (c *Cache) WriteBlock(block int) error {
	t := c.check(block)
	c.await(t, block)
	if c.states[block] != dirty {
		return c.err
	}
	c.unlist(block)
	c.states[block] = clean
	if !t.mayStop() {
		return c.wrote(c.h.WriteBlock(block, c.block(block)))
	}
	c.flying = append(c.flying, t)
	t.flight, t.landing.owner = block, t
	q := t.block(c.size)
	copy(q, c.block(block))
	err := c.h.WriteBlock(block, q)
	t.landing.owner = nil
	i := slices.Index(c.flying, t)
	c.flying = slices.Delete(c.flying, i, i+1)
	return c.wrote(err)
}

// wrote keeps the first error. The block that could not be written counts as
// clean, as in Linux, so whoever asks later for it to be on the disk would be
// told a lie; until the next Drop they are all told the error instead.
func (c *Cache) wrote(err error) error {
	if c.err == nil {
		c.err = err
	}
	return c.err
}

// Drop forgets every copy, dirty ones too, once no write is on its way: else the
// next Get could read what the host has already replaced.
func (c *Cache) Drop() {
	t := c.h.enter()
	c.await(t, anyBlock)
	c.drop()
}

// reset is drop at the start of a run; the writes that the last one left on
// their way are no more.
func (c *Cache) reset() {
	c.drop()
	c.flying = c.flying[:0]
}

func (c *Cache) drop() {
	for _, b := range c.filled {
		c.states[b] = absent
	}
	c.filled, c.dirty, c.pins, c.err = c.filled[:0], c.dirty[:0], 0, nil
}

// Invalidate forgets the clean copies of n blocks from first on, or of all when
// n is 0; the next Get reads the disk. A block on its way to the disk stays: the
// disk does not have yet what the host has written.
func (c *Cache) Invalidate(first, n int) {
	c.h.enter()
	kept := c.filled[:0]
	for _, b := range c.filled {
		if c.states[b] == clean && (n == 0 || int(b) >= first && int(b)-first < n) &&
			!slices.ContainsFunc(c.flying, func(u *task) bool { return u.flight == int(b) }) {
			c.states[b] = absent
			continue
		}
		kept = append(kept, b)
	}
	c.filled = kept
}

func (c *Cache) block(n int) []byte { return c.data[n*c.size : (n+1)*c.size : (n+1)*c.size] }

func (c *Cache) fill(block int, s cacheState) {
	c.states[block] = s
	c.filled = append(c.filled, int32(block))
}

// check is the first thing every service does. It counts as a call of the host
// even where no command follows, or a walk along damaged pointers that are all
// in the cache would never be found to be without end.
func (c *Cache) check(block int) *task {
	t := c.h.enter()
	if uint(block) >= uint(len(c.states)) {
		c.h.w.fail(model.BadIO, t, fmt.Sprintf("cache of block %d of %d", block, len(c.states)))
	}
	return t
}
