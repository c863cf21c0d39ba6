package designs_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
	"github.com/doublemount/doublemount/sim/designs"
)

// The sample: /d holds the one-block file /d/a; /b has thirteen blocks, the last
// behind its indirect block. Blocks are given out from below: 4 is the root
// directory, 5 that of /d, 6 the data of /d/a, 7 to 18 and 20 those of /b.
var sampleProgram = model.Program{Hosts: 1, Unmounts: []model.Host{0}, Steps: []model.Step{
	{Kind: model.Mount},
	{Kind: model.Mkdir, Path: "/d"},
	{Kind: model.Create, Path: "/d/a"},
	{Kind: model.Write, Path: "/d/a", Len: 8, Data: 1},
	{Kind: model.Create, Path: "/b"},
	{Kind: model.Write, Path: "/b", Len: 13 * 8, Data: 2},
}}

const (
	inodeOfD, inodeOfDA, inodeOfB = 1, 2, 3
	lastOfB, indirectOfB          = 20, 19
)

// sample is the disk after the sample program.
func sample(t testing.TB) *disk.Image {
	t.Helper()
	var image *disk.Image
	d := designs.Local()
	d.Audit = func(d disk.Device) []model.Problem {
		image = clone(t, d)
		return nil
	}
	if _, err := runner(t, d).Run(context.Background(), sampleProgram); err != nil {
		t.Fatal(err)
	}
	return image
}

