package corpus

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"unicode"

	"github.com/doublemount/doublemount/model"
)

// Case is a Program and what must be found when it runs on a design.
type Case struct {
	Notes   []string      // the comment lines, without their "# "
	Design  string        // lower-case letters, digits and dashes, at most one slash: "local", "local/no-flush"
	Expect  []Expectation // at least one, each of another guarantee
	Keeps   []string      // designs that keep every guarantee named in Expect on this Program
	FoundBy string        // how it was found, one line: "seed 7 run 1234"; may be empty
	Program model.Program
	Saw     []model.Op // what each operation of the run that was found answered, as [Recorded] has it; empty where nobody knows
}

// Expectation is what the judge must answer for one guarantee.
type Expectation struct {
	Outcome   model.Outcome
	Guarantee string        // a name that [model.ParseGuarantee] knows
	Anomaly   model.Anomaly // set if and only if Outcome is Violated
}

// String is the value of an "expect" line: "violated nothing-lost lost file".
func (e Expectation) String() string {
	s := e.Outcome.String() + " " + e.Guarantee
	if e.Anomaly != model.NoAnomaly {
		s += " " + string(e.Anomaly)
	}
	return s
}

// firstLine names the format and its version.
const firstLine = "doublemount case 1"

// String is the case as its file has it. [Parse] gives c back, if c is a case
// that a file can hold; characters that would not show in a line, or would end
// it, are printed as a question mark.
func (c Case) String() string {
	var b strings.Builder
	b.WriteString(firstLine + "\n")
	for _, note := range c.Notes {
		writeLine(&b, "#", note)
	}
	writeLine(&b, "design:", c.Design)
	writeLine(&b, "hosts:", fmt.Sprint(c.Program.Hosts))
	for _, e := range c.Expect {
		writeLine(&b, "expect:", e.String())
	}
	for _, design := range c.Keeps {
		writeLine(&b, "keeps:", design)
	}
	if c.FoundBy != "" {
		writeLine(&b, "found-by:", c.FoundBy)
	}
	b.WriteString("\n" + c.Program.String())
	if len(c.Saw) > 0 {
		b.WriteString("\n")
		writeSaw(&b, c.Program, c.Saw)
	}
	return b.String()
}

// Bytes is String as bytes.
func (c Case) Bytes() []byte { return []byte(c.String()) }

// writeLine writes one line. The text is not trusted to be one.
func writeLine(b *strings.Builder, start, text string) {
	b.WriteString(start)
	if text = strings.TrimRight(printable(text), " "); text != "" {
		b.WriteString(" " + text)
	}
	b.WriteByte('\n')
}

// printable replaces what a terminal would obey or hide.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, text)
}

// Hash is the first 8 hexadecimal digits of the SHA-256 of the program's text:
// cases with one Program have one Hash, whatever they expect and tell.
func (c Case) Hash() string {
	sum := sha256.Sum256([]byte(c.Program.String()))
	return fmt.Sprintf("%x", sum[:4])
}

// FileName is the anomaly, or the first outcome where none is expected, and the
// Hash: "lost-file-0f3a91c2.case".
func (c Case) FileName() string {
	kind := "case"
	for i, e := range c.Expect {
		if i == 0 {
			kind = e.Outcome.String()
		}
		if e.Outcome == model.Violated {
			kind = string(e.Anomaly)
			break
		}
	}
	// Only what Parse accepts may become part of a file name.
	if _, err := model.ParseAnomaly(kind); err == nil {
		kind = strings.ReplaceAll(kind, " ", "-")
	} else if _, err := model.ParseOutcome(kind); err != nil {
		kind = "case"
	}
	return kind + "-" + c.Hash() + ".case"
}

// alike reports whether c and d print alike, but for what tells of the run that was
// found: the story, FoundBy and Saw.
func (c Case) alike(d Case) bool {
	c.Notes, c.FoundBy, c.Saw = d.Notes, d.FoundBy, d.Saw
	return c.String() == d.String()
}
