package agent

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/doublemount/doublemount/lab/files"
	"github.com/doublemount/doublemount/model"
)

// Cluster says which hosts a Runner has and how long it waits for them.
type Cluster struct {
	Members []Member
	Timeout time.Duration // for one operation; 0: DefaultTimeout
	Start   time.Duration // for an agent's first answer; 0: StartTimeout
	Event   time.Duration // for a remount or crash command; 0: EventTimeout
	Boot    time.Duration // for a crashed host to come back; 0: BootTimeout
	Visible time.Duration // for a new directory to be seen by the other hosts; 0: VisibleTimeout
	_       struct{}
}

// The limits of time where a Cluster has none.
const (
	EventTimeout   = 2 * time.Minute
	BootTimeout    = 5 * time.Minute
	VisibleTimeout = 10 * time.Second
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
	clock   Clock
	session string
	runs    int
	left    []string // directories that could not be removed, as "A: doublemount-..."
	kinds   model.KindSet
	direct  bool
	ranges  bool // every agent locks words of a file
	failed  int  // runs in a row that could not be made
}

// NotShared says that a host does not see a directory that another one made and
// synced.
type NotShared struct {
	Maker, Host string
	Remounted   bool // the host was remounted meanwhile
	Waited      time.Duration
}

// Error is the sentence, with a hint.
func (e *NotShared) Error() string {
	return e.Sentence() + "\nhint: is this the same file system on both?"
}

// Sentence is "not shared: B did not see A's directory after A synced".
func (e *NotShared) Sentence() string {
	remounted := ""
	if e.Remounted {
		remounted = " and " + e.Host + " remounted"
	}
	return fmt.Sprintf("not shared: %s did not see %s's directory after %s synced%s (waited %v)", e.Host, e.Maker, e.Maker, remounted, e.Waited.Round(time.Second))
}

// NewRunner starts the agents. Its ctx is for that only. Close ends them.
func NewRunner(ctx context.Context, config Cluster) (*Runner, error) {
	if n := len(config.Members); n < 1 || n > model.MaxHosts {
		return nil, fmt.Errorf("%d hosts; want 1 to %d", n, model.MaxHosts)
	}
	for limit, usual := range map[*time.Duration]time.Duration{&config.Timeout: DefaultTimeout, &config.Start: StartTimeout,
		&config.Event: EventTimeout, &config.Boot: BootTimeout, &config.Visible: VisibleTimeout} {
		if *limit <= 0 {
			*limit = usual
		}
	}
	var id [8]byte
	rand.Read(id[:])
	r := &Runner{config: config, session: DirPrefix + hex.EncodeToString(id[:]), kinds: model.SetOf(model.Mount)}
	for i, m := range config.Members {
		if m.Name == "" {
			m.Name = model.Host(i).String()
		}
		r.members = append(r.members, &member{Member: m})
	}
	if err := r.open(ctx); err != nil {
		r.kill()
		return nil, err
	}
	return r, nil
}

// open starts all agents and finds out what they can do, and whether they see
// each other's directories.
func (r *Runner) open(ctx context.Context) error {
	operations := ^model.KindSet(0)
	r.ranges = true
	for _, m := range r.members {
		if err := m.ready(ctx, &r.config, &r.clock); err != nil {
			return err
		}
		operations &= m.host.Kinds()
		r.ranges = r.ranges && m.host.Hello().Ranges
		r.kinds |= model.SetOf(model.Unmount, model.Remount, model.Crash) &^ m.lacks()
	}
	r.kinds |= operations
	dir := r.nextDir()
	direct := true
	if err := r.enter(ctx, dir, len(r.members), func(can bool) { direct = direct && can }); err != nil {
		return err
	}
	r.direct = direct
	r.leave(dir)
	return nil
}

// Capabilities says what all hosts can do together: the operations that each
// has, and the events that commands were given for.
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
	return !slices.ContainsFunc(r.members, func(m *member) bool { return m.Remount == nil })
}

// Broken reports whether three runs in a row could not be made: then it is no
// use to try another.
func (r *Runner) Broken() bool { return r.failed >= 3 }

// Close ends the agents, each of which removes what it has made. The error says
// what was left behind.
func (r *Runner) Close() error {
	var errs []error
	for _, m := range r.members {
		if m.host != nil {
			errs = append(errs, m.host.Close())
		}
	}
	for _, dir := range r.left {
		errs = append(errs, fmt.Errorf("left behind on %s", dir))
	}
	return errors.Join(errs...)
}

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
	dir := r.nextDir()
	if err := r.enter(ctx, dir, p.Hosts, nil); err != nil {
		return model.Run{}, err
	}
	defer r.leave(dir)
	x := execution{r: r, ctx: ctx, dir: dir, program: p.Clone(), written: files.WrittenBy(p)}
	if err := x.run(); err != nil {
		return model.Run{}, err
	}
	return model.Run{Program: x.program, History: x.history, Holds: x.holds(), Strikes: make([]bool, len(p.Strikes)), LocksApart: true}, nil
}

// enter has the first host make a directory and the others find it. Then it is
// closed again everywhere: a mount opens it. With try, direct I/O is tried. If it
// fails, nothing is left.
func (r *Runner) enter(ctx context.Context, dir string, hosts int, try func(can bool)) (err error) {
	made := false
	defer func() {
		if made && err != nil {
			r.leave(dir)
		}
	}()
	for _, m := range r.members[:hosts] {
		if err := m.ready(ctx, &r.config, &r.clock); err != nil {
			return err
		}
		m.mounted, m.trouble = false, nil
	}
	maker := r.members[0]
	for i, m := range r.members[:hosts] {
		mount := Mount{Dir: dir, Word: wordSize, Make: i == 0, Try: try != nil}
		direct, err := m.host.Mount(mount)
		for began, remounted := time.Now(), false; i > 0 && err != nil && m.host.Err() == nil; {
			if m.Remount != nil && !remounted {
				if err := m.command(ctx, "remount", m.Remount, r.config.Event); err != nil {
					return err
				}
				remounted = true
			} else if waited := time.Since(began); waited >= r.config.Visible {
				return &NotShared{Maker: maker.Name, Host: m.Name, Remounted: remounted, Waited: waited}
			} else if err := sleep(ctx, min(r.config.Visible, 200*time.Millisecond)); err != nil {
				return err
			}
			direct, err = m.host.Mount(mount)
		}
		if err != nil {
			return err
		}
		made = true
		if try != nil {
			try(direct)
		}
		if res, err := m.host.Unmount(); err != nil { // which syncs
			return err
		} else if res.Errno != model.OK {
			return fmt.Errorf("%s: sync of a new directory: %v", m.Name, res.Errno)
		}
	}
	return nil
}

// leave closes a directory wherever it is open, and removes it. What cannot be
// removed is told of by Close.
func (r *Runner) leave(dir string) {
	for _, m := range r.members {
		if m.host != nil {
			m.host.Unmount() // it may be closed already; the removal says the rest
		}
		m.mounted = false
	}
	maker := r.members[0]
	if maker.host == nil || maker.host.Remove(dir) != nil {
		r.left = append(r.left, maker.Name+": "+dir)
	}
}
