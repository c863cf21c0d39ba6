package disk

import (
	"fmt"
	"hash/crc32"

	"github.com/doublemount/doublemount/model"
)

// Port is a host's place on the disk, from 0. A disk has one more port than
// hosts, for the closing observer.
type Port int

// MaxPorts is 16 hosts, as many as an EBS volume can be attached to, and one
// observer.
const MaxPorts = 17

// Disk is a formatted disk with ports. It is not safe for concurrent use.
type Disk struct {
	template *Image
	image    Image // the newest content, whether stable or not
	versions []int32
	sums     []uint32
	formats  []uint32 // sums of the template
	touched  []int32  // blocks that were written, for Reset
	ports    []port
	serial   uint64 // of the last ticket, ever
	flights  []flight
	free     []int32       // slots of flights
	results  []BlockResult // of the last command
	cache    cache
	reserved reservations
}

// port is what the disk knows of a host.
type port struct {
	incarnation int32
	cut         bool
	attached    uint64  // serial of the last ticket before this incarnation
	aborted     uint64  // serial of the last ticket before the last abort
	seen        []int32 // version+1 that this incarnation last read or wrote; 0 = none
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// New makes a disk with the bytes and the shape of template, which must not
// change afterwards, and the given number of ports, 1 to [MaxPorts], none
// attached.
func New(template *Image, ports int) *Disk {
	if ports < 1 || ports > MaxPorts {
		panic(fmt.Sprintf("disk: %d ports; want 1 to %d", ports, MaxPorts))
	}
	c := template.config
	d := &Disk{
		template: template,
		image:    Image{c, append([]byte(nil), template.data...)},
		versions: make([]int32, c.Blocks),
		sums:     make([]uint32, c.Blocks),
		formats:  make([]uint32, c.Blocks),
		ports:    make([]port, ports),
		reserved: reservations{keys: make([]Key, ports)},
	}
	for b := range d.formats {
		d.formats[b] = crc32.Checksum(template.block(b), castagnoli)
	}
	copy(d.sums, d.formats)
	for i := range d.ports {
		d.ports[i].seen = make([]int32, c.Blocks)
	}
	if c.Volatile {
		d.cache.init(c)
	}
	return d
}

// Reset makes the disk the template again, every version 0, no port attached,
// nothing registered or reserved, nothing unflushed. What is still in flight
// never lands. It costs what was written, not what the disk holds.
func (d *Disk) Reset() {
	for _, b := range d.touched {
		copy(d.image.block(int(b)), d.template.block(int(b)))
		d.versions[b], d.sums[b] = 0, d.formats[b]
	}
	d.cache.reset(d.touched)
	d.touched = d.touched[:0]
	for i := range d.ports {
		p := &d.ports[i]
		p.incarnation, p.cut, p.attached, p.aborted = 0, false, 0, 0
	}
	d.flights, d.free = d.flights[:0], d.free[:0]
	d.reserved.reset()
	d.results = d.results[:0]
}

// Attach makes a new incarnation of a port, the first or one that replaces
// another, and returns its number, from 1. What the old one had in flight never
// lands; what it knew of the disk is forgotten. Its registration stays: that
// belongs to the host (NVMe: the host identifier; SCSI: the I_T nexus).
func (d *Disk) Attach(p Port) int32 {
	d.ground(p)
	q := &d.ports[p]
	q.incarnation++
	q.cut, q.attached = false, d.serial
	clear(q.seen)
	return q.incarnation
}

// Cut ends the incarnation of a port for ever: a crash, or a fence from outside
// such as a detached volume or a closed switch port. What it has in flight never
// lands, and what it submits from now on fails with [ErrDetached], until
// [Disk.Attach] makes a new one. To let a part of what is in flight land, call
// [Disk.Abort] before. Cutting twice, or a port never attached, does nothing.
func (d *Disk) Cut(p Port) {
	d.ground(p)
	d.ports[p].cut = true
}

// ground makes what p has in flight never land.
func (d *Disk) ground(p Port) {
	for i := range d.flights {
		if f := &d.flights[i]; f.port == p && f.serial != 0 {
			d.release(int32(i))
		}
	}
}

// release frees a slot. The command in it stays readable until the next Submit.
func (d *Disk) release(slot int32) {
	d.flights[slot].serial = 0
	d.free = append(d.free, slot)
}

// Incarnation is the number of the current or last one of a port, 0 when never
// attached.
func (d *Disk) Incarnation(p Port) int32 { return d.ports[p].incarnation }

// Attached reports whether the port has an incarnation that has not been cut.
func (d *Disk) Attached(p Port) bool { return d.ports[p].incarnation != 0 && !d.ports[p].cut }

// Submit takes a command of a port. The error wraps [ErrRange] when the command
// does not fit the disk, [ErrInvalid] when it is none, [ErrDetached] when the
// port was never attached.
//
// Whether a reservation forbids a read, write, flush or compare-and-write is
// decided here, when the device accepts the command, and reported by
// [Disk.Complete]. So a command accepted before a reservation changed still
// lands, unless it is aborted; see [PreemptAndAbort].
//
// The Command is kept until it is completed; what its slices hold is not copied.
func (d *Disk) Submit(p Port, c Command) (Ticket, error) {
	q := &d.ports[p]
	if q.incarnation == 0 {
		return Ticket{}, fmt.Errorf("port %d: %w", p, ErrDetached)
	}
	if err := c.check(&d.image.config); err != nil {
		return Ticket{}, err
	}
	d.serial++
	if q.cut {
		return Ticket{p, 0, d.serial}, nil // Complete says that it is detached
	}
	var slot int32
	if n := len(d.free); n > 0 {
		slot = d.free[n-1]
		d.free = d.free[:n-1]
	} else {
		slot = int32(len(d.flights))
		d.flights = append(d.flights, flight{})
	}
	f := &d.flights[slot]
	f.serial, f.mark, f.port, f.command = d.serial, d.cache.written, p, c
	f.refused = d.reserved.held != NoReservation && d.reserved.forbids(p, c.Kind)
	return Ticket{p, slot, d.serial}, nil
}

// Complete carries a command out. When the error is not nil, nothing has
// happened; it wraps [ErrDetached] when the incarnation has been cut or
// replaced, or the disk Reset, since; [ErrAborted], [ErrConflict],
// [ErrUnsupported] or [ErrInvalid] as they say.
func (d *Disk) Complete(t Ticket) (Result, error) {
	f, err := d.land(t)
	if err != nil {
		return nothing, err
	}
	return d.execute(f, f.command.Block, true)
}

// CompleteWith carries a command out, or not, as fate says. Its errors are those
// of Complete, of the fate, and [ErrRange] for a misdirected command that would
// leave the disk.
func (d *Disk) CompleteWith(t Ticket, fate Fate) (Result, error) {
	f, err := d.land(t)
	if err != nil {
		return nothing, err
	}
	c := &f.command
	hasBlocks := c.Kind != model.FlushCommand && c.Kind != model.ReserveCommand
	switch {
	case fate.Kind == Failed:
		return nothing, f.error(ErrMedia)
	case fate.Kind == Lost:
		return d.lose(f), nil
	case fate.Kind == Misdirected && hasBlocks:
		if fate.Block < 0 || fate.Block > d.image.config.Blocks-c.blocks() {
			return nothing, fmt.Errorf("misdirected to block %d of %d: %w", fate.Block, d.image.config.Blocks, f.error(ErrRange))
		}
		return d.execute(f, fate.Block, false)
	}
	return d.execute(f, c.Block, true)
}

// Abort is Complete for a write or compare-and-write that the death of its host
// catches in flight: of the write's blocks, the i-th lands iff bit i%31 of keep
// is set. A block is atomic, several are not. A compare-and-write is, and is
// carried out iff bit 0 is set. What lands is not forced to stable storage, FUA
// or not, since nobody was told that it is. Any other command does nothing.
// Call it before [Disk.Cut], [Disk.Attach] or [Disk.PowerLoss]; the errors are
// those of Complete. The results, one for each block that landed, are valid
// until the next command.
func (d *Disk) Abort(t Ticket, keep uint32) ([]BlockResult, error) {
	f, err := d.land(t)
	if err != nil {
		return nil, err
	}
	c := &f.command
	c.FUA = false
	switch c.Kind {
	case model.CompareCommand:
		if kept(keep, 0) {
			if _, err := d.execute(f, c.Block, true); err != nil {
				return nil, err
			}
		}
	case model.WriteCommand:
		for i := range c.blocks() {
			if kept(keep, i) {
				d.write(f, i, c.Block, true)
			}
		}
	}
	return d.results, nil
}

// kept is how a mask chooses of any number of things.
func kept(keep uint32, i int) bool { return keep>>(i%31)&1 != 0 }

// Results has one [BlockResult] for each block that the last command read or
// wrote, in order of block; it is empty for a command that did neither, failed,
// or was lost. Valid until the next command. Complete, CompleteWith, Abort and
// PowerLoss set it.
func (d *Disk) Results() []BlockResult { return d.results }

// Image is the disk's present bytes, for fsck. It is a view: it changes with
// the disk.
func (d *Disk) Image() *Image { return &d.image }

// land takes a command out of the air. What it returns is valid until the next
// Submit. The error is why the command does not reach the media.
func (d *Disk) land(t Ticket) (*flight, error) {
	d.results = d.results[:0]
	if uint(t.slot) >= uint(len(d.flights)) || d.flights[t.slot].serial != t.serial || t.serial == 0 {
		return nil, d.refuse(t)
	}
	d.release(t.slot)
	f := &d.flights[t.slot]
	if f.refused {
		return nil, f.error(ErrConflict)
	}
	return f, nil
}

// refuse is why a ticket is not in the air.
func (d *Disk) refuse(t Ticket) error {
	p := &d.ports[t.port]
	why := ErrInvalid // completed before
	switch {
	case p.incarnation == 0 || p.cut || t.serial <= p.attached:
		why = ErrDetached
	case t.serial <= p.aborted:
		why = ErrAborted
	}
	return fmt.Errorf("port %d incarnation %d: %w", t.port, p.incarnation, why)
}

// execute carries out a command with its first block at at; known says whether
// the host knows where that is.
func (d *Disk) execute(f *flight, at int, known bool) (Result, error) {
	switch f.command.Kind {
	case model.ReadCommand:
		first := d.read(f, 0, at, known)
		for i := 1; i < f.command.blocks(); i++ {
			d.read(f, i, at, known)
		}
		return first, nil
	case model.WriteCommand:
		first := d.write(f, 0, at, known)
		for i := 1; i < f.command.blocks(); i++ {
			d.write(f, i, at, known)
		}
		return first, nil
	case model.CompareCommand:
		return d.compareAndWrite(f, at, known)
	case model.FlushCommand:
		d.cache.flush(f.mark)
	case model.ReserveCommand:
		return nothing, d.reserve(f)
	}
	return nothing, nil
}

// Reservations fills a report as the action [Report] does, for whoever watches
// the disk from outside; it is no command.
func (d *Disk) Reservations(into *ReservationReport) { d.reserved.report(into) }
