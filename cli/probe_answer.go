package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/doublemount/doublemount/lab/agent"
	"github.com/doublemount/doublemount/lab/identity"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/reports"
)

// What a probe can come to. Each has one sentence.
const (
	classTwice        = "mounted-twice" // one disk, and mounts that know nothing of each other
	classSeparate     = "separate"      // two file systems
	classLinearizable = "linearizable"
	classCloseToOpen  = "close-to-open"
	classWeaker       = "weaker"  // than close-to-open
	classUnknown      = "unknown" // it cannot be told
)

// conclusion is what a probe came to. In JSON fields are only added.
type conclusion struct {
	Class     string   `json:"class"`
	Answer    string   `json:"answer"`                   // the sentence
	Shared    *bool    `json:"shared"`                   // null: it cannot be told
	Guarantee string   `json:"guarantee"`                // the strongest that was kept, appends aside; empty: none, or not known
	Appends   string   `json:"appends,omitempty"`        // how appends broke it
	Flock     string   `json:"flock,omitempty"`          // "exclude each other", or how not
	Ranges    string   `json:"ranges,omitempty"`         // the same of fcntl(2)
	Turns     string   `json:"in_turns,omitempty"`       // "every hand-over was seen", or how not
	Hung      string   `json:"never_returned,omitempty"` // an operation
	Stale     *float64 `json:"stale_seconds,omitempty"`  // for how long something was wrong; -1: all the time
	Errors    string   `json:"errors,omitempty"`         // that no caller had caused
	code      int
}

// notSeen is the answer where a host did not see a directory.
func (p *probing) notSeen(n *agent.NotShared) conclusion {
	switch {
	case p.pair != nil:
		return p.pair.conclusion("; "+n.Sentence(), true)
	case !n.Proved:
		return conclusion{Class: classUnknown, code: exitWeak, Answer: fmt.Sprintf("cannot tell, because %s: they are two file systems, or %s's cache of directories is older than that (--visible 6m waits longer, --remount %s=COMMAND settles it)", n.Sentence(), n.Host, n.Host)}
	}
	a, b := p.root(n.Maker), p.root(n.Host)
	c := conclusion{Class: classSeparate, code: exitFound}
	switch identity.Compare(a.Identity, b.Identity) {
	case identity.One:
		c.Answer = fmt.Sprintf("two separate directories of one %s: %s", a.Type, n.Sentence())
	case identity.Apart:
		c.Answer = fmt.Sprintf("two separate file systems: %s; a %s with UUID %s and a %s with UUID %s", n.Sentence(), a.Type, a.UUID, b.Type, b.UUID)
	default: // of two servers, or of one
		c.Answer = "two separate directories: " + n.Sentence()
	}
	return c
}

// root is that of a host.
func (p *probing) root(host string) agent.Root {
	for _, r := range p.runner.Roots() {
		if r.Host == host {
			return r
		}
	}
	return agent.Root{}
}

// unknown is the answer where something was in the way, which is told as the host, what
// it was doing, the errno and what that means.
func (p *probing) unknown(err error) conclusion {
	c := conclusion{Class: classUnknown, code: exitWeak}
	var why string
	unusable, ok := errors.AsType[*agent.Unusable](err)
	unseen, _ := errors.AsType[*agent.NotShared](err)
	switch {
	case ok:
		if why = inTheWay(unusable); unusable.Stuck {
			c.Hung, c.code = unusable.Host+": "+unusable.Doing, exitFound
		}
	case errors.Is(err, context.Canceled):
		why = "it was interrupted"
	case unseen != nil:
		return p.notSeen(unseen)
	default:
		why, _, _ = strings.Cut(err.Error(), "\n")
		if !ok {
			c.code = exitHarness // an agent or a command failed
		}
	}
	c.Answer = "cannot tell, because " + why
	return c
}

// inTheWay is what kept a host from something: "B cannot make a directory: EROFS, the
// file system is mounted read-only (...)".
func inTheWay(e *agent.Unusable) string {
	if e.Errno == model.OK {
		return fmt.Sprintf("%s cannot %s: %s", e.Host, e.Doing, e.Text)
	}
	return fmt.Sprintf("%s cannot %s: %v, %s (%s)", e.Host, e.Doing, e.Errno, e.Errno.Meaning(), e.Text)
}

