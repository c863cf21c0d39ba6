package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/lab/loop"
	"github.com/doublemount/doublemount/lab/mounts"
	"github.com/doublemount/doublemount/lab/place"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/reports"
)

// labVerb is "lab".
type labVerb struct {
	What    string   `arg:"" name:"system" help:"File system of this machine's kernel: ext4, ext4-nojournal, ext4-mmp, xfs, btrfs or ntfs; a shared mount: ${mounts}; or clean, to undo what a killed lab has left."`
	Size    diskSize `env:"DOUBLEMOUNT_SIZE" placeholder:"SIZE" help:"Size of the disk of a file system of the kernel, 1M to 64M in whole blocks of 4096 bytes (default: 64M)."`
	Install bool     `help:"Install the packages of a shared mount first, with apt-get."`
	Record  string   `placeholder:"DIR" help:"Write what was seen of a shared mount to DIR, as NAME.json."`
	Reruns  runCount `placeholder:"N" help:"How often a finding is run again, to say how often it comes back (default: 5)."`
	huntFlags
}

// Help is the long help, with an example.
func (labVerb) Help() string {
	return fmt.Sprintf(`Real file systems, mounted by several hosts on one disk of ours, which is served through FUSE to loop devices; or shared mounts, two of one share, with what serves them in a network namespace of its own. It needs Linux and root, and touches only images, loop devices and mount points that it made: no device or directory can be named. Everything is undone when it ends, and after kill -9 by the next run or by "lab clean".

Shared mounts are probed for a quarter of the time, then hunted on, held to the guarantee that their documentation has, or to nothing-lost where it has none.

A kernel is not deterministic: a finding is one that comes back in most reruns. Exit code: as of hunt; 2 also where this machine cannot run the lab.

Example, what two hosts that mount one ext4 lose:

    %[1]s lab ext4 --for 60s

Example, one host alone, with crashes:

    %[1]s lab xfs --hosts 1 --runs 500

Example, two mounts of one SFTP server:

    %[1]s lab sshfs --for 2m --install`, programName())
}

// run implements verb.
func (v *labVerb) run(ctx context.Context, a *app) (code int, err error) {
	if v.What == "clean" {
		return v.clean(a)
	}
	if s, err := mounts.Lookup(v.What); err == nil {
		return v.runMounts(ctx, a, s)
	}
	system, err := loop.Lookup(v.What)
	if err != nil {
		return exitUsage, fmt.Errorf("%w\nhint: or a shared mount: %s", err, strings.Join(mountNames(), " "))
	}
	if v.Install || v.Record != "" {
		return exitUsage, errors.New("--install and --record are for shared mounts")
	}
	if v.Size == 0 {
		v.Size = defaultSize
	}
	if err := v.fill(system.Name, system.Guarantee, system.Survives); err != nil {
		return exitUsage, err
	}
	runner, err := loop.New(ctx, system, loop.Options{Hosts: int(v.Hosts), Size: int64(v.Size)})
	if err != nil {
		return startFailed(err), err
	}
	defer func() { // after a panic, too
		if e := runner.Close(); e != nil {
			code, err = exitHarness, errors.Join(err, fmt.Errorf("undo: %w\nhint: %s lab clean tries again", e, a.name))
		}
	}()
	return v.hunt(ctx, a, system, runner)
}

// mountNames lists the shared mounts.
func mountNames() (names []string) {
	all, _ := mounts.Systems() // they are ours, and a test reads them
	for _, s := range all {
		names = append(names, s.Name)
	}
	return names
}

// clean undoes what labs have left.
func (v *labVerb) clean(a *app) (int, error) {
	cleaned, err := place.Clean()
	for _, dir := range cleaned {
		fmt.Fprintf(a.stdout, "undone:    what was mounted on, attached to and running in %s\n", dir)
	}
	switch {
	case errors.Is(err, place.ErrNeeds):
		return exitUsage, err
	case err != nil:
		return exitHarness, err
	case len(cleaned) == 0:
		fmt.Fprintln(a.stdout, "nothing to undo")
	}
	return exitClean, nil
}

// labMost is how many executions minimising one finding may take, and looking for
// its cause: each takes some fifty milliseconds.
const labMost = 150

