package designs

import (
	"encoding/binary"
	"fmt"

	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/model"
)

// The format on the disk, all numbers little-endian:
//
//	block 0        superblock: magic, number of blocks, number of inodes
//	block 1        allocation bitmap: bit b of byte b/8 is set when block b is in use
//	blocks 2, ...  inode table, inodes of 64 bytes; inode 0 is the root directory
//	the rest       data, directories, indirect blocks
//
// An inode: mode (1 byte: 0 free, 1 file, 2 directory, 3 file without a name),
// number of opens (1 byte, only kept by designs that count them on the disk),
// 2 bytes unused, size in bytes (4), twelve direct block numbers (2 each), one
// indirect block number (2): a block full of block numbers. Block number 0 is a
// hole.
//
// A directory is a file of 16-byte entries: inode number (2, 0 = free entry),
// length of the name (1), one byte unused, the name (12). The root directory
// has one block from the start; another directory gets its first block with its
// first entry.
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
	offSize      = 4
	offDirect    = 8
	offIndirect  = offDirect + 2*directCount
	modeFree     = 0
	modeFile     = 1
	modeDir      = 2
	modeNameless = 3 // unlinked, still open somewhere
)

var order = binary.LittleEndian

// layout is where things are on a disk of a given shape.
type layout struct {
	blockSize int
	blocks    int
	firstData int
}

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

// maxBlocks is how many blocks a file can have.
func (l layout) maxBlocks() int { return directCount + l.blockSize/2 }

// inodeAt is the block and the offset of an inode.
func (l layout) inodeAt(ino int) (block, off int) {
	at := ino * inodeSize
	return inodeBlock + at/l.blockSize, at % l.blockSize
}

// format is mkfs.
func format(d disk.Device) error {
	l, err := layoutOf(d)
	if err != nil {
		return err
	}
	p := make([]byte, l.blockSize)
	put := func(block int, set func()) error {
		clear(p)
		set()
		return d.WriteBlock(block, p)
	}
	err = put(superBlock, func() {
		order.PutUint32(p, magic)
		order.PutUint16(p[4:], uint16(l.blocks))
		order.PutUint16(p[6:], inodes)
	})
	if err != nil {
		return err
	}
	if err := put(bitmapBlock, func() {
		for b := range l.firstData + 1 {
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
	return d.Flush()
}

// space is what an empty file system holds.
func space(d disk.Device) model.Space {
	l, err := layoutOf(d)
	if err != nil {
		return model.Space{}
	}
	return model.Space{Blocks: l.blocks - l.firstData - 1, Inodes: inodes - 1}
}
