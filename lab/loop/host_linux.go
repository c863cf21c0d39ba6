package loop

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/lab/agent"
	"github.com/doublemount/doublemount/model"
)

// host is the parent's side of a host. What is in it is guarded by the world's
// mutex.
type host struct {
	w    *world
	id   model.Host
	port disk.Port
	dir  string // its mount point

	agent   *agent.Host // nil: none was started, or it was killed or ended by itself
	command *exec.Cmd   // its process. One that is killed is never used again
	daemon  bool        // ... has a child that does the file system
	mounted bool
	fresh   bool   // the incarnation has no loop device yet
	file    string // of the incarnation
	failed  bool   // ... has had a write or flush fail
	paused  bool
	noDisk  bool
	calls   []*call // under way, in order of start
	failOn  [model.CommandKinds]bool
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
	cmd := exec.Command(file)
	cmd.Args = []string{"doublemount-host-" + h.id.String(), s.Name, h.dir}
	cmd.Env = append(os.Environ(), hostEnv+"=1")
	cmd.Stderr = os.Stderr
	if s.kernel != "" {
		cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	}
	var a *agent.Host
	a, err = agent.Launch(cmd, agent.Options{
		Name:    fmt.Sprintf("the process of host %v", h.id),
		Timeout: -1, // a hold or a pause may keep a request for long; the world knows
		Start:   patience,
		Lost: func(err error) {
			h.w.mu.Lock()
			defer h.w.mu.Unlock()
			if h.agent == a {
				h.lost(err)
			}
		},
	})
	if err != nil {
		return fmt.Errorf("%w\nhint: the lab needs root, for mount namespaces, loop devices and mounts", err)
	}
	h.agent, h.command, h.daemon = a, cmd, s.kernel == ""
	return nil
}

// lost is what becomes of a host that nobody has killed and that is of no use all the
// same: its process ended by itself, or answered what makes no sense.
func (h *host) lost(why error) {
	h.agent = nil
	h.w.fail("%w", why)
	h.w.disk.Cut(h.port)
	h.mounted, h.file = false, ""
	h.w.abandoned(h)
}

// kill ends a host's process at once, and with it its mounts and loop device.
// The port must have been cut, or what the kernel still writes lands.
func (h *host) kill() {
	a := h.agent
	if a == nil {
		return
	}
	h.agent = nil
	if h.daemon {
		h.command.Process.Signal(syscall.SIGUSR1) // it ends its own child before itself
		time.AfterFunc(killWait, a.Kill)
	} else {
		a.Kill()
	}
	h.w.abandoned(h)
}

// killWait is how long a host has to end the process that does its file system,
// and itself.
const killWait = 2 * time.Second
