package designs

import (
	"encoding/binary"
	"fmt"

	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/model"
)

// The format on the disk, all numbers little-endian:
//
//	block 0        superblock: magic, number of blocks, number of inodes; blocks of a journal, number
//	               of journals (0: one), blocks behind them, whether inodes are spread
//	block 1        allocation bitmap: bit b of byte b/8 is set when block b is in use
//	blocks 2, ...  inode table, inodes of 64 bytes; inode 0 is the root directory
//	the rest       data, directories, indirect blocks
//	the last ones  journals, if the superblock says how many (journal.go), and what else hosts share
//
// Spread inodes have a block each, so that hosts can lock them one by one (GFS2
// has a dinode for each block too). Which of them are in use the bitmap says, in
// the bits behind those of the last block of the disk.
//
// An inode: mode (1 byte: 0 free, 1 file, 2 directory, 3 file without a name),
// number of opens (1 byte, only kept by designs that count them on the disk),
// number of names beyond the first (2), size in bytes (4), twelve direct block
// numbers (2 each), one indirect block number (2): a block full of block numbers,
// advisory locks (the rest, a byte each, only kept by designs that have them on the
// disk).
// Block number 0 is a hole.
//
// A directory is a file of 16-byte entries: inode number (2, 0 = free entry),
// length of the name (1), one byte unused, the name (12). The root directory
// has one block from the start; another directory gets its first block with its
// first entry. It has no entry for itself or for the directory that it is in, and
// one name; so a rename of a directory changes nothing in it.
const (
	magic        = 0x444d5631 // "1VMD"
	superBlock   = 0
	bitmapBlock  = 1
	inodeBlock   = 2
	inodeSize    = 64
	direntSize   = 16
	directCount  = 12
	inodes       = 8
	rootInode    = 0
	offJournal   = 8  // in the superblock
	offJournals  = 10 // ...
	offBehind    = 12 // ...
	offSpread    = 14 // ...
	offFurther   = 2
	maxFurther   = 1<<16 - 1
	offSize      = 4
	offDirect    = 8
	offIndirect  = offDirect + 2*directCount
	offLocks     = offIndirect + 2
	modeFree     = 0
	modeFile     = 1
	modeDir      = 2
	modeNameless = 3 // unlinked, still open somewhere
)

var order = binary.LittleEndian

// layout is where things are on a disk of a given shape.
type layout struct {
	blockSize int
	blocks    int // of the file system; journals come behind them
	firstData int
	shape
}

// shape is what a design asks for beyond a file system on a disk of its own.
type shape struct {
	journal  int  // blocks of a journal, 0 for none
	journals int  // how many; 0 is one
	behind   int  // blocks behind the journals
	spread   bool // inodes have a block each
}

// extra is how many blocks are not the file system's.
func (s shape) extra() int { return s.journal*max(s.journals, 1) + s.behind }

// layoutOf is the layout for a device; the error says what does not fit.
func layoutOf(d disk.Device) (layout, error) {
	l := layout{blockSize: d.BlockSize(), blocks: d.Blocks()}
	if l.blockSize < inodeSize || l.blockSize%inodeSize != 0 {
		return l, fmt.Errorf("block size %d is not a multiple of %d", l.blockSize, inodeSize)
	}
	perBlock := l.blockSize / inodeSize
	l.firstData = inodeBlock + (inodes+perBlock-1)/perBlock
	most := min(8*l.blockSize, 1<<16-1) // what the bitmap, and a block number, can tell apart
	if l.blocks <= l.firstData+1 || l.blocks > most {
		return l, fmt.Errorf("%d blocks of %d bytes; want %d to %d", l.blocks, l.blockSize, l.firstData+2, most)
	}
	return l, nil
}

// ours reports whether p is a superblock for this layout.
func (l layout) ours(p []byte) bool {
	return order.Uint32(p) == magic && int(order.Uint16(p[4:])) == l.blocks && order.Uint16(p[6:]) == inodes
}

