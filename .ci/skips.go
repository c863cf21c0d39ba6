// Command skips reads the output of "go test -json" from standard input. It
// prints what failed, and fails itself for a test that skipped: a check that is
// not made must not look like one that passed.
//
// Arguments are the tests that may skip, as name or package.name. Unless the
// environment has the variable, so may a test whose reason names DOUBLEMOUNT_LONG
// or DOUBLEMOUNT_LAB: there is a stage that runs it.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// event is a line of the output, as "go doc test2json" describes it.
type event struct {
	Action     string
	Package    string
	ImportPath string // of a package that does not build
	Test       string
	Output     string
}

func (e event) name() string {
	if e.Test == "" {
		return e.Package + e.ImportPath
	}
	return e.Package + "." + e.Test
}

func main() {
	var elsewhere []string // reasons that another stage has not
	for _, name := range []string{"DOUBLEMOUNT_LONG", "DOUBLEMOUNT_LAB"} {
		if os.Getenv(name) == "" {
			elsewhere = append(elsewhere, name)
		}
	}
	bad, err := run(os.Stdin, os.Stdout, os.Args[1:], elsewhere)
	if err != nil {
		fmt.Fprintln(os.Stderr, "skips:", err)
		os.Exit(2)
	}
	if bad {
		os.Exit(1)
	}
}

// run reports whether anything failed or skipped that must not, or nothing ran.
func run(in io.Reader, out io.Writer, allowed, elsewhere []string) (bad bool, err error) {
	output := map[string]string{}
	passed, failed, skipped := 0, 0, 0
	lines := json.NewDecoder(in)
	for {
		var e event
		if err := lines.Decode(&e); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return true, fmt.Errorf("not the output of go test -json: %w", err)
		}
		text := output[e.name()]
		switch e.Action {
		case "output", "build-output":
			output[e.name()] = text + e.Output
		case "pass":
			if e.Test != "" {
				passed++
			}
		case "fail", "build-fail":
			fmt.Fprint(out, text)
			bad = true
			if e.Test != "" {
				failed++
			}
		case "skip":
			if e.Test == "" { // a package without tests
				break
			}
			skipped++
			listed := slices.Contains(allowed, e.Test) || slices.Contains(allowed, e.name())
			named := func(variable string) bool { return strings.Contains(text, variable) }
			if !listed && !slices.ContainsFunc(elsewhere, named) {
				fmt.Fprintf(out, "skipped and not on the list: %s\n%s", e.name(), text)
				bad = true
			}
		}
	}
	fmt.Fprintf(out, "%d passed, %d failed, %d skipped\n", passed, failed, skipped)
	return bad || passed == 0, nil
}
