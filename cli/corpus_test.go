package cli_test

import (
	"bytes"
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/doublemount/doublemount/corpus"
	"github.com/doublemount/doublemount/model"
)

const cases = "../corpus/cases"

// replayed runs "doublemount replay" on files and gives its exit code and what
// it printed.
func replayed(t *testing.T, args ...string) (int, string) {
	t.Helper()
	cmd := exec.Command("doublemount", append([]string{"replay"}, args...)...)
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// Every committed case says what it says.
func TestCommittedCases(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(cases, "*.case"))
	if err != nil || len(files) < 8 {
		t.Fatalf("%d cases, %v", len(files), err)
	}
	if code, out := replayed(t, files...); code != 0 {
		t.Errorf("exit %d\n%s", code, out)
	}
}

// Each committed case means what it says: changed in one way, it fails.
func TestChangedCases(t *testing.T) {
	files, err := corpus.ReadDir(cases)
	if err != nil {
		t.Fatal(err)
	}
	changes := []struct {
		name   string
		change func(*corpus.Case) // of a case that expects a violation first
	}{
		{"the verdict", func(c *corpus.Case) {
			c.Expect[0].Outcome, c.Expect[0].Anomaly = model.Held, model.NoAnomaly
		}},
		{"the anomaly", func(c *corpus.Case) {
			if c.Expect[0].Anomaly == model.TornWrite {
				c.Expect[0].Anomaly = model.LostUpdate
			} else {
				c.Expect[0].Anomaly = model.TornWrite
			}
		}},
		{"the design", func(c *corpus.Case) { c.Design, c.Keeps = "single", nil }},
		{"a step less", func(c *corpus.Case) {
			i := len(c.Program.Steps) - 1
			for i > 0 && c.Program.Steps[i].Kind != model.Create {
				i--
			}
			c.Program.Steps = slices.Delete(c.Program.Steps, i, i+1)
			for j := range c.Program.Holds {
				if h := &c.Program.Holds[j]; h.Step > i+1 {
					h.Step, h.Until = h.Step-1, h.Until-1
				} else if h.Until > i+1 {
					h.Until--
				}
			}
			c.Program.Holds = slices.DeleteFunc(c.Program.Holds, func(h model.Hold) bool {
				return h.Step == i+1 || h.Until <= h.Step || h.Until > len(c.Program.Steps)
			})
		}},
		{"a hold that cannot fire", func(c *corpus.Case) {
			c.Program.Holds = append(c.Program.Holds, model.Hold{Step: 1, At: model.FlushCommand, N: 99, Until: 2})
		}},
	}
	for _, change := range changes {
		t.Run(change.name, func(t *testing.T) {
			t.Parallel()
			for _, f := range files {
				c := f.Case
				c.Program = c.Program.Clone()
				c.Expect = slices.Clone(c.Expect)
				if c.Expect[0].Outcome == model.Held {
					// A case of what is right: it can only be said to be wrong.
					c.Expect[0].Outcome, c.Expect[0].Anomaly = model.Violated, model.LostFile
				} else {
					change.change(&c)
				}
				if bytes.Equal(c.Bytes(), f.Case.Bytes()) {
					t.Fatalf("%s was not changed", f.Name)
				}
				file, err := corpus.WriteFile(t.TempDir(), c)
				if err != nil {
					t.Fatal(err)
				}
				if code, out := replayed(t, file); code != 1 && code != 2 {
					t.Errorf("%s: exit %d\n%s", f.Name, code, out)
				}
			}
		})
	}
}

// A directory that all hosts share has no caches to be stale: the cases that
// expect a rung held there hold it, and one that shows a loss is not
// reproduced.
func TestCommittedCasesOnADirectory(t *testing.T) {
	code, out := replayed(t, "--on", "dir", filepath.Join(cases, "incident-o2.case"))
	if code != 1 || !bytes.Contains([]byte(out), []byte("not reproduced on dir")) {
		t.Errorf("exit %d\n%s", code, out)
	}
	files, err := corpus.ReadDir(cases)
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, f := range files {
		c := f.Case
		if len(c.Program.Holds) > 0 || slices.ContainsFunc(c.Program.Steps, func(s model.Step) bool {
			return s.Kind == model.Statfs || s.Kind == model.Writeback || s.Kind == model.Refresh || s.Kind == model.Tick || s.Fault() != 0
		}) {
			continue // it needs a simulated disk or a fault
		}
		ran++
		c.Keeps = nil
		c.Expect = []corpus.Expectation{{Outcome: model.Held, Guarantee: model.Linearizable.Name}, {Outcome: model.Held, Guarantee: model.Progress.Name}}
		file, err := corpus.WriteFile(t.TempDir(), c)
		if err != nil {
			t.Fatal(err)
		}
		if code, out := replayed(t, "--on", "dir", file); code != 0 {
			t.Errorf("%s: exit %d\n%s", f.Name, code, out)
		}
	}
	if ran < 5 {
		t.Errorf("only %d cases need no simulated disk", ran)
	}
}
