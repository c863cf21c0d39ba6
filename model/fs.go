package model

import "slices"

// FS is the sequential specification: one ordinary file system, one operation
// at a time, no end of space and no faults. What it answers is what a program
// on one host of a correct file system is told.
//
// The zero value is an empty, formatted file system. FS is for tests, oracles
// and examples; it values being read over being fast.
type FS struct {
	nodes   map[Path]*inode // every name but Root
	handles map[handle]*inode
}

// of is the handle as the number that its locks are under.
func (h handle) of() int { return int(h.host)*(MaxFile+1) + int(h.slot) }

type inode struct {
	dir   bool
	words []byte
	locks Locks
}

type handle struct {
	host Host
	slot uint8
}

// Apply carries out s and returns its result. Events answer OK; those that take
// a host's machine or mount away (unmount, remount, reboot, crash, power loss)
// close its handles. What a crash may undo is not in this specification: here
// nothing is lost. s must be valid.
func (fs *FS) Apply(s Step) Result {
	if fs.nodes == nil {
		fs.nodes, fs.handles = map[Path]*inode{}, map[handle]*inode{}
	}
	switch s.Kind {
	case Unmount, Remount, Reboot, Crash:
		for slot := uint8(1); slot <= MaxFile; slot++ {
			fs.close(handle{s.Host, slot})
		}
		return Result{}
	case PowerLoss:
		for h := range fs.handles { // any order: each has its own locks
			fs.close(h)
		}
		return Result{}
	case Rename, Link:
		return fs.twoNames(s)
	case Close:
		if !fs.close(handle{s.Host, s.File}) {
			return Result{Errno: EBADF}
		}
		return Result{}
	case Open:
		if fs.handles[handle{s.Host, s.File}] != nil {
			return Result{Errno: EMFILE}
		}
	}
	if s.Kind.Event() || s.Kind == Sync || s.Kind == Statfs {
		return Result{}
	}
	if s.File != 0 && s.Kind != Open {
		file := fs.handles[handle{s.Host, s.File}]
		if file == nil {
			return Result{Errno: EBADF}
		}
		if s.Kind == Lock || s.Kind == Unlock {
			return file.lock(s, handle{s.Host, s.File})
		}
		return file.apply(s)
	}
	if e := NameResult(s.Kind, fs.parentOf(s.Path), fs.typeOf(s.Path))[0]; e != OK {
		return Result{Errno: e}
	}
	switch s.Kind {
	case Create, Mkdir:
		fs.nodes[s.Path] = &inode{dir: s.Kind == Mkdir}
	case Open:
		fs.handles[handle{s.Host, s.File}] = fs.nodes[s.Path]
	case Unlink, Rmdir:
		delete(fs.nodes, s.Path)
	case Readdir:
		return Result{Names: fs.list(s.Path)}
	case Stat:
		if fs.typeOf(s.Path) != File {
			return Result{Type: Dir}
		}
		return Result{Type: File, Size: int64(len(fs.nodes[s.Path].words))}
	default:
		return fs.nodes[s.Path].apply(s)
	}
	return Result{}
}

// close closes a handle and gives up its locks; false if it is not open.
func (fs *FS) close(h handle) bool {
	file := fs.handles[h]
	if file == nil {
		return false
	}
	file.locks.Release(h.of(), 0, WholeFile)
	delete(fs.handles, h)
	return true
}

// lock carries out a lock or unlock by a handle.
func (n *inode) lock(s Step, h handle) Result {
	from, to := s.LockRange()
	if s.Kind == Unlock {
		n.locks.Release(h.of(), from, to)
	} else if !n.locks.Take(FileLock{Handle: h.of(), From: from, To: to, Shared: s.Shared}) {
		return Result{Errno: EAGAIN}
	}
	return Result{}
}

// twoNames carries out a rename or link.
func (fs *FS) twoNames(s Step) Result {
	from, to := fs.nodes[s.Path], fs.nodes[s.To]
	e := TwoNamesResult(s.Kind, TwoNames{
		Parent: fs.parentOf(s.Path), Entry: fs.typeOf(s.Path),
		ToParent: fs.parentOf(s.To), ToEntry: fs.typeOf(s.To),
		SameFile:   from != nil && from == to,
		IntoItself: s.To.Below(s.Path), OntoAbove: s.Path.Below(s.To),
	})[0]
	if e != OK || from == to {
		return Result{Errno: e}
	}
	if s.Kind == Link {
		fs.nodes[s.To] = from
		return Result{}
	}
	moved := map[Path]*inode{s.To: from}
	for p, n := range fs.nodes { // any order: each has its own place
		if p.Below(s.Path) {
			moved[p.Moved(s.Path, s.To)] = n
			delete(fs.nodes, p)
		}
	}
	delete(fs.nodes, s.Path)
	for p, n := range moved { // any order: each has its own place
		fs.nodes[p] = n
	}
	return Result{}
}

// parentOf is what stands where p's directory should be: Dir, Absent, or File if
// some name on the way is a file.
func (fs *FS) parentOf(p Path) NodeType {
	for i := 1; i < len(p); i++ {
		if p[i] != '/' {
			continue
		}
		switch t := fs.typeOf(p[:i]); t {
		case Absent, File:
			return t
		}
	}
	return Dir
}

// typeOf is the NodeType of a path, FullDir for a directory with names in it.
func (fs *FS) typeOf(p Path) NodeType {
	n := fs.nodes[p]
	switch {
	case p == Root:
	case n == nil:
		return Absent
	case !n.dir:
		return File
	}
	if len(fs.list(p)) > 0 {
		return FullDir
	}
	return Dir
}

// list is the sorted names in directory p.
func (fs *FS) list(p Path) []string {
	var names []string
	for q := range fs.nodes { // any order: sorted below
		if q.Parent() == p {
			names = append(names, q.Name())
		}
	}
	slices.Sort(names)
	return names
}

// apply carries out an operation on the words of a file.
func (n *inode) apply(s Step) Result {
	switch s.Kind {
	case Read:
		end := min(int(s.Off+s.Len), len(n.words))
		if int(s.Off) >= end {
			return Result{}
		}
		return Result{Data: slices.Clone(n.words[s.Off:end])}
	case Write:
		n.write(int(s.Off), int(s.Len), s.Data)
		return Result{Size: int64(s.Len)}
	case Append:
		n.write(len(n.words), int(s.Len), s.Data)
		return Result{Size: int64(s.Len)}
	case Truncate:
		if int(s.Len) <= len(n.words) {
			n.words = n.words[:s.Len:s.Len]
		} else {
			n.words = append(n.words, make([]byte, int(s.Len)-len(n.words))...)
		}
	}
	return Result{}
}

func (n *inode) write(off, length int, data byte) {
	if end := off + length; end > len(n.words) {
		n.words = append(n.words, make([]byte, end-len(n.words))...)
	}
	for i := range length {
		n.words[off+i] = data
	}
}
