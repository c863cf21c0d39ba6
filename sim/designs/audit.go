package designs

import (
	"fmt"
	"slices"

	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/model"
)

// tree is a read-only look at a whole disk: which inode each name leads to and
// which inode each block belongs to. fsck and the meaning of blocks share it.
type tree struct {
	layout
	d        disk.Device
	table    []byte         // the inode table
	names    [inodes]string // the path that leads to each inode; "/" for the root
	owner    []int          // by block: inode+1, 0 for nobody
	indirect []bool         // by block: it is its owner's indirect block
	problems []model.Problem
}

func newTree(d disk.Device) (*tree, error) {
	l, err := layoutOf(d)
	if err != nil {
		return nil, err
	}
	t := &tree{layout: l, d: d, owner: make([]int, l.blocks), indirect: make([]bool, l.blocks)}
	t.table = make([]byte, (l.firstData-inodeBlock)*l.blockSize)
	for b := inodeBlock; b < l.firstData; b++ {
		if err := d.ReadBlock(b, t.table[(b-inodeBlock)*l.blockSize:][:l.blockSize]); err != nil {
			return nil, err
		}
	}
	t.names[rootInode] = string(model.Root)
	if !l.ours(t.read(superBlock)) {
		t.report(model.StructureDamage, superBlock, "the superblock is not one of this file system")
	}
	if mode := t.inode(rootInode)[0]; mode != modeDir {
		t.report(model.StructureDamage, inodeBlock, "the root directory has mode %d", mode)
	}
	t.claim(rootInode)
	return t, nil
}

func (t *tree) report(a model.Anomaly, block int, format string, args ...any) {
	t.problems = append(t.problems, model.Problem{Anomaly: a, Block: int32(block), Text: fmt.Sprintf(format, args...)})
}

// read is the bytes of a block, a copy; zeroes if it cannot be read.
func (t *tree) read(block int) []byte {
	p := make([]byte, t.blockSize)
	if err := t.d.ReadBlock(block, p); err != nil {
		clear(p)
	}
	return p
}

func (t *tree) inode(ino int) []byte { return t.table[ino*inodeSize:][:inodeSize] }

// claim notes the blocks of an inode as its own and, for a directory, goes on
// to what it names.
func (t *tree) claim(ino int) {
	p := t.inode(ino)
	take := func(pointers []byte) {
		for ; len(pointers) > 0; pointers = pointers[2:] {
			if b := int(order.Uint16(pointers)); t.own(ino, b) && p[0] == modeDir {
				t.descend(ino, b)
			}
		}
	}
	take(p[offDirect:offIndirect])
	if b := int(order.Uint16(p[offIndirect:])); t.own(ino, b) {
		t.indirect[b] = true
		take(t.read(b))
	}
}

// own notes block b as inode ino's, unless it is a hole, no data block, or
// another's already.
func (t *tree) own(ino, b int) bool {
	switch {
	case b == 0:
		return false
	case b < t.firstData || b >= t.blocks:
		t.report(model.StructureDamage, b, "inode %d points to block %d, which is no data block", ino, b)
		return false
	case t.owner[b] != 0:
		t.report(model.CrossLinked, b, "block %d belongs to %s and to %s", b, t.names[t.owner[b]-1], t.names[ino])
		return false
	}
	t.owner[b] = ino + 1
	return true
}

// descend follows the entries of one directory block.
func (t *tree) descend(dir, block int) {
	p := t.read(block)
	for off := 0; off < t.blockSize; off += direntSize {
		ino := int(order.Uint16(p[off:]))
		if ino == 0 {
			continue
		}
		path := string(model.Path(t.names[dir]).Child(nameOf(p[off : off+direntSize])))
		switch {
		case ino >= inodes:
			t.report(model.StructureDamage, block, "%q names inode %d of %d", path, ino, inodes)
		case slices.Contains(t.names[:], path):
			t.report(model.StructureDamage, block, "%q stands twice in its directory", path)
		case t.names[ino] != "":
			t.report(model.CrossLinked, block, "inode %d belongs to %q and to %q", ino, t.names[ino], path)
		default:
			if mode := t.inode(ino)[0]; mode != modeFile && mode != modeDir {
				t.report(model.StructureDamage, block, "%q names inode %d, which is free", path, ino)
				continue
			}
			t.names[ino] = path
			t.claim(ino)
		}
	}
}

// audit is fsck: every block and inode in use belongs to exactly one name, and
// everything that belongs to a name is marked in use.
//
// Verified: the superblock, that the root is a directory, entries that lead
// nowhere or twice to one inode or stand twice, blocks in two files, the bitmap
// against the tree both ways, inodes that nothing names.
// Not verified: sizes against blocks, block contents.
func audit(d disk.Device) []model.Problem {
	t, err := newTree(d)
	if err != nil {
		return []model.Problem{{Anomaly: model.StructureDamage, Block: superBlock, Text: err.Error()}}
	}
	bitmap := t.read(bitmapBlock)
	for b := t.firstData; b < t.blocks; b++ {
		marked := bitmap[b/8]&(1<<(b%8)) != 0
		switch {
		case t.owner[b] == 0 && marked:
			t.report(model.LeakedSpace, b, "block %d is marked in use and belongs to nothing", b)
		case t.owner[b] != 0 && !marked:
			t.report(model.DoubleFree, b, "block %d of %s is marked free", b, t.names[t.owner[b]-1])
		}
	}
	for ino := range inodes {
		if mode := t.inode(ino)[0]; mode != modeFree && t.names[ino] == "" {
			block, _ := t.inodeAt(ino)
			t.report(model.LeakedSpace, block, "inode %d is in use and has no name", ino)
		}
	}
	return t.problems
}

// meaning says what a block is at present.
func meaning(d disk.Device, block int) string {
	t, err := newTree(d)
	if err != nil {
		return ""
	}
	switch {
	case block == superBlock:
		return "superblock"
	case block == bitmapBlock:
		return "allocation bitmap"
	case block < t.firstData:
		perBlock := t.blockSize / inodeSize
		first := (block - inodeBlock) * perBlock
		return fmt.Sprintf("inodes %d to %d", first, min(first+perBlock, inodes)-1)
	case t.owner[block] == 0:
		return "a block that no name leads to"
	}
	ino := t.owner[block] - 1
	switch {
	case t.indirect[block]:
		return "indirect block of " + t.names[ino]
	case t.inode(ino)[0] == modeDir:
		return "directory block of " + t.names[ino]
	}
	return "data of " + t.names[ino]
}
