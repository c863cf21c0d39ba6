package cli

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/internal/testscale"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
	"github.com/doublemount/doublemount/sim/designs"
)

var update = flag.Bool("update", false, "write the golden files anew")

// climbHere is climb in this process.
func climbHere(t *testing.T, d sim.Design, runs int) ladderRow {
	t.Helper()
	runner, err := sim.New(d)
	if err != nil {
		t.Fatal(err)
	}
	defer runner.Close()
	result, err := fuzz.Hunt(context.Background(), runner, checker.New(0, model.Guarantees()...), fuzz.Options{Seed: 1, Hosts: 2, Runs: runs})
	if err != nil {
		t.Fatal(err)
	}
	return rowOf(d, &result, model.Guarantees())
}

// Every design that ships stands where it should: it keeps what it declares, and
// each planted bug breaks what it declares.
func TestLadderOfAllDesigns(t *testing.T) {
	for _, d := range designs.All() {
		t.Run(d.Name, func(t *testing.T) {
			row := climbHere(t, d, testscale.Count(64, 2048))
			t.Logf("%+v", row)
			if right := d.Name != "local" && d.Name != "local-writethrough" && d.Name != "local-journal"; row.keeps(d.Guarantee) != right {
				t.Errorf("keeps what it declares: %v, want %v", !right, right)
			}
		})
	}
}

// What one design declares is a column of its own for all, before what it implies.
func TestLadderColumns(t *testing.T) {
	strict := designs.Single()
	strict.Guarantee.StrictReaddir = true
	strict.Guarantee = strict.Guarantee.Named()
	got := columnNames(ladderColumns([]sim.Design{designs.Local(), strict, strict}))
	if len(got) != len(model.Guarantees())+1 || got[0] != "linearizable+strict-readdir" || got[1] != "linearizable" {
		t.Errorf("columns %v", got)
	}
	result := fuzz.Result{Ended: fuzz.EndedRuns}
	if row := rowOf(strict, &result, ladderColumns([]sim.Design{strict})); !row.keeps(strict.Guarantee) || row.Keeps != strict.Guarantee.Name {
		t.Errorf("%+v", row)
	}
}

// The formats of the table, on one that has everything.
func TestLadderGolden(t *testing.T) {
	held := ladderCell{Outcome: model.Held.String()}
	l := ladder{Schema: 1, Tool: "doublemount (test)", Hosts: 2, Seed: 1, Guarantees: append(columnNames(ladderColumns(nil)), durable), Designs: []ladderRow{
		{Design: "right", StandsFor: "GFS2", Declares: model.Linearizable.Name, Keeps: model.Linearizable.Name, Runs: 512, Digest: "0123456789abcdef"},
		{Design: "right/bug", StandsFor: "a lock less", Declares: model.Linearizable.Name, Runs: 512, Undecided: 3, Digest: "fedcba9876543210"},
	}}
	for _, name := range l.Guarantees {
		held.Guarantee = name
		l.Designs[0].Guarantees = append(l.Designs[0].Guarantees, held)
		l.Designs[1].Guarantees = append(l.Designs[1].Guarantees, ladderCell{Guarantee: name, Outcome: model.Violated.String(), Steps: 12, Anomaly: string(model.LostFile)})
	}
	l.Designs[1].Guarantees[len(l.Guarantees)-1] = held
	for name, print := range map[string]func(*bytes.Buffer){"ladder.txt": l.text, "ladder.md": l.markdown, "ladder.json": func(b *bytes.Buffer) {
		if err := writeJSON(b, l); err != nil {
			t.Fatal(err)
		}
	}} {
		var b bytes.Buffer
		print(&b)
		file := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b.Bytes(), want) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, b.Bytes(), want)
		}
	}
}
