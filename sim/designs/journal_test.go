package designs_test

import (
	"context"
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/internal/testscale"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
	"github.com/doublemount/doublemount/sim/designs"
)

// The journal is behind the 64 blocks of the file system.
const journalHeader, journalLength = 64, 24

func TestJournalFormat(t *testing.T) {
	d := designs.LocalJournal()
	r := runner(t, d)
	if space := r.Capabilities().Space; space != (model.Space{Blocks: 59, Inodes: 7}) {
		t.Errorf("space %+v; want that of the designs without a journal", space)
	}
	m, err := disk.NewImage(d.Disk)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Format(m); err != nil {
		t.Fatal(err)
	}
	if problems := d.Audit(m); len(problems) > 0 {
		t.Error(problems)
	}
	for block, want := range map[int]string{0: "superblock", 4: "directory block of /", 63: "a block that no name leads to",
		journalHeader: "journal header", journalHeader + 1: "block 1 of the journal", journalHeader + journalLength - 1: "block 23 of the journal"} {
		if got := d.Block(m, block); got != want {
			t.Errorf("block %d is %q, want %q", block, got, want)
		}
	}
	patch(t, m, journalHeader, func(p []byte) { p[0]++ })
	if problems := d.Audit(m); len(problems) != 1 || problems[0].Block != journalHeader {
		t.Errorf("fsck of a disk with a damaged header: %v", problems)
	}
	for _, blocks := range []int{5, 24, 29, 30} { // superblock, bitmap, two of inodes, the root directory, one for data
		if m, err = disk.NewImage(disk.Config{Blocks: blocks}); err != nil {
			t.Fatal(err)
		}
		if err := d.Format(m); (err == nil) != (blocks == 30) {
			t.Errorf("%d blocks: %v", blocks, err)
		}
	}
	// A disk without a journal is not one for this design, and the other way round.
	d.Format = designs.Local().Format
	if _, err := sim.New(d); err == nil {
		t.Error("local-journal mounts the disk of local")
	}
}

// written lists the blocks that a step wrote.
func written(run model.Run, step int) (blocks []int32) {
	for _, r := range run.Trace {
		if r.Kind == model.BlockWritten && int(r.Step) == step {
			blocks = append(blocks, r.Block)
		}
	}
	return blocks
}

// What each kind of sync writes: data to its place, the structure to the journal
// and not to its place, and all of it to its place when the host unmounts.
func TestJournalWrites(t *testing.T) {
	p := model.Program{Hosts: 1, Unmounts: []model.Host{0}, Steps: workload(t, `create /a
		write /a 0 8 #1
		writeback
		fsync /a
		write /a 0 4 #2
		fsync /a
		writeback
		unmount
		mount`)}
	run := execute(t, runner(t, designs.LocalJournal()), p)
	for step, want := range map[int][]int32{
		1:  nil,
		2:  nil,
		3:  nil,
		4:  {5},                  // the data; the rest is pinned
		5:  {65, 66, 67, 68, 69}, // descriptor; bitmap, inodes, directory; commit
		6:  nil,                  //
		7:  {5},                  // an overwrite is not the journal's business
		8:  {1, 2, 4},            // what is committed may go to its place
		9:  {journalHeader},      // all is in its place: the journal is empty
		10: nil,                  // and there is nothing to replay
	} {
		got := slices.Sorted(slices.Values(written(run, step)))
		if !slices.Equal(got, want) {
			t.Errorf("step %d, %v, wrote %v, want %v", step, p.Steps[step-1], got, want)
		}
	}
}

