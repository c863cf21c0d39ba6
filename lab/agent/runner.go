package agent

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/doublemount/doublemount/lab/files"
	"github.com/doublemount/doublemount/model"
)

// wordSize makes a block of the model a page, as hosts cache them.
const wordSize = files.MaxWordSize

// Name is what a Runner calls itself, whatever its hosts are: the design of a case
// that was found on real hosts.
const Name = "hosts"

// Runner is a [model.Runner] on agents. Each run works in a fresh directory that
// the first host makes and the others open; it is removed afterwards.
//
// What a mount is depends on the host. Where it has a command to remount, each
// mount of a Program runs that, and a mount is real. Where not, the file system
// stays mounted: hosts are all there from the beginning, a closing unmount closes
// the handles and syncs, and only guarantees that do not speak of mounts can be
// judged ([Runner.Mounts]).
//
// A hold starts its step and goes on without waiting for it, so that the steps
// until then are under way on several hosts at once; where in the kernel they
// meet is theirs. It fired if they did overlap.
//
// An operation that hangs while its agent lives is one that never returned, and
// the run goes on without that host. An agent that is lost ends the run with an
// error, since nothing is known of its file system; the next run starts another.
type Runner struct {
	config  Cluster
	members []*member
	maker   *member // makes the directory of each run
	clock   Clock
	session string // begins the names of all directories
	runs    int
	left    []string // directories that could not be removed
	kinds   model.KindSet
	direct  bool
	ranges  bool // every agent locks words of a file
	failed  int  // runs in a row that could not be made

	afterRemount bool // see SeenAfterRemount
}

// NewRunner starts the agents and asks each what its root is ([Runner.Roots]).
// Nothing is written before [Runner.Open], which is called before the first Run. Its
// ctx is for the start only. Close ends the agents.
func NewRunner(ctx context.Context, config Cluster) (*Runner, error) {
	if n := len(config.Members); n < 1 || n > model.MaxHosts {
		return nil, fmt.Errorf("%d hosts; want 1 to %d", n, model.MaxHosts)
	}
	config.fill()
	var id [8]byte
	rand.Read(id[:])
	r := &Runner{config: config, session: DirPrefix + hex.EncodeToString(id[:]), kinds: model.SetOf(model.Mount)}
	for i, m := range config.Members {
		if m.Name == "" {
			m.Name = model.Host(i).String()
		}
		r.members = append(r.members, &member{Member: m, dirs: r.session})
	}
	for _, m := range r.members {
		if err := m.start(ctx, &r.config, &r.clock); err != nil {
			r.kill()
			return nil, err
		}
	}
	return r, nil
}

// Capabilities says what the hosts can do together: the operations that any of them
// has, and the events that commands were given for. What single hosts cannot do is in
// Lacks: a host that can only read has no operation that changes anything.
func (r *Runner) Capabilities() model.Capabilities {
	caps := model.Capabilities{Name: Name, Kinds: r.kinds, MaxHosts: len(r.members), Direct: r.direct,
		Ranges: r.ranges, LocksApart: true, Overlaps: true}
	for i, m := range r.members {
		caps.Lacks[i] = m.lacks()
	}
	if r.kinds.Has(model.Crash) {
		caps.Survives = model.Crashes
	}
	return caps
}

// Mounts reports whether every mount is a real one, on every host.
func (r *Runner) Mounts() bool {
	return !slices.ContainsFunc(r.members, func(m *member) bool { return !m.remounts() })
}

// RestRemounts has the Programs that follow run as if no host had a command to
// remount, or with them again: without, a run takes a tenth of the time.
func (r *Runner) RestRemounts(rest bool) {
	for _, m := range r.members {
		m.resting = rest
	}
}

// Broken reports whether three runs in a row could not be made: then it is no
// use to try another.
func (r *Runner) Broken() bool { return r.failed >= 3 }

func (r *Runner) kill() {
	for _, m := range r.members {
		m.giveUp(errClosed)
	}
}

func (r *Runner) nextDir() string {
	r.runs++
	return fmt.Sprintf("%s-%d", r.session, r.runs)
}

