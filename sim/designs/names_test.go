package designs_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/internal/testscale"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
	"github.com/doublemount/doublemount/sim/designs"
	"pgregory.net/rapid"
)

// draw is a number from 0 to n-1.
type draw func(n int) int

// tangle is a program of one host over few names up to four deep, most of it
// renames and links, some of it locks; now and then of a disk that is nearly full.
func tangle(draw draw, ranges bool) model.Program {
	p := model.Program{Hosts: 1, Unmounts: []model.Host{0}}
	add := func(s model.Step) { p.Steps = append(p.Steps, s) }
	add(model.Step{Kind: model.Mount})
	names := []model.Path{"/a", "/b", "/c", "/a/a", "/a/b", "/b/a", "/a/a/b", "/a/b/a", "/b/a/a", "/a/a/b/a", "/b/a/a/b"}
	name := func() model.Path { return names[draw(len(names))] }
	kinds := []model.Kind{model.Create, model.Create, model.Mkdir, model.Mkdir, model.Mkdir, model.Rename, model.Rename, model.Rename,
		model.Rename, model.Rename, model.Link, model.Link, model.Link, model.Unlink, model.Rmdir, model.Open, model.Close, model.Read,
		model.Write, model.Append, model.Truncate, model.Readdir, model.Stat, model.Fsync, model.Sync, model.Writeback, model.Remount,
		model.Lock, model.Lock, model.Unlock}
	if draw(4) == 0 { // the indirect block is one more
		add(model.Step{Kind: model.Create, Path: "/c"})
		add(model.Step{Kind: model.Write, Path: "/c", Len: int32(45+draw(14)) * model.WordsPerBlock, Data: 250})
	}
	for data := byte(1); data < 30; data++ {
		s := model.Step{Kind: kinds[draw(len(kinds))]}
		switch {
		case s.Kind == model.Sync || s.Kind == model.Remount || s.Kind == model.Writeback:
		case s.Kind == model.Close || s.Kind == model.Lock || s.Kind == model.Unlock || s.Kind.TakesData() && draw(2) == 0:
			s.File = uint8(1 + draw(2))
		default:
			s.Path = name()
		}
		whole := int32(8)
		switch s.Kind {
		case model.Open:
			s.File = uint8(1 + draw(2))
		case model.Rename, model.Link:
			s.To = name()
		case model.Read, model.Write:
			s.Direct = draw(2) == 0
			s.Off, s.Len = whole*int32(draw(3)), whole*int32(1+draw(2))
			if !s.Direct {
				s.Off, s.Len = s.Off+int32(draw(8)), s.Len-int32(draw(8))
			}
		case model.Append, model.Truncate:
			s.Len = int32(1 + draw(20))
		case model.Lock, model.Unlock:
			s.Shared = s.Kind == model.Lock && draw(2) == 0
			if ranges && draw(2) == 0 {
				s.Off, s.Len = int32(draw(8)), int32(1+draw(8))
			}
		}
		if s.Kind == model.Write || s.Kind == model.Append {
			s.Data = data
		}
		if s.Kind == model.Lock && draw(4) == 0 { // two handles of one file
			p := name()
			add(model.Step{Kind: model.Create, Path: p})
			add(model.Step{Kind: model.Open, Path: p, File: 1})
			add(model.Step{Kind: model.Open, Path: p, File: 2})
			add(model.Step{Kind: model.Lock, File: 3 - s.File})
		}
		if s.Path != "" && draw(2) == 0 { // what is not there answers little
			for _, p := range []model.Path{s.Path, s.To} {
				for _, dir := range directories(p) {
					add(model.Step{Kind: model.Mkdir, Path: dir})
				}
			}
			if draw(2) == 0 {
				add(model.Step{Kind: model.Create, Path: s.Path})
			}
		}
		add(s)
	}
	return p
}

// directories are those that p is in, the outermost first.
func directories(p model.Path) (all []model.Path) {
	for p != "" && p.Parent() != model.Root {
		p = p.Parent()
		all = append(all, p)
	}
	slices.Reverse(all)
	return all
}

// On one host each design answers every name operation as the specification
// does, with Linux's errno where POSIX leaves a choice, and what it leaves is
// sound. Every result that the specification has is met on the way.
func TestTangle(t *testing.T) {
	for _, d := range designs.All() {
		t.Run(d.Name, func(t *testing.T) {
			j := newJudge(t, d)
			for n := range testscale.Reaching(2_000, 100_000) {
				rng := rand.New(rand.NewPCG(3, uint64(n)))
				j.agree(tangle(rng.IntN, j.runner.Capabilities().Ranges))
			}
			for _, k := range j.runner.Capabilities().Kinds.Kinds() {
				if k.Event() {
					continue
				}
				for _, e := range model.Results(k) {
					if j.met[k][e] == 0 {
						t.Errorf("%v never answered %v", k, e)
					}
				}
			}
			t.Logf("%d renames, %d links did", j.met[model.Rename][model.OK], j.met[model.Link][model.OK])
		})
	}
}

