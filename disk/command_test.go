package disk_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/model"
)

// formatted is a disk of four blocks, full of 'a' to 'd', with ports attached.
func formatted(t testing.TB, config disk.Config, ports int) *disk.Disk {
	t.Helper()
	config.BlockSize, config.Blocks = 16, 4
	template, err := disk.NewImage(config)
	if err != nil {
		t.Fatal(err)
	}
	for b := range 4 {
		if err := template.WriteBlock(b, block(byte('a'+b))); err != nil {
			t.Fatal(err)
		}
	}
	d := disk.New(template, ports)
	for p := range ports {
		d.Attach(disk.Port(p))
	}
	return d
}

// blocks is several blocks, one for each letter.
func blocks(letters string) []byte {
	var p []byte
	for _, c := range []byte(letters) {
		p = append(p, block(c)...)
	}
	return p
}

// write is a write of as many blocks as there are letters.
func write(b int, letters string) disk.Command {
	return disk.Command{Kind: model.WriteCommand, Block: b, Blocks: int32(len(letters)), Data: blocks(letters)}
}

// letters is the disk as four letters.
func letters(t testing.TB, d *disk.Disk) string {
	t.Helper()
	var s []byte
	for b := range 4 {
		s = append(s, content(t, d, b))
	}
	return string(s)
}

// results is "2:v3 from 1 over 2" for each block.
func results(all []disk.BlockResult) string {
	var text []string
	for _, r := range all {
		text = append(text, fmt.Sprintf("%d:v%d from %d over %d", r.Block, r.Version, r.Base, r.Overwrote))
	}
	return fmt.Sprint(text)
}

func TestSeveralBlocks(t *testing.T) {
	d := formatted(t, disk.Config{}, 2)
	do(t, d, 0, write(2, "x"))
	if got := do(t, d, 0, write(1, "pqr")); got != (disk.Result{Version: 1, Base: -1, Overwrote: 0, Sum: got.Sum}) {
		t.Errorf("the first block: %+v", got)
	}
	if got, want := results(d.Results()), "[1:v1 from -1 over 0 2:v2 from 1 over 1 3:v1 from -1 over 0]"; got != want {
		t.Errorf("written: %s, want %s", got, want)
	}
	p := blocks("????")
	do(t, d, 1, disk.Command{Kind: model.ReadCommand, Blocks: 4, Data: p})
	if got, want := results(d.Results()), "[0:v0 from -1 over -1 1:v1 from -1 over -1 2:v2 from -1 over -1 3:v1 from -1 over -1]"; got != want {
		t.Errorf("read: %s, want %s", got, want)
	}
	if !bytes.Equal(p, blocks("apqr")) {
		t.Errorf("read %q", p)
	}
	do(t, d, 1, disk.Command{Kind: model.FlushCommand})
	if got := d.Results(); len(got) != 0 {
		t.Errorf("results of a flush: %v", got)
	}
	if got := do(t, d, 1, write(2, "z")); got.Base != 2 {
		t.Errorf("a write after reading several blocks is from version %d, want 2", got.Base)
	}
}

