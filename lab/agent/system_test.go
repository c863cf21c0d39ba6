package agent_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/doublemount/doublemount/lab/agent"
	"github.com/doublemount/doublemount/model"
)

// fakeSystem is a file system that is a directory, and remembers what it was asked.
type fakeSystem struct {
	dir string

	mu    sync.Mutex
	asked []string
}

func (f *fakeSystem) note(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, fmt.Sprintf(format, args...))
}

func (f *fakeSystem) all() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.asked)
}

func (f *fakeSystem) Mount(m agent.Mount) (*os.Root, error) {
	f.note("mount %s %q", m.Disk, m.Paths)
	switch m.Disk {
	case "taken":
		return nil, fmt.Errorf("mount: %w", syscall.EBUSY)
	case "broken":
		return nil, errors.New("no loop device")
	}
	return os.OpenRoot(f.dir)
}

func (f *fakeSystem) Unmount(detach bool) error {
	f.note("unmount %v", detach)
	if detach {
		return nil
	}
	return fmt.Errorf("umount: %w", syscall.EIO)
}

func (f *fakeSystem) Do(s model.Step) (model.Result, bool) {
	f.note("do %v", s.Kind)
	return model.Result{Free: 7}, s.Kind == model.Statfs || s.Kind == model.Writeback
}

// system is a caller's end of an agent that has a file system of its own, and a
// channel that says that the agent has ended.
func system(t *testing.T, f *fakeSystem, opts agent.Options) (*agent.Host, <-chan error) {
	t.Helper()
	ours, theirs := net.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := agent.Serve(theirs, agent.Config{Root: f.dir, System: f})
		theirs.Close()
		ended <- err
	}()
	h, err := agent.Connect(t.Context(), ours, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Kill)
	return h, ended
}

// TestSystem has an agent mount, use and unmount a file system of its own.
func TestSystem(t *testing.T) {
	f := &fakeSystem{dir: t.TempDir()}
	h, ended := system(t, f, agent.Options{Name: "A"})
	do := func(s model.Step) agent.Answer {
		t.Helper()
		a := h.Do(s)
		if a.Err != nil || a.Result.Errno != model.OK {
			t.Errorf("%v: %+v", s.Kind, a)
		}
		return a
	}
	if _, err := h.Mount(agent.Mount{Disk: "d", Paths: []model.Path{"/a", "/b/c"}, Word: 64}); err != nil {
		t.Fatal(err)
	}
	do(model.Step{Kind: model.Create, Path: "/a"})
	if _, err := os.Stat(filepath.Join(f.dir, "a")); err != nil {
		t.Errorf("a step of the directory: %v", err)
	}
	if a := do(model.Step{Kind: model.Statfs}); a.Result.Free != 7 {
		t.Errorf("a step of the file system: %+v", a)
	}
	do(model.Step{Kind: model.Writeback, Off: 1, Len: 2})
	if a := do(model.Step{Kind: model.Refresh}); !a.Skipped {
		t.Errorf("an event that nobody can do: %+v", a)
	}
	answer := make(chan agent.Answer)
	unmount := func(detach bool) agent.Answer {
		h.BeginUnmount(detach, func(a agent.Answer) { answer <- a })
		return <-answer
	}
	if a := unmount(false); a.Err != nil || a.Result.Errno != model.EIO {
		t.Errorf("an unmount that fails: %+v", a)
	}
	if _, err := h.Mount(agent.Mount{Word: 64}); err != nil {
		t.Fatal(err)
	}
	if a := unmount(true); a.Err != nil || a.Result.Errno != model.OK {
		t.Errorf("an unmount: %+v", a)
	}
	for _, test := range []struct {
		mount agent.Mount
		want  string
		errno model.Errno
	}{
		{agent.Mount{Disk: "taken", Word: 64}, "A: mount: \"mount: device or resource busy\"", model.EBUSY},
		{agent.Mount{Disk: "broken", Word: 64}, "A: mount: \"no loop device\"", model.OK},
		{agent.Mount{Dir: dir, Word: 64}, "A: mount: \"a file system is mounted, so a directory has no name\"", model.OK},
	} {
		h.BeginMount(test.mount, func(a agent.Answer) { answer <- a })
		a := <-answer
		refused, ok := errors.AsType[*agent.Refused](a.Err)
		if !ok || a.Err.Error() != test.want || refused.Errno != test.errno || a.Return != model.Never {
			t.Errorf("%+v: %+v; want %s, %v", test.mount, a, test.want, test.errno)
		}
	}
	if _, err := h.Mount(agent.Mount{Disk: "last", Word: 64}); err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	want := []string{`mount d ["/a" "/b/c"]`, "do create", "do statfs", "do writeback", "do refresh", "unmount false",
		"mount  []", "unmount true", "mount taken []", "mount broken []", "mount last []", "unmount true"}
	if got := f.all(); !slices.Equal(got, want) {
		t.Errorf("it was asked\n%q, want\n%q", got, want)
	}
}

