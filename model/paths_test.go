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
		"": false, "a": false, "//": false, "/a/": false, "//a": false, "/a//b": false, "/a/b/c": false,
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