// The same for any choices, so that a failure shrinks.
func TestAnyTangle(t *testing.T) {
	j := newJudge(t, designs.Single())
	rapid.Check(t, func(r *rapid.T) {
		j.agree(tangle(func(n int) int { return rapid.IntRange(0, n-1).Draw(r, "choice") }, false))
	})
}

// A directory has a second block after its sixteenth name, an indirect block
// after twelve blocks, and an end.
func TestManyNames(t *testing.T) {
	for _, shape := range []disk.Config{{BlockSize: 256, Blocks: 64}, {BlockSize: 64, Blocks: 120}} {
		for _, d := range designs.All() {
			d = resized(d, shape)
			j := newJudge(t, d)
			p := model.Program{Hosts: 1, Unmounts: []model.Host{0}, Steps: []model.Step{
				{Kind: model.Mount}, {Kind: model.Create, Path: "/f"}, {Kind: model.Mkdir, Path: "/d"}}}
			name := func(n int) model.Path {
				return model.Path([]byte{'/', 'd', '/', byte('a' + n/26/26), byte('a' + n/26%26), byte('a' + n%26)})
			}
			many := 1100 // more than either disk has room for
			for n := range many {
				p.Steps = append(p.Steps, model.Step{Kind: model.Link, Path: "/f", To: name(n)})
			}
			p.Steps = append(p.Steps, model.Step{Kind: model.Rename, Path: name(40), To: "/g"}, model.Step{Kind: model.Link, Path: "/f", To: name(1000)},
				model.Step{Kind: model.Remount}, model.Step{Kind: model.Readdir, Path: "/d"}, model.Step{Kind: model.Unlink, Path: name(0)},
				model.Step{Kind: model.Rename, Path: "/d", To: "/e"})
			j.agree(p)
			if made := j.met[model.Link][model.OK]; made < 176 || made >= many {
				t.Errorf("%s, %d x %d: %d names of one file", d.Name, shape.Blocks, shape.BlockSize, made)
			}
		}
	}
}

// A directory that gets its indirect block takes two blocks at once, or none.
func TestManyNamesOnAFullDisk(t *testing.T) {
	for _, d := range designs.All() {
		d = resized(d, disk.Config{BlockSize: 64, Blocks: 120}) // four names a block; room for 109 blocks
		var lines strings.Builder
		fmt.Fprintln(&lines, "A mkdir /d -> ok\nA create /a -> ok\nA create /b -> ok\nA create /c -> ok")
		for n := range 48 {
			fmt.Fprintf(&lines, "A link /a /d/%d -> ok\n", n)
		}
		story(t, d, lines.String()+`A write /a 0 352 #1 -> ok
			A write /b 0 352 #2 -> ok
			A write /c 0 48 #3 -> ok
			A statfs -> 1 of 109 free
			A link /a /d/more -> ENOSPC
			A statfs -> 1 of 109 free
			A rename /b /d/more -> ENOSPC
			A rename /d/7 /d/more -> ok
			A truncate /c 40 -> ok
			A link /a /d/7 -> ok
			A statfs -> 0 of 109 free`)
	}
}

// What replaces a file takes its name only: clients that have the old one open
// keep it, and its space is free when the last of them closes it; so with every
// further name.
func TestReplacedWhileOpen(t *testing.T) {
	for _, d := range designs.All() {
		story(t, d, `A create /a -> ok
			A write /a 0 8 #1 -> ok
			A create /b -> ok
			A write /b 0 16 #2 -> ok
			A open /b f1 -> ok
			A open /a f2 -> ok
			A rename /a /b -> ok
			A readdir / -> b
			A read /b 0 9 -> 8x#1
			A read f1 0 20 -> 16x#2
			A append f1 8 #3 -> ok
			A statfs -> 55 of 59 free
			A close f1 -> ok
			A statfs -> 58 of 59 free
			A link /b /c -> ok
			A unlink /b -> ok
			A read /c 0 9 -> 8x#1
			A unlink /c -> ok
			A statfs -> 58 of 59 free
			A read f2 0 9 -> 8x#1
			A close f2 -> ok
			A statfs -> 59 of 59 free`)
	}
	story(t, designs.Single(), `A create /a -> ok
		A write /a 0 8 #1 -> ok
		B open /a f1 -> ok
		B link /a /b -> ok
		A create /c -> ok
		A rename /c /a -> ok
		A rename /a /b -> ok
		A stat /a -> ENOENT
		B stat /b -> file of 0
		B read f1 0 8 -> 8x#1
		A statfs -> 58 of 59 free
		B close f1 -> ok
		A statfs -> 59 of 59 free`)
}

