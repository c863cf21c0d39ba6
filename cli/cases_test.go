package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/corpus"
	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/model"
)

func finding(proof string) fuzz.Finding {
	return fuzz.Finding{
		Verdict: model.Verdict{Guarantee: model.NothingLost.Name, Outcome: model.Violated, Anomaly: model.LostFile, Proof: [2]string{proof, ""}},
		Program: model.Program{Hosts: 1, Steps: []model.Step{{Kind: model.Mount}}, Unmounts: []model.Host{0}},
		Run:     7,
	}
}

// Whatever a design puts into a proof, the case can be written and read.
func TestCaseOfAnyText(t *testing.T) {
	for _, text := range []string{"", "  two spaces ", "line\nbreak", "\xff\xfe", strings.Repeat("€", 4000), "\x1b[31m", "# not a comment"} {
		f := finding(text)
		file, err := writeCase(t.TempDir(), caseOf(job{Design: "local", Seed: 3}, f, shown{Verdicts: []model.Verdict{f.Verdict}}))
		if err != nil {
			t.Errorf("%.20q: %v", text, err)
			continue
		}
		c, err := corpus.ReadFile(file)
		if err != nil {
			t.Errorf("%.20q: %v", text, err)
		}
		if c.FoundBy != "seed 3 run 7" || len(c.Notes) != 3 || len(c.Expect) != 1 {
			t.Errorf("%.20q: case\n%v", text, c)
		}
	}
}

// A file of the same name that says something else stays, and the new one is
// written all the same.
func TestWriteCaseBesideAnother(t *testing.T) {
	dir := t.TempDir()
	write := func(design, want string) {
		t.Helper()
		f := finding("a proof")
		file, err := writeCase(dir, caseOf(job{Design: design}, f, shown{}))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := filepath.Rel(dir, filepath.Dir(file)); err != nil || got != want {
			t.Errorf("%s went to %q, %v; want %q", design, got, err, want)
		}
	}
	write("local", ".")
	write("single", "2")
	write("local-writethrough", "3")
	write("single", "2")
	write("local", ".")
}

// What is asked before a hunt leaves nothing behind.
func TestWritable(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, good := range []string{dir, filepath.Join(dir, "new"), filepath.Join(dir, "new", "deep")} {
		if err := writable(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", file, filepath.Join(file, "below")} {
		if writable(bad) == nil {
			t.Errorf("%q is writable", bad)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
