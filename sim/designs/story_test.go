package designs_test

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
	"github.com/doublemount/doublemount/sim/designs"
)

// story runs lines of "step -> answer", after a mount of two hosts, and holds
// the answers against what was given; holds count steps from the first line.
// Afterwards fsck must be content.
func story(t *testing.T, d sim.Design, lines string, holds ...model.Hold) model.Run {
	t.Helper()
	p := model.Program{Hosts: 2, Unmounts: []model.Host{0, 1},
		Steps: []model.Step{{Host: 0, Kind: model.Mount}, {Host: 1, Kind: model.Mount}}}
	want := map[int]string{}
	for line := range strings.Lines(lines) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		text, answer, _ := strings.Cut(line, " -> ")
		p.Steps = append(p.Steps, parseStep(t, text))
		want[len(p.Steps)] = answer
	}
	for _, h := range holds {
		h.Step, h.Until = h.Step+2, h.Until+2
		p.Holds = append(p.Holds, h)
	}
	got, err := runner(t, d).Run(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range got.History {
		if answer, ok := want[op.Step]; ok && op.Answer() != answer {
			t.Errorf("%s: %v, want %q", d.Name, op, answer)
		}
	}
	if len(got.Defects) > 0 || len(got.Audit) > 0 {
		t.Errorf("%s: defects %v, fsck %v", d.Name, got.Defects, got.Audit)
	}
	return got
}

// parseStep reads what model.Step prints.
func parseStep(t *testing.T, text string) model.Step {
	t.Helper()
	words := strings.Fields(text)
	kind, _ := model.ParseKind(words[1])
	s := model.Step{Host: model.Host(words[0][0] - 'A'), Kind: kind}
	var numbers []int32
	for _, w := range words[2:] {
		n, err := strconv.Atoi(strings.TrimLeft(w, "#f"))
		switch {
		case w[0] == '/' && s.Path != "":
			s.To = model.Path(w)
		case w[0] == '/':
			s.Path = model.Path(w)
		case w == "direct":
			s.Direct = true
		case err != nil:
			t.Fatalf("%q: %v", text, err)
		case w[0] == 'f':
			s.File = uint8(n)
		case w[0] == '#':
			s.Data = byte(n)
		default:
			numbers = append(numbers, int32(n))
		}
	}
	if len(numbers) > 0 {
		s.Len = numbers[len(numbers)-1]
	}
	if len(numbers) > 1 {
		s.Off = numbers[0]
	}
	if s.String() != text {
		t.Fatalf("%q reads back as %q", text, s)
	}
	return s
}

