package doublemount_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/corpus"
	"github.com/doublemount/doublemount/model"
)

// TestAnomaliesPage holds docs/ANOMALIES.md against the vocabulary: every number of
// the catalogue has a row, every name is in one, and the case of an anomaly expects
// it. That the case shows it is what the command's tests of all cases say.
func TestAnomaliesPage(t *testing.T) {
	page, err := os.ReadFile("docs/ANOMALIES.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]bool{}
	cases := map[model.Anomaly]bool{}
	found := map[checker.Mechanism]bool{}
	name := regexp.MustCompile(`(anomaly|mechanism) \*([^*]+)\*`)
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 6 || !strings.HasPrefix(line, "|") {
			continue
		}
		rows[strings.TrimSpace(cells[0])] = true
		file := strings.Trim(strings.TrimSpace(cells[5]), "`")
		for _, m := range name.FindAllStringSubmatch(cells[2], -1) {
			if m[1] == "mechanism" {
				found[checker.Mechanism(m[2])] = true
				if mechanisms[file] != checker.Mechanism(m[2]) {
					t.Errorf("%s is no case of %s", file, m[2])
				}
				continue
			}
			a, err := model.ParseAnomaly(m[2])
			if err != nil {
				t.Error(err)
			}
			c, err := corpus.ReadFile(filepath.Join("corpus", "cases", file+".case"))
			if err != nil {
				t.Errorf("%s: %v", a, err)
			}
			for _, e := range c.Expect {
				cases[a] = cases[a] || e.Anomaly == a
			}
		}
	}
	for n := 1; n <= 33; n++ {
		if !rows[fmt.Sprintf("A%d", n)] {
			t.Errorf("no row of A%d", n)
		}
	}
	for _, a := range model.Anomalies() {
		switch string(a) {
		case "panic", "hang", "bad-io", "misuse":
			continue
		}
		if !cases[a] {
			t.Errorf("no case expects %q", a)
		}
	}
	for _, m := range checker.Mechanisms() {
		if !found[m] {
			t.Errorf("no row of %q", m)
		}
	}
}
