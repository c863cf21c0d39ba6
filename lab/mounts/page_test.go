package mounts_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/lab/mounts"
)

var update = flag.Bool("update", false, "write docs/REAL-SYSTEMS.md anew")

const page = "../../docs/REAL-SYSTEMS.md"

// TestPage: docs/REAL-SYSTEMS.md is what the systems' files and the results that
// were recorded make.
func TestPage(t *testing.T) {
	all, err := mounts.Systems()
	if err != nil {
		t.Fatal(err)
	}
	results := map[string]mounts.Result{}
	files, err := filepath.Glob("results/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		var r mounts.Result
		text, err := os.ReadFile(f)
		if err == nil {
			d := json.NewDecoder(strings.NewReader(string(text)))
			d.DisallowUnknownFields()
			err = d.Decode(&r)
		}
		if err != nil || filepath.Base(f) != r.System+".json" || !slices.ContainsFunc(all, func(s mounts.System) bool { return s.Name == r.System }) {
			t.Fatalf("%s: a result of %q: %v", f, r.System, err)
		}
		if !slices.ContainsFunc(closed, func(begin string) bool { return strings.HasPrefix(r.Probe, begin) }) {
			t.Errorf("%s: a probe of this version does not say %q\nhint: doublemount lab %s --record lab/mounts/results", f, r.Probe, r.System)
		}
		results[r.System] = r
	}
	want := pageOf(all, results)
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what its sources make\nhint: go test ./lab/mounts -run TestPage -update", page)
	}
}

// closed is how the sentences of a probe begin.
var closed = []string{
	"one disk, mounted twice without coordination: ", "two separate ", "shared and linearizable over ",
	"shared, close-to-open and nothing stronger: ", "shared, but weaker than close-to-open: ", "cannot tell, because ", "an operation never returned, ",
}

const intro = `# Shared mounts of other file systems

` + "`doublemount lab NAME`" + ` starts one of these systems on this machine with two mounts of one share, each with the caches of a host of its
own; probes it for a quarter of the time; hunts on it for the rest; and removes everything, also after ` + "`kill -9`" + ` (the next lab does, or
` + "`doublemount lab clean`" + `). ` + "`--install`" + ` gets the packages; it needs Linux, root and FUSE. What serves the share runs in a network namespace of
its own, so nothing can be reached from outside. ` + "`doublemount replay --on NAME FILE.case`" + ` replays a case there.

A hunt holds a system to the guarantee that its documentation has, or where it has none to ` + "`nothing-lost`" + `, the least anyone can accept.
Locks are judged where they are documented as those of all hosts. Exit code 1 says that this was broken. A finding is told only if a shell
script without this program has seen it, too, or if none can be made of it.

Both hosts are on one machine, so nothing here says what a network does to them. What was found came back, or not, as often as stands
there: these hosts are not deterministic, and a short hunt that finds nothing proves nothing.

This page is made from ` + "[`lab/mounts/systems`](../lab/mounts/systems)" + `, a text file for each system, and from the results that
` + "`doublemount lab NAME --record lab/mounts/results`" + ` has written: ` + "`go test ./lab/mounts -run TestPage -update`" + `.

| system | documented guarantee | locks | what the probe said | found by the hunt |
|---|---|---|---|---|
`

func pageOf(all []mounts.System, results map[string]mounts.Result) string {
	var b strings.Builder
	b.WriteString(intro)
	for _, s := range all {
		locks := "each host's own"
		if s.Locks {
			locks = "shared"
		}
		said, found := "not recorded", ""
		if r, ok := results[s.Name]; ok {
			said, _, _ = strings.Cut(r.Probe, ";")
			said, _, _ = strings.Cut(said, ": ")
			found = fmt.Sprintf("nothing in %d operations", r.Operations)
			if len(r.Findings) > 0 {
				found = fmt.Sprintf("%d in %d operations", len(r.Findings), r.Operations)
			}
		}
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s | %s | %s | %s |\n", s.Name, s.Name, s.Guarantee, locks, cell(said), found)
	}
	for _, s := range all {
		fmt.Fprintf(&b, "\n## %s\n\nStands for %s. Packages: `apt-get install %s`.\n\n", s.Name, s.StandsFor, strings.Join(s.Packages, " "))
		fmt.Fprintf(&b, "* Documented: %s (%s).\n", s.Documents, s.Source)
		for _, n := range s.Notes {
			fmt.Fprintf(&b, "* %s\n", n)
		}
		r, ok := results[s.Name]
		if !ok {
			continue
		}
		var versions []string
		for _, name := range slices.Sorted(maps.Keys(r.Packages)) {
			versions = append(versions, name+" "+r.Packages[name])
		}
		fmt.Fprintf(&b, "\nSeen, with %s: %s. The hunt made %d runs, held to %s", strings.Join(versions, ", "), r.Probe, r.Runs, strings.Join(r.HeldTo, " and "))
		if len(r.Findings) == 0 {
			b.WriteString(", and found nothing.\n")
			continue
		}
		b.WriteString(", and found:\n\n")
		for _, f := range r.Findings {
			fmt.Fprintf(&b, "* %s (%s), which came back in %d of %d reruns\n", f.Anomaly, f.Guarantee, f.CameBack, f.Reruns)
		}
	}
	return b.String()
}

// cell is a text that a cell of a table can hold.
func cell(text string) string { return strings.ReplaceAll(text, "|", "\\|") }
