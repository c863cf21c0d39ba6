package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kballard/go-shellquote"

	"github.com/doublemount/doublemount/lab/agent"
	"github.com/doublemount/doublemount/model"
)

// hostFlags are the flags of every verb that runs on real hosts.
type hostFlags struct {
	Host    []hostCommand `sep:"none" placeholder:"A=COMMAND" help:"A real host: its letter, and the command whose standard input and output are those of its agent, such as A='ssh alice doublemount agent --root /mnt/shared'. Once for each host. The command is split into words as a shell splits it; no shell is asked."`
	Remount []hostCommand `sep:"none" placeholder:"A=COMMAND" help:"Command that takes the file system offline on a host and brings it back. Without it the host is never remounted."`
	Crash   []hostCommand `sep:"none" placeholder:"A=COMMAND" help:"Command after which a host has lost its memory, such as a reset of the machine. Without it the host never crashes."`
	Timeout span          `placeholder:"DURATION" help:"How long one operation on a real host may take; after that it has not returned (default: 10s)."`
	Visible span          `placeholder:"DURATION" help:"How long a new directory may take to be seen by the other hosts (default: 10s)."`
	Without families      `placeholder:"FAMILY" help:"Leave out operations: appends, directories, links, locks, renames, statfs, truncates, with commas between."`
	Anyway  bool          `name:"write-anyway" help:"Write although the hosts have one disk mounted twice without coordination. It damages the file system."`
	System  string        `kong:"-"` // of the lab, whose hosts these are; empty: they are somebody's
	Reruns  runCount      `placeholder:"N" help:"How often a finding on real hosts is run again, to say how often it comes back (default: 5)."`
}

// hostCommand is a host's letter and words.
type hostCommand struct {
	host  model.Host
	words []string
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *hostCommand) UnmarshalText(text []byte) error {
	letter, command, ok := strings.Cut(string(text), "=")
	if !ok || len(letter) != 1 || letter[0] < 'A' || letter[0] >= 'A'+model.MaxHosts {
		return fmt.Errorf("want a letter, A to %v, and a command, as in A='ssh alice doublemount agent --root /mnt/shared', not %q", model.Host(model.MaxHosts-1), text)
	}
	words, err := shellquote.Split(command)
	if err != nil {
		return fmt.Errorf("command of %s: %s in %q\nhint: the command is split into words as a shell splits it, so quotes in it come in pairs", letter, strings.ToLower(err.Error()), command)
	}
	if len(words) == 0 {
		return fmt.Errorf("command of %s is empty", letter)
	}
	c.host, c.words = model.Host(letter[0]-'A'), words
	return nil
}

// given reports whether there are real hosts.
func (f *hostFlags) given() bool { return len(f.Host) > 0 }

// unused is an error if a flag was given that says something only of real hosts,
// and there are none. On a file system of the lab, reruns mean something, too.
func (f *hostFlags) unused(lab bool) error {
	if f.given() {
		return nil
	}
	for _, flag := range []struct {
		name  string
		given bool
	}{
		{"--remount", len(f.Remount) > 0}, {"--crash", len(f.Crash) > 0},
		{"--timeout", f.Timeout > 0}, {"--visible", f.Visible > 0}, {"--reruns", f.Reruns > 0 && !lab},
		{"--without", f.Without.kinds != 0}, {"--write-anyway", f.Anyway},
	} {
		if flag.given {
			return fmt.Errorf("%s is for real hosts\nhint: name them with --host", flag.name)
		}
	}
	return nil
}

// cluster is the hosts as the flags have them.
func (f *hostFlags) cluster(least int) (agent.Cluster, error) {
	c := agent.Cluster{Timeout: time.Duration(f.Timeout), Visible: time.Duration(f.Visible), Without: f.Without.kinds, Members: make([]agent.Member, len(f.Host))}
	if err := f.unused(false); err != nil {
		return c, err
	}
	if len(f.Host) < least {
		return c, fmt.Errorf("%d hosts; want at least %d\nhint: --host A='ssh alice doublemount agent --root /mnt/shared', and so on for each host", len(f.Host), least)
	}
	put := func(flag string, commands []hostCommand, where func(*agent.Member) *[]string) error {
		for _, cmd := range commands {
			if int(cmd.host) >= len(c.Members) {
				return fmt.Errorf("%s %v: there are %d hosts, so letters go to %v", flag, cmd.host, len(c.Members), model.Host(len(c.Members)-1))
			}
			words := where(&c.Members[cmd.host])
			if *words != nil {
				return fmt.Errorf("%s %v was given twice", flag, cmd.host)
			}
			*words = cmd.words
		}
		return nil
	}
	return c, errors.Join(
		put("--host", f.Host, func(m *agent.Member) *[]string { return &m.Command }),
		put("--remount", f.Remount, func(m *agent.Member) *[]string { return &m.Remount }),
		put("--crash", f.Crash, func(m *agent.Member) *[]string { return &m.Crash }))
}

