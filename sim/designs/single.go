package designs

import (
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
)

// Single takes one cluster-wide lock around each operation and keeps nothing in
// memory between two: the simplest design that is right on a shared disk, and
// the slowest. It is the yardstick that the others are held against.
func Single() sim.Design {
	d := singleDesign("single", "a cluster-wide lock around each operation, nothing cached",
		func(v *volume) protocol { return &single{v: v} })
	d.Bugs = []sim.Design{
		singleDesign("single/no-lock", "planted bug: single without its lock",
			func(v *volume) protocol { return &noLock{single: single{v: v}} }),
	}
	return d
}

func singleDesign(name, standsFor string, newProtocol func(*volume) protocol) sim.Design {
	d := design(name, standsFor, model.Linearizable, newProtocol)
	d.Mount = func(h *sim.Host) (sim.FS, error) {
		v, err := mount(h)
		if err != nil {
			return nil, err
		}
		v.p = newProtocol(v)
		return diskLocks{v}, nil
	}
	return d
}

// single holds the lock from before the first read to after the last write.
type single struct{ v *volume }

const wholeDisk = "disk" // the name of the one lock

func (s *single) enter() { s.v.h.Lock(wholeDisk) }

func (s *single) leave() error {
	err := s.settle()
	s.v.h.Unlock(wholeDisk)
	return err
}

// settle leaves the disk as the operation made it and the memory empty.
func (s *single) settle() (err error) {
	if s.v.c.Changed() || s.v.unflushed {
		err = writeAll(s.v)
	}
	s.v.c.Drop()
	return err
}

// Everything is on the disk when an operation returns.
func (s *single) sync() error         { return nil }
func (s *single) fsync([]int32) error { return nil }

// A file that one host has open and another unlinks must stay, so the opens are
// counted where all hosts see them: in the inode.
func (s *single) opened(ino int) error {
	_, err := s.count(ino, +1)
	return err
}
func (s *single) closed(ino int) (int, error) { return s.count(ino, -1) }
func (s *single) opens(ino int) (int, error)  { return s.count(ino, 0) }

func (s *single) count(ino, change int) (int, error) {
	p, err := s.v.inode(ino)
	if err != nil {
		return 0, err
	}
	if change != 0 {
		p[1] = byte(int(p[1]) + change)
		s.v.inodeDirty(ino)
	}
	return int(p[1]), nil
}

// noLock is single but for the lock: operations of different hosts run into
// each other. Clients of one host still exclude each other.
type noLock struct {
	single
	mutex sim.Mutex
}

func (n *noLock) enter() { n.mutex.Lock(n.v.h) }

func (n *noLock) leave() error {
	err := n.settle()
	n.mutex.Unlock(n.v.h)
	return err
}
