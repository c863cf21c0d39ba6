// Package notebook is a file system small enough to read in one go: a shared
// notebook that hosts only ever add pages to. It is what to copy when you write
// a design of your own.
//
// Every change is a page at the end of the notebook: "create /a", "unlink /a",
// "write at 16 into the file made on page 3". To know what is in the file
// system a host reads the notebook from the start. A cluster-wide lock around
// each operation makes that right on any number of hosts.
//
// A page never changes, so a host may keep those it has read; the head, which
// says how many pages there are, it must read anew each time. [Broken] is the
// same file system with one plausible mistake: it keeps the head too. It still
// takes the lock, and yet two hosts write their pages over each other's.
//
// notebook_test.go holds the tests that a design needs, and cmd/notebook the
// command that every design can have.
package notebook

import (
	"encoding/binary"
	"strings"

	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
)

// Design is the notebook as it should be.
var Design = sim.Design{
	Name:      "notebook",
	StandsFor: "an append-only log that all hosts share, under one lock",
	Guarantee: model.Linearizable,
	Disk:      disk.Config{BlockSize: 256, Blocks: 128},
	Format:    format,
	Mount:     func(h *sim.Host) (sim.FS, error) { return &notebook{h: h, c: h.Cache()}, nil },
	Block:     describe,
}

// Broken is the notebook with its mistake.
var Broken = sim.Design{
	Name:      "notebook/cached-head",
	StandsFor: "planted bug: each host keeps its copy of the head",
	Guarantee: model.Linearizable,
	Disk:      disk.Config{BlockSize: 256, Blocks: 128},
	Format:    format,
	Mount:     func(h *sim.Host) (sim.FS, error) { return &notebook{h: h, c: h.Cache(), keepsHead: true}, nil },
	Block:     describe,
}

// On the disk block 0, the head, has the number of pages in its first 4 bytes;
// blocks 1, 2, ... are the pages. A page is a kind (1 byte), the length of its
// text (1), the page that created the file (2), an offset in it (4), and the
// text: a path or the bytes written. Numbers are little-endian.
const (
	headBlock  = 0
	pageHeader = 8
	maxText    = 128 // bytes of text on a page

	created  = 'c'
	unlinked = 'u'
	written  = 'w'
)

var order = binary.LittleEndian

// format is mkfs: a notebook without pages.
func format(d disk.Device) error {
	return d.WriteBlock(headBlock, make([]byte, d.BlockSize()))
}

// notebook is one mount on one host.
type notebook struct {
	h         *sim.Host
	c         *sim.Cache
	keepsHead bool // the mistake
}

// state is what the pages come to: the file behind each path, by the page that
// created it, and its bytes. A file that was unlinked keeps its bytes, for
// those who have it open.
type state struct {
	pages int
	paths map[string]sim.Inode
	bytes map[sim.Inode][]byte
}

// read reads the notebook. The caller has the lock.
func (n *notebook) read() (*state, error) {
	if !n.keepsHead {
		n.c.Invalidate(headBlock, 1)
	}
	head, err := n.c.Get(headBlock)
	if err != nil {
		return nil, err
	}
	s := &state{pages: int(order.Uint32(head)), paths: map[string]sim.Inode{}, bytes: map[sim.Inode][]byte{}}
	for page := 1; page <= s.pages; page++ {
		p, err := n.c.Get(page)
		if err != nil {
			return nil, err
		}
		text := p[pageHeader : pageHeader+int(p[1])]
		file, off := sim.Inode(order.Uint16(p[2:])), int(order.Uint32(p[4:]))
		switch p[0] {
		case created:
			s.paths[string(text)], s.bytes[sim.Inode(page)] = sim.Inode(page), nil
		case unlinked:
			delete(s.paths, string(text))
		case written:
			if grow := off + len(text) - len(s.bytes[file]); grow > 0 {
				s.bytes[file] = append(s.bytes[file], make([]byte, grow)...)
			}
			copy(s.bytes[file][off:], text)
		}
	}
	return s, nil
}

// add puts pages at the end of the notebook, one for each text: all, or none.
func (n *notebook) add(s *state, kind byte, file sim.Inode, off int, texts ...string) error {
	if s.pages+len(texts) >= n.h.Blocks() {
		return model.ENOSPC
	}
	for i, text := range texts {
		page := s.pages + 1 + i
		p := n.c.New(page)
		p[0], p[1] = kind, byte(len(text))
		order.PutUint16(p[2:], uint16(file))
		order.PutUint32(p[4:], uint32(off))
		copy(p[pageHeader:], text)
		if err := n.c.WriteBlock(page); err != nil {
			return err
		}
		off += len(text)
	}
	// The pages count from the moment that the head on the disk says so.
	head, err := n.c.Get(headBlock)
	if err != nil {
		return err
	}
	order.PutUint32(head, uint32(s.pages+len(texts)))
	n.c.Dirty(headBlock)
	return n.c.WriteBlock(headBlock)
}

// find looks a path up. There are no directories but the root, so a path with
// two names is either below a file or below nothing.
func (s *state) find(path string) (sim.Inode, error) {
	if file, ok := s.paths[path]; ok {
		return file, nil
	}
	if parent, _, deep := strings.Cut(path[1:], "/"); deep && s.paths["/"+parent] != 0 {
		return 0, model.ENOTDIR
	}
	return 0, model.ENOENT
}

// describe says what a block is, for reports.
func describe(_ disk.Device, block int) string {
	if block == headBlock {
		return "head of the notebook"
	}
	return "page of the notebook"
}
