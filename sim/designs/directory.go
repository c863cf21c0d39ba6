package designs

import (
	"slices"
	"strings"

	"github.com/doublemount/doublemount/model"
)

// entry is the place of a directory entry: a block and an offset in it.
type entry struct {
	block, off int
}

// place is where a path leads: its last name and the directory that is to hold
// it, with the directories on the way.
type place struct {
	dir   int
	name  string
	way   [model.MaxDepth]int // the inodes of the directories below the root
	depth int
}

// passes reports whether the way leads through a directory.
func (p *place) passes(ino int) bool { return slices.Contains(p.way[:p.depth], ino) }

// walk finds the directory that holds path's last name.
func (v *volume) walk(path string) (place, error) {
	p := place{dir: rootInode}
	for path = path[1:]; ; {
		name, rest, deeper := strings.Cut(path, "/")
		if !deeper {
			p.name = name
			return p, nil
		}
		ino, _, err := v.child(p.dir, name)
		if err != nil {
			return p, err
		}
		mode, err := v.mode(ino)
		if err != nil {
			return p, err
		}
		if mode != modeDir {
			return p, model.ENOTDIR
		}
		p.way[p.depth] = ino
		p.depth++
		p.dir, path = ino, rest
	}
}

// find is the inode of a path and the entry that names it.
func (v *volume) find(path string) (ino int, at entry, err error) {
	p, err := v.walk(path)
	if err != nil {
		return 0, at, err
	}
	return v.child(p.dir, p.name)
}

// child is the inode of a name in a directory and the entry that names it;
// ENOENT if it is not there.
func (v *volume) child(dir int, name string) (ino int, at entry, err error) {
	if at, err = v.lookup(dir, name); err != nil {
		return 0, at, err
	}
	ino, err = v.inodeOf(at)
	return ino, at, err
}

// lookup finds a name in a directory; ENOENT if it is not there.
func (v *volume) lookup(dir int, name string) (entry, error) {
	return v.scan(dir, func(p []byte) bool {
		return order.Uint16(p) != 0 && nameOf(p) == name
	})
}

// scan finds the first entry for which ok, ENOENT if there is none.
func (v *volume) scan(dir int, ok func(p []byte) bool) (entry, error) {
	size, err := v.size(dir)
	if err != nil {
		return entry{}, err
	}
	for i := 0; i < size/v.blockSize && i < v.maxBlocks(); i++ {
		b, err := v.blockOf(dir, i)
		if err != nil {
			return entry{}, err
		}
		if b == 0 {
			continue
		}
		p, err := v.c.Get(b)
		if err != nil {
			return entry{}, err
		}
		for off := 0; off < v.blockSize; off += direntSize {
			if ok(p[off : off+direntSize]) {
				return entry{b, off}, nil
			}
		}
	}
	return entry{}, model.ENOENT
}

// nameOf is the name in an entry. A damaged length is cut to what fits.
func nameOf(p []byte) string {
	return string(p[4 : 4+min(int(p[2]), direntSize-4)])
}

// inodeOf is the inode that an entry names; EUCLEAN if there can be none.
func (v *volume) inodeOf(at entry) (int, error) {
	p, err := v.c.Get(at.block)
	if err != nil {
		return 0, err
	}
	ino := int(order.Uint16(p[at.off:]))
	if ino == 0 || ino >= inodes {
		return 0, model.EUCLEAN
	}
	return ino, nil
}

// setEntry writes an entry; inode 0 frees it.
func (v *volume) setEntry(at entry, ino int, name string) error {
	block, err := v.c.Get(at.block)
	if err != nil {
		return err
	}
	p := block[at.off : at.off+direntSize]
	clear(p)
	order.PutUint16(p, uint16(ino))
	p[2] = byte(len(name))
	copy(p[4:], name)
	v.c.Dirty(at.block)
	return nil
}

// freeEntry is a free entry of a directory, in a new block if all are taken;
// ENOSPC, and nothing has changed, if there can be none.
func (v *volume) freeEntry(dir int) (entry, error) {
	at, err := v.scan(dir, func(p []byte) bool { return order.Uint16(p) == 0 })
	if err != model.ENOENT {
		return at, err
	}
	size, err := v.size(dir)
	if err != nil {
		return at, err
	}
	i := size / v.blockSize
	if i >= v.maxBlocks() {
		return at, model.ENOSPC
	}
	if i == directCount { // it takes two blocks, or none
		if free, err := v.freeBlocks(); err != nil || free < 2 {
			if err == nil {
				err = model.ENOSPC
			}
			return at, err
		}
	}
	b, err := v.mapBlock(dir, i)
	if err != nil {
		return at, err
	}
	v.c.New(b)
	return entry{b, 0}, v.setSize(dir, size+v.blockSize)
}

// empty reports whether a directory has no names.
func (v *volume) empty(dir int) (bool, error) {
	_, err := v.scan(dir, func(p []byte) bool { return order.Uint16(p) != 0 })
	if err == model.ENOENT {
		return true, nil
	}
	return false, err
}

// entries lists the names in a directory.
func (v *volume) entries(dir int) ([]string, error) {
	var names []string
	_, err := v.scan(dir, func(p []byte) bool {
		if order.Uint16(p) != 0 {
			names = append(names, nameOf(p))
		}
		return false
	})
	if err != model.ENOENT {
		return nil, err
	}
	return names, nil
}