func clone(t testing.TB, d disk.Device) *disk.Image {
	t.Helper()
	m, err := disk.NewImage(disk.Config{BlockSize: d.BlockSize(), Blocks: d.Blocks()})
	p := make([]byte, d.BlockSize())
	for b := 0; b < d.Blocks() && err == nil; b++ {
		if err = d.ReadBlock(b, p); err == nil {
			err = m.WriteBlock(b, p)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// patch changes a block.
func patch(t testing.TB, m *disk.Image, block int, change func(p []byte)) {
	t.Helper()
	p := make([]byte, m.BlockSize())
	err := m.ReadBlock(block, p)
	change(p)
	if err == nil {
		err = m.WriteBlock(block, p)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// inode is the 64 bytes of one.
func inode(t testing.TB, m *disk.Image, n int, change func(p []byte)) {
	patch(t, m, 2+n/4, func(p []byte) { change(p[n%4*64 : n%4*64+64]) })
}

func mark(t testing.TB, m *disk.Image, block int, used bool) {
	patch(t, m, 1, func(p []byte) {
		p[block/8] &^= 1 << (block % 8)
		if used {
			p[block/8] |= 1 << (block % 8)
		}
	})
}

func entry(t testing.TB, m *disk.Image, block, slot, inode int, name string) {
	patch(t, m, block, func(p []byte) {
		p = p[16*slot : 16*slot+16]
		clear(p)
		binary.LittleEndian.PutUint16(p, uint16(inode))
		p[2] = byte(len(name))
		copy(p[4:], name)
	})
}

func TestAudit(t *testing.T) {
	put := binary.LittleEndian.PutUint16
	type problems []string // anomaly @ block: text
	for _, c := range []struct {
		name   string
		damage func(m *disk.Image)
		want   problems
	}{
		{"nothing", func(*disk.Image) {}, nil},
		{"a block marked but not used", func(m *disk.Image) { mark(t, m, 40, true) },
			problems{"leaked space @40: block 40 is marked in use and belongs to nothing"}},
		{"a block used but not marked", func(m *disk.Image) { mark(t, m, 6, false) },
			problems{"double free @6: block 6 of /d/a is marked free"}},
		{"an indirect block not marked", func(m *disk.Image) { mark(t, m, indirectOfB, false) },
			problems{"double free @19: block 19 of /b is marked free"}},
		{"a block in two files", func(m *disk.Image) { inode(t, m, inodeOfDA, func(p []byte) { put(p[10:], 8) }) },
			problems{"cross-linked block @8: block 8 belongs to /d/a and to /b"}},
		{"a block twice in one file", func(m *disk.Image) { inode(t, m, inodeOfDA, func(p []byte) { put(p[10:], 6) }) },
			problems{"cross-linked block @6: block 6 belongs to /d/a and to /d/a"}},
		{"a block behind the indirect block in two files", func(m *disk.Image) {
			patch(t, m, indirectOfB, func(p []byte) { put(p, 6) })
		}, problems{"cross-linked block @6: block 6 belongs to /d/a and to /b", "leaked space @20: block 20 is marked in use and belongs to nothing"}},
		{"a pointer beyond the disk", func(m *disk.Image) { inode(t, m, inodeOfDA, func(p []byte) { put(p[8:], 64) }) },
			problems{"structure damage @64: inode 2 points to block 64, which is no data block", "leaked space @6: block 6 is marked in use and belongs to nothing"}},
		{"a pointer to the inodes", func(m *disk.Image) { inode(t, m, inodeOfDA, func(p []byte) { put(p[12:], 3) }) },
			problems{"structure damage @3: inode 2 points to block 3, which is no data block"}},
		{"an indirect pointer beyond the disk", func(m *disk.Image) {
			inode(t, m, inodeOfB, func(p []byte) { put(p[32:], 999) })
		}, problems{"structure damage @999: inode 3 points to block 999, which is no data block",
			"leaked space @19: block 19 is marked in use and belongs to nothing", "leaked space @20: block 20 is marked in use and belongs to nothing"}},
		{"an entry that leads to a free inode", func(m *disk.Image) { entry(t, m, 4, 5, 6, "ghost") },
			problems{`structure damage @4: "/ghost" names inode 6, which is free`}},
		{"an entry that leads to no inode", func(m *disk.Image) { entry(t, m, 5, 5, 8, "ghost") },
			problems{`structure damage @5: "/d/ghost" names inode 8 of 8`}},
		{"an entry of no known mode", func(m *disk.Image) { inode(t, m, inodeOfB, func(p []byte) { p[0] = 77 }) },
			append(problems{`structure damage @4: "/b" names inode 3, which is free`}, leaks(7, 20, "leaked space @2: inode 3 is in use and has no name")...)},
		{"two names for an inode", func(m *disk.Image) { entry(t, m, 5, 5, inodeOfB, "hard") },
			problems{`cross-linked block @4: inode 3 belongs to "/d/hard" and to "/b"`}},
		{"two names for an inode that counts them", func(m *disk.Image) {
			entry(t, m, 5, 5, inodeOfB, "hard")
			inode(t, m, inodeOfB, func(p []byte) { put(p[2:], 1) })
		}, nil},
		{"three names for an inode that counts two", func(m *disk.Image) {
			entry(t, m, 5, 5, inodeOfB, "hard")
			entry(t, m, 4, 5, inodeOfB, "more")
			inode(t, m, inodeOfB, func(p []byte) { put(p[2:], 1) })
		}, problems{`cross-linked block @4: inode 3 belongs to "/d/hard" and to "/more", to 3 names in all, and counts 2`}},
		{"one name for an inode that counts two", func(m *disk.Image) { inode(t, m, inodeOfDA, func(p []byte) { put(p[2:], 1) }) },
			problems{"leaked space @2: inode 2, /d/a, has 1 of the 2 names that it counts"}},
		{"a directory that counts two names", func(m *disk.Image) { inode(t, m, inodeOfD, func(p []byte) { put(p[2:], 1) }) },
			problems{"leaked space @2: inode 1, /d, has 1 of the 2 names that it counts"}},
		{"a directory that has the two names that it counts", func(m *disk.Image) {
			inode(t, m, inodeOfD, func(p []byte) { put(p[2:], 1) })
			entry(t, m, 4, 5, inodeOfD, "e")
		}, problems{`cross-linked block @4: inode 1 belongs to "/d" and to "/e"`, "leaked space @2: inode 1, /d, has 1 of the 2 names that it counts"}},
		{"one name twice, for one inode", func(m *disk.Image) { entry(t, m, 4, 5, inodeOfB, "b") },
			problems{`structure damage @4: "/b" stands twice in its directory`}},
		{"one name twice, for two inodes", func(m *disk.Image) {
			inode(t, m, 5, func(p []byte) { p[0] = 1 })
			entry(t, m, 4, 5, 5, "b")
		}, problems{`structure damage @4: "/b" stands twice in its directory`, "leaked space @3: inode 5 is in use and has no name"}},
		{"a directory in itself", func(m *disk.Image) { entry(t, m, 5, 5, inodeOfD, "loop") },
			problems{`cross-linked block @5: inode 1 belongs to "/d" and to "/d/loop"`}},
		{"a file that nothing names", func(m *disk.Image) { entry(t, m, 5, 0, 0, "") },
			problems{"leaked space @6: block 6 is marked in use and belongs to nothing", "leaked space @2: inode 2 is in use and has no name"}},
		{"a nameless file that nobody closed", func(m *disk.Image) { inode(t, m, 7, func(p []byte) { p[0] = 3 }) },
			problems{"leaked space @3: inode 7 is in use and has no name"}},
		{"no superblock", func(m *disk.Image) { patch(t, m, 0, func(p []byte) { clear(p) }) },
			problems{"structure damage @0: the superblock is not one of this file system"}},
		{"a root that is no directory", func(m *disk.Image) { inode(t, m, 0, func(p []byte) { p[0] = 1 }) },
			append(problems{"structure damage @2: the root directory has mode 1"},
				leaks(5, 20, "leaked space @2: inode 1 is in use and has no name", "leaked space @2: inode 2 is in use and has no name",
					"leaked space @2: inode 3 is in use and has no name")...)},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := sample(t)
			c.damage(m)
			var got problems
			for _, p := range designs.Local().Audit(m) {
				got = append(got, fmt.Sprintf("%s @%d: %s", p.Anomaly, p.Block, p.Text))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

// leaks is the report of blocks that belong to nothing, and more.
func leaks(from, to int, more ...string) (all []string) {
	for b := from; b <= to; b++ {
		all = append(all, fmt.Sprintf("leaked space @%d: block %d is marked in use and belongs to nothing", b, b))
	}
	return append(all, more...)
}

func TestMeaning(t *testing.T) {
	m := sample(t)
	for block, want := range map[int]string{
		0: "superblock", 1: "allocation bitmap", 2: "inodes 0 to 3", 3: "inodes 4 to 7",
		4: "directory block of /", 5: "directory block of /d", 6: "data of /d/a",
		7: "data of /b", 18: "data of /b", indirectOfB: "indirect block of /b", lastOfB: "data of /b",
		21: "a block that no name leads to", 63: "a block that no name leads to",
	} {
		if got := designs.Local().Block(m, block); got != want {
			t.Errorf("block %d is %q, want %q", block, got, want)
		}
	}
	entry(t, m, 4, 5, inodeOfB, "other")
	if got := designs.Local().Block(m, indirectOfB); got != "indirect block of /b (2 names)" {
		t.Errorf("a block of a file with two names is %q", got)
	}
	r := runner(t, designs.Local())
	if _, err := r.Run(context.Background(), sampleProgram); err != nil {
		t.Fatal(err)
	}
	if got := r.Describe(6); got != "data of /d/a" {
		t.Errorf("the Runner calls block 6 %q", got)
	}
}

func TestFormat(t *testing.T) {
	for _, c := range []struct {
		config disk.Config
		blocks int // for data; 0 where there can be no file system
	}{
		{disk.Config{BlockSize: 256, Blocks: 64}, 59},
		{disk.Config{BlockSize: 64, Blocks: 12}, 1},
		{disk.Config{BlockSize: 64, Blocks: 11}, 0},
		{disk.Config{BlockSize: 64, Blocks: 512}, 501},
		{disk.Config{BlockSize: 64, Blocks: 513}, 0}, // more than the bitmap has bits
		{disk.Config{BlockSize: 128, Blocks: 8}, 1},
		{disk.Config{BlockSize: 512, Blocks: 5}, 1},
		{disk.Config{BlockSize: 512, Blocks: 4}, 0},
		{disk.Config{BlockSize: 4096, Blocks: 4096}, 4092},
		{disk.Config{BlockSize: 192, Blocks: 64}, 58}, // three inodes a block
		{disk.Config{BlockSize: 32, Blocks: 64}, 0},
		{disk.Config{BlockSize: 96, Blocks: 64}, 0}, // inodes would not fit
		{disk.Config{BlockSize: 8, Blocks: 64}, 0},
	} {
		for _, d := range []sim.Design{designs.Local(), designs.LocalWritethrough(), designs.Single()} {
			d.Disk = c.config
			r, err := sim.New(d)
			if err != nil {
				if c.blocks > 0 {
					t.Errorf("%v: %v", c.config, err)
				}
				continue
			}
			if space := r.Capabilities().Space; space != (model.Space{Blocks: c.blocks, Inodes: 7}) {
				t.Errorf("%v: space %+v, want %d blocks", c.config, space, c.blocks)
			}
			got, err := r.Run(context.Background(), sampleProgram)
			if err != nil || len(got.Defects) > 0 || len(got.Audit) > 0 {
				t.Errorf("%v: %v, defects %v, fsck %v", c.config, err, got.Defects, got.Audit)
			}
			r.Close()
		}
	}
}

// 65536 blocks are one more than the superblock can count.
func TestFormatOfTheLargestDisk(t *testing.T) {
	for blocks, ok := range map[int]bool{1<<16 - 1: true, 1 << 16: false} {
		d := hugeDisk{blocks}
		if err := designs.Local().Format(d); (err == nil) != ok {
			t.Errorf("%d blocks: %v", blocks, err)
		}
	}
}

// hugeDisk takes all and keeps nothing.
type hugeDisk struct{ blocks int }

func (d hugeDisk) BlockSize() int                  { return 64 << 10 }
func (d hugeDisk) Blocks() int                     { return d.blocks }
func (d hugeDisk) ReadBlock(_ int, p []byte) error { clear(p); return nil }
func (d hugeDisk) WriteBlock(int, []byte) error    { return nil }
func (d hugeDisk) Flush() error                    { return nil }
