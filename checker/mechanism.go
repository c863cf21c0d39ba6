package checker

// Mechanism names how a violation came to be, where the field has a name for it.
// It is derived from facts of the trace alone: who wrote which block from what he
// had read where, who was silent, dead or cut off then. Of most causes none is
// known, and the sentence of the cause says all.
type Mechanism string

// The mechanisms.
const (
	// LiveReplay: a mount replays the journal of a host that is mounted and well.
	// fs/ext4/super.c loads the journal on read-only mounts too, without asking MMP.
	LiveReplay Mechanism = "journal replay over a live mount"
	// LateReplay: a replay puts images of a journal over what another host has
	// changed since they were logged. gfs2 601ef0d5, "replaying the journal later
	// will overwrite any changes made"; gfs2 d14e1ca3.
	LateReplay Mechanism = "late replay"
	// GrantBeforeRecovery: a host works on what a dead host had changed before the
	// journal of that is replayed. ocfs2 814ce694.
	GrantBeforeRecovery Mechanism = "lock granted before recovery"
	// ZombieWrite: a host that was silent goes on after another has taken over, and
	// nobody kept it from the disk. Veritas: "they can declare it dead even if the
	// system later returns and begins write operations".
	ZombieWrite Mechanism = "zombie write"
	// FenceLoss: the disk has forgotten who may write. dm-devel, January 2015:
	// "loss of all registrations upon a following power-loss".
	FenceLoss Mechanism = "fence loss"
	// FalseFencing: a host that is well is taken for dead, and fenced. VMware KB
	// 2113956.
	FalseFencing Mechanism = "false fencing"
	// StuckLock: an operation that has returned has left something behind that
	// another waits for. dlm b790c3b7, "stray granted lock".
	StuckLock Mechanism = "stuck lock"
	// EarlyFree: a file is freed with its last name while it is open.
	EarlyFree Mechanism = "freed while open"
	// LostFlush: what a sync, or what came to rest on it, had written was in the
	// disk's cache only when the power went.
	LostFlush Mechanism = "missing flush"
	// LateWriteback: a block was in a host's memory only when the host went, and what
	// was on the disk needed it. ocfs2 and gfs2(5), data=writeback.
	LateWriteback Mechanism = "missing write-back"
)

// Mechanisms lists them.
func Mechanisms() []Mechanism {
	return []Mechanism{LiveReplay, LateReplay, GrantBeforeRecovery, ZombieWrite, FenceLoss, FalseFencing,
		StuckLock, EarlyFree, LostFlush, LateWriteback}
}
