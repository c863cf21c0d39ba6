package fuzz

import (
	"fmt"
	"slices"

	"github.com/doublemount/doublemount/model"
)

// What a campaign must reach, in percent, once it is long enough to be asked.
const (
	judgedFrom         = 1000 // runs
	wantSucceeded      = 50
	wantCollided       = 30
	wantCollidedFaulty = 20 // with faults: what a crash took away is never written
	wantHeld           = 20
)

// Weak says what a campaign on a Runner with caps reached too little of, one
// sentence each; nil means that a campaign without findings is clean. Before
// 1,000 runs only one thing is weak: that no operation at all succeeded.
//
// What is asked for is what caps promises: each kind, and each fault that it
// Survives. Where the campaign drew fewer, give the caps that [Options.Within]
// makes of them.
func (c *Coverage) Weak(caps model.Capabilities) []string {
	if c.Succeeded == 0 {
		return []string{fmt.Sprintf("no operation succeeded in %d runs", c.Runs)}
	}
	if c.Runs < judgedFrom {
		return nil
	}
	caps = Options{}.Within(caps)
	var weak []string
	ask := func(what string, part, whole, want int) {
		if part*100 < whole*want {
			weak = append(weak, fmt.Sprintf("%s: %d of %d, that is %d %%; want %d %%", what, part, whole, part*100/whole, want))
		}
	}
	never := func(what string, n int) {
		if n == 0 {
			weak = append(weak, fmt.Sprintf("%s: never in %d runs", what, c.Runs))
		}
	}
	ask("operations that succeeded", c.Succeeded, c.Attempted, wantSucceeded)
	collided := wantCollided
	if caps.Survives != 0 {
		collided = wantCollidedFaulty
	}
	ask("runs in which two hosts wrote one block", c.Collided, c.Traced, collided)
	if caps.Holds || caps.Overlaps {
		ask("runs in which a hold fired", c.Overlapped, c.Shared, wantHeld)
	}
	for _, k := range caps.Kinds.Kinds() {
		if c.Answers.Succeeded(k) == 0 && faultsOf(k) == 0 {
			weak = append(weak, fmt.Sprintf("%v never succeeded in %d attempts", k, c.Answers.Of(k)))
		}
	}
	for i := range c.Faults {
		if fault := model.Faults(1 << i); caps.Survives.Has(fault) {
			never("fault "+fault.String(), c.Faults[i])
		}
	}
	if caps.Survives&(model.Crashes|model.PowerLosses) != 0 {
		never("crash with changes that no sync came after", c.CrashesUnsynced)
		if caps.Holds {
			never("crash in the middle of an operation", c.CrashesAmid)
		}
	}
	for _, instant := range caps.Instants {
		i := slices.IndexFunc(c.Marks, func(m model.Mark) bool { return m.Name == instant.Name })
		if i < 0 {
			never(instant.Name, 0)
		}
	}
	return weak
}
