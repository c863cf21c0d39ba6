package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/doublemount/doublemount/corpus"
	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/lab/agent"
	"github.com/doublemount/doublemount/lab/mounts"
	"github.com/doublemount/doublemount/lab/place"
	"github.com/doublemount/doublemount/lab/script"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/reports"
)

// mountsFor is how long a probe and a hunt of shared mounts take that were given
// neither a number of runs nor a time; probeShare is the part of it that is the
// probe's, as of any other time.
const (
	mountsFor  = time.Minute
	probeShare = 4
)

// mountsMost is how many executions minimising one finding may take: each takes
// about a second, most of it remounts, and the hunt has to go on after it.
const mountsMost = 40

// mountLab is a lab of shared mounts at work: a probe, then a hunt.
type mountLab struct {
	verb   *labVerb
	system mounts.System
	lab    *mounts.Lab
	hosts  hostFlags
	heldTo []string // by the hunt: a rung, then axes
	result mounts.Result

	probe, hunt []byte               // what they printed, where it is JSON
	confirmed   map[confirmation]int // findings of the hunt, by what a script made of them
	probed      map[confirmation]int // cases of the probe
}

// runMounts starts a system, probes it, hunts on it, says what was seen, and
// removes it.
func (v *labVerb) runMounts(ctx context.Context, a *app, s mounts.System) (code int, err error) {
	m := mountLab{verb: v, system: s, confirmed: map[confirmation]int{}, probed: map[confirmation]int{}}
	if err := m.fill(); err != nil {
		return exitUsage, err
	}
	if v.Install {
		if err := s.Install(ctx); err != nil {
			return exitUsage, fmt.Errorf("--install: %w", err)
		}
	}
	lab, err := startMounts(ctx, s)
	if err != nil {
		return startFailed(err), err
	}
	defer func() { // after a panic, too
		if e := lab.Close(); e != nil {
			code, err = exitHarness, errors.Join(err, fmt.Errorf("undo: %w\nhint: %s lab clean tries again", e, a.name))
		}
	}()
	m.lab, m.hosts = lab, labHosts(s, lab.Cluster())
	m.hosts.Reruns = v.Reruns
	return m.run(ctx, a)
}

// fill puts in what depends on the system, and says what does not fit it.
func (m *mountLab) fill() error {
	v := m.verb
	switch {
	case v.Hosts != 0 && v.Hosts != 2:
		return fmt.Errorf("--hosts %d: %s is mounted on two", v.Hosts, m.system.Name)
	case v.Faults.named != 0:
		return fmt.Errorf("--faults: %v cannot happen to shared mounts of this machine", v.Faults.named)
	case v.Size != 0:
		return errors.New("--size is that of our own disk, and shared mounts have none")
	}
	held, err := model.ParseGuarantee(m.system.HeldTo())
	if err != nil {
		return err
	}
	if err := v.fill(m.system.Name, held, 0); err != nil {
		return err
	}
	if held, err = model.ParseGuarantee(string(v.Guarantee)); err != nil {
		return err
	}
	m.heldTo = guaranteeNames(held)
	if !m.system.Locks && held.Name != model.Exclusion.Name {
		m.heldTo = slices.DeleteFunc(m.heldTo, func(name string) bool { return name == model.Exclusion.Name })
	}
	if v.For == 0 && v.Runs == 0 {
		v.For = span(mountsFor)
	}
	return nil
}

// startMounts starts a system with this executable as its hosts' agents.
func startMounts(ctx context.Context, s mounts.System) (*mounts.Lab, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	lab, err := mounts.Start(ctx, s, self, "agent", "--root")
	if errors.Is(err, place.ErrNeeds) && strings.Contains(err.Error(), "apt-get") {
		err = fmt.Errorf("%w\nhint: %s lab %s --install does it on Debian", err, command(), s.Name)
	}
	return lab, err
}

// startFailed is the exit code where a lab could not be started.
func startFailed(err error) int {
	if errors.Is(err, place.ErrNeeds) {
		return exitUsage
	}
	return exitHarness
}

