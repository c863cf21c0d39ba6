package sim

import (
	"fmt"

	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/model"
)

// Host is one simulated machine, and all that a design may use of it: its port
// to the disk (Host is a [disk.Device]; port.go), a buffer cache, cluster-wide
// locks, a clock, daemons, messages to other hosts. A Host is valid from Mount to Unmount, and only inside the calls of its FS.
type Host struct {
	w     *world
	id    model.Host
	port  disk.Port
	cache Cache

	fs     FS
	phase  phase
	direct bool // fs reads and writes past the cache
	ranges bool // fs locks words of a file
	files  [model.MaxFile + 1]openFile
	buf    []byte // for the bytes of reads and writes

	paused     bool                     // it stands still
	noDisk     bool                     // its disk commands fail
	cut        bool                     // its port is cut until it attaches anew
	failing    [model.CommandKinds]bool // kinds of command that fail until it attaches anew
	registered bool                     // with the disk, for reservations
	resetting  bool                     // a step of it has asked for a reset
	now        int64                    // its clock
	watchdog   int64                    // when the machine is reset; 0 = never
	inbox      []Message
}

// reset takes everything from a host but its place on the disk: what a crash
// leaves.
func (h *Host) reset() {
	h.cache.reset()
	h.fs, h.phase, h.direct, h.ranges, h.files = nil, unmounted, false, false, [model.MaxFile + 1]openFile{}
	h.paused, h.resetting, h.watchdog = false, false, 0
	h.inbox = h.inbox[:0]
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
	locks bool // it may have locks
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

// Misuse ends the run: a service built on the host has been used as it must not
// be, and text says how. It does not return.
func (h *Host) Misuse(text string) { h.w.fail(model.Misuse, h.enter(), text) }

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
	what := t.step.Kind.String()
	if t.daemon != nil {
		what = "a daemon"
	}
	h.w.fail(model.Hang, t, fmt.Sprintf("%s called its host %d times and had not returned", what, maxCalls))
}
