package model

import "fmt"

// PublishRule says when a change must have taken effect for others.
type PublishRule uint8

// PublishReturn: at its own return. PublishSync: at the return of the first
// successful fsync of the file or name, sync or unmount that the same host
// called after the change had returned.
const (
	PublishReturn PublishRule = iota
	PublishSync
)

// RefreshRule says how old a view may be.
type RefreshRule uint8

// RefreshCall: no older than the operation's call. RefreshMount: no older than
// the host's last mount.
const (
	RefreshCall RefreshRule = iota
	RefreshMount
)

// Guarantee is what a file system promises to those who share it. Two kinds
// exist. A rung of the ladder is a pair of fences, Publish and Refresh, around
// one order of effects. An axis (Axis true) is a promise beside the ladder that
// has a judge of its own: [Capacity], [Fsck], [Progress].
//
// Each rung has wider windows, or judges less, than the one above it, so what
// is kept on one rung is kept on all below.
type Guarantee struct {
	Name      string // "sync-to-mount": as flags, cases and reports have it
	Rule      string // one sentence for a reader
	Publish   PublishRule
	Refresh   RefreshRule
	FinalOnly bool // judge the final mount's observations, and that each acknowledged change could take effect
	Axis      bool
	_         struct{}
}

// The ladder, strongest first, then the axes. See docs/ARCHITECTURE.md for who
// keeps which.
var (
	Linearizable = Guarantee{Name: "linearizable",
		Rule: "every operation takes effect at one moment between its call and its return, for all hosts"}
	SyncToMount = Guarantee{Name: "sync-to-mount", Publish: PublishSync, Refresh: RefreshMount,
		Rule: "what was synced before a host mounted is seen by that host"}
	NothingLost = Guarantee{Name: "nothing-lost", Publish: PublishSync, Refresh: RefreshMount, FinalOnly: true,
		Rule: "every acknowledged change is there after all hosts have unmounted, unless a later change explains its absence"}

	Capacity = Guarantee{Name: "capacity", Axis: true,
		Rule: "the disk never holds more than its size, and is never full without a reason"}
	Fsck = Guarantee{Name: "fsck", Axis: true,
		Rule: "after all hosts have unmounted, the structure on the disk is sound"}
	Progress = Guarantee{Name: "progress", Axis: true,
		Rule: "every operation returns, and none fails for a reason the caller cannot have caused"}
)

// Guarantees lists all of them, rungs first, strongest first.
func Guarantees() []Guarantee {
	return []Guarantee{Linearizable, SyncToMount, NothingLost, Capacity, Fsck, Progress}
}

// Axes lists the guarantees that are judged whatever rung is asked for.
func Axes() []Guarantee { return []Guarantee{Capacity, Fsck, Progress} }

// ParseGuarantee finds a guarantee by its name.
func ParseGuarantee(name string) (Guarantee, error) {
	known := ""
	for _, g := range Guarantees() {
		if g.Name == name {
			return g, nil
		}
		known += " " + g.Name
	}
	return Guarantee{}, fmt.Errorf("unknown guarantee %q\nhint: one of%s", name, known)
}
