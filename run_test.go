package doublemount_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/doublemount/doublemount"
	"github.com/doublemount/doublemount/corpus"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim/designs"
)

func TestRunHolds(t *testing.T) {
	r := run(t, "TestX", designs.Single(), doublemount.Runs(500))
	if r.Failed() {
		t.Fatal(r.errors)
	}
	runs := " 500 runs"
	if testing.Short() {
		runs = " 100 runs"
	}
	wants(t, r.logs, runs, "digest", "no violation of linearizable, capacity, fsck, exclusion, progress")
}

func TestRunFails(t *testing.T) {
	dir := t.TempDir()
	r := run(t, "TestX", designs.Local(), doublemount.Out(dir), doublemount.Hosts(2))
	wants(t, r.errors, "local broke ", "| A ", "| B ", "| disk", "why:", "cause:", "hint: copy the case file to "+filepath.FromSlash("testdata/doublemount"))
	files, err := corpus.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Fatalf("%d case files, error %v", len(files), err)
	}
	c := files[0].Case
	if c.Design != "local" || c.Program.Hosts != 2 || c.Expect[0].Outcome != model.Violated || c.FoundBy == "" {
		t.Errorf("case file:\n%v", c)
	}
	if want := "DOUBLEMOUNT_REPLAY=" + files[0].Name + " go test . -run '^TestX$'"; !strings.HasSuffix(r.lastLine(), want) {
		t.Errorf("last line %q; want %q at its end", r.lastLine(), want)
	}
}

// A planted bug of a correct design, found with what the design promises.
func TestRunFindsPlantedBug(t *testing.T) {
	r := run(t, "TestX", designs.Single().Bugs[0])
	wants(t, r.errors, "single/no-lock broke ", "why:")
}

func TestRunWithoutPlaceForCases(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r := run(t, "TestX", designs.Local(), doublemount.Out(filepath.Join(file, "sub")))
	wants(t, r.errors, "no case file: ", "end A unmount", "local broke", "why:")
}

func TestRunsByEnvironment(t *testing.T) {
	t.Setenv("DOUBLEMOUNT_RUNS", "37")
	r := run(t, "TestX", designs.Single(), doublemount.Runs(500))
	wants(t, r.logs, " 37 runs")
}

// setFlag sets a flag for one test.
func setFlag(t *testing.T, name, value string) {
	t.Helper()
	old := flag.Lookup(name).Value.String()
	if err := flag.Set(name, value); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := flag.Set(name, old); err != nil {
			t.Error(err)
		}
	})
}

var digest = regexp.MustCompile(`digest [0-9a-f]{16}`)

func TestRapidSeed(t *testing.T) {
	seeded := func(seed, checks string) string {
		setFlag(t, "rapid.seed", seed)
		setFlag(t, "rapid.checks", checks)
		r := run(t, "TestX", designs.Single(), doublemount.Runs(100))
		return digest.FindString(r.logs)
	}
	first := seeded("7", "100")
	if first == "" || seeded("7", "100") != first {
		t.Error("the same seed gave other runs")
	}
	if seeded("7", "5") != first {
		t.Error("the number of checks changed the runs")
	}
	if seeded("8", "100") == first {
		t.Error("another seed gave the same runs")
	}
}

func TestRapidWithoutChecks(t *testing.T) {
	setFlag(t, "rapid.checks", "0")
	r := run(t, "TestX", designs.Single(), doublemount.Runs(100))
	wants(t, r.errors, "only 0 of ", "hint: -rapid.checks must be 1 or more")
}

// Rapid tries the fail files it finds. One with too few draws must cost
// neither runs nor findings, and none may be left behind.
func TestRapidFailFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	dir := filepath.Join("testdata", "rapid", "TestX")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	short := filepath.Join(dir, "TestX-20260101000000-1.fail")
	if err := os.WriteFile(short, []byte("v0.4.8#1\n0x1\n0x1\n0x0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := run(t, "TestX", designs.Single(), doublemount.Runs(500))
	if r.Failed() {
		t.Error(r.errors)
	}
	wants(t, r.logs, "00 runs")
	r = run(t, "TestX", designs.Local())
	wants(t, r.errors, "local broke")
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Errorf("%d fail files, error %v; want the one that was there", len(files), err)
	}
}

// The test may have failed for another reason before: Run is still made.
func TestRunAfterFailure(t *testing.T) {
	r := &recorder{name: "TestX", errors: "before\n"}
	doublemount.Run(r, designs.Single(), doublemount.Runs(50))
	if r.ended || r.errors != "before\n" {
		t.Errorf("errors %q, ended %v", r.errors, r.ended)
	}
	wants(t, r.logs, "no violation")
}
