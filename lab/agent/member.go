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
	host    *Host // nil: none was started, or it was given up
	crashed bool  // since then its agent has not been started
	trouble error // why the last one was given up
	mounted bool
}

// lacks is the events that cannot happen to it.
func (m *member) lacks() model.KindSet {
	var set model.KindSet
	if m.Remount == nil {
		set |= model.SetOf(model.Unmount, model.Remount)
	}
	if m.Crash == nil {
		set |= model.SetOf(model.Crash)
	}
	return set
}

// ready starts the agent, if there is none that can be spoken to. After a crash
// it tries again for as long as a machine may need to come up.
func (m *member) ready(ctx context.Context, c *Cluster, clock *Clock) error {
	if m.host != nil && m.host.Err() == nil {
		return nil
	}
	opts := Options{Name: m.Name, Clock: clock, Timeout: c.Timeout, Start: c.Start}
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

// giveUp ends the agent without waiting for anything.
func (m *member) giveUp(why error) {
	m.trouble = why
	if m.host != nil {
		m.host.Kill()
	}
	m.host, m.mounted = nil, false
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
		return fmt.Errorf("%s of %s: %s: %w%s", what, m.Name, shorten(strings.Join(words, " ")), err, said.last())
	}
	return nil
}

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
