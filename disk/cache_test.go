package disk_test

import (
	"testing"

	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/model"
)

func TestPowerLoss(t *testing.T) {
	flush := disk.Command{Kind: model.FlushCommand}
	fua := func(b int, letters string) disk.Command {
		c := write(b, letters)
		c.FUA = true
		return c
	}
	for _, c := range []struct {
		name      string
		commands  []disk.Command
		unflushed int
		keep      uint32
		want      string
		lost      string
	}{
		{"nothing written", nil, 0, 0, "abcd", "[]"},
		{"lost", []disk.Command{write(0, "x")}, 1, 0, "abcd", "[0:v0 from -1 over 1]"},
		{"kept", []disk.Command{write(0, "x")}, 1, 1, "xbcd", "[]"},
		{"flushed", []disk.Command{write(0, "x"), flush}, 0, 0, "xbcd", "[]"},
		{"written after the flush", []disk.Command{write(0, "x"), flush, write(0, "y")}, 1, 0, "xbcd", "[0:v1 from -1 over 2]"},
		{"forced", []disk.Command{fua(0, "x")}, 0, 0, "xbcd", "[]"},
		{"forced is no flush of another block", []disk.Command{write(1, "y"), fua(0, "x")}, 1, 0, "xbcd", "[1:v0 from -1 over 1]"},
		{"forced replaces older ones of its block", []disk.Command{write(0, "w"), write(1, "y"), fua(0, "x")}, 1, 0, "xbcd", "[1:v0 from -1 over 1]"},
		{"written after a forced one", []disk.Command{write(0, "w"), fua(0, "x"), write(0, "z")}, 1, 0, "xbcd", "[0:v2 from -1 over 3]"},
		{"several versions, the middle survives", []disk.Command{write(0, "x"), write(0, "y"), write(0, "z")}, 3, 0b010, "ybcd", "[0:v2 from -1 over 3]"},
		{"... the oldest too", []disk.Command{write(0, "x"), write(0, "y"), write(0, "z")}, 3, 0b011, "ybcd", "[0:v2 from -1 over 3]"},
		{"... only the oldest", []disk.Command{write(0, "x"), write(0, "y"), write(0, "z")}, 3, 0b001, "xbcd", "[0:v1 from -1 over 3]"},
		{"... the newest", []disk.Command{write(0, "x"), write(0, "y"), write(0, "z")}, 3, 0b100, "zbcd", "[]"},
		{"a newer block without an older one", []disk.Command{write(0, "x"), write(3, "y")}, 2, 0b10, "abcy", "[0:v0 from -1 over 1]"},
		{"several blocks tear", []disk.Command{write(0, "wxyz")}, 4, 0b0101, "wbyd", "[1:v0 from -1 over 1 3:v0 from -1 over 1]"},
	} {
		d := formatted(t, disk.Config{Volatile: true}, 2)
		for _, command := range c.commands {
			do(t, d, 0, command)
		}
		if n := d.Unflushed(); n != c.unflushed {
			t.Errorf("%s: %d unflushed, want %d", c.name, n, c.unflushed)
		}
		lost := d.PowerLoss(c.keep)
		if letters(t, d) != c.want || results(lost) != c.lost || d.Unflushed() != 0 {
			t.Errorf("%s: %q, lost %s, %d unflushed; want %q, %s, 0", c.name, letters(t, d), results(lost), d.Unflushed(), c.want, c.lost)
		}
		if d.Attached(0) || d.Attached(1) {
			t.Errorf("%s: a port outlived the power loss", c.name)
		}
		d.PowerLoss(0)
		if letters(t, d) != c.want {
			t.Errorf("%s: a second power loss made %q of %q", c.name, letters(t, d), c.want)
		}
	}
}

// A flush covers what completed before it was submitted, by any host, and not
// what completed while it was on its way (NVM Express, Flush command).
func TestFlushCoversEarlierWrites(t *testing.T) {
	d := formatted(t, disk.Config{Volatile: true}, 2)
	do(t, d, 1, write(0, "w"))
	inFlight := submit(t, d, 0, write(1, "x"))
	flush := submit(t, d, 0, disk.Command{Kind: model.FlushCommand})
	if _, err := d.Complete(inFlight); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Complete(flush); err != nil {
		t.Fatal(err)
	}
	d.PowerLoss(0)
	if got := letters(t, d); got != "wbcd" {
		t.Errorf("%q, want wbcd", got)
	}
}

// A flush that lies flushes nothing; one that fails does not either.
func TestFlushThatDoesNot(t *testing.T) {
	for _, fate := range []disk.FateKind{disk.Lost, disk.Failed} {
		d := formatted(t, disk.Config{Volatile: true}, 1)
		do(t, d, 0, write(0, "x"))
		_, err := d.CompleteWith(submit(t, d, 0, disk.Command{Kind: model.FlushCommand}), disk.Fate{Kind: fate})
		if (err == nil) != (fate == disk.Lost) {
			t.Errorf("fate %d: %v", fate, err)
		}
		d.PowerLoss(0)
		if got := letters(t, d); got != "abcd" {
			t.Errorf("fate %d: %q, want abcd", fate, got)
		}
	}
}

