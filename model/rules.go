package model

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
var only = func() (sets [numErrnos][]Errno) {
	for e := range sets {
		sets[e] = []Errno{Errno(e)}
	}
	return sets
}()

var (
	notEmpty  = []Errno{ENOTEMPTY, EEXIST}
	unlinkDir = []Errno{EISDIR, EPERM}
)

// Results lists every result that the specification has for k on a file system
// without faults, successes first: what a search should have reached before it
// calls itself thorough. Only what Linux gives is listed where POSIX leaves a
// choice.
func Results(k Kind) []Errno {
	var seen [numErrnos]bool
	switch k {
	case Close:
		seen[OK], seen[EBADF] = true, true
	case Sync, Statfs:
		seen[OK] = true
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
	case Create, Mkdir, Write, Append:
		seen[ENOSPC] = true
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
