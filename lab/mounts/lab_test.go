//go:build linux

package mounts_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/corpus"
	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/lab/agent"
	"github.com/doublemount/doublemount/lab/mounts"
	"github.com/doublemount/doublemount/lab/place"
	"github.com/doublemount/doublemount/model"
)

// labEnv turns the tests on that mount file systems.
const labEnv = "DOUBLEMOUNT_LAB"

func mayMount(t *testing.T) {
	t.Helper()
	if os.Getenv(labEnv) != "1" {
		t.Skipf("mounts FUSE file systems, as root: only with %s=1", labEnv)
	}
}

func start(ctx context.Context, name string) (*mounts.Lab, error) {
	s, err := mounts.Lookup(name)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return mounts.Start(ctx, s, self, "agent", "--root")
}

// base is where labs have their private directories.
const base = "/run/doublemount-lab/"

// left lists what is mounted below, or runs for, the private directory of a lab
// that is not at work: another lab may be.
func left(t *testing.T) (all []string) {
	t.Helper()
	atWork := func(text string) bool {
		_, rest, ok := strings.Cut(text, base)
		if !ok {
			return true
		}
		name, _, _ := strings.Cut(rest, "/")
		f, err := os.Open(base + name + "/lock")
		if err != nil {
			return false
		}
		defer f.Close()
		return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil
	}
	note := func(what, text string) {
		if !atWork(text) {
			all = append(all, what+" "+strings.ReplaceAll(text, "\x00", " "))
		}
	}
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		note("mount", strings.TrimSpace(line))
	}
	for _, name := range []string{"cmdline", "environ"} {
		files, err := filepath.Glob("/proc/[0-9]*/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if text, err := os.ReadFile(f); err == nil { // or it has ended
				note(f, string(text))
			}
		}
	}
	dirs, err := filepath.Glob(base + "*/lock")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dirs {
		note("directory", d)
	}
	return all
}

// cleaned undoes what is left, and fails the test if something stays. For a
// moment a process that is being started has the lock of who started it.
func cleaned(t *testing.T) {
	t.Helper()
	var rest []string
	for until := time.Now().Add(10 * time.Second); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		if _, err := place.Clean(); err != nil {
			t.Fatal(err)
		}
		if rest = left(t); len(rest) == 0 {
			return
		}
	}
	t.Errorf("left behind:\n%s", strings.Join(rest, "\n"))
}

// TestLab: two hosts share what one has stored, a remount is one, and a lab that
// is closed leaves nothing.
func TestLab(t *testing.T) {
	mayMount(t)
	cleaned(t)
	for _, name := range []string{"bindfs", "sshfs"} {
		t.Run(name, func(t *testing.T) {
			l, err := start(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := l.Close(); err != nil {
					t.Error(err)
				}
				if rest := left(t); len(rest) > 0 {
					t.Errorf("left behind:\n%s", strings.Join(rest, "\n"))
				}
			}()
			r, err := agent.NewRunner(t.Context(), l.Cluster())
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if err := r.Open(t.Context()); err != nil {
				t.Fatal(err)
			}
			c, err := corpus.Parse("test", []byte("doublemount case 1\ndesign: local\nhosts: 2\nexpect: held nothing-lost\n\n"+
				"1 A mount\n2 A create /a\n3 A write /a 0 8 #1\n4 A sync\n5 B mount\n6 B read /a 0 8\n7 B remount\n8 B read /a 0 8\nend A unmount\nend B unmount\n"))
			if err != nil {
				t.Fatal(err)
			}
			run, err := r.Run(t.Context(), c.Program)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range checker.New(0, model.Linearizable)(run) {
				if v.Outcome != model.Held {
					t.Errorf("%s %v: %v\n%v", v.Guarantee, v.Outcome, v.Proof, run.History)
				}
			}
		})
	}
}

// TestRemountInterrupted: a remount that was killed at any moment is made good by
// the next.
func TestRemountInterrupted(t *testing.T) {
	mayMount(t)
	l, err := start(t.Context(), "bindfs")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	words := l.Cluster().Members[0].Remount
	for i := range 8 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*10*time.Millisecond)
		exec.CommandContext(ctx, words[0], words[1:]...).Run() // it is killed, or not
		cancel()
		if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("after one that was killed after %d ms: %v %s", i*10, err, out)
		}
	}
}

// TestNotMounted: where the share is not mounted an agent says so; it does not
// work on what lies under the mount.
func TestNotMounted(t *testing.T) {
	mayMount(t)
	l, err := start(t.Context(), "bindfs")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	c := l.Cluster()
	root := c.Members[0].Command[len(c.Members[0].Command)-1]
	if err := syscall.Unmount(filepath.Dir(root), 0); err != nil {
		t.Fatal(err)
	}
	if r, err := agent.NewRunner(t.Context(), c); err != nil {
		t.Error(err)
	} else {
		if err := r.Open(t.Context()); err == nil || !strings.Contains(err.Error(), root) {
			t.Errorf("%v; want an error that has %s", err, root)
		}
		r.Close()
	}
	if err := l.Remount(t.Context()); err != nil {
		t.Fatal(err)
	}
	r, err := agent.NewRunner(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// TestStopped: a server that does not answer any more, and a process that waits
// for it, are no reason to stay.
func TestStopped(t *testing.T) {
	mayMount(t)
	l, err := start(t.Context(), "bindfs")
	if err != nil {
		t.Fatal(err)
	}
	words := l.Cluster().Members[0].Command
	root := filepath.Dir(words[len(words)-1])
	stopped := 0
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil || !strings.HasPrefix(string(text), "bindfs\x00") || !strings.Contains(string(text), root) {
			continue
		}
		var pid int
		if _, err := fmt.Sscanf(f, "/proc/%d/", &pid); err != nil || syscall.Kill(pid, syscall.SIGSTOP) != nil {
			t.Fatalf("stop %s", f)
		}
		stopped++
	}
	if stopped != 1 {
		t.Errorf("%d servers were stopped; want 1", stopped)
	}
	waits := exec.Command("stat", root+"/nothing")
	if err := waits.Start(); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	waits.Wait() // it returns, with an error
	cleaned(t)
}

// endless starts a system, works on it and removes it, again and again.
func endless(name string) {
	for {
		l, err := start(context.Background(), name)
		if err != nil {
			panic(err)
		}
		r, err := agent.NewRunner(context.Background(), l.Cluster())
		if err != nil {
			panic(err)
		}
		for n := range 2 {
			r.Run(context.Background(), fuzz.Options{Seed: 1, Hosts: 2}.Program(r.Capabilities(), n))
		}
		r.Close()
		if err := l.Close(); err != nil {
			panic(err)
		}
	}
}

// TestKilled kills a lab at a random moment of its start, its work or its end,
// and has what it left undone.
func TestKilled(t *testing.T) {
	mayMount(t)
	kills := 3
	if os.Getenv("DOUBLEMOUNT_LONG") != "" {
		kills = 20
	}
	cleaned(t)
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	something := false
	for i := range kills {
		name := []string{"sshfs", "bindfs"}[i%2]
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), endlessEnv+"="+name)
		said := new(strings.Builder)
		c.Stderr = said
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		after := time.Duration(random.Int64N(int64(3 * time.Second)))
		time.Sleep(after)
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		c.Wait() // it was killed
		something = something || len(left(t)) > 0
		cleaned(t)
		if said.Len() > 0 || t.Failed() {
			t.Fatalf("seed %d: %s, killed after %v: %s", seed, name, after, said)
		}
	}
	if !something {
		t.Errorf("seed %d: no kill left anything: this test sees nothing", seed)
	}
}