// labHosts is the hosts of a lab as flags have them. What is pasted into another
// command line is the name of the system: the hosts go with the lab.
func labHosts(s mounts.System, c agent.Cluster) hostFlags {
	f := hostFlags{System: s.Name}
	for i, m := range c.Members {
		f.Host = append(f.Host, hostCommand{model.Host(i), m.Command})
		f.Remount = append(f.Remount, hostCommand{model.Host(i), m.Remount})
	}
	return f
}

// run probes, hunts and reports.
func (m *mountLab) run(ctx context.Context, a *app) (int, error) {
	probed, err := m.runProbe(ctx, a)
	if err != nil {
		return probed, err
	}
	// The probe may have been in the middle of a remount when its time was up.
	if err := m.lab.Remount(ctx); err != nil {
		return exitHarness, fmt.Errorf("after the probe of %s: %w", m.system.Name, err)
	}
	hunted, err := m.runHunt(ctx, a)
	if err != nil {
		return hunted, err
	}
	if dir := m.verb.Record; dir != "" {
		if err := m.result.Write(dir); err != nil {
			return exitUsage, fmt.Errorf("--record: %w", err)
		}
	}
	if err := m.print(a); err != nil {
		return exitHarness, err
	}
	// What says that nothing can be relied on comes first, as in a hunt.
	for _, code := range []int{exitHarness, exitFound, exitWeak} {
		if probed == code || hunted == code {
			return code, nil
		}
	}
	return exitClean, nil
}

// output is where a part of the lab prints: what it prints is kept, too, and as
// JSON it is a part of the lab's own object.
func (m *mountLab) output(a *app, kept *bytes.Buffer) *app {
	part := *a
	if part.stdout = kept; m.verb.Format != "json" {
		part.stdout = io.MultiWriter(a.stdout, kept)
	}
	return &part
}

