package model

import "fmt"

// StrikeKind is what happens to one command or message.
type StrikeKind uint8

// What a strike does. Fail and FailOn are a disk that says so, LoseWrite and
// Misdirect one that lies, the others are the network.
const (
	NoStrike  StrikeKind = iota
	Fail                 // the command does nothing and answers an I/O error
	FailOn               // ... and so does each later one of its kind by that host, until it attaches anew
	LoseWrite            // the write does nothing and reports success
	Misdirect            // the write lands in block Arg and reports success
	Drop                 // the message is lost
	Double               // the message comes twice
	Delay                // the message comes when step Arg has ended
	numStrikes
)

var strikeNames = [numStrikes]string{"", "fail", "fail-on", "lose", "misdirect", "drop", "double", "delay"}

// String is the name used in text.
func (k StrikeKind) String() string {
	if k < numStrikes {
		return strikeNames[k]
	}
	return ""
}

// ParseStrike is the inverse of [StrikeKind.String].
func ParseStrike(name string) (k StrikeKind, ok bool) {
	for k := Fail; k < numStrikes; k++ {
		if strikeNames[k] == name {
			return k, true
		}
	}
	return NoStrike, false
}

// TakesArg reports whether a strike of kind k has an Arg.
func (k StrikeKind) TakesArg() bool { return k == Misdirect || k == Delay }

// Fault is the fault that a strike of kind k is.
func (k StrikeKind) Fault() Faults {
	switch k {
	case Fail, FailOn:
		return IOErrors
	case LoseWrite, Misdirect:
		return LyingDisk
	case Drop, Double, Delay:
		return LostMessages
	}
	return 0
}

// Strike is a fault of one command: of the N-th of kind At that is issued for
// step Step, by whichever host. It has the same address as a [Hold]; a step can
// have both, and several strikes.
type Strike struct {
	Step int
	At   CommandKind
	N    int // from 1
	Kind StrikeKind
	Arg  int
}

// String is the strike as a case file has it: "strike 3 at write#2 misdirect 17".
func (k Strike) String() string {
	text := fmt.Sprintf("strike %d at %v#%d %v", k.Step, k.At, k.N, k.Kind)
	if k.Kind.TakesArg() {
		text += fmt.Sprintf(" %d", k.Arg)
	}
	return text
}

func (k Strike) sameCommand(other Strike) bool {
	return k.Step == other.Step && k.At == other.At && k.N == other.N
}

// validate reports what is wrong with k in a program of so many steps.
func (k Strike) validate(steps int) error {
	onWrite := k.At == WriteCommand || k.At == CompareCommand
	switch {
	case k.Step < 1 || k.Step > steps:
		return fmt.Errorf("strike of step %d of %d", k.Step, steps)
	case k.At == NoCommand || k.At >= numCommands || k.N < 1:
		return fmt.Errorf("strike of step %d at no known command", k.Step)
	case k.Kind == NoStrike || k.Kind >= numStrikes:
		return fmt.Errorf("strike of step %d of no known kind", k.Step)
	case k.Kind.Fault() == LostMessages && k.At != SendCommand,
		k.Kind.Fault() == IOErrors && (k.At == SendCommand || k.At == LockCommand),
		k.Kind.Fault() == LyingDisk && !onWrite:
		return fmt.Errorf("strike of step %d: %v of a %v", k.Step, k.Kind, k.At)
	case !k.Kind.TakesArg() && k.Arg != 0 || k.Arg < 0:
		return fmt.Errorf("strike of step %d: %v %d", k.Step, k.Kind, k.Arg)
	case k.Kind == Delay && (k.Arg <= k.Step || k.Arg > steps):
		return fmt.Errorf("strike of step %d: delay until %d; want a later step up to %d", k.Step, k.Arg, steps)
	}
	return nil
}
