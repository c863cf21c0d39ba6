package checker_test

import (
	"os"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/history"
	"github.com/doublemount/doublemount/model"
)

// Histories as real hosts make them have the verdicts and the names that an
// engineer gives them. testdata/real-hosts.txt has them one after the other: a line
// "# " with a title, lines "# GUARANTEE: held" or "# GUARANTEE: ANOMALY", and the
// lines of the history.
func TestRealHosts(t *testing.T) {
	text, err := os.ReadFile("testdata/real-hosts.txt")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, block := range strings.Split(strings.TrimSpace(string(text)), "\n\n") {
		head, lines := []string{}, []string{}
		for _, line := range strings.Split(block, "\n") {
			if rest, ok := strings.CutPrefix(line, "# "); ok {
				head = append(head, rest)
			} else {
				lines = append(lines, line)
			}
		}
		t.Run(head[0], func(t *testing.T) {
			h, err := history.Read(strings.NewReader(strings.Join(lines, "\n")))
			if err != nil {
				t.Fatal(err)
			}
			if len(head) < 2 {
				t.Fatal("nothing is expected of it")
			}
			for _, want := range head[1:] {
				name, want, _ := strings.Cut(want, ": ")
				g, err := model.ParseGuarantee(name)
				if err != nil {
					t.Fatal(err)
				}
				v := checker.New(0, g)(h.Run)[0]
				got := string(v.Anomaly)
				if v.Outcome != model.Violated {
					got = v.Outcome.String()
				}
				seen[got]++
				if got != want {
					t.Errorf("%s: %s, want %s\n%s\n%s", name, got, want, v.Proof[0], v.Proof[1])
				}
			}
		})
	}
	if len(seen) < 12 {
		t.Errorf("only %v are seen", seen)
	}
}
