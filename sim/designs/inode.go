package designs

import "github.com/doublemount/doublemount/model"

// inode is the cached bytes of an inode.
func (v *volume) inode(ino int) ([]byte, error) {
	block, off := v.inodeAt(ino)
	p, err := v.c.Get(block)
	if err != nil {
		return nil, err
	}
	return p[off : off+inodeSize], nil
}

func (v *volume) inodeDirty(ino int) {
	block, _ := v.inodeAt(ino)
	v.c.Dirty(block)
}

// mode is an inode's mode; EUCLEAN if it is free, since somebody named it.
func (v *volume) mode(ino int) (byte, error) {
	p, err := v.inode(ino)
	if err != nil {
		return 0, err
	}
	if p[0] == modeFree || p[0] > modeNameless {
		return 0, model.EUCLEAN
	}
	return p[0], nil
}

func (v *volume) setMode(ino int, mode byte) error {
	p, err := v.inode(ino)
	if err != nil {
		return err
	}
	p[0] = mode
	v.inodeDirty(ino)
	return nil
}

// size is in bytes.
func (v *volume) size(ino int) (int, error) {
	p, err := v.inode(ino)
	if err != nil {
		return 0, err
	}
	return int(order.Uint32(p[offSize:])), nil
}

func (v *volume) setSize(ino, size int) error {
	p, err := v.inode(ino)
	if err != nil {
		return err
	}
	order.PutUint32(p[offSize:], uint32(size))
	v.inodeDirty(ino)
	return nil
}

// further is how many names a file has beyond the first.
func (v *volume) further(ino int) (int, error) {
	p, err := v.inode(ino)
	if err != nil {
		return 0, err
	}
	return int(order.Uint16(p[offFurther:])), nil
}

func (v *volume) setFurther(ino, names int) error {
	p, err := v.inode(ino)
	if err != nil {
		return err
	}
	order.PutUint16(p[offFurther:], uint16(names))
	v.inodeDirty(ino)
	return nil
}

// unusedInode is the first free inode; ENOSPC if there is none.
func (v *volume) unusedInode() (int, error) {
	if v.spread {
		return v.unmarkedInode()
	}
	for ino := rootInode + 1; ino < inodes; ino++ {
		p, err := v.inode(ino)
		if err != nil {
			return 0, err
		}
		if p[0] == modeFree {
			return ino, nil
		}
	}
	return 0, model.ENOSPC
}

// unmarkedInode is the first inode that the bitmap has free.
func (v *volume) unmarkedInode() (int, error) {
	p, err := v.c.Get(bitmapBlock)
	if err != nil {
		return 0, err
	}
	for ino := range inodes {
		if b := v.inodeBit(ino); p[b/8]&(1<<(b%8)) == 0 {
			return ino, nil
		}
	}
	return 0, model.ENOSPC
}

// markInode tells the bitmap of a spread inode that it is in use, or free.
func (v *volume) markInode(ino int, used bool) error {
	p, err := v.c.Get(bitmapBlock)
	if err != nil {
		return err
	}
	b := v.inodeBit(ino)
	if p[b/8] &^= 1 << (b % 8); used {
		p[b/8] |= 1 << (b % 8)
	}
	v.c.Dirty(bitmapBlock)
	return nil
}

// newInode makes a free inode an empty file or directory.
func (v *volume) newInode(ino int, mode byte) error {
	if v.spread {
		if err := v.markInode(ino, true); err != nil {
			return err
		}
	}
	p, err := v.inode(ino)
	if err != nil {
		return err
	}
	clear(p)
	p[0] = mode
	v.inodeDirty(ino)
	return nil
}

// freeInode gives an inode and its blocks back.
func (v *volume) freeInode(ino int) error {
	if err := v.freeFrom(ino, 0); err != nil {
		return err
	}
	if v.spread {
		if err := v.markInode(ino, false); err != nil {
			return err
		}
	}
	p, err := v.inode(ino)
	if err != nil {
		return err
	}
	clear(p)
	v.inodeDirty(ino)
	return nil
}

// blockOf is the block number of a file's i-th block, 0 for a hole. EUCLEAN if
// it is no data block.
func (v *volume) blockOf(ino, i int) (int, error) {
	p, err := v.inode(ino)
	if err != nil {
		return 0, err
	}
	if i < directCount {
		return v.checked(int(order.Uint16(p[offDirect+2*i:])))
	}
	indirect, err := v.checked(int(order.Uint16(p[offIndirect:])))
	if err != nil || indirect == 0 {
		return 0, err
	}
	if p, err = v.c.Get(indirect); err != nil {
		return 0, err
	}
	return v.checked(int(order.Uint16(p[2*(i-directCount):])))
}

func (v *volume) checked(block int) (int, error) {
	if block != 0 && (block < v.firstData || block >= v.blocks) {
		return 0, model.EUCLEAN
	}
	return block, nil
}