// The specification knows no end of space, so these are written out: what
// fails for want of space has changed nothing, and what needs none succeeds.
// The disk has 59 blocks and seven inodes.
func TestFullDisk(t *testing.T) {
	for _, d := range designs.All() {
		for name, lines := range map[string]string{
			"append": `A create /a -> ok
				A write /a 0 464 #1 -> ok
				A statfs -> 0 of 59 free
				A append /a 1 #2 -> ENOSPC
				A stat /a -> file of 464
				A write /a 456 8 #3 -> ok
				A read /a 448 20 -> 8x#1 8x#3`,
			"a write that is too large writes nothing": `A create /a -> ok
				A write /a 0 8 #1 -> ok
				A write /a 4 480 #2 -> ENOSPC
				A read /a 0 16 -> 8x#1
				A statfs -> 58 of 59 free`,
			"the indirect block counts": `A create /a -> ok
				A create /b -> ok
				A write /a 0 96 #1 -> ok
				A write /b 0 360 #2 -> ok
				A statfs -> 1 of 59 free
				A write /a 96 8 #3 -> ENOSPC
				A stat /a -> file of 96
				A statfs -> 1 of 59 free`,
			"a hole needs none": `A create /a -> ok
				A create /b -> ok
				A write /a 0 464 #1 -> ok
				A truncate /b 800 -> ok
				A read /b 0 800 -> 800x0
				A write /b 0 1 #2 -> ENOSPC
				A read /b 0 8 -> 8x0`,
			"a name in a new directory needs a block": `A mkdir /d -> ok
				A create /a -> ok
				A write /a 0 464 #1 -> ok
				A create /d/a -> ENOSPC
				A readdir /d -> empty
				A create /b -> ok
				A unlink /a -> ok
				A create /d/a -> ok
				A statfs -> 58 of 59 free`,
			"inodes": `A mkdir /a -> ok
				A mkdir /b -> ok
				A mkdir /c -> ok
				A mkdir /d -> ok
				A mkdir /e -> ok
				A mkdir /f -> ok
				A create /g -> ok
				A create /h -> ENOSPC
				A mkdir /h -> ENOSPC
				A create /g -> EEXIST
				A rmdir /c -> ok
				A create /h -> ok
				A readdir / -> a b d e f g h`,
			"inodes, and a directory without a block": `A mkdir /a -> ok
				A mkdir /b -> ok
				A mkdir /c -> ok
				A mkdir /d -> ok
				A mkdir /e -> ok
				A mkdir /f -> ok
				A create /a/g -> ok
				A statfs -> 58 of 59 free
				A create /b/h -> ENOSPC
				A statfs -> 58 of 59 free`,
			"truncate gives back what is behind": `A create /a -> ok
				A write /a 0 464 #1 -> ok
				A truncate /a 97 -> ok
				A statfs -> 45 of 59 free
				A truncate /a 96 -> ok
				A statfs -> 47 of 59 free
				A truncate /a 95 -> ok
				A truncate /a 104 -> ok
				A read /a 88 20 -> 7x#1 9x0
				A truncate /a 0 -> ok
				A statfs -> 59 of 59 free`,
			"too large": `A create /a -> ok
				A truncate /a 1120 -> ok
				A truncate /a 1121 -> EFBIG
				A append /a 1 #1 -> EFBIG
				A write /a 1119 1 #2 -> ok
				A write /a 1119 2 #3 -> EFBIG
				A read /a 1118 9 -> 1x0 1x#2`,
		} {
			t.Run(d.Name+"/"+strings.ReplaceAll(name, " ", "-"), func(t *testing.T) { story(t, d, lines) })
		}
	}
}

// A file stays as long as a client has it open, and goes with the last.
func TestUnlinkWhileOpen(t *testing.T) {
	const here = `A create /a -> ok
		A write /a 0 8 #1 -> ok
		A open /a f1 -> ok
		A open /a f2 -> ok
		A unlink /a -> ok
		A create /a -> ok
		A write /a 0 8 #2 -> ok
		A append f1 4 #3 -> ok
		A read f2 0 16 -> 8x#1 4x#3
		A statfs -> 56 of 59 free
		A close f1 -> ok
		A read f2 0 8 -> 8x#1
		A fsync f2 -> ok
		A close f2 -> ok
		A statfs -> 58 of 59 free
		A read /a 0 8 -> 8x#2`
	for _, d := range designs.All() {
		story(t, d, here)
		for _, event := range []string{"remount", "reboot", "unmount"} {
			story(t, d, `A create /a -> ok
				A write /a 0 120 #1 -> ok
				A open /a f1 -> ok
				A unlink /a -> ok
				A `+event+` -> ok`) // fsck finds what the handle leaves behind
		}
	}
	// Another host's unlink is seen by single only: it counts opens on the disk.
	story(t, designs.Single(), `A create /a -> ok
		A write /a 0 8 #1 -> ok
		B open /a f1 -> ok
		A unlink /a -> ok
		A stat /a -> ENOENT
		B stat /a -> ENOENT
		B append f1 112 #2 -> ok
		B read f1 0 16 -> 8x#1 8x#2
		A create /a -> ok
		B read f1 4 8 -> 4x#1 4x#2
		A statfs -> 43 of 59 free
		A remount -> ok
		B truncate f1 0 -> ok
		B close f1 -> ok
		A statfs -> 59 of 59 free`)
	for _, event := range []string{"remount", "reboot", "unmount"} {
		story(t, designs.Single(), `A create /a -> ok
			A write /a 0 8 #1 -> ok
			A open /a f1 -> ok
			B open /a f2 -> ok
			B open /a f3 -> ok
			A unlink /a -> ok
			A `+event+` -> ok
			B read f2 0 8 -> 8x#1
			B statfs -> 58 of 59 free
			B `+event+` -> ok
			B statfs -> `+map[bool]string{true: "skipped", false: "59 of 59 free"}[event == "unmount"])
	}
}

