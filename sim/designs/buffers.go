package designs

import "github.com/doublemount/doublemount/sim"

// buffers is a host's buffer cache as the volume uses it. It tells the running
// transaction of a design with a journal what is changed, and whether that is
// structure, which is journaled, or a file's data, which is not.
type buffers struct {
	*sim.Cache
	running *transaction // nil for a design without a journal
	cover   cover        // nil for a design without locks of its own
}

// cover says what a host may use of its cache at present, for a design with a
// lock for each inode.
type cover interface {
	get(block int) ([]byte, error)
	change(block int) bool // reports whether the block may be changed
	create(block int) bool // ... without being read
	bitmapKnown() bool     // the transaction can tell what is free
}

// Get is the copy of a block.
func (c *buffers) Get(block int) ([]byte, error) {
	if c.cover != nil {
		return c.cover.get(block)
	}
	return c.Cache.Get(block)
}

// Dirty marks a block of the structure as changed.
func (c *buffers) Dirty(block int) {
	if c.cover != nil && !c.cover.change(block) {
		return
	}
	c.Cache.Dirty(block)
	if c.running != nil {
		c.running.add(block)
	}
}

// New is a zeroed block of the structure.
func (c *buffers) New(block int) []byte {
	if c.cover != nil && !c.cover.create(block) {
		return make([]byte, c.running.v.blockSize)
	}
	p := c.Cache.New(block)
	if c.running != nil {
		c.running.add(block)
	}
	return p
}

// DirtyData marks a block of a file's data as changed.
func (c *buffers) DirtyData(block int) {
	if c.cover != nil && !c.cover.change(block) {
		return
	}
	c.Cache.Dirty(block)
	if c.running != nil {
		c.running.addData(block)
	}
}

// NewData is a zeroed block of a file's data.
func (c *buffers) NewData(block int) []byte {
	if c.cover != nil && !c.cover.create(block) {
		return make([]byte, c.running.v.blockSize)
	}
	p := c.Cache.New(block)
	if c.running != nil {
		c.running.addData(block)
	}
	return p
}

// journaled reports whether a block of data goes to the disk through the
// journal at present, so that it cannot be read or written past the cache.
func (c *buffers) journaled(block int) bool {
	return c.running != nil && c.running.takes(block)
}

// reserved reports whether a block that is marked free must not be given out
// yet.
func (c *buffers) reserved(block int) bool {
	return c.running != nil && c.running.inUse(block)
}

// moving is called before a name of a file that has one already is made.
func (c *buffers) moving() {
	if c.running != nil {
		c.running.moved = true
	}
}

// prepare is called before n bytes are written to a file, when it is certain
// that they fit; need blocks are taken for them.
func (c *buffers) prepare(ino, off, n, need int) error {
	if c.running == nil {
		return nil
	}
	if c.cover != nil && need > 0 && !c.cover.change(bitmapBlock) {
		_, err := c.cover.get(bitmapBlock) // says why
		return err
	}
	return c.running.prepareWrite(ino, off, n, need)
}

// truncating is called before a file gets another size. It reports whether what
// is behind the new end may stay in the last block.
func (c *buffers) truncating(ino, to int) (stays bool, err error) {
	if c.running == nil {
		return false, nil
	}
	return true, c.running.prepareTruncate(ino, to)
}