// A version number never stands for two contents, and a write that a dying host
// had forced is not stable: nobody was told that it is.
func TestVersionsAfterAPowerLoss(t *testing.T) {
	d := formatted(t, disk.Config{Volatile: true}, 1)
	do(t, d, 0, write(0, "x"))
	do(t, d, 0, write(0, "y"))
	d.PowerLoss(0b01)
	d.Attach(0)
	if got := do(t, d, 0, disk.Command{Kind: model.ReadCommand, Data: block(0)}); got.Version != 1 {
		t.Errorf("read version %d, want 1", got.Version)
	}
	if got := do(t, d, 0, write(0, "z")); got.Version != 3 || got.Base != 1 || got.Overwrote != 1 {
		t.Errorf("%+v, want version 3 from 1 over 1", got)
	}
	forced := write(1, "f")
	forced.FUA = true
	if _, err := d.Abort(submit(t, d, 0, forced), 1); err != nil {
		t.Fatal(err)
	}
	d.PowerLoss(0)
	if got := letters(t, d); got != "xbcd" {
		t.Errorf("%q, want xbcd", got)
	}
	d.Reset()
	d.Attach(0)
	if got := do(t, d, 0, write(0, "z")); letters(t, d) != "zbcd" || got.Version != 1 {
		t.Errorf("after a reset %q, version %d; want zbcd, 1", letters(t, d), got.Version)
	}
}

// A disk without a cache loses nothing but its ports.
func TestPowerLossWithoutACache(t *testing.T) {
	d := formatted(t, disk.Config{}, 1)
	do(t, d, 0, write(0, "x"))
	if lost := d.PowerLoss(0); len(lost) != 0 || letters(t, d) != "xbcd" || d.Attached(0) || d.Unflushed() != 0 {
		t.Errorf("lost %v, %q, attached %v", lost, letters(t, d), d.Attached(0))
	}
}

// A device reset loses what a power loss does and cuts nobody.
func TestDeviceReset(t *testing.T) {
	d := formatted(t, disk.Config{Volatile: true}, 1)
	do(t, d, 0, write(0, "x"))
	inFlight := submit(t, d, 0, write(1, "y"))
	if lost := results(d.DeviceReset(0)); lost != "[0:v0 from -1 over 1]" || !d.Attached(0) || letters(t, d) != "abcd" {
		t.Errorf("lost %s, attached %v, %q", lost, d.Attached(0), letters(t, d))
	}
	if _, err := d.Complete(inFlight); err != nil {
		t.Error(err)
	}
	if got := do(t, d, 0, write(0, "z")); got.Version != 2 || got.Base != 1 || got.Overwrote != 0 {
		t.Errorf("%+v, want version 2 from the lost 1 over 0", got)
	}
}

// What a flush makes stable gives its memory back.
func TestFlushRecycles(t *testing.T) {
	d := formatted(t, disk.Config{Volatile: true}, 1)
	p := block('x')
	if n := testing.AllocsPerRun(1, func() { // one run of many rounds: a mean would round a little growth to none
		for range 5000 {
			do(t, d, 0, disk.Command{Kind: model.WriteCommand, Data: p})
			do(t, d, 0, disk.Command{Kind: model.WriteCommand, Block: 1, Data: p})
			do(t, d, 0, disk.Command{Kind: model.WriteCommand, Block: 1, Data: p, FUA: true})
			do(t, d, 0, disk.Command{Kind: model.FlushCommand})
		}
	}); n != 0 {
		t.Errorf("%v allocations in 5000 rounds", n)
	}
}

// A run costs no memory once the disk has seen one like it.
func TestNoAllocations(t *testing.T) {
	d := formatted(t, disk.Config{Volatile: true, Reservations: true, Compare: true}, 3)
	p, q := blocks("xyz"), blocks("abc")
	report := &disk.ReservationReport{}
	reserves := []*disk.Reserve{
		{Action: disk.Register, NewKey: key0}, {Action: disk.Acquire, Type: disk.WriteExclusive, Key: key0},
		{Action: disk.Report, Report: report}, {Action: disk.PreemptAndAbort, Key: key0, OtherKey: key0, Type: disk.ExclusiveAccess},
	}
	n := testing.AllocsPerRun(20, func() {
		d.Reset()
		for port := range disk.Port(3) {
			d.Attach(port)
		}
		submit(t, d, 2, disk.Command{Kind: model.WriteCommand, Data: p[:16]}) // never completed
		for i := range 40 {
			do(t, d, 0, disk.Command{Kind: model.WriteCommand, Block: i % 2, Blocks: 3, Data: p, FUA: i%5 == 0})
			do(t, d, 1, disk.Command{Kind: model.ReadCommand, Block: i % 2, Blocks: 3, Data: q})
			do(t, d, 1, disk.Command{Kind: model.CompareCommand, Block: 3, Data: p[:16], Compare: q[:16]})
			if i%9 == 0 {
				do(t, d, 1, disk.Command{Kind: model.FlushCommand})
			}
		}
		for _, r := range reserves {
			do(t, d, 0, disk.Command{Kind: model.ReserveCommand, Reserve: r})
		}
		if _, err := d.Abort(submit(t, d, 0, disk.Command{Kind: model.WriteCommand, Blocks: 3, Data: p}), 0b101); err != nil {
			t.Fatal(err)
		}
		d.PowerLoss(0b1011)
	})
	if n != 0 {
		t.Errorf("%v allocations for each run", n)
	}
}
