package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/doublemount/doublemount/lab/identity"
	"github.com/doublemount/doublemount/model"
)

// Member is a host of a [Runner], by the commands that reach it. They are words,
// as a shell would have split them; no shell is asked.
type Member struct {
	Name    string   // in messages; empty: its letter
	Command []string // whose standard input and output are an agent's
	Remount []string // takes the file system offline on the host and brings it back; nil: it stays mounted
	Crash   []string // takes the host its memory: a reset of the machine; nil: that cannot be done
}

// member is a Member at work.
type member struct {
	Member
	dirs     string            // begins the names of the directories that it may remove
	host     *Host             // nil: none was started, or it was given up
	is       identity.Identity // what its root was at the start
	unusable *Unusable         // or why that is not known
	kinds    model.KindSet     // operations that its agent can do
	readOnly bool              // it can only read
	crashed  bool              // since then its agent has not been started
	trouble  error             // why the last one was given up
	mounted  bool
	losses   []error // agents that ended, or had to be ended, when nobody had meant it, and remounts that failed
	offline  error   // the last remount failed
	resting  bool    // its remounts do
}

// remounts reports whether a mount of a Program is a real one here.
func (m *member) remounts() bool { return m.Remount != nil && !m.resting }

// lacks is the operations and events that it does not have.
func (m *member) lacks() model.KindSet {
	var set model.KindSet
	if !m.remounts() {
		set |= model.SetOf(model.Unmount, model.Remount)
	}
	if m.Crash == nil {
		set |= model.SetOf(model.Crash)
	}
	if m.readOnly {
		set |= writing
	}
	return set | everyOperation&^m.kinds
}

// writing is what a host that can only read does not do. A lock may need a file that
// is open for writing.
var writing = func() model.KindSet {
	set := model.SetOf(model.Lock, model.Unlock)
	for _, k := range everyOperation.Kinds() {
		if k.Changes() {
			set |= model.SetOf(k)
		}
	}
	return set
}()

var everyOperation = func() (set model.KindSet) {
	for _, k := range (^model.KindSet(0)).Kinds() {
		if !k.Event() {
			set |= model.SetOf(k)
		}
	}
	return set
}()

// start starts the agent and asks what its root is.
func (m *member) start(ctx context.Context, c *Cluster, clock *Clock) error {
	if err := m.ready(ctx, c, clock); err != nil {
		return err
	}
	m.kinds = m.host.Kinds()
	is, err := m.host.Look()
	if err == nil {
		m.is = is
		return nil
	}
	err = m.unusableFor("open its root", err)
	if e, ok := errors.AsType[*Unusable](err); ok {
		m.unusable = e
		return nil
	}
	return err
}

// ready starts the agent, if there is none that can be spoken to. After a crash
// it tries again for as long as a machine may need to come up.
func (m *member) ready(ctx context.Context, c *Cluster, clock *Clock) error {
	m.bury()
	if m.host != nil {
		return nil
	}
	opts := Options{Name: m.Name, Clock: clock, Timeout: c.Timeout, Start: c.Start, Dirs: m.dirs}
	until := time.Now()
	if m.crashed {
		until = until.Add(c.Boot)
	}
	for {
		host, err := Start(ctx, opts, m.Command...)
		switch {
		case err == nil:
			m.host, m.crashed = host, false
			return nil
		case ctx.Err() != nil || !time.Now().Before(until):
			return err
		}
		if err := sleep(ctx, time.Second); err != nil {
			return err
		}
	}
}

// bury lets go of an agent that is of no more use, and remembers why, if nobody had
// meant it to end.
func (m *member) bury() {
	if m.host == nil || m.host.Err() == nil {
		return
	}
	if err := m.host.Err(); !m.crashed && !errors.Is(err, errClosed) {
		m.losses = append(m.losses, err)
	}
	m.host, m.mounted = nil, false
}

// mount is the request to open a directory on this host.
func (m *member) mount(dir string) Mount {
	return Mount{Dir: dir, Word: wordSize, ReadOnly: m.readOnly, On: m.is.At}
}

// settle closes a directory, which syncs, so that others can see it.
func (m *member) settle() error {
	res, err := m.host.Unmount()
	switch {
	case err != nil:
		return m.unusableFor("sync a new directory", err)
	case res.Errno != model.OK:
		return &Unusable{Host: m.Name, Doing: "sync a new directory", Errno: res.Errno, Text: "it was not synced"}
	}
	return nil
}

// nonsense loses the agent because of what it answered.
func (m *member) nonsense(err error) error {
	m.host.fail(fmt.Errorf("it answered nonsense: %w", err))
	return m.host.Err()
}

// giveUp ends the agent without waiting for anything.
func (m *member) giveUp(why error) {
	m.bury()
	m.trouble = why
	if m.host != nil {
		m.host.Kill()
	}
	m.host, m.mounted = nil, false
}

// remount has the command take the file system offline and bring it back.
func (m *member) remount(ctx context.Context, c *Cluster) error {
	if err := ctx.Err(); err != nil {
		return err // it was not begun
	}
	if m.offline = m.command(ctx, "remount", m.Remount, c.Event); m.offline != nil {
		m.losses = append(m.losses, m.offline) // told at the end, also if the next one mends it
	}
	return m.offline
}

// command runs one of the member's commands for an event. It is never cut short but
// by its own limit, also when ctx ends or this process does: a remount that is ended
// half-way leaves the host without its file system. So it has a process group of
// its own, and what it prints goes to a file, not into a pipe that can break. The
// error has the end of that.
func (m *member) command(ctx context.Context, what string, words []string, limit time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ended := context.WithoutCancel(ctx)
	ended, cancel := context.WithTimeout(ended, limit)
	defer cancel()
	said := scratch()
	defer said.Close()
	cmd := exec.CommandContext(ended, words[0], words[1:]...)
	if said.File != nil {
		cmd.Stdout, cmd.Stderr = said.File, said.File // not a writer: then there would be a pipe
	}
	alone(cmd)
	cmd.Cancel = func() error { kill(cmd); return nil }
	err := cmd.Run()
	if errors.Is(ended.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("it did not end within %v", limit)
	}
	if err != nil {
		ended := time.Now().Add(stragglers)
		for groupLives(cmd) && time.Now().Before(ended) {
			time.Sleep(10 * time.Millisecond) // a umount that it had started may still be at work
		}
		return fmt.Errorf("%s of %s: %s: %w%s", what, m.Name, shorten(strings.Join(words, " ")), err, said.last())
	}
	return nil
}

// stragglers is how long what a command has started may outlive it when it failed.
const stragglers = 5 * time.Second

// output is a file for what a command prints, which goes with this process.
type output struct {
	*os.File
	named bool // it could not be removed while it was open
}

// scratch makes one. Where there is no place for it, what is printed is dropped.
func scratch() output {
	f, err := os.CreateTemp("", "doublemount-command-*")
	if err != nil {
		return output{}
	}
	return output{f, os.Remove(f.Name()) != nil}
}

// Close closes the file and removes it.
func (o output) Close() {
	if o.File == nil {
		return
	}
	o.File.Close()
	if o.named {
		os.Remove(o.Name())
	}
}

// last is the last line, as a tail has it.
func (o output) last() string {
	if o.File == nil {
		return ""
	}
	var end tail
	if info, err := o.Stat(); err == nil {
		io.Copy(&end, io.NewSectionReader(o, max(0, info.Size()-maxSaid), maxSaid)) // what can be read of it
	}
	return end.last()
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