// Run executes p in a fresh directory. Its error says that an agent or a command
// failed, or that ctx ended.
func (r *Runner) Run(ctx context.Context, p model.Program) (run model.Run, err error) {
	if err := p.Validate(); err != nil {
		return model.Run{}, err
	}
	if p.Hosts > len(r.members) {
		return model.Run{}, fmt.Errorf("the program has %d hosts; there are %d", p.Hosts, len(r.members))
	}
	defer func() {
		switch {
		case err == nil:
			r.failed = 0
		case ctx.Err() == nil:
			r.failed++
		}
	}()
	if r.maker == nil {
		return model.Run{}, errors.New("the hosts were not opened")
	}
	dir := r.nextDir()
	if err := r.enter(ctx, dir, r.members[:p.Hosts]); err != nil {
		return model.Run{}, err
	}
	defer r.leave(dir)
	x := execution{r: r, ctx: ctx, dir: dir, program: p.Clone(), written: files.WrittenBy(p)}
	if err := x.run(); err != nil {
		return model.Run{}, err
	}
	return model.Run{Program: x.program, History: x.history, Holds: x.holds(), Strikes: make([]bool, len(p.Strikes)), LocksApart: true}, nil
}

// enter has a host make a directory, and the others find it. Then it is closed again
// everywhere: a mount opens it. If it fails, nothing is left.
func (r *Runner) enter(ctx context.Context, dir string, members []*member) (err error) {
	made := false
	defer func() {
		if made && err != nil {
			r.leave(dir)
		}
	}()
	for _, m := range r.members {
		m.mounted, m.trouble = false, nil
	}
	for _, m := range r.makerFirst(members) {
		if err := m.ready(ctx, &r.config, &r.clock); err != nil {
			return err
		}
		mount := m.mount(dir)
		mount.Make = m == r.maker
		if _, err := r.mount(ctx, m, mount); err != nil {
			return err
		}
		made = true
		if err := m.settle(); err != nil {
			return err
		}
	}
	return nil
}

// makerFirst is the members in the order in which they enter a directory; the maker
// is always among them.
func (r *Runner) makerFirst(members []*member) []*member {
	all := []*member{r.maker}
	for _, m := range members {
		if m != r.maker {
			all = append(all, m)
		}
	}
	return all
}

// leave closes a directory wherever it is open, and removes it. What cannot be removed
// now is tried again by Close.
func (r *Runner) leave(dir string) {
	for _, m := range r.members {
		if m.host != nil {
			m.host.Unmount() // it may be closed already; the removal says the rest
		}
		m.mounted = false
	}
	if r.maker == nil || r.maker.host == nil || r.maker.host.Remove(r.maker.mount(dir)) != nil {
		r.left = append(r.left, dir)
	}
}

// Close ends the agents, each of which removes what it has made. The error says which
// agents were lost on the way, whatever they were doing, and what was left behind,
// each once. Close may be called again.
func (r *Runner) Close() error {
	r.sweep()
	var errs []error
	for _, m := range r.members {
		m.bury()
		if m.host != nil {
			if err := m.host.Close(); err != nil {
				m.losses = append(m.losses, err)
			}
			m.host = nil
		}
		errs = append(errs, m.losses...)
		m.losses = nil
	}
	for _, dir := range r.left {
		errs = append(errs, fmt.Errorf("left behind: %s, below the root of %s\nhint: remove it when the file system answers again", dir, r.members[0].Name))
	}
	r.left = nil
	return errors.Join(errs...)
}

// sweep tries once more to remove what was left behind, through any host that can be
// spoken to. What all of them know nothing of is gone.
func (r *Runner) sweep() {
	r.left = slices.DeleteFunc(r.left, func(dir string) bool {
		asked, unknown := 0, 0
		for _, m := range r.members {
			if m.readOnly || m.host == nil || m.host.Err() != nil {
				continue
			}
			asked++
			err := m.host.Remove(m.mount(dir))
			if err == nil {
				return true
			}
			if e, ok := errors.AsType[*Refused](err); ok && e.Errno == model.ENOENT && !e.Root {
				unknown++
			}
		}
		return asked > 0 && unknown == asked && asked == r.writers()
	})
	for _, dir := range r.left {
		if m := r.maker; m != nil && m.host != nil {
			forget := m.mount(dir)
			forget.Forget = true
			m.host.Remove(forget) // it would wait for its file system, and it is told of here
		}
	}
}

// writers counts the hosts that can write.
func (r *Runner) writers() (n int) {
	for _, m := range r.members {
		if !m.readOnly {
			n++
		}
	}
	return n
}