// TestNoSystem: an agent without a file system of its own mounts no disk and does no
// events.
func TestNoSystem(t *testing.T) {
	for line, want := range map[string]string{
		fmt.Sprintf(`"mount","params":{"dir":%q,"make":true,"word":64,"disk":"/dev/sda"}`, dir): "-32602 this agent works in directories and mounts no disk",
		fmt.Sprintf(`"mount","params":{"dir":%q,"make":true,"word":64,"paths":["/a"]}`, dir):    "-32602 this agent works in directories and mounts no disk",
		`"do","params":{"kind":"writeback"}`:                                                    `-32602 no operation is called "writeback"`,
	} {
		if got := serve(t, t.TempDir(), `{"jsonrpc":"2.0","id":1,"method":`+line+"}\n")["1"]; got != want {
			t.Errorf("%s: %s; want %s", line, got, want)
		}
	}
}

// TestAnswersUnderALock: who holds the lock that the functions take can begin requests
// and give the agent up, and hears that it is lost first, once.
func TestAnswersUnderALock(t *testing.T) {
	ours, theirs := net.Pipe()
	go func() { // answers nothing but the hello
		in := bufio.NewReader(theirs)
		session := sessionOf(in)
		fmt.Fprintf(theirs, `{"jsonrpc":"2.0","id":"%s.1","result":{"protocol":2,"os":"test","kinds":[],"unlink_open":true}}`+"\n", session)
		io.Copy(io.Discard, in)
	}()
	var mu sync.Mutex
	var heard []string
	done := make(chan struct{})
	hear := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		if heard = append(heard, what); len(heard) == 4 {
			close(done)
		}
	}
	h, err := agent.Connect(t.Context(), ours, agent.Options{Timeout: -1, Lost: func(err error) {
		hear("lost")
		if !errors.Is(err, agent.ErrLost) {
			t.Error(err)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	then := func(a agent.Answer) {
		hear("answer")
		if !errors.Is(a.Err, agent.ErrLost) || a.Return != model.Never {
			t.Errorf("%+v", a)
		}
	}
	mu.Lock()
	h.BeginDo(model.Step{Kind: model.Sync}, then)
	h.BeginUnmount(false, then)
	h.Kill()
	h.BeginMount(agent.Mount{Dir: dir, Word: 64}, then)
	h.Kill()
	mu.Unlock()
	<-done
	<-h.Gone()
	if i := slices.Index(heard, "lost"); i < 0 || i > 1 { // the mount was begun afterwards
		t.Errorf("heard %q", heard)
	}
}

// TestLaunch begins requests before the first answer, of a command that has an
// environment of its own; and has one that never answers told.
func TestLaunch(t *testing.T) {
	file, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	launch := func(role string, opts agent.Options) (*agent.Host, error) {
		cmd := exec.Command(file)
		cmd.Env = append(os.Environ(), roleEnv+"="+role, rootEnv+"="+t.TempDir())
		opts.Name, opts.Timeout = "A", -1
		return agent.Launch(cmd, opts)
	}
	h, err := launch("good", agent.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Mount(agent.Mount{Dir: dir, Make: true, Word: 64}); err != nil {
		t.Error(err)
	}
	select {
	case <-h.Gone():
		t.Error("it has ended")
	default:
	}
	h.Kill()
	<-h.Gone()

	lost := make(chan error, 1)
	h, err = launch("silent", agent.Options{Start: 300 * time.Millisecond, Lost: func(err error) { lost <- err }})
	if err != nil {
		t.Fatal(err)
	}
	a := h.Do(model.Step{Kind: model.Sync})
	if want := "A: agent lost: no answer within 300ms"; a.Err == nil || a.Err.Error() != want {
		t.Errorf("%v; want %s", a.Err, want)
	}
	if err := <-lost; err == nil || err.Error() != a.Err.Error() {
		t.Errorf("lost: %v, answer: %v", err, a.Err)
	}
	<-h.Gone()

	if _, err := agent.Launch(exec.Command("./no-such-command"), agent.Options{Name: "A"}); err == nil || !strings.HasPrefix(err.Error(), `A: start "./no-such-command": `) {
		t.Errorf("%v", err)
	}
}
