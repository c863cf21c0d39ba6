package sim

import (
	"fmt"

	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/model"
)

// Host is one simulated machine, and all that a design may use of it: its port
// to the disk (Host is a [disk.Device]), a buffer cache, cluster-wide locks. A
// Host is valid from Mount to Unmount, and only inside the calls of its FS.
type Host struct {
	w     *world
	id    model.Host
	port  disk.Port
	cache Cache

	fs    FS
	phase phase
	files [model.MaxFile + 1]openFile
	buf   []byte // for the bytes of reads and writes
}

type phase uint8

const (
	unmounted phase = iota
	mounted
	busy // mounting or unmounting: operations are skipped
)

type openFile struct {
	ino   Inode
	open  bool
	taken bool // open, or being opened by a client that is on its way
}

// ID is the host's number.
func (h *Host) ID() model.Host { return h.id }

// Cache is the host's buffer cache. It is empty when Mount is called, whatever
// happened before.
func (h *Host) Cache() *Cache { return &h.cache }

// BlockSize is the number of bytes in a block of the disk.
func (h *Host) BlockSize() int { return h.w.disk.Image().BlockSize() }

// Blocks is the number of blocks of the disk.
func (h *Host) Blocks() int { return h.w.disk.Image().Blocks() }

// ReadBlock reads a block from the disk, past the buffer cache.
func (h *Host) ReadBlock(block int, p []byte) error {
	return h.command(disk.Command{Kind: model.ReadCommand, Block: block, Data: p})
}

// WriteBlock writes a block to the disk, past the buffer cache.
func (h *Host) WriteBlock(block int, p []byte) error {
	return h.command(disk.Command{Kind: model.WriteCommand, Block: block, Data: p})
}

// Flush waits until all earlier writes are on stable storage.
func (h *Host) Flush() error { return h.command(disk.Command{Kind: model.FlushCommand}) }

// enter is the first thing every service of a host does: it counts the call and
// gives the step that makes it.
func (h *Host) enter() *task {
	t := h.w.current
	if t == nil || t.host != h || t.dying || t.calls >= maxCalls {
		h.refuse(t)
	}
	t.calls++
	return t
}

// refuse ends a step that may not call h, or no longer. A design that keeps a
// Host and calls it from another goroutine or after the run finds no step; in
// another host's step it has no business here.
func (h *Host) refuse(t *task) {
	switch {
	case t == nil:
		panic("sim: a host was called outside of its file system's calls")
	case t.dying:
		t.unwindAgain()
	case t.host != h:
		h.w.fail(model.Misuse, t, fmt.Sprintf("a step of host %v called host %v", t.host.id, h.id))
	}
	h.w.fail(model.Hang, t, fmt.Sprintf("%v called its host %d times and had not returned", t.step.Kind, maxCalls))
}

// command sends one command to the disk; between the port and the disk a hold
// can stop it. A command that does not fit the disk ends the run.
func (h *Host) command(c disk.Command) error {
	t := h.enter()
	ticket, err := h.w.disk.Submit(h.port, c)
	if err != nil {
		h.w.fail(model.BadIO, t, c.Kind.String()+" of "+err.Error())
	}
	t.reach(c.Kind)
	done, err := h.w.disk.Complete(ticket)
	if err != nil {
		return model.EIO
	}
	kind := model.Flushed
	switch c.Kind {
	case model.ReadCommand:
		kind = model.BlockRead
	case model.WriteCommand:
		kind = model.BlockWritten
	}
	h.w.record(model.Record{Step: int16(t.number), Host: h.id, Kind: kind,
		Block: int32(c.Block), Version: done.Version, Base: done.Base, Sum: done.Sum})
	return nil
}
