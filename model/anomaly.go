package model

import "fmt"

// Anomaly names what was observed, in the field's words. It says nothing of the
// mechanism behind it: that is the cause's to say.
//
// A violation has one name. Where several would fit, the order is fixed: a
// durability violation before all others; then what an open handle or a rename
// makes of it (delete-while-open violation, both or neither name after rename);
// then what words are (stale-data exposure, cross-linked block); then how words got
// lost (append overlap, false-sharing lost write, torn write); then the rest.
// What is gone for good only an observer can say who mounted to look.
// docs/ANOMALIES.md has a case of each.
type Anomaly string

// NoAnomaly is the anomaly of what is not violated.
const NoAnomaly Anomaly = ""

// Of names.
const (
	// LostFile: a name whose making was acknowledged, and which nobody removed, is
	// gone for good. CrashMonkey (OSDI 2018), "file lost", "directory entries not
	// persisted"; two mounts that each write their own copy of a directory block.
	LostFile Anomaly = "lost file"
	// InvisibleFile: the name is there, this host does not see it. A stale negative
	// directory entry: nfs(5), lookupcache.
	InvisibleFile Anomaly = "invisible file"
	// PhantomFile: this host sees a name that is gone. A stale positive directory
	// entry: cluster-devel, December 2006, "GFS never bothers to ask other nodes to
	// refresh their dentry upon removing the file".
	PhantomFile Anomaly = "phantom file"
	// ResurrectedFile: a name that was removed is there at the end, and leads to what
	// it led to. scoutfs 99a1cc70, "deleted directory entry items reappearing".
	ResurrectedFile Anomaly = "resurrected file"
	// BothNames: a file was renamed, and at the end it has its old and its new name.
	// CrashMonkey, "rename not atomic, file persisted in both directories".
	BothNames Anomaly = "both names after rename"
	// NeitherName: a file was renamed, and at the end neither name leads to it.
	// CrashMonkey, "file lost during rename".
	NeitherName Anomaly = "neither name after rename"
	// SplitBrain: two hosts were both told that they did what only one can do: made
	// the one file of a name, gave one file its new name. Veritas SFCFS, "both nodes
	// try to take control of data storage in an uncoordinated manner".
	SplitBrain Anomaly = "split-brain write"
)

// Of contents and attributes.
const (
	// StaleRead: a read returned words that a completed change had replaced. gfs2
	// 58e9fee1, ocfs2 7bdb0d18.
	StaleRead Anomaly = "stale read"
	// StaleAttributes: a stat told a size that a completed change had replaced.
	// nfs(5), acregmin and acregmax; ocfs2 e7ee2c08, "inode i_size = 732 != di i_size
	// = 937".
	StaleAttributes Anomaly = "stale attributes"
	// LostUpdate: a write or a new size that was acknowledged is gone for good. ocfs2
	// 814ce694, "the modification of N2 is lost".
	LostUpdate Anomaly = "lost update"
	// FalseSharing: a write is gone for good, and another host's write to other
	// words of the same block is there. nfs(5), noalignwrite: "can lead to lost writes
	// when multiple clients write concurrently to distinct non-overlapping regions".
	FalseSharing Anomaly = "false-sharing lost write"
	// AppendOverlap: two appends to one file were acknowledged, and landed at the
	// same offset, so that words of one are there where the other's belong. open(2)
	// on O_APPEND over NFS; fs/gfs2/file.c, "there is still a race".
	AppendOverlap Anomaly = "append overlap"
	// TornWrite: part of one write is there, and part of it is gone for good. LazyFS
	// torn-op and torn-seq (VLDB 2024).
	TornWrite Anomaly = "torn write"
	// CrossLinked: one block or file belongs to two: words that were written to one
	// file, which is still there, are in another. e2fsck, "multiply-claimed blocks";
	// gfs2 4f36cb36.
	CrossLinked Anomaly = "cross-linked block"
	// StaleDataExposure: a file has words that nobody wrote there: of a file that had
	// been removed, of what had been cut off, or of no write at all. ocfs2 5693486b,
	// "leaking garbage data"; gfs2(5), data=writeback.
	StaleDataExposure Anomaly = "stale-data exposure"
	// DeleteWhileOpen: a file was unlinked while a handle of it was open, and its
	// content, or the handle, went with the name. POSIX unlink(); gfs2 feaa7bba, where
	// unlink and last close "might take place on different nodes". If it is never
	// freed instead, that is [LeakedSpace].
	DeleteWhileOpen Anomaly = "delete-while-open violation"
	// DurabilityViolation: a change that an fsync, sync or unmount covers is gone
	// after a crash or power loss. CrashMonkey, "persisted data lost".
	DurabilityViolation Anomaly = "durability violation"
)

