package agent

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"
)

// Start starts a command whose standard input and output are an agent's: the
// agent itself, or ssh to it. The ctx is for the start only. A command that does
// not answer in time is killed.
func Start(ctx context.Context, opts Options, command ...string) (*Host, error) {
	if len(command) == 0 {
		return nil, fmt.Errorf("%s: no command", newHost(opts).opts.Name)
	}
	h, err := Launch(exec.Command(command[0], command[1:]...), opts)
	if err != nil {
		return nil, err
	}
	return h.greeted(ctx)
}

// Launch is Start of a command that is not started yet, with its environment and
// whatever else it needs. It does not wait for the first answer: requests may
// begin, and if that answer is late or wrong, the agent is lost. The command's standard
// input and output are set here, its process group is its own, and its standard error
// is for the messages of the Host where it is nothing else.
func Launch(cmd *exec.Cmd, opts Options) (*Host, error) {
	h := newHost(opts)
	if cmd.Stderr == nil {
		cmd.Stderr = h.said
	}
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
		return nil, fmt.Errorf("%s: start %s: %w", h.opts.Name, shorten(strings.Join(cmd.Args, " ")), err)
	}
	wait := sync.OnceFunc(func() {
		cmd.Wait()
		close(h.gone) // somebody else may have its number from now on
	})
	h.finish = func() { in.Close() }
	h.settle = func() {
		go wait()
		select {
		case <-h.gone:
		case <-time.After(time.Second):
		}
	}
	h.end = func() {
		// In a system call that never returns a process cannot be killed, so it is
		// not waited for here.
		select {
		case <-h.gone:
		default:
			kill(cmd)
		}
		in.Close()
		go wait()
	}
	h.start(out, in)
	return h, nil
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
