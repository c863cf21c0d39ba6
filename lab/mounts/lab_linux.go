package mounts

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/kballard/go-shellquote"
	"golang.org/x/sys/unix"

	"github.com/doublemount/doublemount/lab/agent"
	"github.com/doublemount/doublemount/lab/place"
)

// Lab is a system at work. It must be closed.
type Lab struct {
	system System
	agent  []string
	place  *place.Place
}

// scriptWait is how long a script may take.
const scriptWait = 2 * time.Minute

// remounting comes before the script that mounts: what a remount that was killed
// half-way has left is no reason to fail. mounted comes after it.
const (
	remounting = `while grep -q " $H " /proc/self/mounts; do umount "$H"; done
`
	mounted = `tries=0
until grep -q " $H " /proc/self/mounts; do tries=$((tries + 1)); [ $tries -lt 100 ]; sleep 0.1; done
`
)

// Start starts a system and mounts it on both hosts, after it has undone what labs
// that were killed have left. The agent is the command, in words, to which the
// root of an agent is added. The error wraps [place.ErrNeeds] if this machine
// cannot do it.
func Start(ctx context.Context, s System, agent ...string) (*Lab, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	if _, err := place.Clean(); err != nil {
		return nil, fmt.Errorf("undo what an earlier lab has left: %w", err)
	}
	p, err := place.New()
	if err != nil {
		return nil, err
	}
	l := &Lab{system: s, agent: agent, place: p}
	if err := l.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", s.Name, err), l.Close())
	}
	return l, nil
}

func (l *Lab) start(ctx context.Context) error {
	if err := l.place.Network(); err != nil {
		return err
	}
	for name, text := range map[string]string{"start": l.system.start, "mount": remounting + l.system.mount + mounted} {
		if err := os.WriteFile(filepath.Join(l.place.Dir, name+".sh"), []byte(text), 0o600); err != nil {
			return err
		}
	}
	for _, host := range hosts {
		if _, err := l.place.Sub(host); err != nil {
			return err
		}
	}
	if err := l.run(ctx, "start", l.script("start", "")); err != nil {
		return err
	}
	if err := l.mount(ctx, "A"); err != nil {
		return err
	}
	if err := l.run(ctx, "first directory", l.place.Within("mkdir", filepath.Join(l.root("A"), below))); err != nil {
		return err
	}
	return l.mount(ctx, "B")
}

// below is the directory of the share that the agents work in. Where the share is
// not mounted there is none: then an agent says so, and does not take what lies
// under the mount for the share.
const below = "hosts"

// Remount mounts the share anew on both hosts, whatever has become of it.
func (l *Lab) Remount(ctx context.Context) error {
	for _, host := range hosts {
		if err := l.mount(ctx, host); err != nil {
			return err
		}
	}
	return nil
}

func (l *Lab) mount(ctx context.Context, host string) error {
	return l.run(ctx, "mount of "+host, l.script("mount", host))
}

// hosts are the names of the hosts, and of the directories where they see the
// share.
var hosts = []string{"A", "B"}

// script is the command that runs a script, for a host or for all.
func (l *Lab) script(name, host string) []string {
	w := l.place.Dir
	set := []string{"env", "-i", "-C", w, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C",
		"HOME=" + w, "TMPDIR=" + w, "W=" + w, "A=" + l.root("A"), "B=" + l.root("B")}
	if host != "" {
		set = append(set, "H="+l.root(host))
	}
	return l.place.Within(append(set, "sh", "-eu", filepath.Join(w, name+".sh"))...)
}

// root is where a host sees the share.
func (l *Lab) root(host string) string { return filepath.Join(l.place.Dir, host) }

// run runs a command. What it says goes to a file: a daemon that it has started
// may keep it open.
func (l *Lab) run(ctx context.Context, what string, command []string) error {
	ctx, cancel := context.WithTimeout(ctx, scriptWait)
	defer cancel()
	said, err := os.OpenFile(filepath.Join(l.place.Dir, "said"), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer said.Close()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = said, said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt from the keyboard is for us
	cmd.Cancel = func() error { return unix.Kill(-cmd.Process.Pid, unix.SIGKILL) }
	if err = cmd.Run(); err == nil {
		return nil
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("it did not end within %v", scriptWait)
	}
	text, _ := os.ReadFile(said.Name()) // there may be nothing to add
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return fmt.Errorf("%s: %w; it said %q", what, err, lines[len(lines)-1])
}

// Cluster is the hosts: an agent for each in the lab's network namespace, and a
// remount.
func (l *Lab) Cluster() agent.Cluster {
	var c agent.Cluster
	for _, host := range hosts {
		words := append(append([]string(nil), l.agent...), filepath.Join(l.root(host), below))
		c.Members = append(c.Members, agent.Member{Command: l.place.Within(words...), Remount: l.script("mount", host)})
	}
	return c
}

// Script runs a shell script in the lab's network namespace, with a directory of the
// share for each of so many hosts as its arguments, a number behind them, and in the
// environment REMOUNT_A and REMOUNT_B, commands that mount it anew. The answer is the
// exit code of the script, 0 or 1; else the error has its last line.
func (l *Lab) Script(ctx context.Context, text string, of, times int) (code int, err error) {
	file := filepath.Join(l.place.Dir, "finding.sh")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return 0, err
	}
	words := []string{"env", "TMPDIR=" + l.place.Dir}
	for _, host := range hosts {
		words = append(words, "REMOUNT_"+host+"="+shellquote.Join(l.script("mount", host)...))
	}
	words = append(words, "sh", file)
	for _, host := range hosts[:of] {
		words = append(words, filepath.Join(l.root(host), below))
	}
	err = l.run(ctx, "script of a finding", l.place.Within(append(words, strconv.Itoa(times))...))
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 1 {
		return 1, nil
	}
	return 0, err
}

// Close ends and removes everything.
func (l *Lab) Close() error { return l.place.Close() }

// check finds out whether this machine can start the system.
func (s System) check() error {
	if missing := s.missing(); len(missing) > 0 {
		return place.Needs(strings.Join(missing, ", "), "apt-get install "+strings.Join(s.Packages, " ")+", or what your distribution calls them")
	}
	if os.Geteuid() != 0 {
		return place.Needs("root", "it mounts file systems and starts servers; run it with sudo, best in a virtual machine")
	}
	f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		return place.Needs(fmt.Sprintf("/dev/fuse (%v)", err), "modprobe fuse; in a container, give it the device (docker run --device /dev/fuse --privileged)")
	}
	f.Close()
	return nil
}

// missing lists the commands that the system needs and this machine has not.
func (s System) missing() (all []string) {
	for _, c := range append([]string{"nsenter", "env", "umount"}, s.Commands...) {
		if _, err := exec.LookPath(c); err != nil {
			all = append(all, c)
		}
	}
	return all
}

// Install installs the packages of a system, with apt-get.
func (s System) Install(ctx context.Context) error {
	if os.Geteuid() != 0 {
		return place.Needs("root", "only root installs packages")
	}
	install := append([]string{"-q", "-y", "--no-install-recommends", "install"}, s.Packages...)
	err := aptGet(ctx, install...)
	if err != nil && ctx.Err() == nil { // its lists may be old
		if err = aptGet(ctx, "-q", "update"); err == nil {
			err = aptGet(ctx, install...)
		}
	}
	return err
}

func aptGet(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "apt-get", args...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if out, err := cmd.CombinedOutput(); err != nil {
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		return fmt.Errorf("%s: %w; it said %q", cmd, err, lines[len(lines)-1])
	}
	return nil
}
