package designs

import (
	"hash/crc32"

	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
)

// The journal, as jbd2's (Linux fs/jbd2/commit.c, recovery.c, revoke.c) but that
// it does not go round: it is filled from its first block on, and begun anew
// when it is full.
//
//	block 0        header: magic, the sequence number of the transaction that
//	               stands, if there is one, in block 1
//	then, for each transaction
//	  descriptor   magic, sequence number, number of images, number of revoked
//	               blocks; which block each image is of; the revoked blocks
//	  images       whole blocks, as they are to be
//	  commit       magic, sequence number, checksum (CRC-32C) over all of that
//
// A transaction counts if its sequence number is the next one and its checksum
// is right. A block that it revokes is not overwritten with an older image: it
// has been given back, and what stands there now may be a file's data, which has
// no image. With each beginning anew the sequence number in the header grows, so
// what still stands behind is no longer found.
//
// Not modelled: a journal that goes round, escaped magic numbers, several commits
// under way, a checksum of the header.
const (
	headerMagic     = 0x4c4e524a // "JRNL"
	descriptorMagic = 0x4353444a // "JDSC"
	commitMagic     = 0x544d434a // "JCMT"
	offTags         = 12         // in a descriptor: after magic, sequence number and the two counts
)

// journalHeader makes p the header of an empty journal whose next transaction
// has number sequence.
func journalHeader(p []byte, sequence uint32) {
	clear(p)
	order.PutUint32(p, headerMagic)
	order.PutUint32(p[4:], sequence)
}

// journal is the log of one mount. Numbers of its blocks count from its header.
type journal struct {
	layout
	h        *sim.Host
	base     int // its header on the disk
	barriers bool
	sequence uint32  // of the next transaction
	next     int     // its block
	live     []int32 // by block of the file system: its newest image that may have to be replayed, 0 for none
	buf      []byte  // for a transaction on its way
	head     []byte  // for a descriptor
	one      []byte  // for another block
}

func newJournal(h *sim.Host, l layout, barriers bool) *journal { return journalOf(h, l, 0, barriers) }

// journalOf is the journal of that number.
func journalOf(h *sim.Host, l layout, number int, barriers bool) *journal {
	return &journal{layout: l, h: h, base: l.blocks + number*l.journal, barriers: barriers, live: make([]int32, l.blocks),
		head: make([]byte, l.blockSize), one: make([]byte, l.blockSize)}
}

// capacity is how many images a transaction can have.
func (j *journal) capacity() int { return j.journal - 3 }

// room reports whether a transaction fits behind the last.
func (j *journal) room(images, revoked int) bool {
	return j.next+images+2 <= j.journal && offTags+2*(images+revoked) <= j.blockSize
}

// flush is a barrier: what was written before is on the disk before what is
// written after.
func (j *journal) flush() error {
	if !j.barriers {
		return nil
	}
	return j.h.Flush()
}

// write appends a transaction: descriptor and images, a barrier, then the commit
// block. When it returns, the transaction will be replayed.
func (j *journal) write(images, revoked []int32, c *sim.Cache) error {
	n := (1 + len(images)) * j.blockSize
	if cap(j.buf) < n {
		j.buf = make([]byte, n)
	}
	p := j.buf[:n]
	head := p[:j.blockSize]
	clear(head)
	order.PutUint32(head, descriptorMagic)
	order.PutUint32(head[4:], j.sequence)
	order.PutUint16(head[8:], uint16(len(images)))
	order.PutUint16(head[10:], uint16(len(revoked)))
	tags := head[offTags:]
	for _, list := range [...][]int32{images, revoked} {
		for _, b := range list {
			order.PutUint16(tags, uint16(b))
			tags = tags[2:]
		}
	}
	for i, b := range images {
		block, err := c.Get(int(b))
		if err != nil {
			return err
		}
		copy(p[(1+i)*j.blockSize:], block)
	}
	sum := crc32.Checksum(p, castagnoli)
	if err := j.h.WriteBlocks(j.base+j.next, p, false); err != nil {
		return err
	}
	if err := j.flush(); err != nil {
		return err
	}
	clear(j.one)
	order.PutUint32(j.one, commitMagic)
	order.PutUint32(j.one[4:], j.sequence)
	order.PutUint32(j.one[8:], sum)
	if err := j.h.WriteBlocks(j.base+j.next+1+len(images), j.one, j.barriers); err != nil {
		return err
	}
	for i, b := range images {
		j.live[b] = int32(j.next + 1 + i)
	}
	for _, b := range revoked {
		j.live[b] = 0
	}
	j.next += len(images) + 2
	j.sequence++
	return nil
}