// conclude says in one sentence what was kept. A failure is why the probe ended
// early.
func (p *probing) conclude(failure error) conclusion {
	over := thousands(p.operations) + " operations"
	strongest := slices.IndexFunc(p.base.broken[:len(p.rungs)], func(b *breach) bool { return b == nil })
	closeToOpen := p.rank(model.CloseToOpen.Name)
	weaker := p.base.broken[closeToOpen]
	if failure != nil && weaker == nil && p.hung == "" {
		c := p.unknown(failure)
		if p.operations > 0 {
			c.Answer += fmt.Sprintf(" (after %s)", over)
		}
		return c
	}
	c := conclusion{Hung: p.hung}
	switch {
	case p.pair != nil && weaker != nil:
		c = p.pair.conclusion(fmt.Sprintf("; %s: %s", weaker.verdict.Anomaly, weaker.why()), true)
	case weaker != nil:
		c.Class, c.code = classWeaker, exitFound
		c.Answer = fmt.Sprintf("shared, but weaker than close-to-open: %s: %s%s%s", weaker.verdict.Anomaly, weaker.why(), p.staleness(&c), p.afterRemount())
	case p.base.undecided > 0:
		c.Class, c.code = classUnknown, exitWeak
		c.Answer = fmt.Sprintf("cannot tell, because the judge reached its limit in %d runs", p.base.undecided)
	case p.never(model.Create)+p.never(model.Write)+p.never(model.Read) != "":
		c.Class, c.code = classUnknown, exitWeak
		c.Answer = "cannot tell, because this never succeeded: " + strings.TrimSpace(p.never(model.Create)+" "+p.never(model.Write)+" "+p.never(model.Read))
	case p.operations == 0:
		c.Class, c.code = classUnknown, exitWeak
		c.Answer = "cannot tell, because no operation was carried out"
	case strongest == 0:
		c.Class, c.Answer = classLinearizable, "shared and linearizable over "+over
	default:
		b := p.base.broken[strongest-1]
		c.Class = classCloseToOpen
		c.Answer = fmt.Sprintf("shared, close-to-open and nothing stronger: %s does not hold (%s), over %s", b.guarantee.Name, b.verdict.Anomaly, over)
	}
	if c.Class != classUnknown && c.Class != classTwice {
		if strongest >= 0 && (weaker == nil || strongest > closeToOpen) {
			c.Guarantee = p.rungs[strongest].Name
		}
	}
	p.beside(&c, strongest)
	if i := slices.IndexFunc(p.judged, func(g model.Guarantee) bool { return g.Name == string(p.verb.Guarantee) }); i >= 0 {
		p.verb.kept = p.base.broken[i] == nil && p.appends.broken[i] == nil
		if !p.verb.kept && c.code == exitClean {
			c.code = exitFound
		}
	}
	if failure != nil {
		c.Answer += "; it ended early: " + short(failure)
		if errors.Is(failure, agent.ErrLost) {
			c.code = exitHarness
		}
	}
	if p.hung != "" {
		c.Answer = "an operation never returned, " + p.hung + "; " + c.Answer
		if c.code != exitHarness {
			c.code = exitFound
		}
	}
	return c
}

// short is an error without its hints, and an interrupt by its name.
func short(err error) string {
	if errors.Is(err, context.Canceled) {
		return errInterrupted.Error()
	}
	why, _, _ := strings.Cut(err.Error(), "\n")
	return why
}

// staleness says how long it stayed wrong.
func (p *probing) staleness(c *conclusion) string {
	if p.staleFor == 0 || p.staleFor < 0 && p.staleLimit < time.Second { // too short to say anything
		return ""
	}
	seconds := p.staleFor.Seconds()
	c.Stale = &seconds
	if p.staleFor < 0 {
		*c.Stale = -1
		return fmt.Sprintf("; still wrong after %v", p.staleLimit.Round(time.Second))
	}
	return fmt.Sprintf("; right again after %.1f s", seconds)
}

// afterRemount says what a remount mends.
func (p *probing) afterRemount() string {
	i := p.rank(model.SyncToMount.Name)
	if i == len(p.rungs) {
		return ""
	}
	if b := p.base.broken[i]; b != nil {
		return fmt.Sprintf("; not even a remount mends it, %s does not hold (%s)", b.guarantee.Name, b.verdict.Anomaly)
	}
	if p.remounted < 2 { // each way once
		return ""
	}
	return "; after a remount all that was synced was seen"
}

