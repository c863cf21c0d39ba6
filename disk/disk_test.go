package disk_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/model"
)

func TestVersionsAndBase(t *testing.T) {
	d := disk.New(image(t), 2)
	d.Attach(0)
	d.Attach(1)
	for i, c := range []struct {
		port          disk.Port
		kind          model.CommandKind
		version, base int32
		data          byte // written, or expected to be read
	}{
		{0, model.ReadCommand, 0, -1, 'c'},
		{0, model.WriteCommand, 1, 0, 'x'},  // built on what it read
		{0, model.WriteCommand, 2, 1, 'y'},  // ... and on its own write
		{1, model.WriteCommand, 3, -1, 'z'}, // has never seen the block
		{0, model.WriteCommand, 4, 2, 'w'},  // destroys version 3, which it had not seen
		{1, model.ReadCommand, 4, -1, 'w'},
		{1, model.WriteCommand, 5, 4, 'v'},
	} {
		p := block(c.data)
		if c.kind == model.ReadCommand {
			p = block('?')
		}
		got := do(t, d, c.port, disk.Command{Kind: c.kind, Block: 2, Data: p})
		if got.Version != c.version || got.Base != c.base {
			t.Errorf("command %d: version %d from %d; want %d from %d", i, got.Version, got.Base, c.version, c.base)
		}
		if !bytes.Equal(p, block(c.data)) {
			t.Errorf("command %d: read %q", i, p)
		}
	}
	do(t, d, 0, disk.Command{Kind: model.FlushCommand})
	if got := do(t, d, 0, disk.Command{Kind: model.ReadCommand, Block: 1, Data: block(0)}); got.Version != 0 {
		t.Errorf("block 1 has version %d, but nobody wrote it", got.Version)
	}
}

func TestEqualBytesHaveEqualSums(t *testing.T) {
	d := disk.New(image(t), 1)
	d.Attach(0)
	read := do(t, d, 0, disk.Command{Kind: model.ReadCommand, Block: 0, Data: block(0)})
	changed := do(t, d, 0, disk.Command{Kind: model.WriteCommand, Block: 0, Data: block('x')})
	back := do(t, d, 0, disk.Command{Kind: model.WriteCommand, Block: 0, Data: block('a')})
	if read.Sum != back.Sum || read.Sum == changed.Sum {
		t.Errorf("sums %x, %x, %x; want the first and last equal, the second another", read.Sum, changed.Sum, back.Sum)
	}
}

// The data of a command is used when it completes, not before.
func TestDataIsTakenAtComplete(t *testing.T) {
	d := disk.New(image(t), 1)
	d.Attach(0)
	p := block('x')
	write := submit(t, d, 0, disk.Command{Kind: model.WriteCommand, Block: 0, Data: p})
	copy(p, block('y'))
	if got := content(t, d, 0); got != 'a' {
		t.Fatalf("the block is %q before the write completed", got)
	}
	if _, err := d.Complete(write); err != nil {
		t.Fatal(err)
	}
	if got := content(t, d, 0); got != 'y' {
		t.Errorf("the block is %q; want what the buffer held at the end", got)
	}
}

func TestOldIncarnationNeverLands(t *testing.T) {
	for _, c := range []struct {
		name string
		cut  func(*disk.Disk)
		ok   bool
	}{
		{"nothing happened", func(*disk.Disk) {}, true},
		{"another port was attached", func(d *disk.Disk) { d.Attach(1) }, true},
		{"attached anew", func(d *disk.Disk) { d.Attach(0) }, false},
		{"attached anew twice", func(d *disk.Disk) { d.Attach(0); d.Attach(0) }, false},
		{"reset", func(d *disk.Disk) { d.Reset() }, false},
		{"reset and attached", func(d *disk.Disk) { d.Reset(); d.Attach(0) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := disk.New(image(t), 2)
			d.Attach(0)
			into := block('?')
			tickets := []disk.Ticket{
				submit(t, d, 0, disk.Command{Kind: model.WriteCommand, Block: 0, Data: block('x')}),
				submit(t, d, 0, disk.Command{Kind: model.ReadCommand, Block: 1, Data: into}),
				submit(t, d, 0, disk.Command{Kind: model.FlushCommand}),
			}
			c.cut(d)
			for _, ticket := range tickets {
				if _, err := d.Complete(ticket); (err == nil) != c.ok || err != nil && !errors.Is(err, disk.ErrDetached) {
					t.Errorf("complete: %v", err)
				}
			}
			want, wantRead := byte('a'), byte('?')
			if c.ok {
				want, wantRead = 'x', 'b'
			}
			if got := content(t, d, 0); got != want || into[0] != wantRead {
				t.Errorf("the block is %q, want %q; the read gave %q, want %q", got, want, into[0], wantRead)
			}
		})
	}
}

