package agent

import (
	"context"
	"errors"
	"fmt"
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

// command runs one of the member's commands for an event. Its error has the end of what
// the command printed.
func (m *member) command(ctx context.Context, what string, words []string, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var said tail
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.WaitDelay = time.Second
	alone(cmd)
	cmd.Cancel = func() error { kill(cmd); return nil }
	err := cmd.Run()
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("it did not end within %v", limit)
	}
	if err != nil {
		return fmt.Errorf("%s of %s: %s: %w%s", what, m.Name, shorten(strings.Join(words, " ")), err, said.last())
	}
	return nil
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
