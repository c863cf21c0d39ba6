package sim_test

import (
	"slices"
	"testing"

	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
)

// inCache runs f as an operation of host A and gives the run.
func inCache(t *testing.T, f func(t *testing.T, c *sim.Cache)) model.Run {
	t.Helper()
	got := run(t, faking(func(h *sim.Host, op string) error {
		if op == "create /a" {
			f(t, h.Cache())
		}
		return nil
	}), program(1, nil, "A a"))
	noDefect(t, got)
	return got
}

// blocks lists the blocks of the records of a kind.
func blocks(r model.Run, k model.RecordKind) []int32 {
	all := []int32{}
	for _, rec := range r.Trace {
		if rec.Kind == k {
			all = append(all, rec.Block)
		}
	}
	return all
}

// change makes blocks dirty.
func change(t *testing.T, c *sim.Cache, blocks ...int) {
	t.Helper()
	for _, b := range blocks {
		p, err := c.Get(b)
		if err != nil {
			t.Error(err)
		}
		p[0]++
		c.Dirty(b)
	}
}

func TestCacheWrites(t *testing.T) {
	for _, c := range []struct {
		name          string
		do            func(t *testing.T, c *sim.Cache)
		reads, writes []int32
	}{
		{"a block is read once", func(t *testing.T, c *sim.Cache) { c.Get(2); c.Get(2) }, []int32{2}, []int32{}},
		{"new blocks are not read", func(t *testing.T, c *sim.Cache) { c.New(2); c.Get(2); c.Writeback(0) }, []int32{}, []int32{2}},
		{"clean blocks are not written", func(t *testing.T, c *sim.Cache) { c.Get(2); c.WriteBlock(2); c.WriteBlock(1); c.Writeback(0) }, []int32{2}, []int32{}},
		{"dirty is not written by itself", func(t *testing.T, c *sim.Cache) { change(t, c, 1) }, []int32{1}, []int32{}},
		{"oldest first", func(t *testing.T, c *sim.Cache) { change(t, c, 3, 1, 2, 3); c.Writeback(0) }, []int32{3, 1, 2}, []int32{3, 1, 2}},
		{"only some", func(t *testing.T, c *sim.Cache) { change(t, c, 3, 1, 2); c.Writeback(2) }, []int32{3, 1, 2}, []int32{3, 1}},
		{"more than there are", func(t *testing.T, c *sim.Cache) { change(t, c, 3); c.Writeback(9) }, []int32{3}, []int32{3}},
		{"fewer than none", func(t *testing.T, c *sim.Cache) { change(t, c, 3); c.Writeback(-1) }, []int32{3}, []int32{}},
		{"one in the middle", func(t *testing.T, c *sim.Cache) { change(t, c, 3, 1, 2); c.WriteBlock(1); c.Writeback(0) }, []int32{3, 1, 2}, []int32{1, 3, 2}},
		{"dirty again", func(t *testing.T, c *sim.Cache) { change(t, c, 3, 1); c.WriteBlock(3); change(t, c, 3); c.Writeback(0) },
			[]int32{3, 1}, []int32{3, 1, 3}},
		{"drop forgets all", func(t *testing.T, c *sim.Cache) {
			change(t, c, 3)
			c.Get(1)
			c.Drop()
			c.Writeback(0)
			c.Get(1)
			c.Get(3)
		},
			[]int32{3, 1, 1, 3}, []int32{}},
		{"invalidate keeps what is dirty", func(t *testing.T, c *sim.Cache) {
			change(t, c, 3)
			c.Get(1)
			c.Invalidate(0, 0)
			c.Get(1)
			c.Get(3)
			c.Writeback(0)
		}, []int32{3, 1, 1}, []int32{3}},
		{"pinned is not written", func(t *testing.T, c *sim.Cache) {
			change(t, c, 3, 1, 2)
			c.Pin(1)
			change(t, c, 1)
			c.WriteBlock(1)
			c.Sync()
			c.Invalidate(0, 0)
			c.Get(1)
		}, []int32{3, 1, 2}, []int32{3, 2}},
		{"pinned when clean", func(t *testing.T, c *sim.Cache) { c.Get(1); c.Pin(1); c.Pin(1); c.Writeback(0) }, []int32{1}, []int32{}},
		{"unpinned is the youngest", func(t *testing.T, c *sim.Cache) {
			change(t, c, 3, 1)
			c.Pin(3)
			c.Unpin(3)
			c.Unpin(3)
			c.Unpin(1)
			c.Writeback(0)
		}, []int32{3, 1}, []int32{1, 3}},
		{"forgotten", func(t *testing.T, c *sim.Cache) {
			change(t, c, 3, 1, 2)
			c.Pin(1)
			for b := range 4 {
				c.Forget(b)
			}
			c.Writeback(0)
			c.Get(1)
			c.Get(2)
		}, []int32{3, 1, 2, 1, 2}, []int32{}},
		{"invalidate a range", func(t *testing.T, c *sim.Cache) {
			for range 2 {
				for b := range 4 {
					c.Get(b)
				}
				c.Invalidate(1, 2)
			}
		}, []int32{0, 1, 2, 3, 1, 2}, []int32{}},
		{"invalidate beyond the end", func(t *testing.T, c *sim.Cache) { c.Get(3); c.Invalidate(3, 1<<62); c.Invalidate(-7, 2); c.Get(3) }, []int32{3, 3}, []int32{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := inCache(t, c.do)
			if r, w := blocks(got, model.BlockRead), blocks(got, model.BlockWritten); !slices.Equal(r, c.reads) || !slices.Equal(w, c.writes) {
				t.Errorf("read %v, wrote %v; want %v and %v", r, w, c.reads, c.writes)
			}
		})
	}
}

