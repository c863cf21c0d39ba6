package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/doublemount/doublemount/model"
)

// child is the parent's side of a worker process. It is not safe for concurrent
// use.
type child struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	send *json.Encoder
	recv *json.Decoder
	said tail // the end of what it wrote to its standard error
}

// death is the error for a job over which the child's process ended.
type death struct {
	kind model.DefectKind // Hang, or Panic for everything else
	at   *execution       // what it was running, if that is known
	text string           // one line
}

// Error is the text.
func (d *death) Error() string { return d.text }

// startChild starts this executable once more. When ctx ends the process is
// killed.
func startChild(ctx context.Context) (*child, error) {
	file, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start a worker: %w", err)
	}
	c := &child{cmd: exec.CommandContext(ctx, file)}
	c.cmd.Args[0] = os.Args[0]
	c.cmd.Env = append(os.Environ(), workerEnv+"=1")
	c.cmd.Stderr = &c.said
	c.cmd.WaitDelay = time.Second // a design may have started processes that keep its standard error open
	in, err := c.cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start a worker: %w", err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start a worker: %w", err)
	}
	c.in, c.send, c.recv = in, json.NewEncoder(in), json.NewDecoder(out)
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a worker: %w", err)
	}
	return c, nil
}

// close ends the process and waits for it.
func (c *child) close() error {
	return errors.Join(c.in.Close(), c.cmd.Wait())
}

// ask gives the child a job and waits for what comes of it. The error is a
// *death if the process ended over it; then the child is of no more use.
func (c *child) ask(j job) (answer, error) {
	var about *execution
	err := c.send.Encode(j)
	for err == nil {
		var a answer
		if err = c.recv.Decode(&a); err != nil {
			break
		}
		switch {
		case a.Hang != nil:
			c.wait()
			return answer{}, &death{kind: model.Hang, at: a.Hang.At, text: a.Hang.Text}
		case a.About != nil:
			about = a.About
		case a.Error != "":
			return answer{}, errors.New(a.Error)
		case !a.fits(j.Task):
			c.cmd.Process.Kill() // it may have ended
			c.wait()
			return answer{}, &death{kind: model.Panic, at: about, text: "something else wrote to the standard output of its process"}
		default:
			return a, nil
		}
	}
	return answer{}, &death{kind: model.Panic, at: about, text: "its process ended: " + c.wait()}
}

// wait waits for a process that is ending and says how it did, in one line.
func (c *child) wait() string {
	c.in.Close() // it may be closed; if the process reads on, it ends
	how := "exit status 0"
	if err := c.cmd.Wait(); err != nil {
		how = err.Error()
	}
	for line := range strings.Lines(c.said.String()) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "fatal error: ") || strings.HasPrefix(line, "panic: ") {
			return line + " (" + how + ")"
		}
	}
	return how
}

// tail keeps the end of what is written to it, at least maxSaid bytes: what a
// process says when it ends. A design that prints all the time must not fill
// the memory.
type tail struct{ text []byte }

const maxSaid = 256 << 10

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p...)
	if over := len(t.text) - maxSaid; over > maxSaid {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(p), nil
}

// String is what was kept.
func (t *tail) String() string { return string(t.text) }