// mapBlock is the block number of a file's i-th block, allocated if it is a
// hole; then its content is whatever was there.
func (v *volume) mapBlock(ino, i int) (int, error) {
	if i >= v.maxBlocks() {
		return 0, model.EFBIG
	}
	b, err := v.blockOf(ino, i)
	if err != nil || b != 0 {
		return b, err
	}
	p, err := v.inode(ino)
	if err != nil {
		return 0, err
	}
	if i >= directCount {
		indirect := int(order.Uint16(p[offIndirect:]))
		if indirect == 0 {
			if indirect, err = v.allocate(); err != nil {
				return 0, err
			}
			v.c.New(indirect)
			if err := v.setPointer(ino, offIndirect, indirect); err != nil {
				return 0, err
			}
		}
		if b, err = v.allocate(); err != nil {
			return 0, err
		}
		if p, err = v.c.Get(indirect); err != nil {
			return 0, err
		}
		order.PutUint16(p[2*(i-directCount):], uint16(b))
		v.c.Dirty(indirect)
		return b, nil
	}
	if b, err = v.allocate(); err != nil {
		return 0, err
	}
	return b, v.setPointer(ino, offDirect+2*i, b)
}

// setPointer writes a block number into an inode. The inode is fetched anew:
// allocating may have let others run.
func (v *volume) setPointer(ino, off, block int) error {
	p, err := v.inode(ino)
	if err != nil {
		return err
	}
	order.PutUint16(p[off:], uint16(block))
	v.inodeDirty(ino)
	return nil
}

// allocate takes the first free block; ENOSPC if there is none.
func (v *volume) allocate() (int, error) {
	p, err := v.c.Get(bitmapBlock)
	if err != nil {
		return 0, err
	}
	for b := v.firstData; b < v.blocks; b++ {
		if p[b/8]&(1<<(b%8)) == 0 && !v.c.reserved(b) {
			p[b/8] |= 1 << (b % 8)
			v.c.Dirty(bitmapBlock)
			return b, nil
		}
	}
	return 0, model.ENOSPC
}

func (v *volume) free(block int) error {
	p, err := v.c.Get(bitmapBlock)
	if err != nil {
		return err
	}
	p[block/8] &^= 1 << (block % 8)
	v.c.Dirty(bitmapBlock)
	return nil
}

// freeBlocks counts them.
func (v *volume) freeBlocks() (int, error) {
	p, err := v.c.Get(bitmapBlock)
	if err != nil {
		return 0, err
	}
	n := 0
	for b := v.firstData; b < v.blocks; b++ {
		if p[b/8]&(1<<(b%8)) == 0 {
			n++
		}
	}
	return n, nil
}

// freeFrom gives back a file's blocks from the i-th on, and the indirect block
// when none is left in it.
func (v *volume) freeFrom(ino, from int) error {
	indirect, end, err := v.extent(ino)
	if err != nil {
		return err
	}
	for i := from; i < end; i++ {
		b, err := v.blockOf(ino, i)
		if err != nil {
			return err
		}
		if b == 0 {
			continue
		}
		if err := v.free(b); err != nil {
			return err
		}
		if i < directCount {
			err = v.setPointer(ino, offDirect+2*i, 0)
		} else if p, e := v.c.Get(indirect); e == nil {
			order.PutUint16(p[2*(i-directCount):], 0)
			v.c.Dirty(indirect)
		} else {
			err = e
		}
		if err != nil {
			return err
		}
	}
	if indirect != 0 && from <= directCount {
		if err := v.free(indirect); err != nil {
			return err
		}
		return v.setPointer(ino, offIndirect, 0)
	}
	return nil
}

// extent is a file's indirect block, 0 for none, and the number of blocks that
// it can have without getting one.
func (v *volume) extent(ino int) (indirect, blocks int, err error) {
	p, err := v.inode(ino)
	if err != nil {
		return 0, 0, err
	}
	indirect, err = v.checked(int(order.Uint16(p[offIndirect:])))
	if indirect == 0 {
		return 0, directCount, err
	}
	return indirect, v.maxBlocks(), nil
}

// belongings adds to v.list the blocks that make a file durable: its data, its
// indirect block, its inode, the bitmap, and, since a file is no good without
// its name, the blocks of every directory.
func (v *volume) belongings(ino int) error {
	add := func(ino int) error {
		indirect, end, err := v.extent(ino)
		if err != nil {
			return err
		}
		for i := range end {
			b, err := v.blockOf(ino, i)
			if err != nil {
				return err
			}
			if b != 0 {
				v.list = append(v.list, int32(b))
			}
		}
		if indirect != 0 {
			v.list = append(v.list, int32(indirect))
		}
		block, _ := v.inodeAt(ino)
		v.list = append(v.list, int32(block))
		return nil
	}
	if err := add(ino); err != nil {
		return err
	}
	v.list = append(v.list, bitmapBlock)
	for i := range inodes {
		p, err := v.inode(i)
		if err != nil {
			return err
		}
		if p[0] == modeDir {
			if err := add(i); err != nil {
				return err
			}
		}
	}
	return nil
}
