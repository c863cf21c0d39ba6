package model

import (
	"encoding/binary"
	"fmt"
)

// RecordKind says what a trace record is about.
type RecordKind uint8

// The record kinds.
const (
	NoRecord     RecordKind = iota
	StepStarted             // Step of Host begins
	StepEnded               // ... ends; Sum is a digest of its result
	BlockRead               // Host read Block at Version
	BlockWritten            // Host made Version of Block; see Record
	Flushed                 // Host flushed the disk
	Locked                  // Host holds cluster lock number Block
	Unlocked                // Host gave it up
	HoldStarted             // Step stopped at a hold
	HoldEnded               // ... went on because Until had ended
	HoldCut                 // ... went on because nothing else could run
	Attached                // Host has a new incarnation of its port, Version
	Crashed                 // Host lost its memory and its port
	PowerLost               // all did, and the disk its volatile cache
	WasReset                // the disk alone lost it
	Reverted                // ... so that Block is Version again, and version Base of it is gone
	Paused                  // Host stands still
	Resumed                 // Host goes on
	Parted                  // Host and Block (a host's number, or -1 for the disk) do not reach each other
	Healed                  // they do again
	PortCut                 // Host's port was cut: a fence
	Ticked                  // one tick passed on Host, or on all
	Struck                  // the next command of Host is hit by strike number Block
	Sent                    // Host sent a message to host Block; Sum is of its bytes
	Received                // Host received a message of host Block
	Lost                    // a message of Host to host Block was lost
	Reserved                // Host sent a reservation command; Block is its action, Version its result
	Compared                // Host's compare-and-write of Block did not match
	numRecords
)

var recordNames = [numRecords]string{"", "start", "end", "read", "write", "flush",
	"lock", "unlock", "held", "released", "released-early", "attach",
	"crash", "power-loss", "disk-reset", "reverted", "pause", "resume", "part", "heal", "cut", "tick", "strike",
	"send", "receive", "lost", "reserve", "mismatch"}

// String is the name used in printed traces.
func (k RecordKind) String() string {
	if k < numRecords {
		return recordNames[k]
	}
	return ""
}

// Record is one fixed-size line of a trace.
//
// For BlockWritten it is the provenance of a block: Host made Version of Block
// for Step; what it wrote was built on Base, the version that it had last read
// or written (-1: none, in this incarnation of its port). It overwrote the
// version that the record before it of the same block made, or went back to:
// Version-1 unless a power loss came between. A Base below that is a write from a
// stale copy. Versions of a block count from 0, the formatted disk, and a number
// is never used for two contents.
type Record struct {
	Time    int32
	Step    int16 // 0: the closing observation
	Host    Host
	Kind    RecordKind
	Block   int32
	Version int32
	Base    int32
	Sum     uint32 // CRC-32C of the block's bytes, or of the result
}

// RecordSize is the number of bytes AppendBinary adds.
const RecordSize = 24

// AppendBinary appends the record in its fixed form, for digests.
func (r Record) AppendBinary(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(r.Time))
	b = binary.LittleEndian.AppendUint16(b, uint16(r.Step))
	b = append(b, byte(r.Host), byte(r.Kind))
	b = binary.LittleEndian.AppendUint32(b, uint32(r.Block))
	b = binary.LittleEndian.AppendUint32(b, uint32(r.Version))
	b = binary.LittleEndian.AppendUint32(b, uint32(r.Base))
	return binary.LittleEndian.AppendUint32(b, r.Sum)
}

// String is the record as one line of fixed columns.
func (r Record) String() string {
	line := fmt.Sprintf("%5d %3d %-5v %-14v", r.Time, r.Step, r.Host, r.Kind)
	switch r.Kind {
	case BlockRead:
		return line + fmt.Sprintf(" block %d version %d %08x", r.Block, r.Version, r.Sum)
	case BlockWritten:
		return line + fmt.Sprintf(" block %d version %d from %d %08x", r.Block, r.Version, r.Base, r.Sum)
	case Reverted:
		return line + fmt.Sprintf(" block %d to version %d from %d %08x", r.Block, r.Version, r.Base, r.Sum)
	case Locked, Unlocked:
		return line + fmt.Sprintf(" lock %d", r.Block)
	case Parted, Healed:
		if r.Block < 0 {
			return line + " disk"
		}
		return line + " " + Host(r.Block).String()
	case Struck, Compared:
		return line + fmt.Sprintf(" %d", r.Block)
	case Sent, Received, Lost:
		return line + fmt.Sprintf(" %v %08x", Host(r.Block), r.Sum)
	case Reserved:
		return line + fmt.Sprintf(" %d: %d", r.Block, r.Version)
	case Attached:
		return line + fmt.Sprintf(" incarnation %d", r.Version)
	case StepEnded:
		return line + fmt.Sprintf(" %08x", r.Sum)
	}
	return line
}
