package model

// Kind says what a step does: an operation, named as in POSIX, or an event.
type Kind uint8

// The operations, then the events. The order is part of no format: text uses
// the names.
const (
	NoKind Kind = iota

	Create   // make an empty file; fails if the name exists (O_CREAT|O_EXCL)
	Open     // open an existing file for reading and writing in a handle slot
	Close    // close a handle
	Read     // read words at an offset
	Write    // write words at an offset
	Append   // write words at the end of the file
	Truncate // set the size
	Unlink   // remove a file's name
	Mkdir    // make an empty directory
	Rmdir    // remove an empty directory
	Rename   // give a file or directory another name, replacing what has that
	Link     // give a file one more name
	Readdir  // list a directory
	Stat     // type and size of a name
	Fsync    // make a file and its name durable and visible to later mounts
	Sync     // the same for everything the host has changed
	Statfs   // size and free space of the file system
	Lock     // take an advisory lock on an open file, or words of it; EAGAIN where another excludes it
	Unlock   // give it up, or words of it

	Mount     // bring the disk online on a host
	Unmount   // take it offline; open handles are closed first
	Remount   // unmount, then mount
	Reboot    // unmount, forget the machine, attach to the disk anew, mount
	Writeback // the flusher writes dirty blocks of the host
	Refresh   // the host drops its clean copies; for interventions, never generated

	Crash     // the host loses its memory and its port; its clients' calls never return
	PowerLoss // every host crashes, and the disk loses what its volatile cache had not flushed
	DiskReset // the disk alone loses power: its volatile cache, and reservations that do not persist
	Pause     // the host stands still, with all it has under way
	Resume    // ... and goes on as if nothing had happened
	Partition // messages between the host and others are lost, or its disk commands fail
	Heal      // ... no longer
	Fence     // the host's port is cut from outside: what it still sends to the disk fails
	Tick      // time passes for the timers of a host, or of all

	numKinds
)

var kindNames = [numKinds]string{
	Create: "create", Open: "open", Close: "close", Read: "read", Write: "write",
	Append: "append", Truncate: "truncate", Unlink: "unlink", Mkdir: "mkdir",
	Rmdir: "rmdir", Readdir: "readdir", Stat: "stat", Fsync: "fsync", Sync: "sync",
	Statfs: "statfs", Lock: "lock", Unlock: "unlock", Mount: "mount", Unmount: "unmount", Remount: "remount",
	Reboot: "reboot", Writeback: "writeback", Refresh: "refresh",
	Rename: "rename", Link: "link",
	Crash: "crash", PowerLoss: "power-loss", DiskReset: "disk-reset", Pause: "pause", Resume: "resume",
	Partition: "partition", Heal: "heal", Fence: "fence", Tick: "tick",
}

// Kinds lists every Kind in order, for tables and parsers.
func Kinds() []Kind {
	all := make([]Kind, 0, numKinds-1)
	for k := Create; k < numKinds; k++ {
		all = append(all, k)
	}
	return all
}

// String is the name used in text: "create", "remount".
func (k Kind) String() string {
	if k < numKinds && kindNames[k] != "" {
		return kindNames[k]
	}
	return "none"
}

// ParseKind is the inverse of [Kind.String]; ok is false for an unknown name.
func ParseKind(name string) (k Kind, ok bool) {
	for k := Create; k < numKinds; k++ {
		if kindNames[k] == name {
			return k, true
		}
	}
	return NoKind, false
}

// Event reports whether k is something that happens to a host rather than a
// file operation that a client calls.
func (k Kind) Event() bool { return k >= Mount }

// TakesData reports whether a step of kind k reaches into a file through
// either a path or a handle slot.
func (k Kind) TakesData() bool {
	switch k {
	case Read, Write, Append, Truncate, Fsync:
		return true
	}
	return false
}

// Changes reports whether a successful k changes what other hosts may see.
func (k Kind) Changes() bool {
	switch k {
	case Create, Write, Append, Truncate, Unlink, Mkdir, Rmdir, Rename, Link:
		return true
	}
	return false
}

// TwoPaths reports whether k names a second path, [Step.To].
func (k Kind) TwoPaths() bool { return k == Rename || k == Link }

// KindSet is a set of kinds, used for what a Runner or a design can do.
type KindSet uint64

// SetOf makes a set.
func SetOf(kinds ...Kind) KindSet {
	var s KindSet
	for _, k := range kinds {
		s |= 1 << k
	}
	return s
}

// Has reports whether k is in the set.
func (s KindSet) Has(k Kind) bool { return s&(1<<k) != 0 }

// Kinds lists the members in order.
func (s KindSet) Kinds() []Kind {
	var all []Kind
	for k := Create; k < numKinds; k++ {
		if s.Has(k) {
			all = append(all, k)
		}
	}
	return all
}
