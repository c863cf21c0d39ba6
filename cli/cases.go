package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/doublemount/doublemount/corpus"
	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/model"
)

// caseOf is the case of a finding. It expects everything that was observed on
// its program, the finding first.
func caseOf(order job, f fuzz.Finding, s shown) corpus.Case {
	c := corpus.Case{
		Notes:   []string{note(f.Verdict.Proof[0]), note(f.Verdict.Proof[1]), note("Cause: " + s.Cause.Text)},
		Design:  order.Design,
		Expect:  []corpus.Expectation{expectation(f.Verdict)},
		FoundBy: fmt.Sprintf("seed %d run %d", order.Seed, f.Run),
		Program: f.Program,
	}
	if text := cameBack(f); text != "" {
		c.Notes = append(c.Notes, "It "+text+".")
	}
	if f.Reruns > 0 && slices.ContainsFunc(s.Verdicts, f.Verdict.Same) { // else a run of its own says as much
		c.Saw = corpus.Recorded(f.Program, s.Run.History)
	}
	for _, v := range s.Verdicts {
		if _, err := model.ParseAnomaly(string(v.Anomaly)); err != nil && v.Outcome == model.Violated {
			continue // a design's own word, which no case can have
		}
		if v.Guarantee != f.Verdict.Guarantee && v.Outcome != model.Inconclusive {
			c.Expect = append(c.Expect, expectation(v))
		}
	}
	return c
}

func expectation(v model.Verdict) corpus.Expectation {
	return corpus.Expectation{Outcome: v.Outcome, Guarantee: v.Guarantee, Anomaly: v.Anomaly}
}

// note is text that fits a line of a case file, whatever a design has put into
// it.
func note(text string) string {
	const limit = corpus.MaxLine / 2 // a byte that is no character becomes two or three
	if len(text) > limit {
		text = text[:limit] + "..."
	}
	return strings.TrimSpace(strings.ToValidUTF8(text, "?"))
}

// writeCase writes c into dir, or, where dir has another case of that name,
// into the first of its directories 2, 3, ... that has not.
func writeCase(dir string, c corpus.Case) (string, error) {
	file, err := corpus.WriteFile(dir, c)
	for n := 2; errors.Is(err, fs.ErrExist) && n < 100; n++ {
		file, err = corpus.WriteFile(filepath.Join(dir, strconv.Itoa(n)), c)
	}
	return file, err
}

// writable reports why no file could be made in dir, which need not exist. It
// leaves nothing behind.
func writable(dir string) error {
	if dir == "" {
		return errors.New("no name")
	}
	info, err := os.Stat(dir)
	for errors.Is(err, fs.ErrNotExist) && filepath.Dir(dir) != dir {
		dir = filepath.Dir(dir)
		info, err = os.Stat(dir)
	}
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a directory", quoteArg(dir))
	}
	f, err := os.CreateTemp(dir, ".doublemount-*.tmp")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}
