package doublemount_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/corpus"
	"github.com/doublemount/doublemount/model"
)

// TestCasesPage reads docs/CASES.md as its reader does: what it gives as a line of
// a case is one, every kind of step and strike has a line, and the table of what
// is needed for what is the list that a test proves.
func TestCasesPage(t *testing.T) {
	page, err := os.ReadFile("docs/CASES.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "\n```\n")
	example, rest, ok := strings.Cut(rest, "```\n")
	if _, err := corpus.Parse("example", []byte(example)); err != nil || !ok {
		t.Errorf("the example is no case: %v", err)
	}

	const before = "doublemount case 1\ndesign: local\nhosts: 2\nexpect: held nothing-lost\n\n"
	const after = "end A unmount\nend B unmount\n"
	steps := "1 A mount\n2 A create /a\n3 A write /a 0 8 #9\n4 A sync\n5 A sync\n"
	shown := map[string]bool{} // kinds of steps and strikes
	line := regexp.MustCompile("^\\| `([^`]+)` \\|")
	for text := range strings.Lines(rest) {
		m := line.FindStringSubmatch(text)
		if m == nil || strings.Contains(m[1], "-") && !strings.Contains(m[1], " ") {
			continue // the name of a case
		}
		words := strings.Fields(m[1])
		program := before + steps + "6 " + m[1] + "\n" + after
		shown[words[min(1, len(words)-1)]] = true
		if words[0] == "hold" || words[0] == "strike" {
			program = before + steps + m[1] + "\n" + after
			shown[words[min(4, len(words)-1)]] = true
		}
		if _, err := corpus.Parse("line", []byte(program)); err != nil {
			t.Errorf("%s: %v", m[1], err)
		}
	}
	for _, k := range model.Kinds() {
		if !shown[k.String()] {
			t.Errorf("no line with %v", k)
		}
	}
	for k := model.Fail; k.String() != ""; k++ {
		if !shown[k.String()] {
			t.Errorf("no line with a strike that is %v", k)
		}
	}
	for _, n := range needed {
		if !strings.Contains(rest, "`"+n.name+"`") {
			t.Errorf("no line with the case %s", n.name)
		}
	}
}