// withJournal is l with the shape that superblock p names, if it can be.
func (l layout) withJournal(p []byte) layout {
	s := shape{
		journal:  int(order.Uint16(p[offJournal:])),
		journals: int(order.Uint16(p[offJournals:])),
		behind:   int(order.Uint16(p[offBehind:])),
		spread:   p[offSpread] == 1,
	}
	first := l.firstData
	if s.spread {
		first = inodeBlock + inodes
	}
	if s.spread && l.blocks+inodes > 8*l.blockSize {
		return l // no room in the bitmap
	}
	if s.extra() < l.blocks-first-1 {
		l.shape, l.firstData, l.blocks = s, first, l.blocks-s.extra()
	}
	return l
}

// maxBlocks is how many blocks a file can have.
func (l layout) maxBlocks() int { return directCount + l.blockSize/2 }

// inodeAt is the block and the offset of an inode.
func (l layout) inodeAt(ino int) (block, off int) {
	if l.spread {
		return inodeBlock + ino, 0
	}
	at := ino * inodeSize
	return inodeBlock + at/l.blockSize, at % l.blockSize
}

// inodeBit is the bit of the bitmap that says whether a spread inode is in use.
func (l layout) inodeBit(ino int) int { return l.blocks + l.extra() + ino }

// format is mkfs without a journal.
func format(d disk.Device) error { return formatWith(d, 0) }

// formatWith is mkfs with a journal of so many blocks.
func formatWith(d disk.Device, journal int) error { return formatShape(d, shape{journal: journal}) }

// formatShape is mkfs of any shape. What is behind the journals it leaves alone.
func formatShape(d disk.Device, s shape) error {
	l, err := layoutOf(d)
	if err != nil {
		return err
	}
	p := make([]byte, l.blockSize)
	s.put(p)
	if l = l.withJournal(p); l.shape != s {
		return fmt.Errorf("%d blocks for journals and the like on a disk of %d", s.extra(), d.Blocks())
	}
	put := func(block int, set func()) error {
		clear(p)
		set()
		return d.WriteBlock(block, p)
	}
	err = put(superBlock, func() {
		order.PutUint32(p, magic)
		order.PutUint16(p[4:], uint16(l.blocks))
		order.PutUint16(p[6:], inodes)
		s.put(p)
	})
	if err != nil {
		return err
	}
	if err := put(bitmapBlock, func() {
		for b := range l.blocks + s.extra() {
			if b <= l.firstData || b >= l.blocks {
				p[b/8] |= 1 << (b % 8)
			}
		}
		if s.spread {
			b := l.inodeBit(rootInode)
			p[b/8] |= 1 << (b % 8)
		}
	}); err != nil {
		return err
	}
	for b := inodeBlock; b <= l.firstData; b++ {
		if err := put(b, func() {
			if b == inodeBlock {
				p[0] = modeDir
				order.PutUint32(p[offSize:], uint32(l.blockSize))
				order.PutUint16(p[offDirect:], uint16(l.firstData))
			}
		}); err != nil {
			return err
		}
	}
	for i := 0; s.journal > 0 && i < max(s.journals, 1); i++ {
		if err := put(l.blocks+i*s.journal, func() { journalHeader(p, 1) }); err != nil {
			return err
		}
	}
	return d.Flush()
}

// put writes s into a superblock.
func (s shape) put(p []byte) {
	order.PutUint16(p[offJournal:], uint16(s.journal))
	order.PutUint16(p[offJournals:], uint16(s.journals))
	order.PutUint16(p[offBehind:], uint16(s.behind))
	if s.spread {
		p[offSpread] = 1
	}
}

// space is what an empty file system holds.
func space(d disk.Device) model.Space {
	l, err := layoutOf(d)
	p := make([]byte, l.blockSize)
	if err != nil || d.ReadBlock(superBlock, p) != nil {
		return model.Space{}
	}
	l = l.withJournal(p)
	return model.Space{Blocks: l.blocks - l.firstData - 1, Inodes: inodes - 1}
}
