package fuzz

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/doublemount/doublemount/model"
)

// faultKinds and strikeKinds are the sizes of tables over all single faults, by bit, and
// over all StrikeKinds.
const (
	faultKinds  = 11
	strikeKinds = int(model.Delay) + 1
)

// FaultCounts counts by fault: counts[i] is that of model.Faults(1<<i). In JSON
// it is an object by name, zeros left out.
type FaultCounts [faultKinds]int

// Of is the count of one fault.
func (f *FaultCounts) Of(fault model.Faults) int {
	for i, n := range f {
		if fault == 1<<i {
			return n
		}
	}
	return 0
}

// add counts each fault of a set once.
func (f *FaultCounts) add(set model.Faults) {
	for i := range f {
		if set.Has(1 << i) {
			f[i]++
		}
	}
}

// MarshalJSON writes {"crash": 2, ...}.
func (f FaultCounts) MarshalJSON() ([]byte, error) {
	return marshalCounts(f[:], func(i int) string { return model.Faults(1 << i).String() })
}

// UnmarshalJSON is the inverse of MarshalJSON; an unknown name is an error.
func (f *FaultCounts) UnmarshalJSON(text []byte) error {
	*f = FaultCounts{}
	return unmarshalCounts(text, "fault", f[:], func(i int) string { return model.Faults(1 << i).String() })
}

// StrikeCounts counts by model.StrikeKind. In JSON it is an object by name,
// zeros left out.
type StrikeCounts [strikeKinds]int

// MarshalJSON writes {"fail": 2, ...}.
func (s StrikeCounts) MarshalJSON() ([]byte, error) {
	return marshalCounts(s[:], func(i int) string { return model.StrikeKind(i).String() })
}

// UnmarshalJSON is the inverse of MarshalJSON; an unknown name is an error.
func (s *StrikeCounts) UnmarshalJSON(text []byte) error {
	*s = StrikeCounts{}
	return unmarshalCounts(text, "strike", s[:], func(i int) string { return model.StrikeKind(i).String() })
}

func marshalCounts(counts []int, name func(i int) string) ([]byte, error) {
	table := map[string]int{} // encoding/json sorts the keys
	for i, n := range counts {
		if n != 0 {
			table[name(i)] = n
		}
	}
	return json.Marshal(table)
}

func unmarshalCounts(text []byte, what string, counts []int, name func(i int) string) error {
	var table map[string]int
	if err := json.Unmarshal(text, &table); err != nil {
		return fmt.Errorf("%s counts: %w", what, err)
	}
	for i := range counts {
		if n, ok := table[name(i)]; ok && name(i) != "" {
			counts[i] = n
			delete(table, name(i))
		}
	}
	for unknown := range table { // any order: any one of them is the error
		return fmt.Errorf("%s counts: unknown %s %q", what, what, unknown)
	}
	return nil
}

// addMarks adds the counts of more to marks; both are sorted by name. Nothing of
// more is kept but its names.
func addMarks(marks, more []model.Mark) []model.Mark {
	i := 0
	for _, m := range more {
		for i < len(marks) && marks[i].Name < m.Name {
			i++
		}
		if i == len(marks) || marks[i].Name != m.Name {
			marks = slices.Insert(marks, i, model.Mark{Name: m.Name})
		}
		marks[i].Count += m.Count
	}
	return marks
}

// hostState is what a Counter knows of a host at a point of a run's history.
type hostState struct {
	pending  bool // an operation was called that never returned
	unsynced bool // it has changed something since its last sync or mount
}

// countFault counts what op is as a fault, and when it came.
func (c *Counter) countFault(op *model.Op) {
	if op.Skipped {
		return
	}
	if op.Kind == model.PowerLoss {
		for i := range c.hosts {
			c.countCrash(&c.hosts[i])
		}
	}
	if op.Kind != model.Resume && op.Kind != model.Heal {
		c.Faults.add(op.AsStep().Fault())
	}
	if int(op.Host) >= len(c.hosts) {
		return
	}
	switch h := &c.hosts[op.Host]; {
	case op.Kind == model.Crash:
		c.countCrash(h)
	case op.Pending():
		h.pending = true
	case op.Result.Errno != model.OK:
	case op.Kind.Changes():
		h.unsynced = true
	case op.Kind == model.Sync, op.Kind == model.Unmount:
		h.unsynced = false
	}
}

// countCrash counts what a crash met on a host, which then has nothing more.
func (c *Counter) countCrash(h *hostState) {
	if h.pending {
		c.CrashesAmid++
	}
	if h.unsynced {
		c.CrashesUnsynced++
	}
	*h = hostState{}
}

// countStrikes counts the commands that were hit, and power losses that had
// something to lose.
func (c *Counter) countStrikes(run *model.Run) {
	c.StrikesAsked += len(run.Program.Strikes)
	for i, k := range run.Program.Strikes {
		if i < len(run.Strikes) && run.Strikes[i] && int(k.Kind) < strikeKinds {
			c.Strikes[k.Kind]++
			c.Faults.add(k.Kind.Fault())
		}
	}
	unflushed := false
	for i := range run.Trace {
		switch r := &run.Trace[i]; {
		case r.Kind == model.BlockWritten && r.Host != model.Final:
			unflushed = true
		case r.Kind == model.Flushed:
			unflushed = false
		case r.Kind == model.PowerLost, r.Kind == model.WasReset:
			if unflushed {
				c.LossesUnflushed++
			}
			unflushed = false
		}
	}
}
