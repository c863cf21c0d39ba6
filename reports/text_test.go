package reports_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/reports"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v\nhint: go test ./reports -update writes it", err)
	}
	if got != string(want) {
		t.Errorf("%s differs; got\n%s\nwant\n%s", file, got, want)
	}
}

func text(t *testing.T, f reports.Finding) string {
	t.Helper()
	var b bytes.Buffer
	if err := reports.Text(&b, f); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var findings = []struct {
	name string
	make func() reports.Finding
}{
	{"lost-file", lostFile},
	{"hold", held},
	{"panic", panicked},
	{"crowded", func() reports.Finding { return crowded(3) }},
	{"sixteen-hosts", func() reports.Finding { return crowded(16) }},
	{"hostile", hostile},
}

func TestText(t *testing.T) {
	for _, test := range findings {
		t.Run(test.name, func(t *testing.T) { golden(t, test.name+".txt", text(t, test.make())) })
	}
}

// Whatever a finding holds, its text stays on the page and cannot steer a
// terminal.
func TestTextIsSafeAndNarrow(t *testing.T) {
	for _, test := range findings {
		for line := range strings.Lines(text(t, test.make())) {
			line = strings.TrimSuffix(line, "\n")
			pasted := strings.HasPrefix(line, "case:") || strings.HasPrefix(line, "replay:")
			if len(line) > 110 && !pasted {
				t.Errorf("%s: %d columns: %s", test.name, len(line), line)
			}
			for _, r := range line {
				if r < ' ' || r == 0x7f || r > '~' && !pasted || r == '\u202e' {
					t.Errorf("%s: %q in %q", test.name, r, line)
				}
			}
		}
	}
}

func TestReplayIsTheLastLine(t *testing.T) {
	f := lostFile()
	lines := strings.Split(strings.TrimSuffix(text(t, f), "\n"), "\n")
	if last := lines[len(lines)-1]; strings.TrimSpace(strings.TrimPrefix(last, "replay:")) != f.Replay {
		t.Errorf("last line %q", last)
	}
}

// The stale mark: only a write that replaced what its host had not seen.
func TestStaleMark(t *testing.T) {
	for _, test := range []struct {
		version, base int32
		want          bool
	}{
		{1, 0, false}, {2, 1, false}, {2, 0, true}, {5, 3, true}, {3, -1, true},
		{1, -1, false}, // over the formatted disk: nobody's write is gone
	} {
		f := reports.Finding{Run: model.Run{
			Program: model.Program{Hosts: 1, Steps: []model.Step{{Kind: model.Sync}}},
			Trace:   []model.Record{wrote(1, hostA, 7, test.version, test.base)},
		}}
		if got := strings.Contains(text(t, f), "!"); got != test.want {
			t.Errorf("version %d from %d: marked %v", test.version, test.base, got)
		}
	}
}

func TestInconclusive(t *testing.T) {
	f := reports.Finding{Verdict: model.Verdict{Outcome: model.Inconclusive, Limit: "100000 states"}}
	if got := f.Headline(); got != "INCONCLUSIVE: 100000 states" {
		t.Error(got)
	}
}

// A finding is a value: showing it twice is the same, and changes nothing.
func TestTextLeavesTheFindingAlone(t *testing.T) {
	f := hostile()
	first := text(t, f)
	if second := text(t, f); first != second {
		t.Errorf("first\n%s\nsecond\n%s", first, second)
	}
	if f.Run.History[1].Result.Names[1] != "a b" {
		t.Error("names in the history were changed")
	}
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }

func TestWriteErrors(t *testing.T) {
	full := errors.New("disk full")
	if err := reports.Text(brokenWriter{full}, lostFile()); !errors.Is(err, full) {
		t.Errorf("Text: %v", err)
	}
	if err := reports.WriteJSON(brokenWriter{full}, reports.Report{}); !errors.Is(err, full) {
		t.Errorf("WriteJSON: %v", err)
	}
}

// Of the nearest passing run only what is new in it is printed: a hold that
// merely counts its steps anew is not.
func TestNearestShowsWhatIsNew(t *testing.T) {
	step := func(h model.Host, k model.Kind) model.Step { return model.Step{Host: h, Kind: k} }
	f := lostFile()
	f.Run.Program = model.Program{Hosts: 2, Unmounts: []model.Host{hostA, hostB},
		Steps: []model.Step{step(hostA, model.Mount), step(hostA, model.Sync), step(hostB, model.Sync), step(hostB, model.Mount)},
		Holds: []model.Hold{{Step: 2, At: model.WriteCommand, N: 1, Until: 3}}}
	f.Cause.Nearest = model.Program{Hosts: 2, Unmounts: []model.Host{hostB, hostA},
		Steps: []model.Step{step(hostA, model.Mount), step(hostB, model.Refresh), step(hostA, model.Sync), step(hostB, model.Sync), step(hostA, model.Writeback)},
		Holds: []model.Hold{{Step: 3, At: model.WriteCommand, N: 1, Until: 4}, {Step: 4, At: model.ReadCommand, N: 1, Until: 5}}}
	var got []string
	for line := range strings.Lines(text(t, f)) {
		if new, ok := strings.CutPrefix(strings.TrimSpace(line), "+ "); ok {
			got = append(got, new)
		}
	}
	want := "2 B refresh, 5 A writeback, hold 4 at read#1 until 5, end B unmount, end A unmount"
	if s := strings.Join(got, ", "); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
}

// Where there is no run there is no table of steps that were not run.
func TestNoRun(t *testing.T) {
	p := model.Program{Hosts: 1, Steps: []model.Step{{Kind: model.Mount}, {Kind: model.Create, Path: "/a"}}}
	got := text(t, reports.Finding{Design: "x", Verdict: model.Verdict{Outcome: model.Violated, Anomaly: model.NoProgress}, Run: model.Run{Program: p}})
	if strings.Contains(got, "not run") || !strings.Contains(got, "A create /a") || !strings.Contains(got, "no run to show") {
		t.Errorf("got\n%s", got)
	}
}
