package mounts

import (
	"embed"
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/doublemount/doublemount/model"
)

// System is a shared file system that can be started here.
type System struct {
	Name      string
	StandsFor string
	Packages  []string // Debian's
	Commands  []string // that must be there, by name or path
	Guarantee string   // the rung that it documents, or [None]
	Locks     bool     // it documents that advisory locks are those of all hosts
	Documents string   // what its documentation says, in one sentence
	Source    string   // where
	Notes     []string

	start string // script: what the hosts share
	mount string // script: one host's mount
}

// None is the Guarantee of a system that documents none.
const None = "none"

// header is the first line of a system's file.
const header = "doublemount system 1"

// fields are the lines that a file has, each once; a note may come any number of
// times.
var fields = map[string]func(*System, string) error{
	"name": func(s *System, v string) error {
		s.Name = v
		if !named.MatchString(v) {
			return fmt.Errorf("want lower-case letters, digits and dashes, not %q", v)
		}
		return nil
	},
	"stands for": func(s *System, v string) error { s.StandsFor = v; return nil },
	"packages":   func(s *System, v string) error { return words(&s.Packages, v) },
	"commands":   func(s *System, v string) error { return words(&s.Commands, v) },
	"guarantee": func(s *System, v string) error {
		s.Guarantee = v
		g, err := model.ParseGuarantee(v)
		if v != None && (err != nil || g.Axis) {
			return fmt.Errorf("want a rung of the ladder or %s, not %q", None, v)
		}
		return nil
	},
	"locks": func(s *System, v string) error {
		s.Locks = v == "shared"
		if v != "shared" && v != "local" {
			return fmt.Errorf("want shared or local, not %q", v)
		}
		return nil
	},
	"documents": func(s *System, v string) error { s.Documents = v; return nil },
	"source":    func(s *System, v string) error { s.Source = v; return nil },
}

var (
	named = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	word  = regexp.MustCompile(`^[A-Za-z0-9/][A-Za-z0-9+./_-]*$`) // it is given to apt-get, and never a flag
)

// words are those of a line; each is the name of a package or a command.
func words(all *[]string, line string) error {
	for _, w := range strings.Fields(line) {
		if !word.MatchString(w) {
			return fmt.Errorf("%q is no name", w)
		}
		*all = append(*all, w)
	}
	return nil
}

// Parse reads the file of a system. The first line is a header; then come lines
// "field: value", and the scripts: "start:" or "mount:" alone, and lines that
// begin with a tab. Empty lines count in a script only; a line that begins with #
// is a comment elsewhere. An error names the line.
func Parse(file string, text []byte) (System, error) {
	var s System
	seen := map[string]bool{}
	var script *string
	n := 0
	fail := func(format string, args ...any) (System, error) {
		return System{}, fmt.Errorf("%s:%d: %w", file, n, fmt.Errorf(format, args...))
	}
	if !strings.HasSuffix(string(text), "\n") {
		return System{}, fmt.Errorf("%s: the last line does not end", file)
	}
	for line := range strings.Lines(string(text)) {
		n++
		line = strings.TrimSuffix(line, "\n")
		if i := strings.IndexFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f || r == '\uFFFD' }); i >= 0 {
			return fail("%q is no text", line)
		}
		switch command, tabbed := strings.CutPrefix(line, "\t"); {
		case n == 1:
			if line != header {
				return fail("want %q, not %q", header, line)
			}
			continue
		case tabbed && script != nil:
			*script += command + "\n"
			continue
		case tabbed:
			return fail("a line of no script")
		case strings.TrimSpace(line) == "":
			if script != nil {
				*script += "\n"
			}
			continue
		case strings.HasPrefix(line, "#"):
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		if !ok {
			return fail("want \"field: value\", not %q", line)
		}
		if seen[name] && name != "note" {
			return fail("%s is there already", name)
		}
		seen[name], script = true, nil
		switch set := fields[name]; {
		case name == "start" || name == "mount":
			if value != "" {
				return fail("%s is a script: it stands on the lines after, each with a tab", name)
			}
			script = &s.start
			if name == "mount" {
				script = &s.mount
			}
		case value == "":
			return fail("%s is empty", name)
		case name == "note":
			s.Notes = append(s.Notes, value)
		case set == nil:
			return fail("unknown field %q", name)
		default:
			if err := set(&s, value); err != nil {
				return fail("%s: %w", name, err)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !seen[name] {
			return System{}, fmt.Errorf("%s: no %s", file, name)
		}
	}
	s.start, s.mount = strings.TrimRight(s.start, "\n")+"\n", strings.TrimRight(s.mount, "\n")+"\n"
	if strings.TrimSpace(s.mount) == "" {
		return System{}, fmt.Errorf("%s: no script mount", file)
	}
	return s, nil
}

//go:embed systems
var embedded embed.FS

// Systems lists the systems that there are, by name.
func Systems() ([]System, error) {
	entries, err := embedded.ReadDir("systems")
	if err != nil {
		return nil, err
	}
	var all []System
	var errs []error
	for _, e := range entries {
		text, err := embedded.ReadFile("systems/" + e.Name())
		if err != nil {
			return nil, err
		}
		s, err := Parse(e.Name(), text)
		if err == nil && path.Base(e.Name()) != s.Name+".system" {
			err = fmt.Errorf("%s: name is %s", e.Name(), s.Name)
		}
		all, errs = append(all, s), append(errs, err)
	}
	slices.SortFunc(all, func(a, b System) int { return strings.Compare(a.Name, b.Name) })
	return all, errors.Join(errs...)
}

// Lookup finds a system by its name. The error lists them all.
func Lookup(name string) (System, error) {
	all, err := Systems()
	if err != nil {
		return System{}, err
	}
	var names []string
	for _, s := range all {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return System{}, fmt.Errorf("unknown system %q\nhint: one of %s", name, strings.Join(names, " "))
}

// HeldTo is what its mounts are held to: what it documents, or where that is
// nothing, that what was acknowledged is not lost.
func (s System) HeldTo() string {
	if s.Guarantee == None {
		return model.NothingLost.Name
	}
	return s.Guarantee
}
