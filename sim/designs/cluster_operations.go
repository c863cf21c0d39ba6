package designs

import (
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
	"github.com/doublemount/doublemount/sim/dlm"
)

// The operations of a cluster volume are those of every volume, under locks.

// Create makes an empty file.
func (f *cluster) Create(path string) error {
	return f.run(&access{}, func() error { return f.volume.Create(path) })
}

// Mkdir makes an empty directory.
func (f *cluster) Mkdir(path string) error {
	return f.run(&access{}, func() error { return f.volume.Mkdir(path) })
}

// Unlink removes a name of a file.
func (f *cluster) Unlink(path string) error {
	return f.run(&access{}, func() error { return f.volume.Unlink(path) })
}

// Rmdir removes an empty directory.
func (f *cluster) Rmdir(path string) error {
	return f.run(&access{}, func() error { return f.volume.Rmdir(path) })
}

// Rename gives a file or directory another name.
func (f *cluster) Rename(from, to string) error {
	return f.run(&access{}, func() error { return f.volume.Rename(from, to) })
}

// Link gives a file one more name.
func (f *cluster) Link(from, to string) error {
	return f.run(&access{}, func() error { return f.volume.Link(from, to) })
}

// Readdir lists a directory.
func (f *cluster) Readdir(path string) (names []string, err error) {
	err = f.run(&access{}, func() (err error) {
		names, err = f.volume.Readdir(path)
		return err
	})
	return names, err
}

// Stat tells a name's type and size.
func (f *cluster) Stat(path string) (a sim.Attr, err error) {
	err = f.run(&access{}, func() (err error) {
		a, err = f.volume.Stat(path)
		return err
	})
	return a, err
}

// Open pins a file, on all hosts.
func (f *cluster) Open(path string) (file sim.Inode, err error) {
	err = f.run(&access{}, func() (err error) {
		file, err = f.volume.Open(path)
		return err
	})
	return file, err
}

// Close lets a file go; a nameless one with the last close of the last host.
func (f *cluster) Close(file sim.Inode) error {
	f.mutex.Lock(f.h)
	left, err := f.closed(int(file))
	f.mutex.Unlock(f.h)
	if err != nil || left > 0 {
		return err
	}
	return f.letGo(int(file))
}

// reading and writing are operations on a file's content.
func (f *cluster) reading(file sim.Inode, body func() (int, error)) (n int, err error) {
	return f.content(file, dlm.PR, body)
}

func (f *cluster) writing(file sim.Inode, body func() (int, error)) (n int, err error) {
	return f.content(file, dlm.EX, body)
}

func (f *cluster) content(file sim.Inode, mode dlm.Mode, body func() (int, error)) (n int, err error) {
	op := &access{}
	op.need[file] = mode
	err = f.run(op, func() (err error) {
		n, err = body()
		return err
	})
	return n, err
}

// ReadAt reads up to the end of the file.
func (f *cluster) ReadAt(file sim.Inode, p []byte, off int64) (int, error) {
	return f.reading(file, func() (int, error) { return f.volume.ReadAt(file, p, off) })
}

// ReadDirect is ReadAt past the cache.
func (f *cluster) ReadDirect(file sim.Inode, p []byte, off int64) (int, error) {
	return f.reading(file, func() (int, error) { return f.volume.ReadDirect(file, p, off) })
}

// WriteAt writes all of p, or nothing.
func (f *cluster) WriteAt(file sim.Inode, p []byte, off int64) (int, error) {
	return f.writing(file, func() (int, error) { return f.volume.WriteAt(file, p, off) })
}

// WriteDirect is WriteAt past the cache.
func (f *cluster) WriteDirect(file sim.Inode, p []byte, off int64) (int, error) {
	return f.writing(file, func() (int, error) { return f.volume.WriteDirect(file, p, off) })
}

// Append writes at the end of the file.
func (f *cluster) Append(file sim.Inode, p []byte) (int, error) {
	if f.rules.looseAppend {
		size, err := f.reading(file, func() (int, error) { return f.volume.size(int(file)) })
		if err != nil {
			return 0, err
		}
		return f.WriteAt(file, p, int64(size))
	}
	return f.writing(file, func() (int, error) { return f.volume.Append(file, p) })
}

// Truncate sets a file's size.
func (f *cluster) Truncate(file sim.Inode, size int64) error {
	_, err := f.writing(file, func() (int, error) { return 0, f.volume.Truncate(file, size) })
	return err
}

// Fsync makes a file and its names durable, whichever host has changed them: who
// has a lock in EX flushes what it changed when this host takes it.
func (f *cluster) Fsync(file sim.Inode) error {
	return f.run(&access{}, func() error { return f.volume.Fsync(file) })
}

// Sync makes durable what this host has changed.
func (f *cluster) Sync() error {
	return f.run(&access{}, f.volume.Sync)
}

// Statfs counts blocks.
func (f *cluster) Statfs() (total, free int64, err error) {
	err = f.run(&access{}, func() (err error) {
		total, free, err = f.volume.Statfs()
		return err
	})
	return total, free, err
}

// Unmount leaves nothing to recover. A host that cannot do that goes as one that
// has died.
func (f *cluster) Unmount() error {
	for {
		if err := f.settleOrphans(); err != nil {
			f.n.Withdraw()
			return err
		}
		f.mutex.Lock(f.h)
		err := f.flush()
		f.mutex.Unlock(f.h)
		switch {
		case f.n.Removed():
			return model.EIO
		case err != nil:
			f.n.Withdraw()
			return err
		case f.reclaiming == 0 && !f.orphans:
			return f.n.Leave()
		}
		// A host died meanwhile, and left files without a name.
	}
}

// settleOrphans waits for what is being reclaimed, and tries once more what could
// not be.
func (f *cluster) settleOrphans() error {
	for f.reclaiming > 0 {
		f.wait()
	}
	if f.orphans {
		return f.reclaim()
	}
	return nil
}
