package model

import "slices"

// NameResult is the rule for what a name operation answers, given what its
// parent directory and its own name are: the set of results that POSIX and
// Linux allow, the one that Linux gives first. It is the only place where these
// rules stand; [FS] applies it and the checker reads it backwards.
//
// For a name in the root directory the parent is Dir. FullDir differs from Dir
// for Rmdir only. Reads and writes through a path open the file first, for
// reading and writing, so they answer as Open does where it fails.
//
// Sources: POSIX.1-2024 open, unlink, mkdir, rmdir, stat, opendir; Linux
// open(2) (EISDIR when a directory is opened for writing), unlink(2) (EISDIR;
// POSIX says EPERM), rmdir(2) (ENOTEMPTY; POSIX allows EEXIST).
func NameResult(k Kind, parent, entry NodeType) []Errno {
	switch parent {
	case Absent:
		return only[ENOENT]
	case File:
		return only[ENOTDIR]
	}
	switch k {
	case Create, Mkdir:
		if entry != Absent {
			return only[EEXIST]
		}
		return only[OK]
	case Stat:
		if entry != Absent {
			return only[OK]
		}
		return only[ENOENT]
	}
	switch entry {
	case Absent:
		return only[ENOENT]
	case File:
		if k == Rmdir || k == Readdir {
			return only[ENOTDIR]
		}
		return only[OK]
	}
	switch k {
	case Rmdir:
		if entry == FullDir {
			return notEmpty
		}
		return only[OK]
	case Readdir:
		return only[OK]
	case Unlink:
		return unlinkDir
	}
	return only[EISDIR]
}

// only[e] is the set of e alone, made once: NameResult is called for every
// operation that is judged.
var only = func() (sets [NumErrnos][]Errno) {
	for e := range sets {
		sets[e] = []Errno{Errno(e)}
	}
	return sets
}()

var (
	notEmpty  = []Errno{ENOTEMPTY, EEXIST}
	unlinkDir = []Errno{EISDIR, EPERM}
)

// TwoNames is what a rename or link finds: its two names and the directories
// they are in, as the first and the second name lead to them.
type TwoNames struct {
	Parent, Entry     NodeType // of the old name
	ToParent, ToEntry NodeType // of the new one
	SameFile          bool     // both lead to the same file (or are the same name)
	IntoItself        bool     // the new name stands below the old one
	OntoAbove         bool     // the old name stands below the new one
}

// TwoNamesResult is the rule for what a rename or link answers: OK alone, or
// every error whose condition holds, the one that Linux gives first in front,
// since POSIX leaves the order of checks open.
//
// Sources: POSIX.1-2024 rename (ERRORS: EEXIST or ENOTEMPTY, EINVAL, EISDIR,
// ENOENT, ENOTDIR; "if the old argument and the new argument resolve to the same
// existing directory entry or different directory entries for the same existing
// file, rename shall return successfully and perform no other action") and link
// (EEXIST, ENOENT, ENOTDIR, EPERM for a directory); Linux fs/namei.c
// do_renameat2, vfs_rename and may_delete, do_linkat and vfs_link for the order.
func TwoNamesResult(k Kind, n TwoNames) []Errno {
	var set [8]Errno
	found := set[:0]
	add := func(when bool, errs ...Errno) {
		for _, e := range errs {
			if when && !slices.Contains(found, e) {
				found = append(found, e)
			}
		}
	}
	parents := func(p NodeType) {
		add(p == Absent, ENOENT)
		add(p == File, ENOTDIR)
	}
	isDir := func(t NodeType) bool { return t == Dir || t == FullDir }
	reachable := isDir(n.Parent)
	toReachable := isDir(n.ToParent)
	entry, to := n.Entry, n.ToEntry
	if !reachable {
		entry = Absent
	}
	if !toReachable {
		to = Absent
	}
	parents(n.Parent)
	if k == Link {
		add(reachable && entry == Absent, ENOENT)
		parents(n.ToParent)
		add(to != Absent, EEXIST)
		add(isDir(entry), EPERM)
		return orOK(found)
	}
	parents(n.ToParent)
	add(reachable && entry == Absent, ENOENT)
	if n.SameFile && reachable && toReachable {
		return orOK(found)
	}
	add(n.IntoItself && isDir(entry), EINVAL)
	add(n.OntoAbove && entry != Absent, ENOTEMPTY, EEXIST) // what is above is a directory that is not empty
	add(isDir(entry) && to == File, ENOTDIR)
	add(entry == File && isDir(to), EISDIR)
	add(to == FullDir, ENOTEMPTY, EEXIST)
	return orOK(found)
}

func orOK(found []Errno) []Errno {
	if len(found) == 0 {
		return only[OK]
	}
	return slices.Clone(found)
}

// Results lists every result that the specification has for k on a file system
// without faults, successes first: what a search should have reached before it
// calls itself thorough. Only what Linux gives is listed where POSIX leaves a
// choice.
func Results(k Kind) []Errno {
	var seen [NumErrnos]bool
	switch k {
	case Close:
		seen[OK], seen[EBADF] = true, true
	case Sync, Statfs:
		seen[OK] = true
	case Lock:
		seen[OK], seen[EAGAIN], seen[EBADF] = true, true, true
	case Unlock:
		seen[OK], seen[EBADF] = true, true
	case Rename:
		for _, e := range []Errno{OK, ENOENT, ENOTDIR, EISDIR, ENOTEMPTY, EINVAL} {
			seen[e] = true
		}
	case Link:
		for _, e := range []Errno{OK, ENOENT, ENOTDIR, EEXIST, EPERM} {
			seen[e] = true
		}
	default:
		if k.Event() {
			seen[OK] = true
			break
		}
		for _, parent := range []NodeType{Absent, File, Dir} {
			for _, entry := range []NodeType{Absent, File, Dir, FullDir} {
				seen[NameResult(k, parent, entry)[0]] = true
			}
		}
	}
	switch k {
	case Create, Mkdir, Write, Append, Rename, Link:
		seen[ENOSPC] = true // a directory may have to grow for a name
	case Open:
		seen[EMFILE] = true
	}
	if k.TakesData() {
		seen[EBADF] = true
	}
	var all []Errno
	for e, ok := range seen {
		if ok {
			all = append(all, Errno(e))
		}
	}
	return all
}
