package model

import "fmt"

// Outcome is the judge's answer. Inconclusive is never Held.
type Outcome uint8

// The three answers.
const (
	Held Outcome = iota
	Violated
	Inconclusive // a limit was reached before an answer
)

// String is "held", "violated" or "inconclusive".
func (o Outcome) String() string {
	return [...]string{"held", "violated", "inconclusive"}[o%3]
}

// ParseOutcome is the inverse of [Outcome.String].
func ParseOutcome(name string) (Outcome, error) {
	for _, o := range []Outcome{Held, Violated, Inconclusive} {
		if o.String() == name {
			return o, nil
		}
	}
	return Held, fmt.Errorf("unknown outcome %q\nhint: one of held violated inconclusive", name)
}

// Anomaly names what happened in the field's words.
type Anomaly string

// The vocabulary, with where the words come from.
const (
	NoAnomaly         Anomaly = ""
	LostFile          Anomaly = "lost file"           // an acknowledged name is gone for good (CrashMonkey's "file lost")
	InvisibleFile     Anomaly = "invisible file"      // the name is on the disk, this host does not see it: a stale negative dentry (nfs(5) lookupcache)
	PhantomFile       Anomaly = "phantom file"        // this host sees a name that is gone: a stale positive dentry
	ResurrectedFile   Anomaly = "resurrected file"    // a removed name came back (scoutfs 99a1cc70)
	StaleRead         Anomaly = "stale read"          // a read or stat returned what a completed change had replaced
	LostUpdate        Anomaly = "lost update"         // an acknowledged write is gone for good (ocfs2 814ce694)
	TornWrite         Anomaly = "torn write"          // part of one write survived
	CrossLinked       Anomaly = "cross-linked block"  // one block belongs to two files: one's bytes in the other (e2fsck: multiply-claimed)
	StaleDataExposure Anomaly = "stale-data exposure" // bytes that nobody wrote there (ocfs2 5693486b)
	DoubleFree        Anomaly = "double free"         // a block in use is marked free
	LeakedSpace       Anomaly = "leaked space"        // a block or inode marked in use belongs to nothing
	CapacityOvercmt   Anomaly = "capacity overcommit" // more was acknowledged than the disk can hold
	SpuriousError     Anomaly = "spurious error"      // an error that no order of the operations explains
	SplitBrain        Anomaly = "split-brain write"   // two hosts both did what only one may
	StructureDamage   Anomaly = "structure damage"    // fsck finds what none of the above describes
	NoProgress        Anomaly = "no progress"         // an operation never returned
	DoubleGrant       Anomaly = "lock granted twice"  // two open files have locks that exclude each other (fs/dlm b790c3b7: "stray granted lock")
	StuckLock         Anomaly = "stuck lock"          // a lock is refused that nobody has (scoutfs e1491297: a lock that is granted to nobody alive)

	// DurabilityViolation: a change that an fsync, sync or unmount covers is gone
	// after a crash or power loss (CrashMonkey's "persisted data lost").
	DurabilityViolation Anomaly = "durability violation"
)

// Anomalies lists the vocabulary; a [DefectKind]'s name can stand in a verdict
// too.
func Anomalies() []Anomaly {
	all := []Anomaly{LostFile, InvisibleFile, PhantomFile, ResurrectedFile, StaleRead, LostUpdate,
		TornWrite, CrossLinked, StaleDataExposure, DoubleFree, LeakedSpace, CapacityOvercmt,
		SpuriousError, SplitBrain, StructureDamage, NoProgress, DoubleGrant, StuckLock, DurabilityViolation}
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

// Verdict is the answer for one guarantee on one run.
type Verdict struct {
	Guarantee string
	Outcome   Outcome
	Anomaly   Anomaly   // set when violated
	Proof     [2]string // "X before Y, because ...", "however Y before X, because ...: a contradiction"
	Observed  string    // the result that no allowed order gives
	Allowed   []string  // what would have been allowed there
	Steps     []int     // the steps that the proof speaks of
	Path      Path      // the name it is about, or empty
	Limit     string    // why the judge stopped, when inconclusive
}

// Same reports whether v is the same finding as w: the guarantee, the outcome
// and the anomaly. It is what a minimiser must preserve.
func (v Verdict) Same(w Verdict) bool {
	return v.Guarantee == w.Guarantee && v.Outcome == w.Outcome && v.Anomaly == w.Anomaly
}

// Judge turns a Run into one Verdict for each guarantee it was made for, in a
// fixed order. It is deterministic and keeps nothing of the Run. A Judge may
// keep scratch memory and is then not safe for concurrent use.
type Judge func(Run) []Verdict