// A second mount replays the journal of a host that is there, begins it anew,
// and so takes from that host what it syncs from then on.
func TestJournalReplayOverALiveMount(t *testing.T) {
	p := model.Program{Hosts: 2, Unmounts: []model.Host{0, 1}, Steps: []model.Step{
		{Kind: model.Mount},
		{Kind: model.Create, Path: "/a"},
		{Kind: model.Fsync, Path: "/a"},
		{Host: 1, Kind: model.Mount},
		{Kind: model.Create, Path: "/b"},
		{Kind: model.Fsync, Path: "/b"},
		{Host: 1, Kind: model.Stat, Path: "/a"},
		{Host: 1, Kind: model.Crash},
		{Kind: model.Crash},
	}}
	names := func(p model.Program) string {
		run := execute(t, runner(t, designs.LocalJournal()), p)
		if len(run.Defects) > 0 {
			t.Fatal(run.Defects)
		}
		text := ""
		for _, op := range run.History {
			if op.Host == model.Final && op.Kind == model.Readdir && op.Path == model.Root {
				text = op.Answer()
			}
		}
		if p.Steps[3].Kind == model.Mount && !slices.Equal(written(run, 4), []int32{2, 4, journalHeader}) {
			t.Errorf("the second mount wrote %v", written(run, 4))
		}
		return text
	}
	if got := names(p); got != "a" {
		t.Errorf("the disk has %q; want the loss of b, which was synced", got)
	}
	alone := p.Clone()
	alone.Steps = slices.DeleteFunc(alone.Steps, func(s model.Step) bool { return s.Host == 1 })
	if got := names(alone); got != "a b" {
		t.Errorf("without the second mount the disk has %q", got)
	}
}

// A mount of a disk with anything for a journal answers, and a program on it
// ends.
func TestJournalDamaged(t *testing.T) {
	d := designs.LocalJournal()
	var left *disk.Image // with transactions to replay, and the remains of some
	broken, formatted := d, false
	broken.Mount = func(h *sim.Host) (sim.FS, error) {
		if h.ID() == model.Final && formatted {
			return nil, model.EBUSY
		}
		return d.Mount(h)
	}
	broken.Audit = func(m disk.Device) []model.Problem { left = clone(t, m); return nil }
	p := model.Program{Hosts: 1, Unmounts: []model.Host{0}, Steps: append(workload(t, `mkdir /d
		create /d/a
		write /d/a 0 20 #1
		fsync /d/a
		unlink /d/a
		rmdir /d
		create /b
		fsync /b
		write /b 0 120 #2
		fsync /b`), model.Step{Kind: model.Crash})}
	r := runner(t, broken)
	formatted = true
	execute(t, r, p)
	mounted := 0
	for n := range testscale.Count(1_500, 100_000) {
		random := rand.New(rand.NewPCG(8, uint64(n)))
		m := clone(t, left)
		for range 1 + random.IntN(4) {
			patch(t, m, journalHeader+random.IntN(18), func(p []byte) {
				i := random.IntN(64)
				p[i] = byte(random.Uint32() >> (8 * random.IntN(4)))
			})
		}
		if n%2 == 0 {
			checksums(t, m)
		}
		d.Format = func(to disk.Device) error {
			p := make([]byte, m.BlockSize())
			for b := range m.Blocks() {
				if err := m.ReadBlock(b, p); err != nil {
					return err
				}
				if err := to.WriteBlock(b, p); err != nil {
					return err
				}
			}
			return nil
		}
		r, err := sim.New(d)
		if err != nil {
			continue // refused
		}
		mounted++
		got, err := r.Run(context.Background(), whatever)
		r.Close()
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Defects) > 0 {
			t.Fatalf("damage %d: %v", n, got.Defects)
		}
	}
	if mounted < 100 {
		t.Errorf("only %d could be mounted", mounted)
	}
}

// checksums makes the checksum of every transaction right, so that what a
// descriptor says is done.
func checksums(t *testing.T, m *disk.Image) {
	t.Helper()
	table := crc32.MakeTable(crc32.Castagnoli)
	p := make([]byte, m.BlockSize())
	read := func(block int) []byte {
		if err := m.ReadBlock(journalHeader+block, p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	for at := 1; at < journalLength; {
		images := int(binary.LittleEndian.Uint16(read(at)[8:]))
		if at+images+1 >= journalLength {
			return
		}
		sum := crc32.Checksum(p, table)
		for i := range images {
			sum = crc32.Update(sum, table, read(at+1+i))
		}
		patch(t, m, journalHeader+at+1+images, func(p []byte) { binary.LittleEndian.PutUint32(p[8:], sum) })
		at += images + 2
	}
}
