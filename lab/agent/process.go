package agent

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Start starts a command whose standard input and output are an agent's: the
// agent itself, or ssh to it. The ctx is for the start only. A command that does
// not answer in time is killed.
func Start(ctx context.Context, opts Options, command ...string) (*Host, error) {
	h := newHost(opts)
	if len(command) == 0 {
		return nil, fmt.Errorf("%s: no command", h.opts.Name)
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stderr = h.said
	cmd.WaitDelay = time.Second // what the command started may keep its standard error open
	alone(cmd)
	in, err := cmd.StdinPipe()
	var out io.ReadCloser
	if err == nil {
		out, err = cmd.StdoutPipe()
	}
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: start %s: %w", h.opts.Name, shorten(strings.Join(command, " ")), err)
	}
	var waited atomic.Bool
	wait := sync.OnceFunc(func() {
		cmd.Wait()
		waited.Store(true) // somebody else may have its number from now on
	})
	h.finish = func() { in.Close() }
	h.settle = func() {
		ended := make(chan struct{})
		go func() { defer close(ended); wait() }()
		select {
		case <-ended:
		case <-time.After(time.Second):
		}
	}
	h.end = func() {
		// In a system call that never returns a process cannot be killed, so it is
		// not waited for here.
		if !waited.Load() {
			kill(cmd)
		}
		in.Close()
		go wait()
	}
	return h.start(ctx, out, in)
}

// tail keeps the end of what an agent says besides its answers.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const maxSaid = 4 << 10

// Write implements io.Writer, and never fails: who floods us must not be kept
// waiting for a reader.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p[max(0, len(p)-maxSaid):]...)
	if over := len(t.text) - maxSaid; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(p), nil
}

// last is "; it said "no such host"": the last line, or nothing. Our own agent
// ends with a hint, but the line before says what was wrong.
func (t *tail) last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, line := range slices.Backward(strings.Split(string(t.text), "\n")) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "hint:") {
			return "; it said " + shorten(line)
		}
	}
	return ""
}
