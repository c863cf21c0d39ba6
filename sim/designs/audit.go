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
	paths    []string       // of all entries
	names    [inodes]string // the first path that leads to each inode; "/" for the root
	links    [inodes]int    // how many do
	latest   [inodes]named  // of these the last found
	owner    []int          // by block: inode+1, 0 for nobody
	indirect []bool         // by block: it is its owner's indirect block
	problems []model.Problem
}

// named is a path and the directory block that it stands in.
type named struct {
	path  string
	block int
}

func newTree(d disk.Device) (*tree, error) {
	l, err := layoutOf(d)
	if err != nil {
		return nil, err
	}
	t := &tree{layout: l, d: d, owner: make([]int, l.blocks), indirect: make([]bool, l.blocks)}
	super := t.read(superBlock)
	t.layout = l.withJournal(super)
	t.table = make([]byte, (t.firstData-inodeBlock)*l.blockSize)
	for b := inodeBlock; b < t.firstData; b++ {
		if err := d.ReadBlock(b, t.table[(b-inodeBlock)*l.blockSize:][:l.blockSize]); err != nil {
			return nil, err
		}
	}
	t.paths = append(make([]string, 0, 2*inodes), string(model.Root))
	t.names[rootInode] = string(model.Root)
	if !t.ours(super) {
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

func (t *tree) inode(ino int) []byte {
	block, off := t.inodeAt(ino)
	return t.table[(block-inodeBlock)*t.blockSize+off:][:inodeSize]
}

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
		case slices.Contains(t.paths, path):
			t.report(model.StructureDamage, block, "%q stands twice in its directory", path)
		case t.names[ino] != "" && t.inode(ino)[0] == modeFile:
			t.paths = append(t.paths, path)
			t.links[ino]++
			t.latest[ino] = named{path, block}
		case t.names[ino] != "":
			t.report(model.CrossLinked, block, "inode %d belongs to %q and to %q", ino, t.names[ino], path)
		default:
			if mode := t.inode(ino)[0]; mode != modeFile && mode != modeDir {
				t.report(model.StructureDamage, block, "%q names inode %d, which is free", path, ino)
				continue
			}
			t.paths = append(t.paths, path)
			t.names[ino], t.links[ino] = path, 1
			t.claim(ino)
		}
	}
}

// audit is fsck: every block in use belongs to exactly one inode, every inode in
// use has the names that it counts, a directory one, and everything that belongs
// to a name is marked in use.
//
// Verified: the superblock, the header of a journal, that the root is a
// directory, entries that lead nowhere or stand twice, directories with two
// names, files with more or fewer names than they count, blocks in two files, the
// bitmap against the tree both ways, inodes that nothing names.
// Not verified: sizes against blocks, block contents.
func audit(d disk.Device) []model.Problem {
	t, err := newTree(d)
	if err != nil {
		return []model.Problem{{Anomaly: model.StructureDamage, Block: superBlock, Text: err.Error()}}
	}
	t.checkJournal()
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
		block, _ := t.inodeAt(ino)
		if t.spread && t.marked(bitmap, ino) != (t.inode(ino)[0] != modeFree) {
			t.report(model.StructureDamage, block, "inode %d has mode %d, and the bitmap says otherwise", ino, t.inode(ino)[0])
		}
		switch mode := t.inode(ino)[0]; {
		case mode != modeFree && t.names[ino] == "":
			t.report(model.LeakedSpace, block, "inode %d is in use and has no name", ino)
		case mode != modeFree && ino != rootInode:
			t.countLinks(ino, block)
		}
	}
	return t.problems
}

// marked reports whether the bitmap has a spread inode in use.
func (t *tree) marked(bitmap []byte, ino int) bool {
	b := t.inodeBit(ino)
	return bitmap[b/8]&(1<<(b%8)) != 0
}

// countLinks holds the names of an inode against the number that it has. With
// more names than it counts it was given to some of them by mistake, and is freed
// while one still leads to it; with fewer it is never freed.
func (t *tree) countLinks(ino, block int) {
	counted := 1 + int(order.Uint16(t.inode(ino)[offFurther:]))
	switch names := t.links[ino]; {
	case names < counted:
		t.report(model.LeakedSpace, block, "inode %d, %s, has %d of the %d names that it counts", ino, t.names[ino], names, counted)
	case names > counted:
		last := t.latest[ino]
		text := fmt.Sprintf("inode %d belongs to %q and to %q", ino, t.names[ino], last.path)
		if names > 2 {
			text += fmt.Sprintf(", to %d names in all, and counts %d", names, counted)
		}
		t.report(model.CrossLinked, last.block, "%s", text)
	}
}

// called is what leads to an inode.
func (t *tree) called(ino int) string {
	if n := t.links[ino]; n > 1 {
		return fmt.Sprintf("%s (%d names)", t.names[ino], n)
	}
	return t.names[ino]
}

// behindName says what a block behind the file system is.
func (t *tree) behindName(n int) string {
	which := "the journal"
	if t.journals > 1 {
		which = fmt.Sprintf("journal %d", n/t.journal)
	}
	switch {
	case t.journal == 0 || n >= t.extra()-t.shape.behind:
		return "what hosts share beside the file system"
	case n%t.journal == 0 && t.journals > 1:
		return "header of " + which
	case n == 0:
		return "journal header"
	}
	return fmt.Sprintf("block %d of %s", n%t.journal, which)
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
	case block >= t.blocks:
		return t.behindName(block - t.blocks)
	case block < t.firstData && t.spread:
		return fmt.Sprintf("inode %d", block-inodeBlock)
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
		return "indirect block of " + t.called(ino)
	case t.inode(ino)[0] == modeDir:
		return "directory block of " + t.names[ino]
	}
	return "data of " + t.called(ino)
}
