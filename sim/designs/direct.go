package designs

import (
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
)

// Direct reads and writes are those of Linux beside a page cache (mm/filemap.c
// kiocb_write_and_wait, kiocb_invalidate_pages): what the cache has dirty of a
// block goes to the disk first, so a host reads its own writes; after a direct
// write the cached copy is dropped.
// Only a file's data goes past the cache; its inode and the bitmap do not.

// ReadDirect reads up to the end of the file, past the cache; holes read as
// zeroes.
func (v *volume) ReadDirect(file sim.Inode, p []byte, off int64) (n int, err error) {
	v.p.enter()
	defer v.end(&err)
	ino := int(file)
	size, err := v.size(ino)
	if err != nil || off >= int64(size) {
		return 0, err
	}
	left := int(int64(size) - off)
	for n < min(left, len(p)) {
		i, block := (int(off)+n)/v.blockSize, p[n:n+v.blockSize]
		if i >= v.maxBlocks() {
			return n, model.EUCLEAN // a size that no file can have
		}
		b, err := v.blockOf(ino, i)
		if err != nil {
			return n, err
		}
		if b == 0 {
			clear(block)
		} else if v.c.journaled(b) {
			data, err := v.c.Get(b)
			if err != nil {
				return n, err
			}
			copy(block, data)
		} else if err := v.c.WriteBlock(b); err != nil {
			return n, err
		} else if err := v.h.ReadBlock(b, block); err != nil {
			return n, err
		}
		n += v.blockSize
	}
	return min(n, left), nil
}

// WriteDirect writes all of p past the cache, or nothing and ENOSPC. It returns
// before a flush, as O_DIRECT does without O_SYNC.
func (v *volume) WriteDirect(file sim.Inode, p []byte, off int64) (n int, err error) {
	v.p.enter()
	defer v.end(&err)
	ino := int(file)
	if err := v.fits(ino, int(off), len(p)); err != nil {
		return 0, err
	}
	for ; n < len(p); n += v.blockSize {
		b, err := v.mapBlock(ino, (int(off)+n)/v.blockSize)
		if err != nil {
			return n, err
		}
		if v.c.journaled(b) {
			copy(v.c.NewData(b), p[n:])
			continue
		}
		if err := v.c.WriteBlock(b); err != nil {
			return n, err
		}
		v.unflushed = true
		if err := v.h.WriteBlock(b, p[n:n+v.blockSize]); err != nil {
			return n, err
		}
		v.c.Invalidate(b, 1)
	}
	return n, v.reaches(ino, int(off)+len(p))
}