func TestCacheContent(t *testing.T) {
	inCache(t, func(t *testing.T, c *sim.Cache) {
		change(t, c, 1)
		if !c.IsDirty(1) || c.IsDirty(2) {
			t.Error("block 1 is dirty and nothing else")
		}
		p := c.New(1)
		if p[0] != 0 || len(p) != 16 || cap(p) != 16 {
			t.Errorf("a new block is %v of %d", p, cap(p))
		}
		p[5] = 9
		c.Writeback(0)
		if c.IsDirty(1) || c.Changed() {
			t.Error("dirty after writeback")
		}
		if c.Pin(1); !c.IsDirty(1) || !c.Pinned(1) || c.Pinned(2) || !c.Changed() {
			t.Error("block 1 is pinned and nothing else")
		}
		if c.Forget(1); c.Pinned(1) || c.Changed() {
			t.Error("pinned after it was forgotten")
		}
		if q, err := c.Get(1); err != nil || q[5] != 9 {
			t.Errorf("the disk has %v, %v", q, err)
		}
		if c.Pin(1); c.IsDirty(1) {
			c.Unpin(1)
		}
		if c.Writeback(0); c.Pinned(1) || c.Changed() {
			t.Error("pinned after it was unpinned and written")
		}
		c.Drop()
		if q, err := c.Get(1); err != nil || q[5] != 9 {
			t.Errorf("the disk has %v, %v", q, err)
		}
	})
}

// The events writeback and refresh reach the cache of their host only.
func TestCacheEvents(t *testing.T) {
	p := program(2, nil, "A d", "B d", "A writeback", "B g", "B writeback")
	got := run(t, letters(), p)
	var writers []model.Host
	for _, r := range got.Trace {
		if r.Kind == model.BlockWritten {
			writers = append(writers, r.Host)
		}
	}
	if !slices.Equal(writers, []model.Host{0, 1}) {
		t.Errorf("writers %v", writers)
	}
	p = program(2, nil, "A g")
	p.Steps = append(p.Steps, model.Step{Kind: model.Refresh, Off: 2, Len: 1}, model.Step{Kind: model.Create, Path: "/g"},
		model.Step{Kind: model.Refresh, Off: 1, Len: 1}, model.Step{Kind: model.Create, Path: "/gg"})
	if reads := blocks(run(t, letters(), p), model.BlockRead); len(reads) != 2 {
		t.Errorf("block 1 was read %d times, want again after its refresh only", len(reads))
	}
}

