package model

import (
	"fmt"
	"strings"
)

// Faults is a set of faults under which a design keeps its guarantee. Remount,
// reboot, writeback and tick are ordinary life, not faults.
type Faults uint32

// The faults. A hunt draws only those that its design survives.
const (
	Crashes        Faults = 1 << iota // a host loses its memory
	PowerLosses                       // every host does, and the disk its volatile cache
	DiskResets                        // the disk alone loses power
	Pauses                            // a host stands still and later goes on: the zombie
	Partitions                        // messages between hosts are lost for a while
	DiskPartitions                    // one host's disk commands fail for a while
	Fences                            // a host's port is cut from outside
	IOErrors                          // a disk command fails
	LostMessages                      // a message is lost, doubled or late
	SkewedClocks                      // time passes on one host and not on the others
	LyingDisk                         // a write is lost or lands elsewhere, and reports success

	allFaults = 1<<iota - 1
)

var faultNames = [...]string{"crash", "power-loss", "disk-reset", "pause", "partition", "partition-disk", "fence",
	"io-error", "messages", "clocks", "lying-disk"}

// Has reports whether every fault of g is in f.
func (f Faults) Has(g Faults) bool { return f&g == g }

// String lists the faults, or is "none".
func (f Faults) String() string {
	if f&allFaults == 0 {
		return "none"
	}
	var names []string
	for i, n := range faultNames {
		if f&(1<<i) != 0 {
			names = append(names, n)
		}
	}
	return strings.Join(names, ",")
}

// ParseFaults is the inverse of [Faults.String]; "all" is every fault but the
// disk that lies.
func ParseFaults(text string) (f Faults, err error) {
	switch text {
	case "none", "":
		return 0, nil
	case "all":
		return allFaults &^ LyingDisk, nil
	}
next:
	for _, name := range strings.Split(text, ",") {
		for i, n := range faultNames {
			if n == name {
				f |= 1 << i
				continue next
			}
		}
		return 0, fmt.Errorf("unknown fault %q\nhint: none, all, or a list of %s", name, strings.Join(faultNames[:], ","))
	}
	return f, nil
}
