package disk

// cache is the disk's volatile write cache, seen from the end that matters: the
// image has the newest content, and for each write that is not stable yet there
// is what it replaced. So reads cost nothing, a flush forgets, and only a power
// loss has work to do: it takes back what does not survive, newest first.
type cache struct {
	highest   []int32 // newest version number ever given to a block; nil: not volatile
	unflushed []undo  // oldest first
	written   uint64  // how many writes went through the cache, ever
	settled   []bool  // scratch of PowerLoss, by block; false between

	size int    // of a block
	slab []byte // the content in unflushed, in slots of size bytes
	used int    // slots of slab that were handed out
	free []int32
}

// undo is a block as it was before one unflushed write.
type undo struct {
	number  uint64 // of the write; cache.written counts them
	block   int32
	version int32
	sum     uint32
	slot    int32
}

func (c *cache) init(config Config) {
	c.size = config.BlockSize
	c.highest = make([]int32, config.Blocks)
	c.settled = make([]bool, config.Blocks)
}

// reset forgets everything; touched are the blocks that have versions.
func (c *cache) reset(touched []int32) {
	if c.highest == nil {
		return
	}
	for _, b := range touched {
		c.highest[b] = 0
	}
	c.unflushed, c.free, c.used = c.unflushed[:0], c.free[:0], 0
}

// remember makes room for a write of block b: what the block is now can come
// back, unless the write is forced to stable storage, which makes older unflushed
// writes of the same block, and only those, matter no more. It returns the
// version that the write makes.
func (d *Disk) remember(b int, fua bool) int32 {
	c := &d.cache
	if c.highest[b] == 0 {
		d.touched = append(d.touched, int32(b))
	}
	c.highest[b]++
	c.written++
	if fua {
		c.forget(func(u *undo) bool { return u.block == int32(b) })
	} else {
		c.unflushed = append(c.unflushed, undo{c.written, int32(b), d.versions[b], d.sums[b], c.save(d.image.block(b))})
	}
	return c.highest[b]
}

// save copies a block into a slot.
func (c *cache) save(p []byte) int32 {
	if n := len(c.free); n > 0 {
		slot := c.free[n-1]
		c.free = c.free[:n-1]
		copy(c.slot(slot), p)
		return slot
	}
	slot := int32(c.used)
	c.used++
	if c.used*c.size > len(c.slab) {
		c.slab = append(c.slab, p...)
	} else {
		copy(c.slot(slot), p)
	}
	return slot
}

func (c *cache) slot(n int32) []byte { return c.slab[int(n)*c.size : int(n+1)*c.size] }

// flush makes writes up to number mark stable. Those that completed after the
// flush was submitted are none of its business (NVMe Base, Flush command: what
// completed prior to its submission).
func (c *cache) flush(mark uint64) {
	if len(c.unflushed) > 0 {
		c.forget(func(u *undo) bool { return u.number <= mark })
	}
}

// forget drops what stable says can no longer come back.
func (c *cache) forget(stable func(*undo) bool) {
	kept := c.unflushed[:0]
	for i := range c.unflushed {
		if u := &c.unflushed[i]; stable(u) {
			c.free = append(c.free, u.slot)
		} else {
			kept = append(kept, *u)
		}
	}
	c.unflushed = kept
}

// Unflushed is the number of completed writes, of one block each, that a power
// loss can undo: those of a volatile cache that no flush has covered, and that no
// later forced write of the same block has replaced.
func (d *Disk) Unflushed() int { return len(d.cache.unflushed) }

// PowerLoss cuts every port, empties the volatile cache and drops reservations
// that do not persist. Of the unflushed writes, oldest first, number i survives
// iff bit i%31 of keep is set; each block ends as its newest surviving version,
// or else its last stable one, and its next version gets a new number. Commands
// in flight never land; use [Disk.Abort] before for those that do.
//
// The results tell of the blocks that lost their newest version, in order of
// their oldest unflushed write: Version is what is left, Overwrote what was lost.
// They are valid until the next command.
func (d *Disk) PowerLoss(keep uint32) []BlockResult {
	for p := range d.ports {
		d.Cut(Port(p))
	}
	return d.DeviceReset(keep)
}

// DeviceReset is PowerLoss of the disk alone: no port is cut, and what hosts
// have in flight still lands. No host is told; SCSI would answer the next command
// of each with a unit attention, which drivers retry over.
func (d *Disk) DeviceReset(keep uint32) []BlockResult {
	d.results = d.results[:0]
	d.reserved.powerLoss()
	c := &d.cache
	for i := len(c.unflushed) - 1; i >= 0; i-- {
		u := &c.unflushed[i]
		b := int(u.block)
		switch {
		case c.settled[b]:
		case kept(keep, i):
			c.settled[b] = true
		default:
			copy(d.image.block(b), c.slot(u.slot))
			d.versions[b], d.sums[b] = u.version, u.sum
		}
	}
	for _, u := range c.unflushed {
		c.settled[u.block] = false
	}
	for _, u := range c.unflushed {
		b := u.block
		// Before, the newest version was the highest: the block has been written.
		if d.versions[b] != c.highest[b] && !c.settled[b] {
			c.settled[b] = true
			d.results = append(d.results, BlockResult{int(b),
				Result{Version: d.versions[b], Base: -1, Overwrote: c.highest[b], Sum: d.sums[b]}})
		}
	}
	for _, r := range d.results {
		c.settled[r.Block] = false
	}
	c.unflushed, c.free, c.used = c.unflushed[:0], c.free[:0], 0
	return d.results
}
