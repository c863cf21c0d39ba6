package model

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// PublishRule says when a change must have taken effect for others. A later rule
// leaves wider windows.
type PublishRule uint8

// The publish rules.
const (
	// PublishReturn: at its own return.
	PublishReturn PublishRule = iota
	// PublishClose: a change of names at its own return. A change of a file's words
	// or size at the return of the first successful close of the handle that it was
	// made through, fsync of the file, sync or unmount that the same host called
	// after the change had returned; a change made through a path opens and closes
	// by itself, so at its own return.
	PublishClose
	// PublishSync: at the return of the first successful fsync of the file or name,
	// sync or unmount that the same host called after the change had returned.
	PublishSync
)

// RefreshRule says how old a view may be. A later rule leaves wider windows.
type RefreshRule uint8

// The refresh rules.
const (
	// RefreshCall: no older than the operation's call.
	RefreshCall RefreshRule = iota
	// RefreshOpen: of a file's words no older than the open of the handle (through a
	// path: than the call), of names, types, sizes and failures no older than
	// [Guarantee.Staleness] ticks before the call. Neither older than the host's last mount.
	RefreshOpen
	// RefreshMount: no older than the host's last mount.
	RefreshMount
)

// Durability says from when on a crash or power loss may not undo a change. It is
// an axis of its own and not a rung: the same rule holds on every rung.
type Durability uint8

// The durabilities.
const (
	DurableFsync  Durability = iota // an fsync of the file or name, a sync or an unmount covers it
	DurableClose                    // ... or a close of the handle it was made through, as NFS has it; names at return
	DurableReturn                   // every change, as it returns
)

// Guarantee is what a file system promises to those who share it. Two kinds
// exist. A rung of the ladder is a pair of fences, Publish and Refresh, around
// one order of effects. An axis (Axis true) is a promise beside the ladder that
// has a judge of its own: [Capacity], [Fsck], [Exclusion], [Progress].
//
// Each rung has wider windows, or judges less, than the one above it, so what
// is kept on one rung is kept on all below. The fields after FinalOnly make
// variants of a rung; their zero values are what the rungs below have.
type Guarantee struct {
	Name      string // "sync-to-mount": as flags, cases and reports have it; see [Guarantee.Named]
	Rule      string // one sentence for a reader
	Publish   PublishRule
	Refresh   RefreshRule
	Staleness int  // with RefreshOpen: how many ticks a view of names and attributes may be old
	FinalOnly bool // judge the final mount's observations, and that each acknowledged change could take effect
	Axis      bool

	Durable       Durability // what a crash may not undo
	Ordered       bool       // a crash undoes a host's changes of names as a suffix over all names, as a journal does; judged undivided
	StrictReaddir bool       // a readdir is one snapshot, and not one view for each name
	Except        KindSet    // operations whose results are not judged, since the design documents it (GFS2: append may overlap)
	_             struct{}
}

// The ladder, strongest first, then the axes. See docs/ARCHITECTURE.md for who
// keeps which.
var (
	Linearizable = Guarantee{Name: "linearizable",
		Rule: "every operation takes effect at one moment between its call and its return, for all hosts"}
	// CloseToOpen is what NFS clients have (nfs(5), "Close-to-open cache consistency").
	CloseToOpen = Guarantee{Name: "close-to-open", Publish: PublishClose, Refresh: RefreshOpen, Staleness: 2,
		Rule: "what was closed before a file is opened is read through that open; names and attributes may be some ticks old"}
	SyncToMount = Guarantee{Name: "sync-to-mount", Publish: PublishSync, Refresh: RefreshMount,
		Rule: "what was synced before a host mounted is seen by that host"}
	NothingLost = Guarantee{Name: "nothing-lost", Publish: PublishSync, Refresh: RefreshMount, FinalOnly: true,
		Rule: "every acknowledged change is there after all hosts have unmounted, unless a later change explains its absence"}

	Capacity = Guarantee{Name: "capacity", Axis: true,
		Rule: "the disk never holds more than its size, and is never full without a reason"}
	Fsck = Guarantee{Name: "fsck", Axis: true,
		Rule: "after all hosts have unmounted, the structure on the disk is sound"}
	Exclusion = Guarantee{Name: "exclusion", Axis: true,
		Rule: "no two open files have advisory locks that exclude each other, and none is refused without a lock in its way"}
	Progress = Guarantee{Name: "progress", Axis: true,
		Rule: "every operation returns, and none fails for a reason the caller cannot have caused"}
)

