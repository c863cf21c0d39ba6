//go:build linux

package loop_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/corpus"
	"github.com/doublemount/doublemount/lab/agent"
	"github.com/doublemount/doublemount/lab/loop"
	"github.com/doublemount/doublemount/model"
)

func TestMain(m *testing.M) {
	if os.Getenv(badHostEnv) != "" && strings.HasPrefix(os.Args[0], "doublemount-host") {
		badHost()
	}
	loop.HostMain()
	if name := os.Getenv(endlessEnv); name != "" {
		endless(name)
	}
	os.Exit(m.Run())
}

// labEnv turns the tests on that mount file systems, and skipping into failing.
const labEnv = "DOUBLEMOUNT_LAB"

// mayMount skips a test where no file system may be mounted.
func mayMount(t *testing.T) {
	t.Helper()
	if os.Getenv(labEnv) != "1" {
		t.Skipf("mounts file systems of this kernel, as root: only with %s=1", labEnv)
	}
}

// lab makes a Runner, or skips the test.
func lab(t *testing.T, name string, o loop.Options) *loop.Runner {
	t.Helper()
	mayMount(t)
	s, err := loop.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	r, err := loop.New(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// program reads the steps of a case.
func program(t *testing.T, steps string) model.Program {
	t.Helper()
	c, err := corpus.Parse("test", []byte("doublemount case 1\ndesign: local\nhosts: 2\nexpect: held nothing-lost\n\n"+strings.TrimLeft(steps, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return c.Program
}

// TestLostFile: what one host has stored is lost on every file system, and the
// report names the block write that destroyed it.
func TestLostFile(t *testing.T) {
	p := program(t, "1 A mount\n2 B mount\n3 A create /a\n4 B create /b\n5 A sync\nend A unmount\nend B unmount\n")
	for _, name := range []string{"ext4", "ext4-nojournal", "xfs", "btrfs", "ntfs"} {
		t.Run(name, func(t *testing.T) {
			r := lab(t, name, loop.Options{})
			v := judge(t, play(t, r, p), model.NothingLost)
			if v.Anomaly != model.LostFile {
				t.Fatalf("nothing-lost: %v %s", v.Outcome, v.Anomaly)
			}
			if name != "ext4" {
				return // whether a cause can be isolated depends on how a file system caches
			}
			_, cause, err := checker.Explain(t.Context(), r, checker.New(0, model.NothingLost), p, v)
			if err != nil {
				t.Fatal(err)
			}
			if !cause.Verified || cause.Kind != "stale-write" || !strings.HasPrefix(cause.Meaning, "directory block of /") {
				t.Errorf("cause: %+v", cause)
			}
		})
	}
}

// TestHostDies: a host's process that ends by itself is an error of the harness,
// and the next run has another.
func TestHostDies(t *testing.T) {
	r := lab(t, "ext4", loop.Options{})
	p := program(t, "1 A mount\n2 A create /a\n3 A write /a 0 4096 #1\n4 A sync\n5 A read /a 0 4096\nend A unmount\nend B unmount\n")
	play(t, r, p)
	failed := false
	for range 20 {
		stop := make(chan struct{})
		go func() {
			defer close(stop)
			for _, pid := range children(t, "doublemount-host-A") {
				syscall.Kill(pid, syscall.SIGKILL)
			}
		}()
		_, err := r.Run(t.Context(), p)
		<-stop
		if err != nil {
			failed = true
			if !strings.HasPrefix(err.Error(), "the process of host A: agent lost: it ended") {
				t.Errorf("the error is %v", err)
			}
		}
	}
	if !failed {
		t.Error("no run noticed that a host was killed")
	}
	if v := judge(t, play(t, r, p), model.NothingLost); v.Outcome != model.Held {
		t.Errorf("a run after that: %v %s", v.Outcome, v.Anomaly)
	}
}

// badHostEnv has hosts answer nonsense to what comes after the hello.
const badHostEnv = "DOUBLEMOUNT_TEST_BAD_HOST"

func badHost() {
	in := bufio.NewReader(os.Stdin)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			os.Exit(0)
		}
		var q struct{ ID, Method string }
		json.Unmarshal([]byte(line), &q) // an empty line is none
		switch q.Method {
		case "":
		case "hello":
			fmt.Printf(`{"jsonrpc":"2.0","id":%q,"result":{"protocol":%d}}`+"\n", q.ID, agent.Protocol)
		default:
			fmt.Printf(`{"jsonrpc":"2.0","id":%q,"result":["what?"]}`+"\n", q.ID)
		}
	}
}

// TestBadHost: a host's process that answers nonsense is an error of the harness that
// names it.
func TestBadHost(t *testing.T) {
	mayMount(t)
	t.Setenv(badHostEnv, "1")
	s, err := loop.Lookup("ext4")
	if err != nil {
		t.Fatal(err)
	}
	r, err := loop.New(t.Context(), s, loop.Options{})
	if err == nil {
		r.Close()
	}
	if want := "the process of host A: agent lost: it answered nonsense to mount"; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("%v; want %s", err, want)
	}
}

// children are the processes of this one that have a name.
func children(t *testing.T, name string) (pids []int) {
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Error(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil || !strings.HasPrefix(string(text), name) {
			continue // it has ended
		}
		stat, err := os.ReadFile(filepath.Join(filepath.Dir(f), "status"))
		if err == nil && strings.Contains(string(stat), fmt.Sprintf("\nPPid:\t%d\n", os.Getpid())) {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(f)))
			if err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}
