package designs

import (
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
)

// ReadAt reads up to the end of the file; holes read as zeroes.
func (v *volume) ReadAt(file sim.Inode, p []byte, off int64) (n int, err error) {
	v.p.enter()
	defer v.end(&err)
	ino := int(file)
	size, err := v.size(ino)
	if err != nil || off >= int64(size) {
		return 0, err
	}
	p = p[:min(int64(len(p)), int64(size)-off)]
	for n < len(p) {
		at := int(off) + n
		part := p[n:min(len(p), n+v.blockSize-at%v.blockSize)]
		n += len(part)
		if at/v.blockSize >= v.maxBlocks() {
			return n, model.EUCLEAN // a size that no file can have
		}
		b, err := v.blockOf(ino, at/v.blockSize)
		if err != nil {
			return n, err
		}
		if b == 0 {
			clear(part)
			continue
		}
		data, err := v.c.Get(b)
		if err != nil {
			return n, err
		}
		copy(part, data[at%v.blockSize:])
	}
	return n, nil
}

// WriteAt writes all of p, or nothing and ENOSPC.
func (v *volume) WriteAt(file sim.Inode, p []byte, off int64) (n int, err error) {
	v.p.enter()
	defer v.end(&err)
	return v.write(int(file), p, int(off))
}

// Append writes all of p at the end of the file, or nothing and ENOSPC.
func (v *volume) Append(file sim.Inode, p []byte) (n int, err error) {
	v.p.enter()
	defer v.end(&err)
	size, err := v.size(int(file))
	if err != nil {
		return 0, err
	}
	return v.write(int(file), p, size)
}

func (v *volume) write(ino int, p []byte, off int) (n int, err error) {
	if err := v.fits(ino, off, len(p)); err != nil {
		return 0, err
	}
	for n < len(p) {
		at := off + n
		part := p[n:min(len(p), n+v.blockSize-at%v.blockSize)]
		hole, err := v.blockOf(ino, at/v.blockSize)
		if err != nil {
			return n, err
		}
		b, err := v.mapBlock(ino, at/v.blockSize)
		if err != nil {
			return n, err
		}
		var data []byte
		if hole == 0 || len(part) == v.blockSize {
			data = v.c.NewData(b) // no need to read what nobody will see again
		} else if data, err = v.c.Get(b); err != nil {
			return n, err
		}
		copy(data[at%v.blockSize:], part)
		v.c.DirtyData(b)
		n += len(part)
	}
	return n, v.reaches(ino, off+len(p))
}

// fits is why n bytes cannot be written at an offset, EFBIG, ENOSPC or the error
// of a block that is to be changed in part, or nil.
func (v *volume) fits(ino, off, n int) error {
	first, last := off/v.blockSize, (off+n-1)/v.blockSize
	if last >= v.maxBlocks() {
		return model.EFBIG
	}
	need := 0
	for i := first; i <= last; i++ {
		b, err := v.blockOf(ino, i)
		if err != nil {
			return err
		}
		if b == 0 {
			need++
		} else if i == first && off%v.blockSize != 0 || i == last && (off+n)%v.blockSize != 0 {
			if _, err := v.c.Get(b); err != nil {
				return err // before anything is changed, not in the middle
			}
		}
	}
	inode, err := v.inode(ino)
	if err != nil {
		return err
	}
	if last >= directCount && order.Uint16(inode[offIndirect:]) == 0 {
		need++
	}
	if free, err := v.freeBlocks(); err != nil || need > free {
		if err == nil {
			err = model.ENOSPC
		}
		return err
	}
	return v.c.prepare(ino, off, n, need)
}

// reaches makes a file that ends before end longer.
func (v *volume) reaches(ino, end int) error {
	size, err := v.size(ino)
	if err != nil || end <= size {
		return err
	}
	return v.setSize(ino, end)
}

// Truncate cuts a file, or makes it longer with a hole. What is cut from the
// last block is zeroed, so that it does not come back when the file grows; with
// a journal, only then (see transaction).
func (v *volume) Truncate(file sim.Inode, to int64) (err error) {
	v.p.enter()
	defer v.end(&err)
	ino, size := int(file), int(to)
	if size > v.maxBlocks()*v.blockSize {
		return model.EFBIG
	}
	stays, err := v.c.truncating(ino, size)
	if err != nil {
		return err
	}
	if err := v.freeFrom(ino, (size+v.blockSize-1)/v.blockSize); err != nil {
		return err
	}
	if cut := size % v.blockSize; cut != 0 && !stays {
		b, err := v.blockOf(ino, size/v.blockSize)
		if err != nil {
			return err
		}
		if b != 0 {
			data, err := v.c.Get(b)
			if err != nil {
				return err
			}
			clear(data[cut:])
			v.c.DirtyData(b)
		}
	}
	return v.setSize(ino, size)
}
