package fuzz

import (
	"slices"

	"github.com/doublemount/doublemount/model"
)

// Options say what a campaign does. The zero value is a campaign without end,
// with seed 0. Seed, Hosts, Steps and Faults decide what run number n is; the
// others only which runs are made and who is told.
type Options struct {
	Seed  uint64
	Hosts int // hosts of each Program; 0: drawn, 2 or 3. Never more than the Runner has
	Steps int // about the most steps a Program has, 4 to 200; 0: 16

	// Faults narrows the fault budget, which is what the Runner survives. 0: all
	// of that; [NoFaults]: none.
	Faults model.Faults

	Runs  int  // stop after this many run numbers, from 0; 0: no limit
	First bool // stop after the first batch that has a finding; on a Runner that is not deterministic, after the first run
	Limit int  // executions that minimising one finding may take; 0: 2000

	// Reruns is how often a finding is run again on a Runner that is not
	// deterministic, and how often a candidate of its minimiser is at most, which must
	// show it more often than not. 0: 5.
	Reruns int

	// Enough, if set, is asked before each run on a Runner that is not deterministic;
	// true ends the campaign. There a part of a batch is worth as much as a whole.
	Enough func() bool `json:"-"`

	// Skip holds run numbers to pass over: those known to hang.
	Skip map[int]bool

	// Progress, if set, is called before each execution, the minimiser's too,
	// with the run number it belongs to and the Program about to run, so that a
	// watchdog outside can say what hung. It must not change or keep p.
	Progress func(run int, p model.Program)
}

// NoFaults is a budget without any fault.
const NoFaults model.Faults = 1 << 31

const (
	minSteps     = 4
	maxSteps     = 200 // each step may be a write, and each write needs a number up to MaxData
	defaultSteps = 16
	defaultLimit = 2000

	defaultReruns = 5
)

func (o Options) reruns() int {
	if o.Reruns <= 0 {
		return defaultReruns
	}
	return o.Reruns
}

func (o Options) enough() bool { return o.Enough != nil && o.Enough() }

// steps is Steps with the default and the limits applied.
func (o Options) steps() int {
	if o.Steps <= 0 {
		return defaultSteps
	}
	return min(max(o.Steps, minSteps), maxSteps)
}

// Within is caps narrowed to what the campaign of o draws on such a Runner:
// Survives is the fault budget, Kinds the kinds that its Programs may have,
// Instants what can be reached with them.
func (o Options) Within(caps model.Capabilities) model.Capabilities {
	if o.Faults != 0 {
		caps.Survives &= o.Faults
	}
	var drawn model.KindSet
	for k := model.Create; int(k) < kinds; k++ {
		needs := faultsOf(k)
		if caps.Kinds.Has(k) && k != model.Refresh && (needs == 0 || needs&caps.Survives != 0) {
			drawn |= model.SetOf(k)
		}
	}
	caps.Kinds = drawn
	caps.Instants = slices.DeleteFunc(slices.Clone(caps.Instants), func(i model.Instant) bool { return !caps.Survives.Has(i.Needs) })
	return caps
}

func (o Options) progress(run int, p model.Program) {
	if o.Progress != nil {
		o.Progress(run, p)
	}
}

// Program is run number run of the campaign that o describes on a Runner with
// caps: what is printed, replayed or handed to a watchdog without running
// anything before it.
func (o Options) Program(caps model.Capabilities, run int) model.Program {
	return NewGenerator(caps, o).Generate(NewPCG(o.Seed, run))
}
