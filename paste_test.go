package doublemount_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// A design author's module, in which the command that a failure ends with must
// do what it says.
const authorsTest = `package mine

import (
	"os"
	"testing"

	"github.com/doublemount/doublemount"
	"github.com/doublemount/doublemount/sim/designs"
)

func TestMine(t *testing.T) {
	t.Run("on two hosts", func(t *testing.T) {
		design := designs.Local()
		if os.Getenv("FIXED") != "" {
			design = designs.Single()
			design.Name = "local"
		}
		doublemount.Run(t, design, doublemount.Hosts(2))
	})
}

func TestOther(t *testing.T) { t.Error("this test was not to be run") }
`

func TestReplayLineWorks(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // the command is one for a POSIX shell
	}
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	module := filepath.Join(t.TempDir(), "a module")
	sub := filepath.Join(module, "deep", "mine")
	if err := os.MkdirAll(sub, 0o755); err != nil {
		t.Fatal(err)
	}
	ours, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile("go.sum")
	if err != nil {
		t.Fatal(err)
	}
	_, needs, _ := strings.Cut(string(ours), "\n")
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(module, "go.mod"), "module example.com/author\n"+needs+
		"\nrequire github.com/doublemount/doublemount v0.0.0\nreplace github.com/doublemount/doublemount => "+root+"\n")
	write(filepath.Join(module, "go.sum"), string(sums))
	write(filepath.Join(sub, "mine_test.go"), authorsTest)

	shell := func(command string, env ...string) (string, bool) {
		t.Helper()
		cmd := exec.Command("sh", "-c", command)
		cmd.Dir = module
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off", "TMPDIR="+filepath.Join(module, "tmp dir"))
		cmd.Env = append(cmd.Env, env...)
		out, err := cmd.CombinedOutput()
		return string(out), err == nil
	}
	if err := os.Mkdir(filepath.Join(module, "tmp dir"), 0o755); err != nil {
		t.Fatal(err)
	}
	out, ok := shell("go test ./deep/mine -run TestMine")
	_, command, found := strings.Cut(out, "replay:")
	command, _, _ = strings.Cut(command, "\n")
	if ok || !found {
		t.Fatalf("no replay line in:\n%s", out)
	}
	wants(t, command, " go test ./deep/mine -run '^TestMine$/^on_two_hosts$'")

	out, ok = shell(command)
	if ok {
		t.Errorf("%s: passed", command)
	}
	wants(t, out, "on a case", "trace", command)
	if strings.Contains(out, "TestOther") {
		t.Errorf("%s: ran another test:\n%s", command, out)
	}
	if out, ok := shell(command, "FIXED=1"); !ok {
		t.Errorf("%s: failed on a fixed design:\n%s", command, out)
	}
}
