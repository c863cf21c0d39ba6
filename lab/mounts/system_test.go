package mounts_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/lab/mounts"
	"github.com/doublemount/doublemount/lab/place"
)

const good = `doublemount system 1
name: two-words
stands for: something
# a comment
packages: one two
commands: sh /bin/sh
guarantee: close-to-open
locks: shared
documents: what it says
source: page(1), section: A
note: first
note: second

start:
	mkdir share

	echo "a:	b" # no comment of ours
mount:
	mount it
`

func TestParse(t *testing.T) {
	s, err := mounts.Parse("x.system", []byte(good))
	if err != nil {
		t.Fatal(err)
	}
	if s.Name != "two-words" || !slices.Equal(s.Packages, []string{"one", "two"}) || !slices.Equal(s.Commands, []string{"sh", "/bin/sh"}) ||
		s.Guarantee != "close-to-open" || !s.Locks || s.Source != "page(1), section: A" || !slices.Equal(s.Notes, []string{"first", "second"}) {
		t.Errorf("%+v", s)
	}
	if s.HeldTo() != "close-to-open" {
		t.Errorf("held to %s", s.HeldTo())
	}
	if s.Guarantee = mounts.None; s.HeldTo() != "nothing-lost" {
		t.Errorf("without a guarantee it is held to %s", s.HeldTo())
	}
}

func TestParseErrors(t *testing.T) {
	for _, test := range []struct{ old, new, want string }{
		{"doublemount system 1", "doublemount system 2", `x.system:1: want "doublemount system 1", not "doublemount system 2"`},
		{"name: two-words", "name: Two", `x.system:2: name: want lower-case letters, digits and dashes, not "Two"`},
		{"name: two-words", "name: ../a", "x.system:2: name: want"},
		{"stands for: something", "stands for:", "x.system:3: stands for is empty"},
		{"stands for: something", "\tsomething", "x.system:3: a line of no script"},
		{"stands for: something\n", "", "x.system: no stands for"},
		{"packages: one two", "packages: one --option", `x.system:5: packages: "--option" is no name`},
		{"commands: sh", "commands: $(sh)", `x.system:6: commands: "$(sh)" is no name`},
		{"guarantee: close-to-open", "guarantee: posix", `x.system:7: guarantee: want a rung of the ladder or none, not "posix"`},
		{"guarantee: close-to-open", "guarantee: progress", `not "progress"`},
		{"locks: shared", "locks: yes", `x.system:8: locks: want shared or local, not "yes"`},
		{"note: first", "name: again", "x.system:11: name is there already"},
		{"note: first", "hint: x", `x.system:11: unknown field "hint"`},
		{"note: first", "nothing", `x.system:11: want "field: value", not "nothing"`},
		{"note: first", "note: a\x1b[2J", "x.system:11: "},
		{"note: first", "note: \xff", "x.system:11: "},
		{"start:", "start: mkdir", "x.system:14: start is a script"},
		{"mount:\n", "start:\n", "x.system:18: start is there already"},
		{"\tmount it\n", "", "x.system: no script mount"},
		{"\tmount it\n", "\tmount it", "x.system: the last line does not end"},
	} {
		text := strings.Replace(good, test.old, test.new, 1)
		if _, err := mounts.Parse("x.system", []byte(text)); err == nil || !strings.HasPrefix(err.Error(), "x.system:") || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q for %q: %v; want %s", test.new, test.old, err, test.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(good))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := mounts.Parse("x.system", text)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "x.system:") {
				t.Errorf("error without the file: %v", err)
			}
			return
		}
		for _, w := range append(slices.Clone(s.Packages), s.Commands...) {
			if strings.HasPrefix(w, "-") || strings.ContainsAny(w, " \t\n$`'\"") {
				t.Errorf("%q is the name of a package or command", w)
			}
		}
		if s.Name == "" || s.StandsFor == "" || s.Guarantee == "" || s.Documents == "" || s.Source == "" {
			t.Errorf("%+v", s)
		}
	})
}

// TestSystems: the files of the repository can be read, and the systems that the
// project speaks of are there.
func TestSystems(t *testing.T) {
	all, err := mounts.Systems()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"sshfs", "sshfs-nocache", "bindfs", "mergerfs", "rclone", "glusterfs"} {
		if !slices.ContainsFunc(all, func(s mounts.System) bool { return s.Name == want }) {
			t.Errorf("no %s", want)
		}
	}
	if _, err := mounts.Lookup("nfs"); err == nil || !strings.Contains(err.Error(), "\nhint: one of ") || !strings.Contains(err.Error(), "sshfs") {
		t.Errorf("unknown system: %v", err)
	}
}

// TestMissing: what is not installed is named, with the way to get it, and
// nothing is started.
func TestMissing(t *testing.T) {
	s, err := mounts.Parse("x.system", []byte(strings.Replace(good, "commands: sh", "commands: no-such-command", 1)))
	if err != nil {
		t.Fatal(err)
	}
	_, err = mounts.Start(t.Context(), s, "true")
	if !errors.Is(err, place.ErrNeeds) {
		t.Fatalf("%v; want an error that says what is missing", err)
	}
	if linux && (!strings.Contains(err.Error(), "no-such-command") || !strings.Contains(err.Error(), "apt-get install one two")) {
		t.Error(err)
	}
}
