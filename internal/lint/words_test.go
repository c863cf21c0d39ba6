package lint

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// places are words that say where a text was written or where packages came
// from; neither belongs into the repository. They are put together here so that
// this file does not have them.
var places = []string{
	"/wo" + "rk/",
	".lib" + "rary",
	"sub" + "agent",
	"proxy." + "golang.org",
	"sum." + "golang.org",
	"registry." + "npmjs.org",
	"files." + "pythonhosted.org",
	"pypi" + ".org",
	"crates" + ".io",
	"deb." + "debian.org",
}

func placeRule(name string, text []byte) (findings []string) {
	if bytes.IndexByte(text, 0) >= 0 {
		return nil // not a text
	}
	for i, line := range strings.Split(string(text), "\n") {
		for _, word := range places {
			if strings.Contains(strings.ToLower(line), word) {
				findings = append(findings, fmt.Sprintf("%s:%d: %q does not belong into the repository", name, i+1, word))
			}
		}
	}
	return findings
}

func TestNoPlaces(t *testing.T) {
	const limit = 4 << 20 // a larger file is no text of ours
	var findings []string
	files(t, func(name string) {
		file := filepath.Join(root, filepath.FromSlash(name))
		if info, err := os.Stat(file); err != nil || info.Size() > limit {
			return // gone meanwhile, or large
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		findings = append(findings, placeRule(name, text)...)
	})
	report(t, findings)
}

func TestPlaceRuleCanFail(t *testing.T) {
	for _, word := range places {
		if got := placeRule("x", []byte("a\nsee "+strings.ToUpper(word)+"x\n")); len(got) != 1 || !strings.HasPrefix(got[0], "x:2:") {
			t.Errorf("%q: findings %q", word, got)
		}
	}
	if got := placeRule("x", []byte("a network, a sum, golang.org/x/tools\n")); len(got) > 0 {
		t.Errorf("findings %q; want none", got)
	}
}
