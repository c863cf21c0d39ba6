//go:build linux

package place_test

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/lab/place"
)

// waitEnv makes the test binary a process that waits for the end of its input.
const waitEnv = "DOUBLEMOUNT_TEST_WAIT"

func TestMain(m *testing.M) {
	if os.Getenv(waitEnv) != "" {
		os.Stdout.WriteString("x")
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// waiting starts such a process, and returns when it runs. It is called as args
// say.
func waiting(t *testing.T, args ...string) (c *exec.Cmd, end io.Closer) {
	t.Helper()
	c = exec.Command(args[0], args[1:]...)
	c.Env = append(os.Environ(), waitEnv+"=1")
	if self := os.Args[0]; args[len(args)-1] != self {
		c.Path, c.Err = self, nil
	}
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	return c, in
}

// TestNetwork: the processes of a place's network namespace end with it, that
// which is about to enter it, too, and no others; and who made it has stayed where
// it was.
func TestNetwork(t *testing.T) {
	if os.Getenv("DOUBLEMOUNT_LAB") != "1" {
		t.Skip("makes a network namespace, as root: only with DOUBLEMOUNT_LAB=1")
	}
	before, err := os.Readlink("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	p, err := place.New()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Network(); err != nil {
		t.Fatal(err)
	}
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		if now, err := os.Readlink("/proc/self/task/" + task.Name() + "/ns/net"); err == nil && now != before {
			t.Errorf("a thread is in %s; want %s", now, before)
		}
	}
	up := p.Within("ip", "-o", "link", "show", "up")
	if out, err := exec.Command(up[0], up[1:]...).CombinedOutput(); err != nil || strings.Count(string(out), "\n") != 1 || !strings.Contains(string(out), " lo:") {
		t.Errorf("interfaces that are up: %v %s", err, out)
	}
	inside, _ := waiting(t, p.Within(os.Args[0])...)
	entering, _ := waiting(t, p.Within()...)
	outside, end := waiting(t, os.Args[0])
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	for name, c := range map[string]*exec.Cmd{"inside": inside, "entering": entering} {
		if err := c.Wait(); err == nil || c.ProcessState.ExitCode() != -1 {
			t.Errorf("%s: %v; want it killed", name, err)
		}
	}
	end.Close()
	if err := outside.Wait(); err != nil {
		t.Errorf("outside: %v", err)
	}
	if _, err := os.Stat(p.Dir); !os.IsNotExist(err) {
		t.Errorf("%s is there: %v", p.Dir, err)
	}
}

// TestClean leaves a place alone whose process is at work.
func TestClean(t *testing.T) {
	if os.Getenv("DOUBLEMOUNT_LAB") != "1" {
		t.Skip("makes a network namespace, as root: only with DOUBLEMOUNT_LAB=1")
	}
	p, err := place.New()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Network(); err != nil {
		t.Fatal(err)
	}
	inside, end := waiting(t, p.Within(os.Args[0])...)
	if _, err := place.Clean(); err != nil {
		t.Error(err)
	}
	end.Close()
	if err := inside.Wait(); err != nil {
		t.Errorf("a process of a lab at work: %v", err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}