// open starts the agents, and makes sure that hosts can be written to: not if that
// damages what they share.
func (f *hostFlags) open(ctx context.Context, a *app, c agent.Cluster) (*agent.Runner, error) {
	r, err := agent.NewRunner(ctx, c)
	if err != nil {
		return nil, err
	}
	missing(a, c, true)
	if pair := twice(r.Roots()); pair != nil && pair.harmful() && !f.Anyway {
		err = fmt.Errorf("%w: %s; nothing was written\nhint: if it is one disk, writing damages it; --write-anyway writes all the same. lab ext4 shows what comes of that, on a disk of its own", errTwice, pair.sentence())
	} else {
		err = r.Open(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// notOpened is the exit code where hosts could not be opened.
func notOpened(err error) int {
	switch {
	case errors.Is(err, context.Canceled):
		return exitWeak
	case errors.Is(err, errTwice):
		return exitUsage
	}
	return exitHarness
}

var errTwice = errors.New("refused")

// missing says once what will not be generated.
func missing(a *app, c agent.Cluster, crashes bool) {
	without := func(flag string, words func(agent.Member) []string) {
		var hosts []string
		for i, m := range c.Members {
			if words(m) == nil {
				hosts = append(hosts, model.Host(i).String())
			}
		}
		if len(hosts) > 0 {
			fmt.Fprintf(a.stderr, "%s: no --%s for %s: none is tried there\n", a.name, flag, strings.Join(hosts, ", "))
		}
	}
	without("remount", func(m agent.Member) []string { return m.Remount })
	if crashes {
		without("crash", func(m agent.Member) []string { return m.Crash })
	}
}

// leave ends the agents. What was lost on the way, or is left, makes the answer one of
// the harness, whatever was found; after a remount that failed, or an interrupt, the
// last lines are the state of each host.
func (f *hostFlags) leave(ctx context.Context, a *app, r *agent.Runner, code *int, err *error) {
	if r.Offline() || ctx.Err() != nil && len(f.Remount) > 0 {
		for _, line := range states(r) {
			fmt.Fprintf(a.stderr, "%s: %s\n", a.name, printable(line))
		}
	}
	if e := r.Close(); e != nil {
		*code, *err = exitHarness, errors.Join(*err, e)
	}
}

// states is the state of each host, also after an interrupt.
func states(r *agent.Runner) []string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return r.States(ctx)
}

// reruns is Reruns, or its default.
func (f *hostFlags) reruns() int {
	if f.Reruns == 0 {
		return 5
	}
	return int(f.Reruns)
}

// remountable reports whether every mount is a real one, on every host.
func remountable(c agent.Cluster) bool {
	return !slices.ContainsFunc(c.Members, func(m agent.Member) bool { return m.Remount == nil })
}

// judgeable lists the rungs that say something of a cluster, strongest first:
// those that speak of mounts only where every mount is a real one.
func judgeable(c agent.Cluster) []model.Guarantee {
	return slices.DeleteFunc(model.Guarantees(), func(g model.Guarantee) bool { return g.Axis || canJudge(c, g) != nil })
}

// errRemount is wrapped where a guarantee cannot be judged without a --remount.
var errRemount = errors.New("speaks of mounts, and not every host can be remounted")

// canJudge is the reason why g cannot be judged there, or nil.
func canJudge(c agent.Cluster, g model.Guarantee) error {
	switch {
	case g.Name == model.Progress.Name, g.Name == model.Exclusion.Name:
		return nil
	case g.Axis:
		return fmt.Errorf("%s is judged by looking at the disk, and that of real hosts is not ours", g.Name)
	case g.Refresh == model.RefreshMount && !remountable(c):
		return fmt.Errorf("%s %w", g.Name, errRemount)
	}
	return nil
}

// asked is the guarantee of that name, if it can be judged there.
func asked(c agent.Cluster, name guaranteeName) (model.Guarantee, error) {
	g, err := model.ParseGuarantee(string(name))
	if err == nil {
		err = canJudge(c, g)
	}
	if err == nil {
		return g, nil
	}
	err = fmt.Errorf("--guarantee: %w", err)
	if errors.Is(err, errRemount) {
		err = fmt.Errorf("%w\nhint: give each host a command, --remount A='ssh alice sudo systemctl restart mnt-shared.mount'", err)
	}
	return g, err
}

// again is the flags, to be pasted into another command line, with a space at
// the end; nothing without hosts.
func (f *hostFlags) again() string {
	if f.System != "" {
		return "--on " + f.System + " "
	}
	var b strings.Builder
	put := func(flag string, commands []hostCommand) {
		for _, c := range commands {
			fmt.Fprintf(&b, "%s %s ", flag, quoteArg(c.host.String()+"="+shellquote.Join(c.words...)))
		}
	}
	put("--host", f.Host)
	put("--remount", f.Remount)
	put("--crash", f.Crash)
	if f.Anyway {
		b.WriteString("--write-anyway ")
	}
	return b.String()
}
