package doublemount_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/doublemount/doublemount"
	"github.com/doublemount/doublemount/sim"
	"github.com/doublemount/doublemount/sim/designs"
)

const lostFile = `doublemount case 1
# Each host stores a file; the last to unmount wins.
design: local
hosts: 2
expect: violated nothing-lost lost file

1 A mount
2 B mount
3 A create /a
4 B create /b
end A unmount
end B unmount
`

// caseDir is a directory with case files.
func caseDir(t *testing.T, cases map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range cases {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// fixed is a correct design under the name of the one that was at fault.
func fixed() sim.Design {
	d := designs.Single()
	d.Name = "local"
	return d
}

func TestCorpus(t *testing.T) {
	dir := caseDir(t, map[string]string{
		"lost.case":  lostFile,
		"other.case": strings.Replace(lostFile, "design: local", "design: other", 1),
	})
	r := run(t, "TestX", fixed(), doublemount.Corpus(dir), doublemount.Runs(20))
	if r.Failed() {
		t.Error(r.errors)
	}
	wants(t, r.logs, "1 cases of "+dir+" held", "runs")

	r = run(t, "TestX", designs.Local(), doublemount.Corpus(dir), doublemount.Runs(20))
	wants(t, r.errors, "local broke nothing-lost on a case", "LOST FILE", "why:")
	if strings.Contains(r.errors, "hint: copy") {
		t.Errorf("a hint to commit a committed case:\n%s", r.errors)
	}
	wants(t, r.lastLine(), "DOUBLEMOUNT_REPLAY="+filepath.Join(dir, "lost.case")+" go test ")
}

func TestCorpusKeeps(t *testing.T) {
	dir := caseDir(t, map[string]string{"kept.case": strings.Replace(lostFile, "file\n\n", "file\nkeeps: single\n\n", 1)})
	r := run(t, "TestX", designs.Single(), doublemount.Corpus(dir), doublemount.Runs(20))
	wants(t, r.logs, "1 cases of")
}

func TestCorpusTrouble(t *testing.T) {
	stale := strings.Replace(lostFile, "end A", "hold 3 at write#40 until 4\nend A", 1)
	for text, want := range map[string]string{
		"nonsense\n": "bad.case:1: not a case",
		stale:        "stale: hold 3 at write#40 until 4 never fires",
	} {
		dir := caseDir(t, map[string]string{"bad.case": text, "good.case": lostFile})
		r := run(t, "TestX", fixed(), doublemount.Corpus(dir), doublemount.Runs(20))
		wants(t, r.errors, want)
	}
}

func TestReplay(t *testing.T) {
	file := filepath.Join(caseDir(t, map[string]string{"lost.case": lostFile}), "lost.case")
	t.Setenv("DOUBLEMOUNT_REPLAY", file)
	r := run(t, "TestX/sub test", designs.Local())
	wants(t, r.errors, "local broke nothing-lost on a case", "LOST FILE")
	wants(t, r.logs, "history", "A create /a -> ok", "trace", "write")
	wants(t, r.lastLine(), "DOUBLEMOUNT_REPLAY="+file+" go test . -run '^TestX$/^sub test$'")

	r = run(t, "TestX", fixed())
	if r.Failed() {
		t.Error(r.errors)
	}
	wants(t, r.logs, "holds", "trace")
	if strings.Contains(r.logs, " runs, ") {
		t.Errorf("more was run than the case:\n%s", r.logs)
	}

	r = run(t, "TestX", designs.Single())
	wants(t, r.errors, `is a case of design "local", this test is of "single"`, "hint: ")

	t.Setenv("DOUBLEMOUNT_REPLAY", "no-such.case")
	r = run(t, "TestX", designs.Local())
	wants(t, r.errors, "DOUBLEMOUNT_REPLAY", "no-such.case")

	t.Setenv("DOUBLEMOUNT_REPLAY", "examples/notebook/testdata/doublemount/overwritten-page.case")
	r = run(t, "TestX", designs.Local())
	wants(t, r.errors, "notebook/cached-head")
}