func TestSubmitRefusesMore(t *testing.T) {
	d := formatted(t, disk.Config{}, 1)
	for _, c := range []struct {
		name string
		c    disk.Command
		want error
	}{
		{"beyond the end", write(3, "xy"), disk.ErrRange},
		{"before the start", write(-1, "xy"), disk.ErrRange},
		{"more blocks than there are", disk.Command{Kind: model.ReadCommand, Blocks: 5, Data: blocks("?????")}, disk.ErrRange},
		{"very many blocks", disk.Command{Kind: model.ReadCommand, Block: 1, Blocks: 1<<31 - 1, Data: block(0)}, disk.ErrRange},
		{"two blocks of data for one", disk.Command{Kind: model.WriteCommand, Data: blocks("xy")}, disk.ErrRange},
		{"one block of data for two", disk.Command{Kind: model.WriteCommand, Blocks: 2, Data: block(0)}, disk.ErrRange},
		{"nothing to compare", disk.Command{Kind: model.CompareCommand, Data: block(0)}, disk.ErrRange},
		{"too much to compare", disk.Command{Kind: model.CompareCommand, Data: block(0), Compare: blocks("xy")}, disk.ErrRange},
		{"reserve without parameters", disk.Command{Kind: model.ReserveCommand}, disk.ErrInvalid},
		{"a lock", disk.Command{Kind: model.LockCommand, Data: block(0)}, disk.ErrInvalid},
	} {
		if _, err := d.Submit(0, c.c); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

func TestAbortTears(t *testing.T) {
	for _, c := range []struct {
		name   string
		c      disk.Command
		keep   uint32
		want   string
		landed string
	}{
		{"nothing", write(0, "wxyz"), 0, "abcd", "[]"},
		{"all", write(0, "wxyz"), ^uint32(0), "wxyz", "[0:v1 from -1 over 0 1:v1 from -1 over 0 2:v2 from 1 over 1 3:v1 from -1 over 0]"},
		{"a tail", write(1, "xyz"), 0b110, "abyz", "[2:v2 from 1 over 1 3:v1 from -1 over 0]"},
		{"a hole", write(0, "xyz"), 0b101, "xbzd", "[0:v1 from -1 over 0 2:v2 from 1 over 1]"},
		{"one block, no", write(0, "x"), 0b10, "abcd", "[]"},
		{"one block, yes", write(0, "x"), 1, "xbcd", "[0:v1 from -1 over 0]"},
		{"a matching compare-and-write, no", disk.Command{Kind: model.CompareCommand, Data: block('x'), Compare: block('a')}, 2, "abcd", "[]"},
		{"a matching compare-and-write, yes", disk.Command{Kind: model.CompareCommand, Data: block('x'), Compare: block('a')}, 1, "xbcd", "[0:v1 from 0 over 0]"},
		{"another compare-and-write, yes", disk.Command{Kind: model.CompareCommand, Data: block('x'), Compare: block('b')}, 1, "abcd", "[]"},
		{"a flush", disk.Command{Kind: model.FlushCommand}, 1, "abcd", "[]"},
		{"a read", disk.Command{Kind: model.ReadCommand, Data: block(0)}, 1, "abcd", "[]"},
	} {
		d := formatted(t, disk.Config{Compare: true}, 1)
		do(t, d, 0, write(2, "c")) // version 1 of block 2
		ticket := submit(t, d, 0, c.c)
		got, err := d.Abort(ticket, c.keep)
		if err != nil {
			t.Fatal(err)
		}
		if results(got) != c.landed || letters(t, d) != c.want {
			t.Errorf("%s: %q, %s; want %q, %s", c.name, letters(t, d), results(got), c.want, c.landed)
		}
		d.Cut(0)
		if _, err := d.Abort(submit(t, d, 0, c.c), ^uint32(0)); !errors.Is(err, disk.ErrDetached) {
			t.Errorf("%s: abort after the cut: %v", c.name, err)
		}
	}
}

// The 32nd block shares its fate with the first: bit i%31.
func TestAbortOfManyBlocks(t *testing.T) {
	template, err := disk.NewImage(disk.Config{BlockSize: 8, Blocks: 64})
	if err != nil {
		t.Fatal(err)
	}
	d := disk.New(template, 1)
	d.Attach(0)
	got, err := d.Abort(submit(t, d, 0, disk.Command{Kind: model.WriteCommand, Block: 1, Blocks: 63, Data: make([]byte, 63*8)}), 0b11)
	var landed []int
	for _, r := range got {
		landed = append(landed, r.Block)
	}
	if err != nil || !slices.Equal(landed, []int{1, 2, 32, 33, 63}) {
		t.Errorf("blocks %v landed, %v; want 1, 2, 32, 33 and 63", landed, err)
	}
}

func TestCompareAndWrite(t *testing.T) {
	d := formatted(t, disk.Config{Compare: true}, 2)
	cas := func(b int, from, to string) disk.Command {
		return disk.Command{Kind: model.CompareCommand, Block: b, Blocks: int32(len(to)), Data: blocks(to), Compare: blocks(from)}
	}
	for i, c := range []struct {
		port          disk.Port
		c             disk.Command
		matched       bool
		version, base int32
		want          string
	}{
		{0, cas(1, "b", "x"), true, 1, 0, "axcd"},
		{1, cas(1, "b", "y"), false, 1, -1, "axcd"}, // the loser of a race
		{1, write(1, "y"), false, 2, -1, "aycd"},    // ... has still not seen the block
		{0, cas(1, "x", "z"), false, 2, -1, "aycd"},
		{0, cas(1, "y", "z"), true, 3, 2, "azcd"}, // a match has seen what it replaced
		{0, cas(1, "zc", "pq"), true, 4, 3, "apqd"},
		{1, cas(0, "apqx", "----"), false, 0, -1, "apqd"}, // one of several blocks differs
	} {
		got := do(t, d, c.port, c.c)
		if c.c.Kind == model.CompareCommand && got.Matched() != c.matched || got.Version != c.version || got.Base != c.base || letters(t, d) != c.want {
			t.Errorf("command %d: %+v matched %v, %q; want version %d from %d matched %v, %q",
				i, got, got.Matched(), letters(t, d), c.version, c.base, c.matched, c.want)
		}
	}
	without := formatted(t, disk.Config{}, 1)
	if _, err := without.Complete(submit(t, without, 0, cas(0, "a", "x"))); !errors.Is(err, disk.ErrUnsupported) || letters(t, without) != "abcd" {
		t.Errorf("a disk without compare-and-write: %v, %q", err, letters(t, without))
	}
	if _, err := without.Abort(submit(t, without, 0, cas(0, "a", "x")), 1); !errors.Is(err, disk.ErrUnsupported) || letters(t, without) != "abcd" {
		t.Errorf("aborted on a disk without compare-and-write: %v, %q", err, letters(t, without))
	}
}

func TestFates(t *testing.T) {
	lost, failed := disk.Fate{Kind: disk.Lost}, disk.Fate{Kind: disk.Failed}
	to := func(b int) disk.Fate { return disk.Fate{Kind: disk.Misdirected, Block: b} }
	cas := disk.Command{Kind: model.CompareCommand, Data: block('x'), Compare: block('a')}
	for _, c := range []struct {
		name    string
		c       disk.Command
		fate    disk.Fate
		err     error
		want    string
		landed  string
		version int32
	}{
		{"done", write(0, "x"), disk.Fate{}, nil, "xbcd", "[0:v1 from -1 over 0]", 1},
		{"failed", write(0, "xy"), failed, disk.ErrMedia, "abcd", "[]", 0},
		{"lost", write(0, "xy"), lost, nil, "abcd", "[]", 0},
		{"misdirected", write(0, "x"), to(3), nil, "abcx", "[3:v1 from -1 over 0]", 1},
		{"misdirected, two blocks", write(0, "xy"), to(2), nil, "abxy", "[2:v1 from -1 over 0 3:v1 from -1 over 0]", 1},
		{"misdirected beyond the end", write(0, "xy"), to(3), disk.ErrRange, "abcd", "[]", 0},
		{"misdirected before the start", write(0, "x"), to(-1), disk.ErrRange, "abcd", "[]", 0},
		{"failed flush", disk.Command{Kind: model.FlushCommand}, failed, disk.ErrMedia, "abcd", "[]", 0},
		{"misdirected flush", disk.Command{Kind: model.FlushCommand}, to(9), nil, "abcd", "[]", 0},
		{"lost compare-and-write", cas, lost, nil, "abcd", "[]", 0},
		{"misdirected compare-and-write", cas, to(1), nil, "abcd", "[]", 0},
	} {
		d := formatted(t, disk.Config{Compare: true}, 1)
		got, err := d.CompleteWith(submit(t, d, 0, c.c), c.fate)
		if !errors.Is(err, c.err) || letters(t, d) != c.want || results(d.Results()) != c.landed || got.Version != c.version {
			t.Errorf("%s: %v, %q, %s, version %d; want %v, %q, %s, version %d", c.name,
				err, letters(t, d), results(d.Results()), got.Version, c.err, c.want, c.landed, c.version)
		}
	}
}

// A lie reports success, and the host is not known to have seen what it has not.
func TestLies(t *testing.T) {
	d := formatted(t, disk.Config{Compare: true}, 2)
	do(t, d, 1, write(0, "p"))
	got, err := d.CompleteWith(submit(t, d, 0, write(0, "x")), disk.Fate{Kind: disk.Lost})
	if err != nil || got.Version != 1 || got.Overwrote != 1 {
		t.Errorf("a lost write: %+v, %v; want it to have made nothing of version 1", got, err)
	}
	if got := do(t, d, 0, write(0, "y")); got.Base != -1 || got.Overwrote != 1 {
		t.Errorf("after a lost write: %+v; want a write over version 1 by one that never saw it", got)
	}
	if _, err := d.CompleteWith(submit(t, d, 0, write(1, "x")), disk.Fate{Kind: disk.Misdirected, Block: 2}); err != nil {
		t.Fatal(err)
	}
	if got := do(t, d, 0, write(2, "z")); got.Base != -1 || got.Overwrote != 1 {
		t.Errorf("after a misdirected write to block 2: %+v; the host knows of no version of it", got)
	}
	p := block(0)
	got, err = d.CompleteWith(submit(t, d, 0, disk.Command{Kind: model.ReadCommand, Block: 1, Data: p}), disk.Fate{Kind: disk.Misdirected, Block: 3})
	if err != nil || p[0] != 'd' || got.Version != 0 {
		t.Errorf("a misdirected read: %q, %+v, %v", p[0], got, err)
	}
	if got := do(t, d, 0, write(3, "d")); got.Base != -1 {
		t.Errorf("after a misdirected read of block 3: %+v; the host knows of no version of it", got)
	}
	cas := disk.Command{Kind: model.CompareCommand, Block: 3, Data: block('x'), Compare: block('d')}
	if got, err := d.CompleteWith(submit(t, d, 0, cas), disk.Fate{Kind: disk.Lost}); err != nil || !got.Matched() {
		t.Errorf("a lost compare-and-write that matches: %+v, %v; want it to say that it matched", got, err)
	}
	if letters(t, d) != "ybzd" {
		t.Errorf("%q, want ybzd", letters(t, d))
	}
}

func TestCut(t *testing.T) {
	d := formatted(t, disk.Config{}, 2)
	inFlight := submit(t, d, 0, write(0, "x"))
	other := submit(t, d, 1, write(1, "y"))
	d.Cut(0)
	d.Cut(0)
	if d.Attached(0) || !d.Attached(1) || d.Incarnation(0) != 1 {
		t.Errorf("attached %v and %v, incarnation %d", d.Attached(0), d.Attached(1), d.Incarnation(0))
	}
	late := submit(t, d, 0, write(0, "z"))
	if n := d.Attach(0); n != 2 || !d.Attached(0) {
		t.Errorf("incarnation %d after the cut, attached %v", n, d.Attached(0))
	}
	for what, ticket := range map[string]disk.Ticket{"in flight": inFlight, "submitted after the cut": late} {
		if _, err := d.Complete(ticket); !errors.Is(err, disk.ErrDetached) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := d.Complete(other); err != nil {
		t.Errorf("another host: %v", err)
	}
	if _, err := d.Complete(other); !errors.Is(err, disk.ErrInvalid) {
		t.Errorf("a command completed twice: %v", err)
	}
	if _, err := d.Complete(disk.Ticket{}); !errors.Is(err, disk.ErrInvalid) && !errors.Is(err, disk.ErrDetached) {
		t.Errorf("no ticket at all: %v", err)
	}
	if letters(t, d) != "aycd" {
		t.Errorf("%q, want aycd", letters(t, d))
	}
}

func TestPorts(t *testing.T) {
	for ports, ok := range map[int]bool{-1: false, 0: false, 1: true, disk.MaxPorts: true, disk.MaxPorts + 1: false} {
		func() {
			defer func() {
				if (recover() == nil) != ok {
					t.Errorf("%d ports: panicked, or should have", ports)
				}
			}()
			disk.New(image(t), ports)
		}()
	}
}
