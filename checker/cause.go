package checker

import "github.com/doublemount/doublemount/model"

// Cause is the block write that brought a violation about.
//
// It is found by provenance (who wrote which version of a block from a copy of
// which version) and checked by intervention: the same Program is run again
// with the hosts made to hand the block over at one moment, and the cause
// stands (Verified) only if nothing is violated then.
type Cause struct {
	Text     string     // one sentence, or "cause not isolated"
	Kind     string     // "stale-write", "stale-copy", "overlap" or ""
	Step     int        // the step that issued the guilty write (or used the stale copy)
	Host     model.Host // the guilty host
	Block    int32
	Meaning  string     // what the block is: "directory block of /"
	Basis    int32      // the version that the guilty host's copy had
	Over     int32      // the version that it destroyed, or never saw
	Writer   model.Host // who had written that version
	WroteAt  int        // and at which step
	Verified bool

	Nearest model.Program // the nearest passing run; no steps when not Verified
	Change  string        // what it does otherwise: "had B re-read block 7 before step 6, ..."
}
