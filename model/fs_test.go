package model_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/model"
)

// TestFS tells the specification what to do, by hand, and compares all it
// answers.
func TestFS(t *testing.T) {
	const A, B = model.Host(0), model.Host(1)
	read := func(p model.Path, n int32) model.Step { return model.Step{Kind: model.Read, Path: p, Len: n} }
	name := func(k model.Kind, p model.Path) model.Step { return model.Step{Kind: k, Path: p} }
	write := func(p model.Path, off, n int32, data byte) model.Step {
		return model.Step{Kind: model.Write, Path: p, Off: off, Len: n, Data: data}
	}
	truncate := func(p model.Path, n int32) model.Step { return model.Step{Kind: model.Truncate, Path: p, Len: n} }
	tests := []struct {
		name  string
		steps []model.Step
		want  string
	}{
		{"write leaves a hole before it", []model.Step{
			name(model.Create, "/a"), write("/a", 2, 2, 1), read("/a", 9), read("/a", 3), name(model.Stat, "/a"),
			{Kind: model.Read, Path: "/a", Off: 4, Len: 1}, {Kind: model.Read, Path: "/a", Off: 99, Len: 1},
		}, "ok, ok, 2x0 2x#1, 2x0 1x#1, file of 4, nothing, nothing"},

		{"write over a write", []model.Step{
			name(model.Create, "/a"), write("/a", 0, 4, 1), write("/a", 1, 2, 2), read("/a", 9),
		}, "ok, ok, ok, 1x#1 2x#2 1x#1"},

		{"truncate down, then up", []model.Step{
			name(model.Create, "/a"), write("/a", 0, 4, 1), truncate("/a", 1), truncate("/a", 3), read("/a", 9),
			truncate("/a", 0), read("/a", 9), name(model.Stat, "/a"),
		}, "ok, ok, ok, ok, 1x#1 2x0, ok, nothing, file of 0"},

		{"write after truncate shows nothing old", []model.Step{
			name(model.Create, "/a"), write("/a", 0, 8, 1), truncate("/a", 1), write("/a", 3, 1, 2), read("/a", 9),
		}, "ok, ok, ok, ok, 1x#1 2x0 1x#2"},

		{"append goes to the end that is", []model.Step{
			name(model.Create, "/a"), {Kind: model.Append, Path: "/a", Len: 2, Data: 1}, truncate("/a", 3),
			{Kind: model.Append, Path: "/a", Len: 1, Data: 2}, read("/a", 9),
		}, "ok, ok, ok, ok, 2x#1 1x0 1x#2"},

		{"unlink while open", []model.Step{
			name(model.Create, "/a"), {Kind: model.Open, Path: "/a", File: 1}, name(model.Unlink, "/a"),
			{Kind: model.Append, File: 1, Len: 2, Data: 1}, {Kind: model.Read, File: 1, Len: 9},
			name(model.Stat, "/a"), name(model.Create, "/a"), read("/a", 9), {Kind: model.Fsync, File: 1},
			{Kind: model.Close, File: 1}, {Kind: model.Read, File: 1, Len: 9},
		}, "ok, ok, ok, ok, 2x#1, ENOENT, ok, nothing, ok, ok, EBADF"},

		{"two handles, one file", []model.Step{
			name(model.Create, "/a"), {Kind: model.Open, Path: "/a", File: 1}, {Host: B, Kind: model.Open, Path: "/a", File: 2},
			{Kind: model.Write, File: 1, Len: 1, Data: 1}, {Host: B, Kind: model.Append, File: 2, Len: 1, Data: 2},
			{Kind: model.Read, File: 1, Len: 9}, {Kind: model.Truncate, File: 1, Len: 1}, {Host: B, Kind: model.Read, File: 2, Len: 9},
		}, "ok, ok, ok, ok, ok, 1x#1 1x#2, ok, 1x#1"},

		{"slots are a host's own", []model.Step{
			name(model.Create, "/a"), {Kind: model.Open, Path: "/a", File: 1}, {Kind: model.Open, Path: "/a", File: 1},
			{Host: B, Kind: model.Close, File: 1}, {Host: B, Kind: model.Open, Path: "/a", File: 1}, {Kind: model.Close, File: 1},
			{Kind: model.Close, File: 1},
		}, "ok, ok, EMFILE, EBADF, ok, ok, EBADF"},

		{"a used slot is told before a bad name", []model.Step{
			name(model.Create, "/a"), {Kind: model.Open, Path: "/a", File: 1}, {Kind: model.Open, Path: "/b", File: 1},
			{Kind: model.Open, Path: "/b", File: 2}, {Kind: model.Close, File: 2},
		}, "ok, ok, EMFILE, ENOENT, EBADF"},

		{"an unmount closes the host's handles", []model.Step{
			name(model.Create, "/a"), {Host: A, Kind: model.Open, Path: "/a", File: 1}, {Host: B, Kind: model.Open, Path: "/a", File: 1},
			{Host: A, Kind: model.Unmount}, {Host: A, Kind: model.Read, File: 1, Len: 1}, {Host: B, Kind: model.Read, File: 1, Len: 1},
			{Host: B, Kind: model.Reboot}, {Host: B, Kind: model.Read, File: 1, Len: 1},
		}, "ok, ok, ok, ok, EBADF, nothing, ok, EBADF"},

		{"directories", []model.Step{
			name(model.Readdir, "/"), name(model.Mkdir, "/b"), name(model.Create, "/b/y"), name(model.Create, "/b/x"), name(model.Create, "/a"),
			name(model.Readdir, "/"), name(model.Readdir, "/b"), name(model.Stat, "/b"), name(model.Stat, "/"), name(model.Rmdir, "/b"),
			name(model.Unlink, "/b/x"), name(model.Unlink, "/b/y"), name(model.Readdir, "/b"), name(model.Rmdir, "/b"), name(model.Readdir, "/b"),
		}, "empty, ok, ok, ok, ok, a b, x y, dir, dir, ENOTEMPTY, ok, ok, empty, ok, ENOENT"},

		{"wrong types", []model.Step{
			name(model.Create, "/a"), name(model.Mkdir, "/d"), name(model.Create, "/a/x"), name(model.Create, "/e/x"), name(model.Create, "/d"),
			name(model.Rmdir, "/a"), name(model.Unlink, "/d"), read("/d", 1), {Kind: model.Open, Path: "/d", File: 1}, name(model.Readdir, "/a"),
		}, "ok, ok, ENOTDIR, ENOENT, EEXIST, ENOTDIR, EISDIR, EISDIR, EISDIR, ENOTDIR"},

		{"rename replaces a file", []model.Step{
			name(model.Create, "/a"), name(model.Create, "/b"), write("/a", 0, 1, 1), write("/b", 0, 2, 2),
			{Kind: model.Open, Path: "/b", File: 1}, {Kind: model.Rename, Path: "/a", To: "/b"},
			read("/b", 9), {Kind: model.Read, File: 1, Len: 9}, name(model.Readdir, "/"), {Kind: model.Rename, Path: "/a", To: "/b"},
		}, "ok, ok, ok, ok, ok, ok, 1x#1, 2x#2, b, ENOENT"},

		{"a renamed directory takes along what is in it", []model.Step{
			name(model.Mkdir, "/a"), name(model.Mkdir, "/a/a"), name(model.Create, "/a/a/x"), name(model.Mkdir, "/b"),
			write("/a/a/x", 0, 1, 1), {Kind: model.Rename, Path: "/a", To: "/b/c"}, name(model.Readdir, "/"), name(model.Readdir, "/b/c"),
			read("/b/c/a/x", 9), name(model.Stat, "/a/a/x"), {Kind: model.Rename, Path: "/b", To: "/b/c/a/d"}, {Kind: model.Rename, Path: "/b/c/a", To: "/b"},
		}, "ok, ok, ok, ok, ok, ok, b, a, 1x#1, ENOENT, EINVAL, ENOTEMPTY"},

		{"rename of directories", []model.Step{
			name(model.Mkdir, "/a"), name(model.Mkdir, "/b"), name(model.Create, "/c"), {Kind: model.Rename, Path: "/a", To: "/c"},
			{Kind: model.Rename, Path: "/c", To: "/a"}, {Kind: model.Rename, Path: "/c", To: "/b/c"}, {Kind: model.Rename, Path: "/a", To: "/b"},
			{Kind: model.Rename, Path: "/b", To: "/a"}, {Kind: model.Rename, Path: "/a", To: "/a"}, name(model.Readdir, "/"), name(model.Readdir, "/a"),
		}, "ok, ok, ok, ENOTDIR, EISDIR, ok, ENOTEMPTY, ok, ok, a, c"},

		{"two names, one file", []model.Step{
			name(model.Create, "/a"), {Kind: model.Link, Path: "/a", To: "/b"}, write("/a", 0, 2, 1), read("/b", 9),
			{Kind: model.Rename, Path: "/a", To: "/b"}, name(model.Readdir, "/"), name(model.Unlink, "/a"), truncate("/b", 1), read("/b", 9),
			{Kind: model.Link, Path: "/b", To: "/b"}, {Kind: model.Link, Path: "/a", To: "/c"}, name(model.Mkdir, "/d"), {Kind: model.Link, Path: "/d", To: "/c"},
			{Kind: model.Link, Path: "/b", To: "/d/e"}, {Kind: model.Rename, Path: "/d", To: "/c"}, read("/c/e", 9),
		}, "ok, ok, ok, 2x#1, ok, a b, ok, ok, 1x#1, EEXIST, ENOENT, ok, EPERM, ok, ok, 1x#1"},

		{"direct is read and write", []model.Step{
			name(model.Create, "/a"), {Kind: model.Write, Path: "/a", Off: 8, Len: 8, Data: 1, Direct: true},
			{Kind: model.Read, Path: "/a", Len: 24, Direct: true},
		}, "ok, ok, 8x0 8x#1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var fs model.FS
			var got []string
			for _, s := range test.steps {
				if err := s.Validate(); err != nil {
					t.Fatalf("%v: %v", s, err)
				}
				op := model.Op{Host: s.Host, Kind: s.Kind, Path: s.Path, To: s.To, File: s.File, Off: s.Off, Len: s.Len, Data: s.Data,
					Result: fs.Apply(s)}
				got = append(got, op.Answer())
			}
			if got := strings.Join(got, ", "); got != test.want {
				t.Errorf("answers\n%s; want\n%s", got, test.want)
			}
		})
	}
}

// TestFSKeepsNothing changes what a read returned: the file must not change.
func TestFSKeepsNothing(t *testing.T) {
	var fs model.FS
	fs.Apply(model.Step{Kind: model.Create, Path: "/a"})
	fs.Apply(model.Step{Kind: model.Append, Path: "/a", Len: 2, Data: 1})
	read := model.Step{Kind: model.Read, Path: "/a", Len: 2}
	fs.Apply(read).Data[0] = 9
	if got := model.Words(fs.Apply(read).Data); got != "2x#1" {
		t.Errorf("read %s", got)
	}
}

func ExampleFS() {
	var fs model.FS
	for _, s := range []model.Step{
		{Kind: model.Create, Path: "/a"},
		{Kind: model.Write, Path: "/a", Off: 4, Len: 4, Data: 1},
	} {
		fs.Apply(s)
	}
	fmt.Println(model.Words(fs.Apply(model.Step{Kind: model.Read, Path: "/a", Len: 8}).Data))
	// Output: 4x0 4x#1
}
