package loop

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/model"
)

// host is the parent's side of a host. What is in it is guarded by the world's
// mutex.
type host struct {
	w    *world
	id   model.Host
	port disk.Port
	dir  string // its mount point

	process *process
	mounted bool
	fresh   bool   // the incarnation has no loop device yet
	file    string // of the incarnation
	failed  bool   // ... has had a write or flush fail
	paused  bool
	noDisk  bool
	calls   []*call // under way, in order of start
	failOn  [model.CommandKinds]bool
}

// process is the process of a host. One that is killed is never used again.
type process struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	send   *json.Encoder
	daemon bool // it has a child that does the file system
	dead   bool // killed, or ended by itself
	gone   chan struct{}
}

// call is a request under way.
type call struct {
	id     int
	host   *host
	number int // step
	op     int // index in the history, -1 for none
	held   int // command that a hold keeps, of those
	done   bool
	lost   bool // the process ended before it answered
	reply  reply
}

// start starts the process of a host, in a process group of its own, and in a
// mount namespace of its own, unless another process does the file system: one
// that was killed, and whose mount ends with it, would wait for its own answer to
// the end of the mount, for ever.
func (h *host) start(s System) error {
	file, err := os.Executable()
	if err != nil {
		return err
	}
	p := &process{cmd: exec.Command(file), daemon: s.kernel == "", gone: make(chan struct{})}
	p.cmd.Args = []string{"doublemount-host-" + h.id.String()}
	p.cmd.Env = append(os.Environ(), hostEnv+"=1")
	p.cmd.Stderr = os.Stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Unshareflags: syscall.CLONE_NEWNS}
	if s.kernel == "" {
		p.cmd.SysProcAttr.Unshareflags = 0
	}
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("start host %v: %w\nhint: the lab needs root, for mount namespaces, loop devices and mounts", h.id, err)
	}
	p.send = json.NewEncoder(p.in)
	h.process = p
	go h.listen(p, out)
	return nil
}

// listen takes the answers of a process until it ends.
func (h *host) listen(p *process, out io.Reader) {
	lines := json.NewDecoder(out)
	w := h.w
	for {
		var a reply
		if lines.Decode(&a) != nil {
			break
		}
		w.mu.Lock()
		if !p.dead {
			w.answered(h, a)
		}
		w.mu.Unlock()
	}
	w.mu.Lock()
	if !p.dead {
		p.dead, h.process = true, nil
		w.fail("the process of host %v ended by itself", h.id)
		w.disk.Cut(h.port)
		h.mounted, h.file = false, ""
		w.abandoned(h)
	}
	w.mu.Unlock()
	p.cmd.Wait() // how it ended does not matter
	close(p.gone)
}

// kill ends a host's process at once, and with it its mounts and loop device.
// The port must have been cut, or what the kernel still writes lands.
func (h *host) kill() {
	p := h.process
	if p == nil {
		return
	}
	h.process = nil
	p.dead = true
	all := func() {
		select {
		case <-p.gone:
		default:
			syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // it may have ended
		}
	}
	if p.daemon {
		p.cmd.Process.Signal(syscall.SIGUSR1) // it ends its own child before itself
		time.AfterFunc(killWait, all)
	} else {
		all()
	}
	p.in.Close()
	h.w.abandoned(h)
}

// killWait is how long a host has to end the process that does its file system,
// and itself.
const killWait = 2 * time.Second
