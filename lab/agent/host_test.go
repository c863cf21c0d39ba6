package agent_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/doublemount/doublemount/lab/agent"
	"github.com/doublemount/doublemount/model"
)

// self is a command that makes this test binary an agent.
func self(t *testing.T, role, root string) []string {
	t.Helper()
	file, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return []string{"env", roleEnv + "=" + role, rootEnv + "=" + root, file}
}

func start(t *testing.T, role, root string, opts agent.Options) *agent.Host {
	t.Helper()
	h, err := agent.Start(t.Context(), opts, self(t, role, root)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Kill)
	return h
}

const dir = "doublemount-test"

// TestTwoAgents has two processes work in one directory, at the same time.
func TestTwoAgents(t *testing.T) {
	root := t.TempDir()
	var clock agent.Clock
	a := start(t, "good", root, agent.Options{Name: "A", Clock: &clock})
	b := start(t, "greeting", root, agent.Options{Name: "B", Clock: &clock})
	if _, err := b.Mount(agent.Mount{Dir: dir, Word: 64}); err == nil {
		t.Error("B could mount what nobody has made")
	}
	for i, h := range []*agent.Host{a, b} {
		if _, err := h.Mount(agent.Mount{Dir: dir, Make: i == 0, Word: 64}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.Mount(agent.Mount{Dir: dir, Word: 64}); err == nil || errors.Is(err, agent.ErrLost) {
		t.Errorf("B mounted twice: %v", err)
	}
	do := func(h *agent.Host, s model.Step, want string) agent.Answer {
		t.Helper()
		got := h.Do(s)
		op := model.Op{Kind: s.Kind, Path: s.Path, Len: s.Len, Return: got.Return, Skipped: got.Skipped, Result: got.Result}
		if got.Err != nil || op.Answer() != want || got.Call >= got.Return {
			t.Errorf("%s: %v: %s at %d to %d, %v; want %s", h.Name(), s, op.Answer(), got.Call, got.Return, got.Err, want)
		}
		return got
	}
	first := do(a, model.Step{Kind: model.Create, Path: "/a"}, "ok")
	if last := do(b, model.Step{Kind: model.Write, Path: "/a", Off: 8, Len: 8, Data: 7}, "ok"); last.Call <= first.Return {
		t.Errorf("B was called at %d, after A returned at %d", last.Call, first.Return)
	}
	do(a, model.Step{Kind: model.Open, Path: "/a", File: 2}, "ok")
	do(b, model.Step{Kind: model.Unlink, Path: "/a"}, "ok")
	do(a, model.Step{Kind: model.Read, File: 2, Len: 99}, "8x0 8x#7")
	do(a, model.Step{Kind: model.Append, File: 2, Len: 3, Data: 9}, "ok")
	do(a, model.Step{Kind: model.Read, File: 2, Off: 15, Len: 99}, "1x#7 3x#9")
	do(a, model.Step{Kind: model.Read, Path: "/a", Len: 9}, "ENOENT")
	do(a, model.Step{Kind: model.Fsync, File: 2}, "ok")
	do(a, model.Step{Kind: model.Sync}, "ok")
	do(b, model.Step{Kind: model.Mkdir, Path: "/b"}, "ok")
	do(a, model.Step{Kind: model.Readdir, Path: "/"}, "b")
	do(a, model.Step{Kind: model.Stat, Path: "/b"}, "dir")
	do(a, model.Step{Kind: model.Read, Path: "/b", Len: 8, Direct: true}, "skipped") // nobody has tried whether it can be

	answers := []<-chan agent.Answer{}
	for range 50 {
		answers = append(answers, a.Begin(model.Step{Kind: model.Mkdir, Path: "/c"}), b.Begin(model.Step{Kind: model.Mkdir, Path: "/c"}))
	}
	made := 0
	for _, c := range answers {
		if r := <-c; r.Err != nil {
			t.Fatal(r.Err)
		} else if r.Result.Errno == model.OK {
			made++
		}
	}
	if made != 1 {
		t.Errorf("/c was made %d times", made)
	}
	for _, h := range []*agent.Host{b, a} {
		if r, err := h.Unmount(); r.Errno != model.OK || err != nil {
			t.Errorf("unmount %v: %v", r.Errno, err)
		}
		if got := h.Do(model.Step{Kind: model.Sync}); got.Err == nil || errors.Is(got.Err, agent.ErrLost) {
			t.Errorf("an operation after the unmount: %+v", got)
		}
	}
	if err := b.Remove(agent.Mount{Dir: dir}); err == nil {
		t.Error("B could remove what A made")
	}
	if err := a.Remove(agent.Mount{Dir: dir}); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(root); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestRootComesAndGoes has the root replaced between two mounts, as a remount
// does it.
func TestRootComesAndGoes(t *testing.T) {
	root := filepath.Join(t.TempDir(), "mnt")
	h := start(t, "good", root, agent.Options{})
	if _, err := h.Mount(agent.Mount{Dir: dir, Make: true, Word: 64}); err == nil {
		t.Error("mounted a root that is not there")
	}
	for n := range 2 {
		if err := os.Mkdir(root, 0o700); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Mount(agent.Mount{Dir: dir, Make: true, Word: 64}); err != nil {
			t.Fatal(err)
		}
		if got := h.Do(model.Step{Kind: model.Create, Path: "/a"}); got.Err != nil || got.Result.Errno != model.OK {
			t.Errorf("create in root %d: %+v", n, got)
		}
		if _, err := h.Unmount(); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(root, fmt.Sprint(root, n)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCleansUp ends the input of an agent that has not been told to remove
// anything.
func TestCleansUp(t *testing.T) {
	root := t.TempDir()
	h := start(t, "floods stderr", root, agent.Options{})
	if _, err := h.Mount(agent.Mount{Dir: dir, Make: true, Word: 64}); err != nil {
		t.Fatal(err)
	}
	if got := h.Do(model.Step{Kind: model.Create, Path: "/a"}); got.Err != nil {
		t.Fatal(got.Err)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(root); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if got := h.Do(model.Step{Kind: model.Sync}); !errors.Is(got.Err, agent.ErrLost) || got.Return != model.Never {
		t.Errorf("an operation after the close: %+v", got)
	}
}

// TestBadAgents has agents that die, hang, answer nonsense or flood. Each is
// told of in words, in bounded time, and its operation never returned.
func TestBadAgents(t *testing.T) {
	const limit = 300 * time.Millisecond
	for _, test := range []struct{ role, atStart, later string }{
		{"dies", "it ended; it said \"ssh: connect to host b port 22: No route to host\"", ""},
		{"silent", "no answer within", ""},
		{"another version", "it speaks version 9 of the protocol", ""},
		{"floods before", "before anything else", ""},
		{"noise", "; it said \"" + strings.Repeat(`\xfe`, 60) + "...\"", ""},
		{"dies later", "", "it ended"},
		{"hangs later", "", "no answer within"},
		{"nonsense", "", "no error is called \"EWHAT\""},
		{"no JSON", "", "it answered nonsense: \"\\x1b[31mSegmentation fault\""},
		{"unasked", "", "it answered what it was not asked"},
		{"floods", "", "a line of more than"},
	} {
		t.Run(test.role, func(t *testing.T) {
			t.Parallel()
			opts := agent.Options{Name: "B"}
			switch test.role {
			case "silent":
				opts.Start = limit
			case "hangs later":
				opts.Timeout = limit
			}
			h, err := agent.Start(t.Context(), opts, self(t, test.role, "")...)
			if test.atStart != "" {
				if err == nil || !strings.Contains(err.Error(), test.atStart) || !errors.Is(err, agent.ErrLost) {
					t.Errorf("start: %v; want %s", err, test.atStart)
				}
				return
			}
			if err != nil {
				// It may have gone wrong before the hello was read.
				if !strings.Contains(err.Error(), test.later) {
					t.Fatal(err)
				}
				return
			}
			defer h.Kill()
			got := h.Do(model.Step{Kind: model.Create, Path: "/a"})
			if !errors.Is(got.Err, agent.ErrLost) || !strings.Contains(got.Err.Error(), test.later) || got.Return != model.Never {
				t.Errorf("%+v; want %s", got, test.later)
			}
			if h.Err() == nil {
				t.Error("nothing is wrong with the host")
			}
		})
	}
}

// endsSoon is the transport of an agent that reads nothing and ends a little later.
type endsSoon struct{ ended chan struct{} }

func (e endsSoon) Write([]byte) (int, error) {
	time.AfterFunc(50*time.Millisecond, func() { close(e.ended) })
	return 0, io.ErrClosedPipe
}

func (e endsSoon) Read([]byte) (int, error) {
	<-e.ended
	return 0, io.EOF
}

func (endsSoon) Close() error { return nil }

// TestEndsUnread has the write to an agent fail before it is known to have ended.
func TestEndsUnread(t *testing.T) {
	_, err := agent.Connect(t.Context(), endsSoon{make(chan struct{})}, agent.Options{Name: "B"})
	if want := "B: agent lost: it ended"; err == nil || err.Error() != want {
		t.Errorf("%v; want %s", err, want)
	}
}

// TestStuck tells an operation that hangs in the file system from an agent that
// is gone: the agent answers a ping meanwhile. A late answer hurts nobody.
func TestStuck(t *testing.T) {
	ours, theirs := net.Pipe()
	release := make(chan struct{})
	go func() {
		defer theirs.Close()
		stuck := ""
		for in := bufio.NewScanner(theirs); in.Scan(); {
			var q struct {
				ID     json.RawMessage
				Method string
				Params struct{ Path string }
			}
			if len(in.Bytes()) == 0 {
				continue
			}
			if err := json.Unmarshal(in.Bytes(), &q); err != nil {
				return
			}
			answer := `{}`
			switch {
			case q.Method == "hello":
				answer = `{"protocol":2,"os":"test","kinds":["create"],"unlink_open":true}`
			case q.Method == "do" && q.Params.Path == "/stuck":
				stuck = string(q.ID)
				continue
			case q.Method == "do":
				<-release
				fmt.Fprintf(theirs, `{"jsonrpc":"2.0","id":%s,"result":{"errno":"ok"}}`+"\n", stuck)
				answer = `{"errno":"EEXIST"}`
			}
			fmt.Fprintf(theirs, `{"jsonrpc":"2.0","id":%s,"result":%s}`+"\n", q.ID, answer)
		}
	}()
	h, err := agent.Connect(t.Context(), ours, agent.Options{Timeout: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Kill()
	got := h.Do(model.Step{Kind: model.Create, Path: "/stuck"})
	if !errors.Is(got.Err, agent.ErrStuck) || errors.Is(got.Err, agent.ErrLost) || got.Return != model.Never {
		t.Errorf("%+v; want stuck", got)
	}
	close(release)
	if got := h.Do(model.Step{Kind: model.Create, Path: "/a"}); got.Err != nil || got.Result.Errno != model.EEXIST {
		t.Errorf("the next operation: %+v", got)
	}
}

// TestNoCommand starts what cannot be started, and what the caller does not wait
// for.
func TestNoCommand(t *testing.T) {
	if _, err := agent.Start(t.Context(), agent.Options{}, "./no-such-command"); err == nil || !strings.Contains(err.Error(), "no-such-command") {
		t.Errorf("%v", err)
	}
	if _, err := agent.Start(t.Context(), agent.Options{}); err == nil {
		t.Error("started nothing")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := agent.Start(ctx, agent.Options{}, self(t, "silent", "")...); !errors.Is(err, context.Canceled) {
		t.Errorf("%v; want the context's error", err)
	}
}
