package cli

import (
	"errors"
	"fmt"

	"github.com/doublemount/doublemount/corpus"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
)

// every is the designs, each followed by its planted bugs.
func every(designs []sim.Design) []sim.Design {
	var all []sim.Design
	for _, d := range designs {
		all = append(append(all, d), every(d.Bugs)...)
	}
	return all
}

// lookup finds a design or a planted bug by its name.
func lookup(designs []sim.Design, name string) (sim.Design, error) {
	names, near := "", ""
	best := 3 // more mistakes than that, and it is another name
	for _, d := range every(designs) {
		if d.Name == name {
			return d, nil
		}
		names += " " + d.Name
		if n := mistakes(d.Name, name); n < best {
			best, near = n, d.Name
		}
	}
	hint := "one of" + names
	if near != "" {
		hint = fmt.Sprintf("did you mean %s? There are%s", near, names)
	}
	return sim.Design{}, fmt.Errorf("unknown design %q\nhint: %s", name, hint)
}

// mistakes is how many letters must be added, taken away or replaced to make b
// of a.
func mistakes(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// checkDesigns finds what would otherwise show only when a case file is to be
// written: it must be able to name the design.
func checkDesigns(designs []sim.Design) error {
	if len(designs) == 0 {
		return errors.New("this command was made without designs\nhint: cli.Main takes at least one")
	}
	seen := map[string]bool{}
	for _, d := range every(designs) {
		if seen[d.Name] {
			return fmt.Errorf("two designs are called %q", d.Name)
		}
		seen[d.Name] = true
		if err := d.Guarantee.CheckName(); err != nil {
			return fmt.Errorf("design %q: %w", d.Name, err)
		}
		sample := corpus.Case{Design: d.Name, Expect: []corpus.Expectation{{Guarantee: model.NothingLost.Name}},
			Program: model.Program{Hosts: 1, Unmounts: []model.Host{0}}}
		if parsed, err := corpus.Parse("", sample.Bytes()); err != nil || parsed.Design != d.Name {
			return fmt.Errorf("bad design name %q\nhint: lower-case letters, digits and dashes, at most one slash", d.Name)
		}
	}
	return nil
}
