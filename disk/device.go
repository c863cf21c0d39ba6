package disk

import "fmt"

// Device is a block device as a file system sees it: mkfs, a mount and fsck all
// work on one. Buffers are exactly one block long. Implementations return an
// error that wraps [ErrRange] for a block or buffer that does not fit.
type Device interface {
	BlockSize() int
	Blocks() int
	ReadBlock(block int, p []byte) error
	WriteBlock(block int, p []byte) error
	// Flush returns when every earlier write has reached stable storage.
	Flush() error
}

// Config is the shape of a disk. Zero fields take the defaults: blocks of 256
// bytes, 64 of them; small, since a small disk is what makes hosts collide, and
// 32 times fewer bytes to move than with 4 KiB blocks. What a disk can do
// besides reading, writing and flushing is off unless asked for.
type Config struct {
	BlockSize int // bytes, a multiple of 8
	Blocks    int

	Volatile     bool // completed writes wait in a cache that a power loss empties
	Compare      bool // has compare-and-write, as VMFS needs (ATS)
	Reservations bool // has reservations; an AWS io1 volume does not
}

// Limits of a Config, so that a world stays small: each host has a cache that
// could hold the whole disk.
const (
	MaxBlockSize = 64 << 10
	MaxBlocks    = 64 << 10
	MaxBytes     = 64 << 20 // block size times blocks
)

// Normal is c with its defaults filled in, or an error that names the field out
// of range.
func (c Config) Normal() (Config, error) {
	if c.BlockSize == 0 {
		c.BlockSize = 256
	}
	if c.Blocks == 0 {
		c.Blocks = 64
	}
	if c.BlockSize < 8 || c.BlockSize > MaxBlockSize || c.BlockSize%8 != 0 {
		return c, fmt.Errorf("disk: block size %d; want a multiple of 8 from 8 to %d", c.BlockSize, MaxBlockSize)
	}
	if c.Blocks < 1 || c.Blocks > MaxBlocks {
		return c, fmt.Errorf("disk: %d blocks; want 1 to %d", c.Blocks, MaxBlocks)
	}
	if c.BlockSize*c.Blocks > MaxBytes {
		return c, fmt.Errorf("disk: %d blocks of %d bytes; want at most %d bytes in all", c.Blocks, c.BlockSize, MaxBytes)
	}
	return c, nil
}

// check is the ErrRange of a block and its buffer, or nil.
func (c Config) check(block int, p []byte) error {
	if block < 0 || block >= c.Blocks {
		return fmt.Errorf("block %d of %d: %w", block, c.Blocks, ErrRange)
	}
	if len(p) != c.BlockSize {
		return fmt.Errorf("buffer of %d bytes for a block of %d: %w", len(p), c.BlockSize, ErrRange)
	}
	return nil
}

// Image is the bytes of a disk without ports or versions: what mkfs writes and
// fsck reads. It implements [Device].
type Image struct {
	config Config
	data   []byte
}

// NewImage makes an image of zeroes.
func NewImage(c Config) (*Image, error) {
	c, err := c.Normal()
	if err != nil {
		return nil, err
	}
	return &Image{c, make([]byte, c.Blocks*c.BlockSize)}, nil
}

// BlockSize is the number of bytes in a block.
func (m *Image) BlockSize() int { return m.config.BlockSize }

// Blocks is the number of blocks.
func (m *Image) Blocks() int { return m.config.Blocks }

// ReadBlock copies a block into p.
func (m *Image) ReadBlock(block int, p []byte) error {
	if err := m.config.check(block, p); err != nil {
		return err
	}
	copy(p, m.block(block))
	return nil
}

// WriteBlock copies p into a block.
func (m *Image) WriteBlock(block int, p []byte) error {
	if err := m.config.check(block, p); err != nil {
		return err
	}
	copy(m.block(block), p)
	return nil
}

// Flush does nothing: an image has no cache.
func (m *Image) Flush() error { return nil }

func (m *Image) block(n int) []byte {
	return m.data[n*m.config.BlockSize : (n+1)*m.config.BlockSize]
}

// ReadAt copies bytes from an offset on and returns how many there were: fewer
// than p is long at the end of the disk.
func (m *Image) ReadAt(p []byte, offset int64) int {
	if offset < 0 || offset >= int64(len(m.data)) {
		return 0
	}
	return copy(p, m.data[offset:])
}