// checkpoint brings every committed change to its place and begins the journal
// anew. What the running transaction has changed since is not written: the place
// gets the committed image, from the journal.
func (j *journal) checkpoint(c *sim.Cache) error {
	if j.next == 1 {
		return nil
	}
	for b, at := range j.live {
		if at == 0 {
			continue
		}
		if err := c.WriteBlock(b); err != nil { // also waits for a flusher that is at it
			return err
		}
		if !c.Pinned(b) {
			continue
		}
		if err := j.h.ReadBlock(j.base+int(at), j.one); err != nil {
			return err
		}
		if err := j.h.WriteBlock(b, j.one); err != nil {
			return err
		}
	}
	return j.restart()
}

// restart makes the journal empty, once what its images are of is in its place.
func (j *journal) restart() error {
	if err := j.flush(); err != nil {
		return err
	}
	journalHeader(j.one, j.sequence)
	if err := j.h.WriteBlocks(j.base, j.one, j.barriers); err != nil {
		return err
	}
	clear(j.live)
	j.next = 1
	return nil
}

// replay reads the header and carries out what a mount that did not end left
// behind. It asks nobody whether that mount is over: a journal that is not empty
// is replayed, also beside the host that is writing it.
func (j *journal) replay() error {
	if err := j.h.ReadBlock(j.base, j.one); err != nil {
		return err
	}
	if order.Uint32(j.one) != headerMagic {
		return model.EUCLEAN
	}
	j.sequence, j.next = order.Uint32(j.one[4:]), 1
	for {
		found, err := j.scan()
		if err != nil {
			return err
		}
		if !found {
			break
		}
	}
	if j.next == 1 {
		return nil
	}
	j.h.Mark("journal replayed")
	for b, at := range j.live {
		if at == 0 {
			continue
		}
		if err := j.h.ReadBlock(j.base+int(at), j.one); err != nil {
			return err
		}
		if err := j.h.WriteBlock(b, j.one); err != nil {
			return err
		}
	}
	// One number is left out: a commit block of the next transaction may be there
	// already, though it never counted.
	j.sequence++
	return j.restart()
}

// scan reads the next transaction and notes its images; false if there is none.
func (j *journal) scan() (found bool, err error) {
	if j.next+2 > j.journal {
		return false, nil
	}
	head := j.head
	if err := j.h.ReadBlock(j.base+j.next, head); err != nil {
		return false, err
	}
	images, revoked := int(order.Uint16(head[8:])), int(order.Uint16(head[10:]))
	if order.Uint32(head) != descriptorMagic || order.Uint32(head[4:]) != j.sequence || !j.room(images, revoked) {
		return false, nil
	}
	sum := crc32.Checksum(head, castagnoli)
	for i := range images {
		if err := j.h.ReadBlock(j.base+j.next+1+i, j.one); err != nil {
			return false, err
		}
		sum = crc32.Update(sum, castagnoli, j.one)
	}
	if err := j.h.ReadBlock(j.base+j.next+1+images, j.one); err != nil {
		return false, err
	}
	if order.Uint32(j.one) != commitMagic || order.Uint32(j.one[4:]) != j.sequence || order.Uint32(j.one[8:]) != sum {
		return false, nil
	}
	tags := head[offTags:]
	for i := range images + revoked {
		b := int(order.Uint16(tags[2*i:]))
		switch {
		case b == superBlock || b >= j.blocks:
			return false, model.EUCLEAN // no block that is ever journaled
		case i < images:
			j.live[b] = int32(j.next + 1 + i)
		default:
			j.live[b] = 0
		}
	}
	j.next += images + 2
	j.sequence++
	return true, nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checkJournal reports a journal that no host could mount.
func (t *tree) checkJournal() {
	if t.journal == 0 {
		return
	}
	for i := range max(t.journals, 1) {
		b := t.blocks + i*t.journal
		if p := t.read(b); order.Uint32(p) != headerMagic {
			t.report(model.StructureDamage, b, "the journal's header is not one")
		}
	}
}
