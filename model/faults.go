package model

// Faults is a set of faults under which a design keeps its guarantee. No fault
// can be injected yet: remount, reboot and writeback are ordinary life, not
// faults. So the only value is the empty set.
type Faults uint32

// String lists the faults, or is "none".
func (f Faults) String() string { return "none" }
