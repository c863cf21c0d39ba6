package dlm

import "fmt"

// Mode is what a lock allows its holder, and what it leaves to others. The six
// are those of the VMS lock manager, which fs/dlm and o2dlm took over.
type Mode uint8

// The modes, weakest first. CW and PR are neither above nor below each other.
const (
	None Mode = iota // no lock at all
	NL               // null: nothing, but it keeps the lock value block alive
	CR               // concurrent read: read beside writers
	CW               // concurrent write: read and write beside writers
	PR               // protected read: read, and nobody writes
	PW               // protected write: write, and nobody else does
	EX               // exclusive: nobody else reads or writes
	numModes
)

var modeNames = [numModes]string{"none", "NL", "CR", "CW", "PR", "PW", "EX"}

// String is "PR", or "none".
func (m Mode) String() string {
	if m < numModes {
		return modeNames[m]
	}
	return fmt.Sprintf("mode %d", uint8(m))
}

// valid reports whether m can be asked for.
func (m Mode) valid() bool { return m > None && m < numModes }

// compatible is, for each mode, the set of modes that others may have beside it:
// the matrix of the VMS lock manager (Linux fs/dlm/lock.c, __dlm_compat_matrix).
var compatible = [numModes]modeSet{
	None: setOf(None, NL, CR, CW, PR, PW, EX),
	NL:   setOf(None, NL, CR, CW, PR, PW, EX),
	CR:   setOf(None, NL, CR, CW, PR, PW),
	CW:   setOf(None, NL, CR, CW),
	PR:   setOf(None, NL, CR, PR),
	PW:   setOf(None, NL, CR),
	EX:   setOf(None, NL),
}

type modeSet uint8

func setOf(modes ...Mode) (s modeSet) {
	for _, m := range modes {
		s |= 1 << m
	}
	return s
}

// Compatible reports whether two hosts may have these modes at once.
func (m Mode) Compatible(other Mode) bool { return compatible[m]&(1<<other) != 0 }

// Covers reports whether who has m may do all that other allows.
func (m Mode) Covers(other Mode) bool { return meet(m, other) == other }

// meet is the strongest mode that neither a nor b is weaker than. During a
// conversion a holder can count on no more: PR and CW meet in CR.
func meet(a, b Mode) Mode {
	if a == CW && b == PR || a == PR && b == CW {
		return CR
	}
	return min(a, b)
}

// Below is the strongest mode that m covers and that can be beside other: what a
// holder converts to when it blocks somebody.
func (m Mode) Below(other Mode) Mode {
	for low := m; low > None; low-- {
		if m.Covers(low) && low.Compatible(other) {
			return low
		}
	}
	return None
}

// transfer is what a grant does with the lock value block.
type transfer uint8

const (
	leaveValue transfer = iota
	readValue           // the holder gets it
	writeValue          // the resource gets the holder's, if he gives one
)

// transferOf is the rule for a change from one mode to another (Linux
// fs/dlm/lock.c, dlm_lvb_operations): who goes up reads, who comes down from PW
// or EX writes.
func transferOf(from, to Mode) transfer {
	switch {
	case from >= PW && to <= from:
		return writeValue
	case from <= to:
		return readValue
	}
	return leaveValue
}