// beside adds what is said beside the rung: appends, locks, turns, errors.
func (p *probing) beside(c *conclusion, strongest int) {
	if strongest < 0 {
		strongest = len(p.rungs)
	}
	for i := len(p.rungs) - 1; i >= strongest; i-- {
		if b := p.appends.broken[i]; b != nil {
			c.Appends = fmt.Sprintf("%s (%s): %s", b.verdict.Anomaly, b.guarantee.Name, b.why())
			c.Answer += "; but appends of two hosts: " + c.Appends
			break
		}
	}
	for kind, into := range []*string{flock: &c.Flock, ranges: &c.Ranges} {
		switch b := p.locks[kind]; {
		case b != nil:
			*into = fmt.Sprintf("%s: %s", b.verdict.Anomaly, b.why())
			c.Answer += fmt.Sprintf("; but locks by %s: %s", lockNames[kind], *into)
		case p.locked[kind] == excluded:
			*into = "exclude each other"
		}
	}
	switch {
	case p.turns.Guarantee == "":
	case p.turns.Outcome == model.Held:
		c.Turns = "every hand-over was seen"
		c.Answer += "; in turns, by a sync and a remount on the other side: " + c.Turns
	case p.turns.Outcome == model.Violated:
		c.Turns = string(p.turns.Anomaly) + ": " + (&breach{verdict: p.turns}).why()
		c.Answer += "; not even in turns, by a sync and a remount on the other side: " + c.Turns
	}
	for _, r := range p.runner.Roots() {
		if r.Reader && (c.Class == classLinearizable || c.Class == classCloseToOpen || c.Class == classWeaker) {
			c.Answer += fmt.Sprintf("; %s could only read", r.Host)
		}
	}
	var never []string
	for _, k := range (^model.KindSet(0)).Kinds() {
		if text := p.never(k); text != "" {
			never = append(never, text)
		}
	}
	if len(never) > 0 && c.Class != classUnknown {
		c.Answer += "; but this never succeeded: " + strings.Join(never, ", ")
	}
	i := len(p.rungs) // progress
	b := p.base.broken[i]
	if b == nil {
		b = p.appends.broken[i]
	}
	if b != nil && b.verdict.Anomaly != model.NoProgress {
		c.Errors = fmt.Sprintf("%s: %s", b.verdict.Anomaly, b.why())
		c.Answer += "; but errors that no caller had caused: " + c.Errors
	}
}

// probeReport is the JSON object that probe writes. Fields are only added.
type probeReport struct {
	Schema     int          `json:"schema"`
	Tool       string       `json:"tool"`
	Roots      []agent.Root `json:"roots"`
	Operations int          `json:"operations"`
	Probes     []probeRow   `json:"probes"`
	Cases      []string     `json:"cases"`
	conclusion
}

// end prints the answer.
func (p *probing) end(a *app, c conclusion) (int, error) {
	if c.Class != classUnknown {
		shared := c.Class != classTwice && c.Class != classSeparate
		c.Shared = &shared
	}
	p.verb.cases = p.cases
	var b bytes.Buffer
	if p.verb.Format == "json" {
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		r := probeReport{Schema: reports.Schema, Tool: version(), Roots: []agent.Root{}, Operations: p.operations, Probes: append([]probeRow{}, p.rows...),
			Cases: append([]string{}, p.cases...), conclusion: c}
		if p.runner != nil {
			r.Roots = p.runner.Roots()
		}
		if err := e.Encode(r); err != nil {
			return exitHarness, err
		}
	} else {
		if len(p.rows) > 0 {
			fmt.Fprintln(&b)
		}
		for _, file := range p.cases {
			fmt.Fprintf(&b, "case:   %s\n", printable(file))
		}
		if len(p.cases) > 0 {
			fmt.Fprintf(&b, "replay: %s replay %s%s\n\n", command(), p.verb.Real.again(), quoteArg(p.cases[0]))
		}
		fmt.Fprintln(&b, printable(c.Answer))
	}
	if _, err := a.stdout.Write(b.Bytes()); err != nil {
		return exitHarness, fmt.Errorf("write the answer: %w", err)
	}
	if p.unwritten != nil {
		return exitHarness, fmt.Errorf("write a case to %s: %w", quoteArg(p.verb.Out), p.unwritten)
	}
	return c.code, nil
}

// thousands is "2,000".
func thousands(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
