package designs

import (
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
)

// Local is an ordinary file system: each host caches and writes back as if it
// were alone with the disk. It is correct on one host. On two it is the
// incident: both caches believe that they own the disk.
//
// It declares nothing-lost, the least that anyone who mounts a disk twice
// expects, so that a hunt shows that not even that is kept.
func Local() sim.Design {
	return design("local", "NTFS, ext4, XFS mounted by two hosts at once", model.NothingLost,
		func(v *volume) protocol { return &local{v: v} })
}

// local keeps every block it has seen and writes when it is told to. Clients of
// one host exclude each other, as an operating system makes them.
type local struct {
	v     *volume
	mutex sim.Mutex
	open  [inodes]uint8 // in memory only: who else would have files of ours open?
}

func (l *local) enter()       { l.mutex.Lock(l.v.h) }
func (l *local) leave() error { l.mutex.Unlock(l.v.h); return nil }
func (l *local) sync() error  { return writeAll(l.v) }

func (l *local) fsync(blocks []int32) error {
	for _, b := range blocks {
		if err := l.v.c.WriteBlock(int(b)); err != nil {
			return err
		}
	}
	return l.v.h.Flush()
}

func (l *local) opened(ino int) error        { l.open[ino]++; return nil }
func (l *local) closed(ino int) (int, error) { l.open[ino]--; return int(l.open[ino]), nil }
func (l *local) opens(ino int) (int, error)  { return int(l.open[ino]), nil }

// writeAll writes every dirty block and waits for the disk.
func writeAll(v *volume) error {
	if err := v.c.Sync(); err != nil {
		return err
	}
	v.unflushed = false
	return v.h.Flush()
}
