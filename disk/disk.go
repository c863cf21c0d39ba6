package disk

import (
	"fmt"
	"hash/crc32"

	"github.com/doublemount/doublemount/model"
)

// Port is a host's place on the disk, from 0. A disk has one more port than
// hosts, for the closing observer.
type Port int

// Command is one request of a port. Data of a read is filled, Data of a write
// is taken, both at [Disk.Complete]; until then it must not be used otherwise,
// as with any device that does its own memory access.
type Command struct {
	Kind  model.CommandKind // ReadCommand, WriteCommand or FlushCommand
	Block int
	Data  []byte
}

// Ticket is a command on its way.
type Ticket struct {
	port        Port
	life        int32 // of the disk, that a Reset ends
	incarnation int32
	command     Command
}

// Result is what a completed command did.
type Result struct {
	Version int32  // that was read, or made
	Base    int32  // write: the version this incarnation last read or wrote, -1 for none
	Sum     uint32 // CRC-32C of the block after the command
}

// Disk is a formatted disk with ports. It is not safe for concurrent use.
type Disk struct {
	template *Image
	image    Image
	versions []int32
	sums     []uint32
	formats  []uint32 // sums of the template
	touched  []int32  // blocks whose version is not 0, for Reset
	ports    []port
	life     int32 // how often it was Reset
}

type port struct {
	incarnation int32
	seen        []int32 // version+1 that this incarnation last read or wrote; 0 = none
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// New makes a disk with the bytes of template, which must not change
// afterwards, and the given number of ports, none attached.
func New(template *Image, ports int) *Disk {
	c := template.config
	d := &Disk{
		template: template,
		image:    Image{c, append([]byte(nil), template.data...)},
		versions: make([]int32, c.Blocks),
		sums:     make([]uint32, c.Blocks),
		formats:  make([]uint32, c.Blocks),
		ports:    make([]port, ports),
	}
	for b := range d.formats {
		d.formats[b] = crc32.Checksum(template.block(b), castagnoli)
	}
	copy(d.sums, d.formats)
	for i := range d.ports {
		d.ports[i].seen = make([]int32, c.Blocks)
	}
	return d
}

// Reset makes the disk the template again, every version 0 and no port
// attached. What is still in flight never lands. It costs what was written, not
// what the disk holds.
func (d *Disk) Reset() {
	d.life++
	for _, b := range d.touched {
		copy(d.image.block(int(b)), d.template.block(int(b)))
		d.versions[b], d.sums[b] = 0, d.formats[b]
	}
	d.touched = d.touched[:0]
	for i := range d.ports {
		d.ports[i].incarnation = 0
	}
}

// Attach makes a new incarnation of a port, the first or one that replaces
// another, and returns its number, from 1. What the old one had in flight never
// lands; what it knew of the disk is forgotten.
func (d *Disk) Attach(p Port) int32 {
	d.ports[p].incarnation++
	clear(d.ports[p].seen)
	return d.ports[p].incarnation
}

// Incarnation is the current one of a port, 0 when never attached.
func (d *Disk) Incarnation(p Port) int32 { return d.ports[p].incarnation }

// Submit takes a command of an attached port. The error wraps [ErrRange] when
// the command does not fit the disk, [ErrDetached] when the port is not
// attached.
func (d *Disk) Submit(p Port, c Command) (Ticket, error) {
	if d.ports[p].incarnation == 0 {
		return Ticket{}, fmt.Errorf("port %d: %w", p, ErrDetached)
	}
	if c.Kind != model.FlushCommand {
		if err := d.image.config.check(c.Block, c.Data); err != nil {
			return Ticket{}, err
		}
	}
	return Ticket{p, d.life, d.ports[p].incarnation, c}, nil
}

// Complete carries a command out. The error wraps [ErrDetached] when its
// incarnation has been replaced, or the disk Reset, since; nothing has happened
// then.
func (d *Disk) Complete(t Ticket) (Result, error) {
	p := &d.ports[t.port]
	if t.incarnation != p.incarnation || t.life != d.life {
		return Result{}, fmt.Errorf("port %d incarnation %d: %w", t.port, t.incarnation, ErrDetached)
	}
	b := t.command.Block
	switch t.command.Kind {
	case model.ReadCommand:
		copy(t.command.Data, d.image.block(b))
		p.seen[b] = d.versions[b] + 1
		return Result{Version: d.versions[b], Base: -1, Sum: d.sums[b]}, nil
	case model.WriteCommand:
		if d.versions[b] == 0 {
			d.touched = append(d.touched, int32(b))
		}
		copy(d.image.block(b), t.command.Data)
		base := p.seen[b] - 1
		d.versions[b]++
		d.sums[b] = crc32.Checksum(t.command.Data, castagnoli)
		p.seen[b] = d.versions[b] + 1
		return Result{Version: d.versions[b], Base: base, Sum: d.sums[b]}, nil
	}
	return Result{Base: -1}, nil
}

// Image is the disk's present bytes, for fsck. It is a view: it changes with
// the disk.
func (d *Disk) Image() *Image { return &d.image }