// Guarantees lists all of them, rungs first, strongest first.
func Guarantees() []Guarantee {
	return []Guarantee{Linearizable, CloseToOpen, SyncToMount, NothingLost, Capacity, Fsck, Exclusion, Progress}
}

// Axes lists the guarantees that are judged whatever rung is asked for.
func Axes() []Guarantee { return []Guarantee{Capacity, Fsck, Exclusion, Progress} }

// Compare orders guarantees as judges want them: a rung or variant before those
// that it implies, then the axes in their own order. It is 0 only for guarantees
// that promise the same.
func (g Guarantee) Compare(h Guarantee) int {
	last := func(b bool) int {
		if b {
			return 1
		}
		return 0
	}
	axis := func(g Guarantee) int {
		return slices.IndexFunc(Axes(), func(a Guarantee) bool { return a.Name == g.Name })
	}
	if g.Axis && h.Axis {
		return cmp.Compare(axis(g), axis(h))
	}
	return cmp.Or(
		cmp.Compare(last(g.Axis), last(h.Axis)),
		cmp.Compare(g.Publish, h.Publish),
		cmp.Compare(g.Refresh, h.Refresh),
		cmp.Compare(g.Staleness, h.Staleness),
		cmp.Compare(last(g.FinalOnly), last(h.FinalOnly)),
		cmp.Compare(h.Durable, g.Durable),
		cmp.Compare(last(h.Ordered), last(g.Ordered)),
		cmp.Compare(last(h.StrictReaddir), last(g.StrictReaddir)),
		cmp.Compare(g.Except, h.Except), // a subset is a smaller number
	)
}

// ErrGuarantee is wrapped by every error of [Guarantee.Validate].
var ErrGuarantee = errors.New("bad guarantee")

// Validate reports what of a guarantee built by hand has no meaning: a rule that
// is not known, a staleness below 0 or of a view that does not age, an axis that
// is not one of [Axes], an exception of no kind, for a change of names or for an
// event. A
// change that is excepted has to be an append: it then goes to an offset that its
// host has seen, and not to the end of the file (fs/gfs2/file.c, gfs2_file_write_iter).
func (g Guarantee) Validate() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s: %s", ErrGuarantee, g.Name, fmt.Sprintf(format, args...))
	}
	switch {
	case g.Name == "":
		return fmt.Errorf("%w: it has no name", ErrGuarantee)
	case g.Axis && !slices.ContainsFunc(Axes(), func(a Guarantee) bool { return a == g }):
		return bad("an axis is one of capacity, fsck, exclusion and progress")
	case g.Publish > PublishSync || g.Refresh > RefreshMount || g.Durable > DurableReturn:
		return bad("no such rule: publish %d, refresh %d, durable %d", g.Publish, g.Refresh, g.Durable)
	case g.Staleness < 0 || g.Staleness > 0 && g.Refresh != RefreshOpen:
		return bad("staleness %d; want 0 or more, and with refresh=open only", g.Staleness)
	case g.FinalOnly && g.Publish != PublishSync:
		return bad("what judges the final mount only publishes by sync")
	}
	if g.Except != SetOf(g.Except.Kinds()...) {
		return bad("an exception of no kind: set %#x", uint64(g.Except))
	}
	for _, k := range g.Except.Kinds() {
		if k.Event() || k.Changes() && k != Append {
			return bad("%v cannot be excepted; an operation that changes nothing can, and append", k)
		}
	}
	return nil
}
