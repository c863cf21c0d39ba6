package model_test

import (
	"slices"
	"testing"

	"github.com/doublemount/doublemount/model"
)

func TestPaths(t *testing.T) {
	p := model.Program{Steps: []model.Step{
		{Kind: model.Mount},
		{Kind: model.Create, Path: "/c/x"},
		{Kind: model.Readdir, Path: model.Root},
		{Kind: model.Write, File: 1, Len: 1, Data: 1},
		{Kind: model.Open, Path: "/b", File: 1},
		{Kind: model.Stat, Path: "/b"},
		{Kind: model.Unlink, Path: "/b-1"},
		{Kind: model.Rmdir, Path: "/b/a"},
	}}
	want := []model.Path{"/b", "/b-1", "/b/a", "/c", "/c/x"}
	if got := p.Paths(); !slices.Equal(got, want) {
		t.Errorf("paths %q; want %q", got, want)
	}
	if got := (model.Program{}).Paths(); len(got) != 0 {
		t.Errorf("paths %q of nothing", got)
	}
}

func TestPathValid(t *testing.T) {
	for path, want := range map[model.Path]bool{
		"/": true, "/a": true, "/a/b": true, "/a-b_0": true, "/123456789012/123456789012": true,
		"": false, "a": false, "//": false, "/a/": false, "//a": false, "/a//b": false,
		"/a/b/c": true, "/a/b/c/d": true, "/a/b/c/d/e": false, "/a/b/c/d/": false,
		"/.": false, "/..": false, "/a/..": false, "/A": false, "/a b": false, "/a\n": false, "/ä": false,
		"/1234567890123": false, "\x00": false,
	} {
		if got := path.Valid(); got != want {
			t.Errorf("%q valid: %v; want %v", path, got, want)
		}
	}
}

func TestPathParts(t *testing.T) {
	for _, test := range []struct {
		path, parent, top model.Path
		name              string
	}{
		{"/", "/", "/", ""},
		{"/a", "/", "/a", "a"},
		{"/a/b", "/a", "/a", "b"},
		{"/a/b/c/d", "/a/b/c", "/a", "d"},
	} {
		if got := test.path.Parent(); got != test.parent {
			t.Errorf("parent of %s is %s; want %s", test.path, got, test.parent)
		}
		if got := test.path.Top(); got != test.top {
			t.Errorf("top of %s is %s; want %s", test.path, got, test.top)
		}
		if got := test.path.Name(); got != test.name {
			t.Errorf("name of %s is %q; want %q", test.path, got, test.name)
		}
		if test.path != model.Root && test.parent.Child(test.name) != test.path {
			t.Errorf("%s is not a child of %s", test.path, test.parent)
		}
	}
}

func TestBelowAndMoved(t *testing.T) {
	for _, test := range []struct {
		path, dir model.Path
		below     bool
	}{
		{"/a", "/", true}, {"/", "/", false}, {"/a", "/a", false}, {"/a/b", "/a", true}, {"/a/b/c", "/a", true},
		{"/ab", "/a", false}, {"/a", "/a/b", false}, {"/a-/b", "/a", false},
	} {
		if got := test.path.Below(test.dir); got != test.below {
			t.Errorf("%s below %s: %v", test.path, test.dir, got)
		}
	}
	for _, test := range [][4]model.Path{
		{"/a/b", "/a", "/c", "/c/b"}, {"/a/a/a", "/a", "/b/a", "/b/a/a/a"}, {"/a/b/c", "/a/b", "/b", "/b/c"},
	} {
		if got := test[0].Moved(test[1], test[2]); got != test[3] {
			t.Errorf("%s with %s renamed to %s is %s; want %s", test[0], test[1], test[2], got, test[3])
		}
	}
}

// What a rename of a directory makes of the names in it is among the paths, and
// what that becomes, however the renames follow each other; no deeper than a
// path can be, and not without end.
func TestPathsMove(t *testing.T) {
	rename := func(from, to model.Path) model.Step { return model.Step{Kind: model.Rename, Path: from, To: to} }
	create := model.Step{Kind: model.Create, Path: "/a/x"}
	for _, test := range []struct {
		name  string
		steps []model.Step
		want  []model.Path
	}{
		{"a file", []model.Step{rename("/a", "/b"), {Kind: model.Link, Path: "/b", To: "/c/d"}}, []model.Path{"/a", "/b", "/c", "/c/d"}},
		{"a directory", []model.Step{create, rename("/a", "/b")}, []model.Path{"/a", "/a/x", "/b", "/b/x"}},
		{"two after each other", []model.Step{create, rename("/a", "/b"), rename("/b", "/c")},
			[]model.Path{"/a", "/a/x", "/b", "/b/x", "/c", "/c/x"}},
		{"in the other order", []model.Step{create, rename("/b", "/c"), rename("/a", "/b")},
			[]model.Path{"/a", "/a/x", "/b", "/b/x", "/c", "/c/x"}},
		{"a name that comes later", []model.Step{rename("/a", "/b"), create}, []model.Path{"/a", "/a/x", "/b", "/b/x"}},
		{"too deep", []model.Step{{Kind: model.Create, Path: "/a/x/y"}, rename("/a", "/b/c/d")},
			[]model.Path{"/a", "/a/x", "/a/x/y", "/b", "/b/c", "/b/c/d", "/b/c/d/x"}},
		{"to itself", []model.Step{create, rename("/a", "/a")}, []model.Path{"/a", "/a/x"}},
	} {
		if got := (model.Program{Steps: test.steps}).Paths(); !slices.Equal(got, test.want) {
			t.Errorf("%s: %q; want %q", test.name, got, test.want)
		}
	}
	var circle []model.Step
	for _, from := range "abcdefgh" {
		for _, to := range "abcdefgh" {
			circle = append(circle, rename("/"+model.Path(from), "/"+model.Path(to)+"/"+model.Path(from)))
		}
	}
	if n := len((model.Program{Steps: circle}).Paths()); n > model.MaxPaths {
		t.Errorf("%d paths; the limit is %d", n, model.MaxPaths)
	}
}