// hunt looks for findings, and says what it found.
func (v *labVerb) hunt(ctx context.Context, a *app, system loop.System, runner *loop.Runner) (int, error) {
	g := guard{Runner: runner, refused: map[string]int{}}
	l := &live{runner: &g, reruns: v.reruns(), first: v.First, limit: v.limit(), most: labMost, replay: "--on " + system.Name + " ", order: job{
		Design: system.Name, Guarantees: v.judged(), Hosts: int(v.Hosts), Faults: v.Faults.drawn, Seed: v.Seed, Runs: int(v.Runs),
	}}
	l.explain = func(ctx context.Context, f fuzz.Finding) shown { return explainReal(ctx, l, runner, f) }
	code, err := v.huntFlags.hunt(ctx, a, l)
	if system.Exclusive && v.Format != "json" {
		fmt.Fprintf(a.stdout, "guard:     %v\n", &g)
	}
	return code, err
}

// reruns is Reruns, or its default.
func (v *labVerb) reruns() int {
	if v.Reruns == 0 {
		return 5
	}
	return int(v.Reruns)
}

// explainReal is a run of a finding and its cause, if that can be found with so
// many executions. What blocks are is asked after the last run, which is one of
// the same program.
func explainReal(ctx context.Context, l *live, runner *loop.Runner, f fuzz.Finding) shown {
	s := l.seen(ctx, f)
	judge, err := l.judge()
	if err != nil {
		return s
	}
	bounded, cancel := context.WithCancel(ctx)
	defer cancel()
	run, cause, err := checker.Explain(bounded, &counted{Runner: runner, left: labMost, spent: cancel}, judge, f.Program, f.Verdict)
	if err == nil {
		s.Run, s.Cause, s.Verdicts = run, cause, judge(run)
	}
	if last, err := runner.Run(ctx, f.Program); err == nil {
		s.Blocks = reports.BlocksOf(last, runner.Describe)
	}
	return s
}

// counted is a Runner that ends after some runs.
type counted struct {
	*loop.Runner
	left  int
	spent func()
}

// Run implements model.Runner.
func (c *counted) Run(ctx context.Context, p model.Program) (model.Run, error) {
	if c.left--; c.left < 0 {
		c.spent()
	}
	return c.Runner.Run(ctx, p)
}

// guard is a Runner that notes what mounts came to while another host had the
// disk.
type guard struct {
	*loop.Runner
	refused map[string]int // by what the system said
	doubled int            // mounts that succeeded
}

// Run implements model.Runner.
func (g *guard) Run(ctx context.Context, p model.Program) (model.Run, error) {
	run, err := g.Runner.Run(ctx, p)
	if err != nil {
		return run, err
	}
	for _, text := range g.Refusals() {
		g.refused[text]++
	}
	mounted := map[model.Host]bool{}
	for i := range run.History {
		switch op := &run.History[i]; {
		case op.Kind == model.Mount && op.Succeeded():
			if len(mounted) > 0 {
				g.doubled++
			}
			mounted[op.Host] = true
		case op.Kind == model.Unmount, op.Kind == model.Crash:
			delete(mounted, op.Host)
		case op.Kind == model.PowerLoss:
			clear(mounted)
		}
	}
	return run, nil
}

// String says whether the guard held.
func (g *guard) String() string {
	times := 0
	for _, n := range g.refused { // any order: it is a sum
		times += n
	}
	said := strings.Join(slices.Sorted(maps.Keys(g.refused)), "; ")
	switch {
	case g.doubled > 0:
		return fmt.Sprintf("failed: %d mounts succeeded while another host had the disk", g.doubled)
	case times == 0:
		return "not tried: no host mounted while another had the disk"
	}
	return fmt.Sprintf("held: all %d second mounts were refused (%s)", times, printable(said))
}

// diskSize is a number of bytes, as "64M", that a disk can have.
type diskSize int64

// defaultSize is that of a disk of which none was given.
const defaultSize = 64 << 20

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *diskSize) UnmarshalText(text []byte) error {
	number, unit := string(text), int64(1)
	for i, suffix := range "KMG" {
		if cut, ok := strings.CutSuffix(number, string(suffix)); ok {
			number, unit = cut, 1<<(10*(i+1))
		}
	}
	n, err := strconv.ParseInt(number, 10, 32)
	if err != nil || n < 1 {
		return fmt.Errorf("want a size such as 64M, not %q; a device is never taken", text)
	}
	if n *= unit; n < loop.MinSize || n > loop.MaxSize || n%4096 != 0 {
		return fmt.Errorf("want 1M to 64M in whole blocks of 4096 bytes, not %q", text)
	}
	*d = diskSize(n)
	return nil
}
