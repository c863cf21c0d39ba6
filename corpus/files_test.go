package corpus_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/corpus"
	"github.com/doublemount/doublemount/model"
)

func parseExample(t *testing.T) corpus.Case {
	t.Helper()
	c, err := corpus.Parse("example", []byte(example))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func TestWriteAndReadFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "here")
	c := parseExample(t)
	name, err := corpus.WriteFile(dir, c)
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(dir, c.FileName()); name != want {
		t.Errorf("wrote %s; want %s", name, want)
	}
	if got := names(t, dir); !slices.Equal(got, []string{c.FileName()}) {
		t.Errorf("the directory has %q", got)
	}
	got, err := corpus.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, c) {
		t.Errorf("read %+v; want %+v", got, c)
	}
}

// TestWriteFileKeepsStory finds a case again that somebody has written about.
func TestWriteFileKeepsStory(t *testing.T) {
	dir := t.TempDir()
	c := parseExample(t)
	name, err := corpus.WriteFile(dir, c)
	if err != nil {
		t.Fatal(err)
	}
	again := c
	again.Notes, again.FoundBy = nil, "seed 8 run 1"
	if got, err := corpus.WriteFile(dir, again); err != nil || got != name {
		t.Fatalf("wrote %q, error %v; want %q", got, err, name)
	}
	other := c
	other.Design = "other"
	if _, err := corpus.WriteFile(dir, other); !errors.Is(err, fs.ErrExist) {
		t.Errorf("error %v; want %v", err, fs.ErrExist)
	}
	if got, err := os.ReadFile(name); err != nil || string(got) != example {
		t.Errorf("the file is now, error %v:\n%s", err, got)
	}
}

func TestWriteFileRefuses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not-made")
	for _, change := range []func(*corpus.Case){
		func(c *corpus.Case) { c.Design = "no such\nname" },
		func(c *corpus.Case) { c.Expect = nil },
		func(c *corpus.Case) { c.Program.Unmounts = c.Program.Unmounts[:1] },
		func(c *corpus.Case) { c.Program.Steps[0].Host = model.Final },
		func(c *corpus.Case) { c.Notes = []string{strings.Repeat("x", corpus.MaxLine)} },
	} {
		c := parseExample(t)
		change(&c)
		name, err := corpus.WriteFile(dir, c)
		var syntax *corpus.SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("wrote %q, error %v; want a SyntaxError", name, err)
		}
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory was made all the same: %v", err)
	}
}

func TestReadDir(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("b.case", example)
	write("a.case", example)
	write("README.md", "not a case")
	write(".c.tmp", "half a ca")
	if err := os.Mkdir(filepath.Join(dir, "d.case"), 0o755); err != nil {
		t.Fatal(err)
	}
	check := func() error {
		t.Helper()
		files, err := corpus.ReadDir(dir)
		var got []string
		for _, f := range files {
			got = append(got, f.Name)
			if f.Case.String() != example {
				t.Errorf("%s was read as\n%s", f.Name, f.Case)
			}
		}
		if want := []string{filepath.Join(dir, "a.case"), filepath.Join(dir, "b.case")}; !slices.Equal(got, want) {
			t.Errorf("read %q; want %q", got, want)
		}
		return err
	}
	if err := check(); err != nil {
		t.Error(err)
	}
	write("aa.case", "not a case")
	var syntax *corpus.SyntaxError
	if err := check(); !errors.As(err, &syntax) || syntax.File != filepath.Join(dir, "aa.case") {
		t.Errorf("error %v; want a SyntaxError of aa.case", err)
	}
	if _, err := corpus.ReadDir(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v; want %v", err, fs.ErrNotExist)
	}
}
