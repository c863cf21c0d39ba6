package lint

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	root   = "../.." // of the module, from this package
	module = "github.com/doublemount/doublemount"
)

// source is one Go file of the module.
type source struct {
	path string // from the root, with slashes
	test bool   // a _test file
	text string
	fset *token.FileSet
	file *ast.File
}

// dir is the package's directory, "." for the root package.
func (s source) dir() string { return path.Dir(s.path) }

// at is a finding in s.
func (s source) at(pos token.Pos, format string, args ...any) string {
	return fmt.Sprintf("%s:%d: %s", s.path, s.fset.Position(pos).Line, fmt.Sprintf(format, args...))
}

// imports lists what s imports, with where.
func (s source) imports() map[string]token.Pos {
	all := map[string]token.Pos{}
	for _, spec := range s.file.Imports {
		if name, err := strconv.Unquote(spec.Path.Value); err == nil {
			all[name] = spec.Pos()
		}
	}
	return all
}

// parse makes a source; every file shares one file set, so that packages can be
// type-checked.
func parse(fset *token.FileSet, name, text string) (source, error) {
	file, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	return source{name, strings.HasSuffix(name, "_test.go"), text, fset, file}, err
}

// skipped is what is not source: tools' own (".git" is a file in a linked working
// tree), and what runs leave.
func skipped(name string) bool {
	return name == ".git" || name == "doublemount-findings" || name == "_artifacts"
}

// files calls visit for every file below the root, by its path with slashes.
func files(t *testing.T, visit func(name string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case skipped(d.Name()):
			if d.IsDir() {
				return filepath.SkipDir
			}
		case d.Type().IsRegular():
			name, err := filepath.Rel(root, file)
			if err != nil {
				return err
			}
			visit(filepath.ToSlash(name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// tree is every Go file of the module, testdata aside.
func tree(t *testing.T) []source {
	t.Helper()
	fset := token.NewFileSet()
	var all []source
	files(t, func(name string) {
		if !strings.HasSuffix(name, ".go") || strings.Contains("/"+name, "/testdata/") {
			return
		}
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		s, err := parse(fset, name, string(text))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	})
	if len(all) < 10 {
		t.Fatalf("%d Go files below %s; this test must run in its own directory", len(all), root)
	}
	return all
}

// report fails t with every finding.
func report(t *testing.T, findings []string) {
	t.Helper()
	slices.Sort(findings)
	for _, f := range slices.Compact(findings) {
		t.Error(f)
	}
}

// breaks runs a rule over one file and wants a finding with each of the texts,
// and none if there are none.
func breaks(t *testing.T, rule func([]source) []string, name, text string, want ...string) {
	t.Helper()
	s, err := parse(token.NewFileSet(), name, text)
	if err != nil {
		t.Fatal(err)
	}
	got := rule([]source{s})
	for _, w := range want {
		if !slices.ContainsFunc(got, func(f string) bool { return strings.Contains(f, w) }) {
			t.Errorf("%s:\n%s\nno finding has %q; got %q", name, text, w, got)
		}
	}
	if len(want) == 0 && len(got) > 0 {
		t.Errorf("%s:\n%s\nfindings %q; want none", name, text, got)
	}
}
