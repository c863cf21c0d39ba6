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
	numRecords
)

var recordNames = [numRecords]string{"", "start", "end", "read", "write", "flush",
	"lock", "unlock", "held", "released", "released-early", "attach"}

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
// or written (-1: none, in this incarnation of its port); Version-1 is what it
// overwrote. So Base < Version-1 is a write from a stale copy. Versions of a
// block count from 0, the formatted disk.
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
	case Locked, Unlocked:
		return line + fmt.Sprintf(" lock %d", r.Block)
	case Attached:
		return line + fmt.Sprintf(" incarnation %d", r.Version)
	case StepEnded:
		return line + fmt.Sprintf(" %08x", r.Sum)
	}
	return line
}
