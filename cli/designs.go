package cli

import (
	"bytes"
	"context"
	"fmt"

	"github.com/doublemount/doublemount/reports"
	"github.com/doublemount/doublemount/sim"
)

// designsVerb is "designs".
type designsVerb struct {
	Format format `default:"text" env:"DOUBLEMOUNT_FORMAT" placeholder:"text|json" help:"How to print the list (default: text)."`
}

// Help is the long help, with an example.
func (designsVerb) Help() string {
	return fmt.Sprintf(`Each design is listed with what it stands for, the guarantee that it declares, the faults under which it declares it, and its planted bugs, which can be hunted by name.

Example:

    %s designs --format json`, programName())
}

// designList is the JSON object that designs writes. Fields are only added.
type designList struct {
	Schema  int           `json:"schema"`
	Tool    string        `json:"tool"`
	Designs []designEntry `json:"designs"`
}

type designEntry struct {
	Name      string        `json:"name"`
	StandsFor string        `json:"stands_for"`
	Guarantee string        `json:"guarantee"`
	Survives  string        `json:"survives"`
	Bugs      []designEntry `json:"bugs"`
}

func entries(designs []sim.Design) []designEntry {
	list := []designEntry{}
	for _, d := range designs {
		list = append(list, designEntry{Name: d.Name, StandsFor: d.StandsFor, Guarantee: d.Guarantee.Name,
			Survives: d.Survives.String(), Bugs: entries(d.Bugs)})
	}
	return list
}

// run implements verb.
func (v *designsVerb) run(_ context.Context, a *app) (int, error) {
	var b bytes.Buffer
	if v.Format == "json" {
		if err := writeJSON(&b, designList{Schema: reports.Schema, Tool: version(), Designs: entries(a.designs)}); err != nil {
			return exitHarness, err
		}
	} else {
		printDesigns(&b, entries(a.designs), "")
	}
	if _, err := a.stdout.Write(b.Bytes()); err != nil {
		return exitHarness, fmt.Errorf("write the list: %w", err)
	}
	return exitClean, nil
}

func printDesigns(b *bytes.Buffer, list []designEntry, indent string) {
	for _, d := range list {
		fmt.Fprintf(b, "%s%s\n", indent, d.Name)
		fmt.Fprintf(b, "%s    stands for:       %s\n", indent, printable(d.StandsFor))
		fmt.Fprintf(b, "%s    guarantee:        %s\n", indent, d.Guarantee)
		fmt.Fprintf(b, "%s    faults survived:  %s\n", indent, d.Survives)
		if len(d.Bugs) > 0 {
			fmt.Fprintf(b, "%s    planted bugs:\n", indent)
			printDesigns(b, d.Bugs, indent+"        ")
		}
	}
}
