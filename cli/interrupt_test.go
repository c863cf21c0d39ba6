package cli_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/doublemount/doublemount/internal/testscale"
)

// TestInterrupt: what was found so far is written and printed, and the code
// says whether anything was.
func TestInterrupt(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no interrupt can be sent to a process there")
	}
	t.Run("with findings", func(t *testing.T) {
		t.Parallel()
		cases := interrupt(t, 1, "doublemount", "hunt", "local", "--runs", "1000000000")
		if len(cases) == 0 {
			t.Error("no case files")
		}
	})
	t.Run("clean", func(t *testing.T) {
		t.Parallel()
		if cases := interrupt(t, 4, "broken", "hunt", "sound", "--hosts", "1", "--runs", "1000000000"); len(cases) > 0 {
			t.Errorf("case files %q", cases)
		}
	})
}

// interrupt sends os.Interrupt to a command after a while, wants the exit code
// and a summary, and returns the case files that it has written.
func interrupt(t *testing.T, code int, name string, args ...string) []string {
	t.Helper()
	dir := t.TempDir()
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	enough := 800 * time.Millisecond // for some batches
	if testscale.Race {
		enough *= 5
	}
	time.Sleep(enough)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	err := cmd.Wait()
	failed, ok := errors.AsType[*exec.ExitError](err)
	if !ok || failed.ExitCode() != code {
		t.Fatalf("%v; want exit code %d\n%s%s", err, code, &stdout, &stderr)
	}
	if !strings.Contains(stdout.String(), "ended:     signal (interrupted)") || strings.Contains(stdout.String(), "runs:      0,") {
		t.Errorf("no summary of an interrupted hunt:\n%s", &stdout)
	}
	cases, err := filepath.Glob(filepath.Join(dir, "doublemount-findings", "*.case"))
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

// TestInterruptRead: what waits for a FIFO that nobody writes to can be
// interrupted.
func TestInterruptRead(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no interrupt can be sent to a process there")
	}
	fifo := filepath.Join(t.TempDir(), "fifo")
	if out, err := exec.Command("mkfifo", fifo).CombinedOutput(); err != nil {
		t.Fatalf("mkfifo: %v: %s", err, out)
	}
	for _, args := range [][]string{{"export", "--as", "sh", fifo}, {"replay", fifo}, {"judge", fifo}} {
		t.Run(args[0], func(t *testing.T) {
			t.Parallel()
			var stderr bytes.Buffer
			cmd := exec.Command("doublemount", args...)
			cmd.Stderr = &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer time.AfterFunc(20*time.Second, func() { cmd.Process.Kill() }).Stop()
			// Until it has set its handler the first interrupt ends it, with another code.
			wait := 500 * time.Millisecond
			if testscale.Race {
				wait *= 5
			}
			time.Sleep(wait)
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			err := cmd.Wait()
			if failed, ok := errors.AsType[*exec.ExitError](err); !ok || failed.ExitCode() != 4 || !strings.Contains(stderr.String(), "interrupted") {
				t.Errorf("%v; want exit code 4\n%s", err, &stderr)
			}
		})
	}
}