// A directory that replaces an empty one gives that one's inode and block back.
func TestReplacedDirectory(t *testing.T) {
	for _, d := range designs.All() {
		story(t, d, `A mkdir /a -> ok
			A create /a/x -> ok
			A mkdir /b -> ok
			A create /b/x -> ok
			A statfs -> 57 of 59 free
			A rename /a /b -> ENOTEMPTY
			A unlink /b/x -> ok
			A rename /a /b -> ok
			A statfs -> 58 of 59 free
			A readdir / -> b
			A readdir /b -> x
			A mkdir /b/c -> ok
			A mkdir /b/c/d -> ok
			A rename /b/x /b/c/d/x -> ok
			A rename /b /b/c/d/e -> EINVAL
			A rename /b/c/d/x /b/c -> ENOTEMPTY
			A rename /b/c /c -> ok
			A stat /c/d/x -> file of 0
			A stat /b/c/d/x -> ENOENT`)
	}
}

// A rename without room for the new name changes nothing; within a directory
// and onto another name it needs none.
func TestRenameOnAFullDisk(t *testing.T) {
	for _, d := range designs.All() {
		story(t, d, `A create /a -> ok
			A create /b -> ok
			A mkdir /d -> ok
			A write /a 0 464 #1 -> ok
			A statfs -> 0 of 59 free
			A rename /b /d/b -> ENOSPC
			A link /b /d/b -> ENOSPC
			A rename /b /d -> EISDIR
			A readdir /d -> empty
			A stat /b -> file of 0
			A rename /b /c -> ok
			A link /c /b -> ok
			A rename /a /b -> ok
			A readdir / -> b c d
			A rename /c /b -> ok
			A statfs -> 59 of 59 free
			A rename /b /d/b -> ok
			A statfs -> 58 of 59 free`)
	}
}

// A rename to another directory writes the new name before it takes the old one
// away, and gives back what it replaces last.
func TestRenameOrder(t *testing.T) {
	got := story(t, designs.Local(), `A mkdir /d -> ok
		A mkdir /e -> ok
		A create /d/a -> ok
		A create /e/a -> ok
		A write /e/a 0 8 #1 -> ok
		A sync -> ok
		A rename /d/a /e/a -> ok
		A writeback -> ok`)
	var order []string
	for _, r := range got.Trace {
		if r.Kind == model.BlockWritten && r.Step == 10 {
			order = append(order, map[int32]string{1: "bitmap", 2: "inodes 0 to 3", 3: "inodes 4 to 7", 5: "/d", 6: "/e"}[r.Block])
		}
	}
	if want := []string{"/e", "/d", "bitmap", "inodes 4 to 7"}; !slices.Equal(order, want) {
		t.Errorf("written %q; want %q", order, want)
	}
}

// Direct reads and writes beside a host's cache: a host sees its own writes
// whichever way it made them; what another host has written it sees by direct
// reads only, where its cache is its own.
func TestDirect(t *testing.T) {
	for _, d := range designs.All() {
		story(t, d, `A create /a -> ok
			A write /a 0 12 #1 -> ok
			A read /a 0 16 direct -> 12x#1
			A write /a 8 8 #2 direct -> ok
			A read /a 0 24 -> 8x#1 8x#2
			A write /a 32 8 #3 direct -> ok
			A read /a 8 40 direct -> 8x#2 16x0 8x#3
			A read /a 0 40 -> 8x#1 8x#2 16x0 8x#3
			A write /a 0 4 #4 -> ok
			A read /a 0 8 direct -> 4x#4 4x#1
			A truncate /a 4 -> ok
			A write /a 16 8 #5 direct -> ok
			A read /a 0 24 direct -> 4x#4 12x0 8x#5
			A read /a 24 8 direct -> nothing
			A write /a 1112 16 #6 direct -> EFBIG
			A write /a 0 480 #7 direct -> ENOSPC
			A statfs -> 57 of 59 free
			A remount -> ok
			A read /a 0 24 -> 4x#4 12x0 8x#5`)
	}
	const fresh = `A create /a -> ok
		A write /a 0 16 #1 -> ok
		A unmount -> ok
		A mount -> ok
		B remount -> ok
		B read /a 0 16 -> 16x#1
		A write /a 0 8 #2 direct -> ok
		B read /a 0 16 direct -> 8x#2 8x#1
		B read /a 0 16 -> `
	story(t, designs.Local(), fresh+"16x#1")
	story(t, designs.LocalWritethrough(), fresh+"16x#1")
	story(t, designs.Single(), fresh+"8x#2 8x#1")
}

// A direct write is on stable storage when single returns: it promises that of
// every operation, so it flushes also when nothing else has changed.
func TestSingleFlushesDirectWrites(t *testing.T) {
	flushes := func(d sim.Design) (n int) {
		got := story(t, d, `A create /a -> ok
			A write /a 0 8 #1 -> ok
			A open /a f1 -> ok
			A write f1 0 8 #2 direct -> ok`)
		for _, r := range got.Trace {
			if r.Kind == model.Flushed && r.Step == 6 {
				n++
			}
		}
		return n
	}
	if n := flushes(designs.Single()); n != 1 {
		t.Errorf("single flushed %d times", n)
	}
	if n := flushes(designs.Local()); n != 0 {
		t.Errorf("local flushed %d times; O_DIRECT does not", n)
	}
}
