package notebook_test

import (
	"context"
	"os"
	"slices"
	"testing"

	"github.com/doublemount/doublemount"
	"github.com/doublemount/doublemount/examples/notebook"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/reports"
)

// The first door: all that a design needs for a test. The committed cases in
// testdata/doublemount are replayed first.
func TestNotebook(t *testing.T) {
	doublemount.Run(t, notebook.Design, doublemount.Hosts(2), doublemount.Guarantees(model.Linearizable))
}

// The second door: the same without testing, here to show that the mistake is
// found, and which.
func TestBrokenIsFound(t *testing.T) {
	result, err := doublemount.Check(context.Background(), notebook.Broken, doublemount.Hosts(2),
		doublemount.Guarantees(model.NothingLost), doublemount.Runs(512))
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(result.Findings, func(f reports.Finding) bool { return f.Verdict.Anomaly == model.LostFile })
	if i < 0 {
		t.Fatalf("no lost file in %d runs; findings: %v", result.Runs, result.Findings)
	}
	lost := result.Findings[i]
	if n := len(lost.Run.Program.Steps); n > 6 {
		t.Errorf("%d steps; two mounts, two pages remembered and two creates are enough", n)
	}
	if testing.Verbose() {
		if err := reports.Text(os.Stdout, lost); err != nil {
			t.Error(err)
		}
	}
}

// The third door, the command, is in cmd/notebook.