// Of structure and space.
const (
	// DoubleFree: a block in use is marked free, and will be given out again. scoutfs
	// cbe8d77f, "both try and free the same data extents".
	DoubleFree Anomaly = "double free"
	// LeakedSpace: a block or inode marked in use belongs to nothing. gfs2 c8cdf479,
	// inodes that "might get lost".
	LeakedSpace Anomaly = "leaked space"
	// StructureDamage: fsck finds what no other name describes, or a directory lists
	// a name twice.
	StructureDamage Anomaly = "structure damage"
	// CapacityOvercmt: more was acknowledged than the disk can hold. Private bitmaps
	// of two mounts.
	CapacityOvercmt Anomaly = "capacity overcommit"
	// StaleSpace: when all is at rest, what statfs says is free and what is stored do
	// not fit on the disk together. gfs2(5), statfs_quantum; gfs2 bedb0f05.
	StaleSpace Anomaly = "stale free-space accounting"
)

// Of errors and progress.
const (
	// SpuriousError: an error that no order of the operations explains, nor a fault.
	// Red Hat bug 190475, ENOENT from two renames to one name.
	SpuriousError Anomaly = "spurious error"
	// AccessLoss: a host that no fault has touched was fenced or reset, or is refused
	// the disk: EIO, EROFS, EBADE. VMware KB 2113956, "false ATS miscompare"; ocfs2
	// e0cbb798.
	AccessLoss Anomaly = "spurious access loss"
	// NoProgress: an operation never returned, or waits for a lock for ever. dlm
	// b790c3b7, "stray granted lock".
	NoProgress Anomaly = "no progress"
	// DoubleGrant: two open files have advisory locks that exclude each other. fs/dlm
	// b790c3b7, "stray granted lock"; flock(2) on a file system that keeps its locks in
	// the memory of each host.
	DoubleGrant Anomaly = "lock granted twice"
	// StuckLock: an advisory lock is refused that nobody has. scoutfs e1491297, a lock
	// that is granted to nobody alive.
	StuckLock Anomaly = "stuck lock"
)

// Anomalies lists the vocabulary; a [DefectKind]'s name can stand in a verdict
// too.
func Anomalies() []Anomaly {
	all := []Anomaly{LostFile, InvisibleFile, PhantomFile, ResurrectedFile, BothNames, NeitherName, SplitBrain,
		StaleRead, StaleAttributes, LostUpdate, FalseSharing, AppendOverlap, TornWrite, CrossLinked,
		StaleDataExposure, DeleteWhileOpen, DurabilityViolation,
		DoubleFree, LeakedSpace, StructureDamage, CapacityOvercmt, StaleSpace,
		SpuriousError, AccessLoss, NoProgress, DoubleGrant, StuckLock}
	for _, k := range []DefectKind{Panic, Hang, BadIO, Misuse} {
		all = append(all, Anomaly(k.String()))
	}
	return all
}

// ParseAnomaly finds an anomaly by its name.
func ParseAnomaly(name string) (Anomaly, error) {
	for _, a := range Anomalies() {
		if string(a) == name {
			return a, nil
		}
	}
	return NoAnomaly, fmt.Errorf("unknown anomaly %q", name)
}
