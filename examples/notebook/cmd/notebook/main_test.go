package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The test binary is the command when this is set, so that the tests need not
// build it.
const beCommand = "NOTEBOOK_IS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(beCommand) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// command runs it; it returns what it printed and its exit status.
func command(t *testing.T, args ...string) (out string, status int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), beCommand+"=1")
	printed, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(printed), exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(printed), 0
}

func TestCommand(t *testing.T) {
	if out, status := command(t, "designs"); status != 0 || !strings.Contains(out, "notebook/cached-head") {
		t.Errorf("designs: status %d:\n%s", status, out)
	}
	committed := filepath.Join("..", "..", "testdata", "doublemount", "overwritten-page.case")
	if out, status := command(t, "replay", committed); status != 0 {
		t.Errorf("replay: status %d:\n%s", status, out)
	}
	dir := t.TempDir()
	if out, status := command(t, "hunt", "notebook", "--runs", "512", "--out", dir); status != 0 {
		t.Errorf("hunt notebook: status %d; want 0:\n%s", status, out)
	}
	if out, status := command(t, "hunt", "notebook/cached-head", "--runs", "512", "--out", dir); status != 1 || !strings.Contains(out, "LOST FILE") {
		t.Errorf("hunt notebook/cached-head: status %d; want 1 and a lost file:\n%s", status, out)
	}
}
