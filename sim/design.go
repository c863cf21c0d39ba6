package sim

import (
	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/model"
)

// Design is a file-system design: what a file-system developer writes. It holds
// no state; the same value serves any number of worlds.
type Design struct {
	Name      string          // "cluster-lock": lower-case letters, digits, dashes; a planted bug "cluster-lock/late-invalidate"
	StandsFor string          // the real systems it is a model of, or what the planted bug leaves out
	Guarantee model.Guarantee // what it promises; a rung of the ladder
	Survives  model.Faults    // the faults under which it promises that
	Disk      disk.Config

	Format func(disk.Device) error           // mkfs, once for all runs
	Mount  func(*Host) (FS, error)           // for each host and each remount
	Audit  func(disk.Device) []model.Problem // fsck, after all hosts have unmounted; optional
	Block  func(disk.Device, int) string     // what a block is: "directory block of /"; optional
	Space  func(disk.Device) model.Space     // how much an empty file system holds; optional: without it capacity is not judged
	Marks  []model.Instant                   // what a campaign must reach by Host.Mark, or be weak; optional
	Bugs   []Design                          // planted bugs: deviations of this design, to show that they are found
	_      struct{}
}

// Inode is a design's number for a file. An open one stays the same file until
// it is closed, whatever happens to its name.
type Inode uint64

// Attr is what a name is.
type Attr struct {
	Type model.NodeType // File or Dir
	Size int64          // bytes, of a file
}

// FS is one mount of a design on one host, as its clients call it. Paths are
// absolute and valid ([model.Path.Valid]): at most [model.MaxDepth] names deep. Errors are
// [model.Errno] values; any other error counts as EOTHER. Several calls can be
// under way at once on one host, each stopped at a block command or a lock.
//
// An operation on a file's content by path is Open, the operation, Close.
type FS interface {
	Create(path string) error
	Unlink(path string) error
	Stat(path string) (Attr, error)
	Open(path string) (Inode, error) // for reading and writing
	Close(Inode) error
	ReadAt(file Inode, p []byte, off int64) (int, error) // short only at the end of the file
	WriteAt(file Inode, p []byte, off int64) (int, error)
	// Unmount leaves nothing behind that others need. All files have been
	// closed and no other call is under way.
	Unmount() error
}

// The optional operations of an FS, one interface each.
type (
	// Appender writes at the end of a file.
	Appender interface {
		Append(file Inode, p []byte) (int, error)
	}
	// Truncater sets a file's size in bytes; what it adds reads as zeroes.
	Truncater interface {
		Truncate(file Inode, size int64) error
	}
	// Mkdirer makes a directory.
	Mkdirer interface{ Mkdir(path string) error }
	// Rmdirer removes an empty directory.
	Rmdirer interface{ Rmdir(path string) error }
	// Renamer gives a file or directory another name and replaces what has that,
	// a file a file, a directory an empty one. Two names of one file stay both.
	// [model.TwoNamesResult] is the rule.
	Renamer interface{ Rename(from, to string) error }
	// Linker gives the file from one more name, to.
	Linker interface{ Link(from, to string) error }
	// Readdirer lists a directory, in any order.
	Readdirer interface {
		Readdir(path string) ([]string, error)
	}
	// DirectIO reads and writes past the host's cache (O_DIRECT), whole blocks
	// only: off and len(p) are multiples of the disk's block size. A read is
	// short only at the end of the file.
	DirectIO interface {
		ReadDirect(file Inode, p []byte, off int64) (int, error)
		WriteDirect(file Inode, p []byte, off int64) (int, error)
	}
	// Locker takes and gives up advisory locks on a whole open file, each for one
	// of the host's handles, without waiting ([model.Locks]): EAGAIN where another
	// handle, of any host, has one that excludes it. What a handle has is given up
	// before it is closed, whatever is asked for.
	Locker interface {
		Lock(file Inode, handle int, shared bool) error
		Unlock(file Inode, handle int) error
	}
	// RangeLocker does so for the words from from up to to, or
	// [model.WholeFile]; a handle can have many.
	RangeLocker interface {
		LockRange(file Inode, handle int, from, to int64, shared bool) error
		UnlockRange(file Inode, handle int, from, to int64) error
	}
	// Fsyncer makes a file and its name durable, and visible to hosts that
	// mount later.
	Fsyncer interface{ Fsync(file Inode) error }
	// Syncer does so for everything that the host has changed.
	Syncer interface{ Sync() error }
	// Statfser reports the size and free space of the file system in blocks.
	Statfser interface {
		Statfs() (total, free int64, err error)
	}
)

// kinds is what a mounted fs can do. The events are the world's own.
func kinds(fs FS) model.KindSet {
	set := model.SetOf(model.Create, model.Open, model.Close, model.Read, model.Write, model.Unlink, model.Stat,
		model.Mount, model.Unmount, model.Remount, model.Reboot, model.Writeback, model.Refresh)
	add := func(ok bool, k model.Kind) {
		if ok {
			set |= model.SetOf(k)
		}
	}
	_, ok := fs.(Appender)
	add(ok, model.Append)
	_, ok = fs.(Truncater)
	add(ok, model.Truncate)
	_, ok = fs.(Mkdirer)
	add(ok, model.Mkdir)
	_, ok = fs.(Rmdirer)
	add(ok, model.Rmdir)
	_, ok = fs.(Renamer)
	add(ok, model.Rename)
	_, ok = fs.(Linker)
	add(ok, model.Link)
	_, ok = fs.(Readdirer)
	add(ok, model.Readdir)
	_, ok = fs.(Fsyncer)
	add(ok, model.Fsync)
	_, ok = fs.(Syncer)
	add(ok, model.Sync)
	_, ok = fs.(Statfser)
	add(ok, model.Statfs)
	_, ok = fs.(Locker)
	add(ok, model.Lock)
	add(ok, model.Unlock)
	return set
}

// hasRanges reports whether a mounted fs locks words, and not only whole files.
func hasRanges(fs FS) bool {
	_, ok := fs.(RangeLocker)
	return ok
}

// hasDirect reports whether a mounted fs can read and write past the cache.
func hasDirect(fs FS) bool {
	_, ok := fs.(DirectIO)
	return ok
}
