package cli_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/doublemount/doublemount/internal/testscale"
)

// TestKills kills agents, the file server of one host, the remount command, and the
// command itself, each at a random moment of a hunt or a probe. Nothing is left that
// was not there, nothing is unmounted that was mounted, but by a remount that was
// killed half-way, and whatever was lost is told, with exit code 3.
func TestKills(t *testing.T) {
	mayMountHere(t)
	times := testscale.Reaching(12, 200)
	if _, err := exec.LookPath("bindfs"); err != nil {
		t.Fatalf("%v: apt-get install bindfs", err)
	}
	const seed = 1
	random := rand.New(rand.NewPCG(seed, 0))
	victims := []string{"agent A", "agent B", "server B", "remount", "command", "interrupt"}
	told := map[string]int{}
	for n := range times {
		k := killing{t: t, top: t.TempDir(), victim: victims[n%len(victims)], verb: []string{"hunt", "probe"}[n/len(victims)%2],
			after: time.Duration(random.IntN(2500)) * time.Millisecond}
		t.Run(fmt.Sprintf("%d %s of %s after %v", n, k.victim, k.verb, k.after), func(t *testing.T) {
			k.t = t
			if k.run() {
				told[k.victim]++
			}
		})
	}
	t.Logf("killed and told: %v", told)
	for _, victim := range victims {
		if told[victim] == 0 {
			t.Errorf("%s was never killed in time", victim)
		}
	}
}

type killing struct {
	t            *testing.T
	top          string
	victim, verb string
	after        time.Duration
}

func (k *killing) dir(name string) string { return filepath.Join(k.top, name) }

func (k *killing) sh(command string) string {
	k.t.Helper()
	out, err := exec.Command("sh", "-euc", command).CombinedOutput()
	if err != nil {
		k.t.Fatalf("%s: %v: %s", command, err, out)
	}
	return string(out)
}

// run reports whether there was something to kill.
func (k *killing) run() bool {
	t := k.t
	for _, name := range []string{"data", "a", "b"} {
		if err := os.Mkdir(k.dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	k.sh("echo keep >" + k.dir("data/users"))
	k.sh("mount --bind " + k.dir("data") + " " + k.dir("a"))
	serve := "bindfs -f " + k.dir("data") + " " + k.dir("b")
	k.sh("setsid " + serve + " >/dev/null 2>&1 & until mountpoint -q " + k.dir("b") + "; do sleep 0.02; done")
	defer func() {
		for _, name := range []string{"a", "b"} {
			for syscall.Unmount(k.dir(name), syscall.MNT_DETACH) == nil {
			}
		}
	}()
	remount := k.dir("remount.sh")
	text := "set -e\numount " + k.dir("a") + "\nsleep 0.1\necho half-way\nmount --bind " + k.dir("data") + " " + k.dir("a") + "\n"
	if err := os.WriteFile(remount, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	args := []string{k.verb, "--for", "3s", "--timeout", "2s", "--reruns", "1", "--out", k.dir("cases"),
		"--without", "renames", // in which bindfs 1.14 can deadlock
		"--remount", "A=sh " + remount}
	for _, name := range []string{"A", "B"} {
		args = append(args, "--host", name+"=doublemount agent --root "+k.dir(strings.ToLower(name)))
	}
	var said bytes.Buffer
	cmd := exec.Command("doublemount", args...)
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &said, &said, 10*time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(k.after)
	killed := k.kill(cmd)
	err := cmd.Wait()
	code := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	}
	// What has outlived it ends by itself: agents whose input has ended, a remount.
	for began := time.Now(); len(k.pids("agent --root "+k.top))+len(k.pids(remount)) > 0; time.Sleep(20 * time.Millisecond) {
		if time.Since(began) > 10*time.Second {
			t.Errorf("still there: %v", append(k.pids("agent --root "+k.top), k.pids(remount)...))
			break
		}
	}
	if left := k.sh("ls -A " + k.dir("data")); left != "users\n" {
		t.Errorf("left behind: %s", left)
	}
	mounted := exec.Command("mountpoint", "-q", k.dir("a")).Run() == nil
	if !mounted && !(k.victim == "remount" && strings.Contains(said.String(), "A: NOT mounted")) {
		t.Errorf("A is not mounted")
	}
	if exec.Command("mountpoint", "-q", k.dir("b")).Run() != nil && !(k.victim == "server B" && killed) {
		t.Errorf("B is not mounted")
	}
	want := []int{0, 1, 4} // nothing was lost: what was found counts
	switch {
	case !killed:
	case k.victim == "command":
		want = []int{-1}
	case k.victim == "interrupt":
		if said.Len() == 0 {
			want = []int{-1} // it came before there was anything that could be in order
		}
	case k.victim == "server B": // a file system that is gone is a finding, or keeps every run from being made
		want = []int{1, 3, 4}
	default:
		want = []int{3}
	}
	if !slices.Contains(want, code) {
		t.Errorf("exit code %d; want one of %d", code, want)
	}
	if killed && strings.HasPrefix(k.victim, "agent") && !strings.Contains(said.String(), k.victim[6:]+": agent lost") {
		t.Error("the lost agent is not named")
	}
	if t.Failed() {
		t.Logf("%s", &said)
	}
	return killed
}

// kill kills the victim and reports whether there was one.
func (k *killing) kill(cmd *exec.Cmd) bool {
	pattern := map[string]string{"agent A": "doublemount agent --root " + k.dir("a"), "agent B": "doublemount agent --root " + k.dir("b"),
		"server B": "bindfs -f " + k.dir("data"), "remount": "sh " + k.dir("remount.sh")}[k.victim]
	switch k.victim {
	case "command":
		return cmd.Process.Kill() == nil
	case "interrupt":
		return cmd.Process.Signal(os.Interrupt) == nil
	}
	for began := time.Now(); time.Since(began) < time.Second; time.Sleep(time.Millisecond) { // a remount is there now and then
		for _, pid := range k.pids(pattern) {
			if syscall.Kill(pid, syscall.SIGKILL) == nil {
				return true
			}
		}
	}
	return false
}

// pids are the processes whose command line has a text.
func (k *killing) pids(text string) (all []int) {
	entries, _ := os.ReadDir("/proc") // there is one
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		line, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline")) // it may have ended
		words := strings.Split(string(line), "\x00")
		if len(words) > 1 && (words[1] == "hunt" || words[1] == "probe") {
			continue // which names the others in its flags
		}
		if strings.Contains(strings.Join(words, " "), text) {
			all = append(all, pid)
		}
	}
	return all
}