// lastSums are those of the last write of block 1 and of its last read.
// letter g of another host reads it back.
func lastSums(r model.Run) (written, read uint32) {
	for _, rec := range r.Trace {
		switch {
		case rec.Kind == model.BlockWritten && rec.Block == 1:
			written = rec.Sum
		case rec.Kind == model.BlockRead && rec.Block == 1:
			read = rec.Sum
		}
	}
	return written, read
}

// A change made while a write of the block is on its way makes it dirty again;
// the write carries what there was when it was issued.
func TestDirtyWhileBeingWritten(t *testing.T) {
	hold := []model.Hold{{Step: 2, At: model.WriteCommand, N: 1, Until: 3}}
	got := run(t, letters(), program(2, hold, "A d", "A y", "A d", "A y", "B g"))
	noDefect(t, got)
	if w := blocks(got, model.BlockWritten); len(w) != 2 {
		t.Fatalf("%d writes, want the held one and that of the change", len(w))
	}
	plain := run(t, letters(), program(2, nil, "A d", "A d", "A y", "B g"))
	gotSum, _ := lastSums(got)
	wantSum, _ := lastSums(plain)
	if gotSum != wantSum {
		t.Error("the change made meanwhile is not on the disk")
	}
}

// A read on its way does not bury what another client has changed meanwhile.
func TestChangedWhileBeingRead(t *testing.T) {
	hold := []model.Hold{{Step: 1, At: model.ReadCommand, N: 1, Until: 2}}
	got := run(t, letters(), program(2, hold, "A g", "A d", "A y"))
	noDefect(t, got)
	plain := run(t, letters(), program(2, nil, "A d", "A y"))
	gotSum, _ := lastSums(got)
	wantSum, _ := lastSums(plain)
	if gotSum != wantSum {
		t.Error("the change is lost: the read that ended later brought the old bytes back")
	}
}

// A block on its way to the disk is not forgotten, so the host still sees what
// it has written.
func TestInvalidatedWhileBeingWritten(t *testing.T) {
	hold := []model.Hold{{Step: 2, At: model.WriteCommand, N: 1, Until: 4}}
	got := run(t, letters(), program(2, hold, "A d", "A y", "A i", "A g", "A d", "A y", "B g"))
	noDefect(t, got)
	plain := run(t, letters(), program(2, nil, "A d", "A d", "A y", "B g"))
	gotSum, read := lastSums(got)
	wantSum, _ := lastSums(plain)
	if gotSum != wantSum || read != wantSum {
		t.Error("a change is lost")
	}
}

// A write that a run left on its way is forgotten with the run.
func TestWriteLeftBehind(t *testing.T) {
	r := newRunner(t, letters())
	hold := []model.Hold{{Step: 2, At: model.WriteCommand, N: 1, Until: 3}}
	wantDefect(t, again(t, r, program(2, hold, "A d", "A y", "B x")), model.Panic, 3, "letter x")
	p := program(2, nil, "A g", "A i", "A gg")
	if reads := blocks(again(t, r, p), model.BlockRead); len(reads) != 2 {
		t.Errorf("block 1 was read %d times, want again after it was invalidated", len(reads))
	}
}

func TestPinOfWhatIsNotCached(t *testing.T) {
	got := run(t, faking(func(h *sim.Host, op string) error {
		if op == "create /a" {
			h.Cache().Pin(2)
		}
		return nil
	}), program(1, nil, "A a"))
	wantDefect(t, got, model.Misuse, 1, "block 2 pinned")
}