// The lock of single keeps another host out from the first read to the last
// write; the hold gives way.
func TestSingleExcludes(t *testing.T) {
	for at := 1; at <= 2; at++ {
		got := story(t, designs.Single(), `A create /a -> ok
			B create /b -> ok
			A stat /a -> file of 0`, model.Hold{Step: 1, At: model.WriteCommand, N: at, Until: 3})
		if got.Holds[0] != model.FiredEarly {
			t.Errorf("write#%d: hold %v", at, got.Holds[0])
		}
	}
}

// What each design is about, in the smallest program that shows it.
func TestWhatTellsThemApart(t *testing.T) {
	lost := func(d sim.Design) string {
		t.Helper()
		p := model.Program{Hosts: 2, Unmounts: []model.Host{0, 1}, Steps: []model.Step{
			{Host: 0, Kind: model.Mount}, {Host: 1, Kind: model.Mount},
			{Host: 0, Kind: model.Readdir, Path: model.Root}, {Host: 1, Kind: model.Readdir, Path: model.Root},
			{Host: 0, Kind: model.Create, Path: "/a"}, {Host: 1, Kind: model.Create, Path: "/b"},
		}}
		got, err := runner(t, d).Run(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		for _, op := range got.History {
			if op.Host == model.Final && op.Kind == model.Readdir {
				return op.Answer()
			}
		}
		return "not looked at"
	}
	for _, d := range designs.All() {
		want := map[string]string{"local": "b", "local-writethrough": "b", "local-journal": "b", "active-passive": "a", "cluster-lock": "a b", "single": "a b"}[d.Name]
		if got := lost(d); got != want {
			t.Errorf("%s leaves %q, want %q", d.Name, got, want)
		}
	}
	// The write cache: local has nothing on the disk until it is told to.
	writes := func(d sim.Design) (n int) {
		got := story(t, d, "A create /a -> ok\nA unmount -> ok")
		for _, r := range got.Trace {
			if r.Kind == model.BlockWritten && r.Step == 3 {
				n++
			}
		}
		return n
	}
	if n := writes(designs.Local()); n != 0 {
		t.Errorf("local wrote %d blocks before it was told to", n)
	}
	for _, d := range []sim.Design{designs.LocalWritethrough(), designs.Single()} {
		if writes(d) == 0 {
			t.Errorf("%s wrote nothing", d.Name)
		}
	}
}

// What was synced, by file or as a whole, is there for a host that mounts
// later: data behind the indirect block, the names that lead to it, the bitmap.
func TestSyncedBeforeMount(t *testing.T) {
	for _, d := range designs.All() {
		if runner(t, d).Capabilities().Exclusive {
			continue // TestFailover has its stories
		}
		for _, sync := range []string{"A fsync /d/a", "A sync", "A unmount"} {
			story(t, d, `A mkdir /d -> ok
				A create /d/a -> ok
				A write /d/a 0 104 #1 -> ok
				`+sync+` -> ok
				B remount -> ok
				B read /d/a 0 110 -> 104x#1
				B readdir / -> d
				B statfs -> 44 of 59 free`)
		}
	}
}