// runProbe probes the mounts for a part of the time.
func (m *mountLab) runProbe(ctx context.Context, a *app) (int, error) {
	v := probeVerb{Guarantee: m.verb.Guarantee, Seed: m.verb.Seed, For: m.verb.For / probeShare, Out: m.verb.Out, Format: m.verb.Format, Real: m.hosts}
	var kept bytes.Buffer
	code, err := v.run(ctx, m.output(a, &kept))
	if err != nil {
		return code, fmt.Errorf("probe of %s: %w", m.system.Name, err)
	}
	m.result.Probe = lastLine(kept.String())
	if v.Format == "json" {
		m.probe = kept.Bytes()
		var answer struct{ Answer string }
		if err := json.Unmarshal(m.probe, &answer); err != nil {
			return exitHarness, fmt.Errorf("answer of the probe: %w", err)
		}
		m.result.Probe = answer.Answer
	}
	m.confirmProbe(ctx, a, v.cases)
	if code == exitFound && v.kept {
		code = exitClean // weaker than close-to-open, and nobody had promised that
	}
	return code, nil
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// runHunt hunts for the rest of the time.
func (m *mountLab) runHunt(ctx context.Context, a *app) (code int, err error) {
	c, err := m.hosts.cluster(2)
	if err != nil {
		return exitHarness, err
	}
	r, err := m.hosts.open(ctx, a, c)
	if err != nil {
		return notOpened(err), fmt.Errorf("hunt on %s: %w", m.system.Name, err)
	}
	defer func() { m.hosts.leave(ctx, a, r, &code, &err) }()
	flags := m.verb.huntFlags
	flags.For -= flags.For / probeShare
	l := &live{runner: r, broken: r.Broken, replay: m.hosts.again(), reruns: m.hosts.reruns(), first: flags.First, limit: flags.limit(), most: mountsMost, order: job{
		Design: m.system.Name, Guarantees: m.heldTo, Hosts: 2, Faults: flags.Faults.drawn, Seed: flags.Seed, Runs: int(flags.Runs),
	}}
	l.stands = func(ctx context.Context, f fuzz.Finding) bool { return m.stands(ctx, a, l, f) }
	l.told = m.told
	var kept bytes.Buffer
	code, err = flags.hunt(ctx, m.output(a, &kept), l)
	m.hunt = kept.Bytes()
	return code, err
}

// told keeps what a hunt came to.
func (m *mountLab) told(r fuzz.Result, found []reports.Finding) {
	m.result.System, m.result.Packages = m.system.Name, m.system.Versions()
	m.result.HeldTo, m.result.Runs, m.result.Operations = m.heldTo, r.Runs, r.Operations
	m.result.Findings = []mounts.Seen{}
	for _, f := range found {
		m.result.Findings = append(m.result.Findings, mounts.Seen{
			Anomaly: string(f.Verdict.Anomaly), Guarantee: f.Guarantee.Name, CameBack: f.CameBack, Reruns: f.Reruns})
	}
}

// confirmation is what becomes of a finding when it is tried without this program.
type confirmation string

// The confirmations.
const (
	confirmed   confirmation = "confirmed by a shell script"
	notSeen     confirmation = "not seen by a shell script"
	notScripted confirmation = "cannot be scripted"

	failedScript confirmation = "could not be tried, since the script failed"
)

// confirm tries the case of a finding on the mounts of the lab by a shell script, which
// has nothing of this program in it.
func (m *mountLab) confirm(ctx context.Context, a *app, c corpus.Case) confirmation {
	f, err := findingOf(ctx, a, c)
	if err != nil {
		return notScripted
	}
	text, err := script.Directories(f)
	if err != nil {
		return notScripted
	}
	times := 3
	if len(c.Program.Holds) > 0 {
		times = 20 // where hosts meet is chance
	}
	code, err := m.lab.Script(ctx, text, c.Program.Hosts, times)
	switch {
	case err != nil:
		fmt.Fprintf(a.stderr, "%s: a script of a finding: %v\n", a.name, err)
		return failedScript
	case code == 1:
		return confirmed
	}
	return notSeen
}

// stands reports whether a finding may be told: a script has seen it, or there is none
// that could. It keeps what became of it.
func (m *mountLab) stands(ctx context.Context, a *app, l *live, f fuzz.Finding) bool {
	c := m.confirm(ctx, a, caseOf(l.order, f, l.seen(ctx, f)))
	m.confirmed[c]++
	return c != notSeen
}

// confirmProbe tries what the probe has written cases of.
func (m *mountLab) confirmProbe(ctx context.Context, a *app, files []string) {
	for _, file := range files {
		if c, err := corpus.ReadFile(file); err == nil {
			m.probed[m.confirm(ctx, a, c)]++
		}
	}
}

// mountReport is the JSON object that lab writes for shared mounts. Fields are
// only added.
type mountReport struct {
	Schema    int             `json:"schema"`
	Tool      string          `json:"tool"`
	System    string          `json:"system"`
	Guarantee string          `json:"guarantee"` // that it documents, or "none"
	Probe     json.RawMessage `json:"probe"`     // as probe writes it
	Hunt      json.RawMessage `json:"hunt"`      // as hunt writes it

	// By what a shell script made of them: the cases of the probe, the findings of the
	// hunt. Findings that no script saw are not among those of the hunt.
	ProbeCases   map[confirmation]int `json:"probe_cases"`
	HuntFindings map[confirmation]int `json:"hunt_findings"`
}

// print says what the system documents and what was seen.
func (m *mountLab) print(a *app) error {
	s := m.system
	if m.verb.Format == "json" {
		return writeJSON(a.stdout, mountReport{reports.Schema, version(), s.Name, s.Guarantee, m.probe, m.hunt, m.probed, m.confirmed})
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "\nsystem:    %s: %s\n", s.Name, s.StandsFor)
	fmt.Fprintf(&b, "documents: guarantee %s: %s\n           (%s)\n", s.Guarantee, s.Documents, s.Source)
	fmt.Fprintf(&b, "probe:     %s\n", printable(m.result.Probe))
	fmt.Fprintf(&b, "hunt:      held to %s: %d found in %s operations\n", strings.Join(m.heldTo, ", "), len(m.result.Findings), thousands(m.result.Operations))
	for _, c := range []confirmation{confirmed, notSeen, notScripted, failedScript} {
		if n := m.probed[c]; n > 0 {
			fmt.Fprintf(&b, "probe:     %d of its cases %s\n", n, c)
		}
		if n := m.confirmed[c]; n > 0 {
			fmt.Fprintf(&b, "hunt:      %d of its findings %s\n", n, c)
		}
	}
	if m.confirmed[notSeen] > 0 {
		fmt.Fprintln(&b, "           those that no script saw are not told as findings")
	}
	_, err := a.stdout.Write(b.Bytes())
	return err
}