// A host that attaches anew knows nothing: its first write has no base.
func TestAttachForgets(t *testing.T) {
	d := disk.New(image(t), 1)
	if n := d.Incarnation(0); n != 0 {
		t.Errorf("incarnation %d before the first attach", n)
	}
	if n := d.Attach(0); n != 1 {
		t.Errorf("first incarnation is %d", n)
	}
	do(t, d, 0, disk.Command{Kind: model.WriteCommand, Block: 0, Data: block('x')})
	if n := d.Attach(0); n != 2 || d.Incarnation(0) != 2 {
		t.Errorf("second incarnation is %d", n)
	}
	got := do(t, d, 0, disk.Command{Kind: model.WriteCommand, Block: 0, Data: block('y')})
	if got.Version != 2 || got.Base != -1 {
		t.Errorf("version %d from %d; want 2 from -1", got.Version, got.Base)
	}
}

func TestSubmitRefuses(t *testing.T) {
	d := disk.New(image(t), 2)
	d.Attach(0)
	for _, c := range []struct {
		name    string
		port    disk.Port
		command disk.Command
		want    error
	}{
		{"block -1", 0, disk.Command{Kind: model.ReadCommand, Block: -1, Data: block(0)}, disk.ErrRange},
		{"beyond the end", 0, disk.Command{Kind: model.WriteCommand, Block: 4, Data: block(0)}, disk.ErrRange},
		{"short buffer", 0, disk.Command{Kind: model.ReadCommand, Data: block(0)[:15]}, disk.ErrRange},
		{"no buffer", 0, disk.Command{Kind: model.WriteCommand}, disk.ErrRange},
		{"never attached", 1, disk.Command{Kind: model.ReadCommand, Data: block(0)}, disk.ErrDetached},
		{"flush, never attached", 1, disk.Command{Kind: model.FlushCommand}, disk.ErrDetached},
	} {
		if _, err := d.Submit(c.port, c.command); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

// The template stays as it was, and a disk is none of another's.
func TestDisksShareNothing(t *testing.T) {
	template := image(t)
	one, two := disk.New(template, 1), disk.New(template, 1)
	one.Attach(0)
	do(t, one, 0, disk.Command{Kind: model.WriteCommand, Block: 0, Data: block('x')})
	p := block(0)
	if err := template.ReadBlock(0, p); err != nil || p[0] != 'a' {
		t.Errorf("the template has %q, %v", p[0], err)
	}
	if got := content(t, two, 0); got != 'a' {
		t.Errorf("the other disk has %q", got)
	}
}

func submit(t testing.TB, d *disk.Disk, p disk.Port, c disk.Command) disk.Ticket {
	t.Helper()
	ticket, err := d.Submit(p, c)
	if err != nil {
		t.Fatal(err)
	}
	return ticket
}

func do(t testing.TB, d *disk.Disk, p disk.Port, c disk.Command) disk.Result {
	t.Helper()
	r, err := d.Complete(submit(t, d, p, c))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// content is the first byte of a block as fsck would see it.
func content(t testing.TB, d *disk.Disk, b int) byte {
	t.Helper()
	p := block(0)
	if err := d.Image().ReadBlock(b, p); err != nil {
		t.Fatal(err)
	}
	return p[0]
}
