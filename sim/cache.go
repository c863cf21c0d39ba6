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
	flying []int32 // blocks that are on their way to the disk, once for each write
	filled []int32 // blocks that are not absent, or were: for a cheap Drop
}

type cacheState uint8

const (
	absent cacheState = iota
	clean
	dirty
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
	// While the read is on its way another client of the host may fill the
	// block, and change it.
	q := t.block(c.size)
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

// IsDirty reports whether the block has a change that the disk does not.
func (c *Cache) IsDirty(block int) bool {
	c.check(block)
	return c.states[block] == dirty
}

// Writeback writes up to n dirty blocks, oldest first; 0 means all.
func (c *Cache) Writeback(n int) error {
	c.h.enter()
	if n == 0 || n > len(c.dirty) {
		n = len(c.dirty)
	}
	for ; n > 0 && len(c.dirty) > 0; n-- {
		if err := c.WriteBlock(int(c.dirty[0])); err != nil {
			return err
		}
	}
	return nil
}

// WriteBlock writes a block if it is dirty, as it is when the write is issued.
// From that moment it counts as clean, as in a kernel: a change made while it is
// on its way makes it dirty again.
func (c *Cache) WriteBlock(block int) error {
	t := c.check(block)
	if c.states[block] != dirty {
		return nil
	}
	for i, b := range c.dirty {
		if b == int32(block) {
			c.dirty = append(c.dirty[:i], c.dirty[i+1:]...)
			break
		}
	}
	c.states[block] = clean
	c.flying = append(c.flying, int32(block))
	q := t.block(c.size)
	copy(q, c.block(block))
	err := c.h.WriteBlock(block, q)
	i := slices.Index(c.flying, int32(block))
	c.flying = slices.Delete(c.flying, i, i+1)
	return err
}

// Drop forgets every copy, dirty ones too.
func (c *Cache) Drop() {
	c.h.enter()
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
	c.filled, c.dirty = c.filled[:0], c.dirty[:0]
}

// Invalidate forgets the clean copies of n blocks from first on, or of all when
// n is 0; the next Get reads the disk. A block on its way to the disk stays: the
// disk does not have yet what the host has written.
func (c *Cache) Invalidate(first, n int) {
	c.h.enter()
	kept := c.filled[:0]
	for _, b := range c.filled {
		if c.states[b] == clean && (n == 0 || int(b) >= first && int(b)-first < n) && !slices.Contains(c.flying, b) {
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
