//go:build linux

package loop_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/corpus"
	"github.com/doublemount/doublemount/lab/loop"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
	"github.com/doublemount/doublemount/sim/designs"
)

var update = flag.Bool("update", false, "write docs/FIDELITY.md anew")

const page = "../../docs/FIDELITY.md"

// TestFidelity makes the table of docs/FIDELITY.md: every case of the corpus on
// the simulated file systems and on the real ones. Each real one runs it three
// times, and what most say stands there. A difference that the page does not
// have fails the test.
func TestFidelity(t *testing.T) {
	names := []string{"ext4", "xfs", "btrfs", "ntfs"}
	columns := []string{"case", "guarantee", "`local`", "`local-journal`", "ext4", "XFS", "btrfs", "NTFS"}
	var runners []model.Runner
	for _, d := range []sim.Design{designs.Local(), designs.LocalJournal()} {
		r, err := sim.New(d)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		runners = append(runners, r)
	}
	for _, name := range names {
		runners = append(runners, lab(t, name, loop.Options{Hosts: 3}))
	}
	files, err := corpus.ReadDir("../../corpus/cases")
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	fmt.Fprintf(&table, "| %s |\n|%s\n", strings.Join(columns, " | "), strings.Repeat("---|", len(columns)))
	for _, f := range files {
		g, err := model.ParseGuarantee(f.Case.Expect[0].Guarantee)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(f.Name[strings.LastIndexByte(f.Name, '/')+1:], ".case")
		cells := []string{name, g.Name}
		for _, r := range runners {
			cells = append(cells, cell(t, r, f.Case.Program, g))
		}
		fmt.Fprintf(&table, "| %s |\n", strings.Join(cells, " | "))
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- table -->\n", "<!-- end of table -->\n"
	before, rest, ok := strings.Cut(string(text), begin)
	old, after, found := strings.Cut(rest, end)
	if !ok || !found {
		t.Fatalf("%s has no place for the table", page)
	}
	if *update {
		if err := os.WriteFile(page, []byte(before+begin+table.String()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if old != table.String() {
		t.Errorf("%s has\n%s\nand now it is\n%s\nA kernel of another version may differ: look, explain it there, and write the page anew with -update.", page, old, table.String())
	}
}

// cell is what most of three runs say, or the one of a simulated file system.
func cell(t *testing.T, r model.Runner, p model.Program, g model.Guarantee) string {
	judge := checker.New(0, g)
	count := map[string]int{}
	for range 3 {
		run, err := r.Run(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		v := judge(run)[0]
		text := v.Outcome.String()
		if v.Anomaly != "" {
			text = string(v.Anomaly)
		}
		if missed(run) {
			text += " °"
		}
		if count[text]++; count[text] == 2 || r.Capabilities().Deterministic {
			return text
		}
	}
	return "varies"
}

// missed reports whether a hold or strike did not happen, or a step could not be
// done: then the case is not what was run.
func missed(run model.Run) bool {
	for _, h := range run.Holds {
		if h == model.NeverFired {
			return true
		}
	}
	for _, fired := range run.Strikes {
		if !fired {
			return true
		}
	}
	for _, op := range run.History {
		if op.Skipped && op.Step > 0 && op.Step <= len(run.Program.Steps) {
			return true
		}
	}
	return false
}
