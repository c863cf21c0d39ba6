package disk

import (
	"bytes"
	"hash/crc32"

	"github.com/doublemount/doublemount/model"
)

// data is the i-th block of a command's buffer.
func (d *Disk) data(c *Command, i int) []byte {
	size := d.image.config.BlockSize
	return c.Data[i*size : (i+1)*size]
}

// read is the i-th block of a read whose first block is at at; known says
// whether the host knows where that is.
func (d *Disk) read(f *flight, i, at int, known bool) Result {
	b := at + i
	copy(d.data(&f.command, i), d.image.block(b))
	version := d.versions[b]
	if known {
		d.ports[f.port].seen[b] = version + 1
	}
	r := Result{Version: version, Base: -1, Overwrote: -1, Sum: d.sums[b]}
	d.results = append(d.results, BlockResult{b, r})
	return r
}

// write is the i-th block of a write whose first block is at at.
func (d *Disk) write(f *flight, i, at int, known bool) Result {
	b, data, seen := at+i, d.data(&f.command, i), d.ports[f.port].seen
	over := d.versions[b]
	version := over + 1
	if d.cache.highest != nil {
		version = d.remember(b, f.command.FUA)
	} else if over == 0 {
		d.touched = append(d.touched, int32(b))
	}
	copy(d.image.block(b), data)
	sum := crc32.Checksum(data, castagnoli)
	d.versions[b], d.sums[b] = version, sum
	r := Result{Version: version, Base: seen[b] - 1, Overwrote: over, Sum: sum}
	if known {
		seen[b] = version + 1
	}
	d.results = append(d.results, BlockResult{b, r})
	return r
}

// lose is what the fate Lost leaves of a command: its result, and no effect.
func (d *Disk) lose(f *flight) Result {
	c := &f.command
	if c.Kind == model.FlushCommand || c.Kind == model.ReserveCommand {
		return nothing
	}
	b := c.Block
	r := Result{Version: d.versions[b], Base: -1, Overwrote: -1, Sum: d.sums[b]}
	if c.Kind == model.WriteCommand || c.Kind == model.CompareCommand && d.matches(c, b) {
		r.Base, r.Overwrote = d.ports[f.port].seen[b]-1, r.Version
	}
	return r
}

// matches reports whether the blocks from at on are as a compare-and-write
// wants them.
func (d *Disk) matches(c *Command, at int) bool {
	size := d.image.config.BlockSize
	return bytes.Equal(c.Compare, d.image.data[at*size:][:len(c.Compare)])
}

// compareAndWrite is SCSI's COMPARE AND WRITE (SBC-3) and NVMe's fused Compare
// and Write: on a mismatch nothing is written. Neither gives back what is there,
// so neither does this; a host that wants to know has to read, and can be
// overtaken between.
//
// A match has shown the host what is there, whatever it had read before: that is
// its Base. So a write that came back to the same bytes in between (A, B, A) is
// no stale write: the disk cannot tell, and nothing is lost.
func (d *Disk) compareAndWrite(f *flight, at int, known bool) (Result, error) {
	if !d.image.config.Compare {
		return nothing, f.error(ErrUnsupported)
	}
	if !d.matches(&f.command, at) {
		return Result{Version: d.versions[at], Base: -1, Overwrote: -1, Sum: d.sums[at]}, nil
	}
	for i := range f.command.blocks() {
		d.write(f, i, at, known)
		r := &d.results[i]
		r.Base = r.Overwrote
	}
	return d.results[0].Result, nil
}
