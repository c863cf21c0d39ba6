package corpus

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/doublemount/doublemount/model"
)

// Parse reads a case. Name stands in errors, which are all of type
// *[SyntaxError]. If there is none, the case's Bytes are data, and its Program
// is valid.
func Parse(name string, data []byte) (Case, error) {
	c, err := parse(data)
	if err != nil {
		err.File = name
		return Case{}, err
	}
	return c, nil
}

func parse(data []byte) (Case, *SyntaxError) {
	lines, err := splitLines(data)
	if err != nil {
		return Case{}, err
	}
	if len(lines) == 0 || lines[0] != firstLine {
		if len(lines) > 0 && strings.HasPrefix(lines[0], "doublemount case ") {
			return Case{}, errorf(1, "format %s is not known\nhint: this version reads %q; a newer one wrote the file",
				quote(lines[0]), firstLine)
		}
		return Case{}, errorf(1, "not a case\nhint: the first line is %q", firstLine)
	}
	var c Case
	next := 1
	for ; next < len(lines) && strings.HasPrefix(lines[next], "#"); next++ {
		note, spaced := strings.CutPrefix(lines[next], "# ")
		if !spaced && lines[next] != "#" {
			return Case{}, errorf(next+1, "no space after the #")
		}
		if !spaced {
			note = ""
		}
		c.Notes = append(c.Notes, note)
	}
	h := header{c: &c}
	for ; next < len(lines) && lines[next] != ""; next++ {
		if err := h.line(next+1, lines[next]); err != nil {
			return Case{}, err
		}
	}
	if err := h.end(next + 1); err != nil {
		return Case{}, err
	}
	if next == len(lines) {
		return Case{}, errorf(next+1, "no program\nhint: an empty line and the steps follow the keys")
	}
	program, saw := lines[next+1:], []string(nil)
	for i := range len(program) - 1 {
		if program[i] == "" && strings.HasPrefix(program[i+1], sawPrefix) {
			program, saw = program[:i], program[i+1:]
			break
		}
	}
	if err := parseProgram(&c.Program, program, next+2); err != nil || saw == nil {
		return c, err
	}
	c.Saw, err = parseSaw(c.Program, saw, next+2+len(program)+1)
	return c, err
}

// keys in the order in which they stand; again says which may do so more than
// once, optional which not at all.
var keys = []struct {
	name            string
	again, optional bool
	set             func(*Case, string) error
}{
	{name: "design", set: setDesign},
	{name: "hosts", set: setHosts},
	{name: "expect", again: true, set: addExpectation},
	{name: "keeps", again: true, optional: true, set: addKeeper},
	{name: "found-by", optional: true, set: setFoundBy},
}

// header reads the key lines of one file.
type header struct {
	c    *Case
	seen int // how many of keys have had their turn
}

func (h *header) line(n int, text string) *SyntaxError {
	if strings.HasPrefix(text, "#") {
		return errorf(n, "a comment among the keys\nhint: comments follow the first line")
	}
	name, value, ok := strings.Cut(text, ":")
	if !ok {
		return errorf(n, "%s is not a key, a colon and a value\nhint: an empty line stands before the program", quote(text))
	}
	for i, key := range keys {
		if key.name != name {
			continue
		}
		switch {
		case i+1 < h.seen:
			return errorf(n, "key %q out of its order\nhint: the order is%s", name, keyOrder())
		case i+1 == h.seen && !key.again:
			return errorf(n, "key %q stands twice", name)
		}
		if err := h.skip(i, n); err != nil {
			return err
		}
		h.seen = i + 1
		value, ok = strings.CutPrefix(value, " ")
		if !ok || value == "" || value[0] == ' ' {
			return errorf(n, "key %q has no value one space after the colon", name)
		}
		if err := key.set(h.c, value); err != nil {
			return errorf(n, "%s: %v", name, err)
		}
		return nil
	}
	return errorf(n, "unknown key %s\nhint: one of%s", quote(name), keyOrder())
}

// end is called where the keys end.
func (h *header) end(n int) *SyntaxError { return h.skip(len(keys), n) }

// skip reports a required key that should have stood before keys[to].
func (h *header) skip(to, n int) *SyntaxError {
	for i := h.seen; i < to; i++ {
		if !keys[i].optional {
			return errorf(n, "key %q is missing here\nhint: the order is%s", keys[i].name, keyOrder())
		}
	}
	return nil
}

func keyOrder() string {
	order := ""
	for _, key := range keys {
		order += " " + key.name
	}
	return order
}

func setDesign(c *Case, value string) error {
	c.Design = value
	return checkDesign(value)
}

func setFoundBy(c *Case, value string) error {
	c.FoundBy = value
	return nil
}

func setHosts(c *Case, value string) error {
	n, err := number(value)
	if err != nil {
		return err
	}
	if n < 1 || n > model.MaxHosts {
		return errors.New(value + " hosts; want 1 to " + strconv.Itoa(model.MaxHosts))
	}
	c.Program.Hosts = n
	return nil
}

func addExpectation(c *Case, value string) error {
	outcome, rest, _ := strings.Cut(value, " ")
	guarantee, anomaly, hasAnomaly := strings.Cut(rest, " ")
	var e Expectation
	var err error
	if e.Outcome, err = model.ParseOutcome(outcome); err != nil {
		return err
	}
	if guarantee == "" {
		return errors.New("no guarantee\nhint: an outcome, a guarantee, and an anomaly if violated")
	}
	if _, err = model.ParseGuarantee(guarantee); err != nil {
		return err
	}
	e.Guarantee = guarantee
	switch {
	case e.Outcome == model.Violated && !hasAnomaly:
		return errors.New("violated, but by which anomaly?\nhint: for example \"violated nothing-lost lost file\"")
	case e.Outcome != model.Violated && hasAnomaly:
		return errors.New("an anomaly is named, but the outcome is " + outcome)
	case hasAnomaly:
		if e.Anomaly, err = model.ParseAnomaly(anomaly); err != nil {
			return err
		}
	}
	for _, other := range c.Expect {
		if other.Guarantee == e.Guarantee {
			return errors.New(e.Guarantee + " has an expectation already")
		}
	}
	c.Expect = append(c.Expect, e)
	return nil
}

func addKeeper(c *Case, value string) error {
	if err := checkDesign(value); err != nil {
		return err
	}
	if slices.Contains(c.Keeps, value) {
		return errors.New("design " + value + " stands twice")
	}
	if value == c.Design && slices.ContainsFunc(c.Expect, func(e Expectation) bool { return e.Outcome != model.Held }) {
		return errors.New("design " + value + " cannot keep what it is expected not to")
	}
	c.Keeps = append(c.Keeps, value)
	return nil
}

// checkDesign accepts "name" and "name/variant".
func checkDesign(name string) error {
	base, variant, slash := strings.Cut(name, "/")
	if word(base) && (!slash || word(variant)) {
		return nil
	}
	return errors.New("bad design name " + quote(name) + "\nhint: lower-case letters, digits and dashes, at most one slash")
}

func word(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return s != ""
}

// number reads a number as a case prints it: no sign, no leading zero.
func number(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil || strconv.FormatUint(n, 10) != text {
		return 0, errors.New(quote(text) + " is not a number from 0 to 2147483647")
	}
	return int(n), nil
}
