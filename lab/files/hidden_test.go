package files

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/doublemount/doublemount/model"
)

// Names that clients make for open files without a name are not listed, and what
// is refused because of nothing else was not asked for. Any other name counts.
func TestHiddenNames(t *testing.T) {
	for _, test := range []struct {
		name   string
		hidden bool
	}{
		{".nfs00000000000a31b200000001", true},
		{".fuse_hidden0000000400000001", true},
		{".__afs1A2B", true},
		{".smbdeleteAAA3f2c", true},
		{".__smbfile_silly8f", true},
		{".hidden", false},
		{"nfs00000000000a31b200000001", false},
		{"x", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			root, err := os.OpenRoot(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer root.Close()
			c := NewClient(root, Options{})
			for _, d := range []string{"d", "e"} {
				if err := os.Mkdir(filepath.Join(dir, d), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(filepath.Join(dir, "d", test.name), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			list := func() []string {
				r, done := c.Do(model.Step{Kind: model.Readdir, Path: "/d"})
				if !done || r.Errno != model.OK {
					t.Errorf("readdir: %v, done %v", r.Errno, done)
				}
				return r.Names
			}
			if got := list(); slices.Contains(got, test.name) == test.hidden {
				t.Errorf("listed: %v", got)
			}
			refused := []model.Step{{Kind: model.Rmdir, Path: "/d"}, {Kind: model.Rename, Path: "/e", To: "/d"}}
			for _, s := range refused {
				r, done := c.Do(s)
				if done == test.hidden || done && r.Errno != model.ENOTEMPTY {
					t.Errorf("%v: %v, done %v", s, r.Errno, done)
				}
			}
			if _, err := os.Stat(filepath.Join(dir, "d", test.name)); err != nil {
				t.Error(err)
			}
			// Another name in it is a reason.
			c.Do(model.Step{Kind: model.Create, Path: "/d/y"})
			for _, s := range refused {
				if r, done := c.Do(s); !done || r.Errno != model.ENOTEMPTY {
					t.Errorf("%v with /d/y: %v, done %v", s, r.Errno, done)
				}
			}
			if err := RemoveAll(root, "d"); err != nil {
				t.Error(err)
			}
		})
	}
}

// What is not empty for another reason than names in the way is told as it was.
func TestNotHidden(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	c := NewClient(root, Options{})
	for _, s := range []struct {
		step model.Step
		want model.Errno
	}{
		{model.Step{Kind: model.Mkdir, Path: "/d"}, model.OK},
		{model.Step{Kind: model.Mkdir, Path: "/d"}, model.EEXIST},
		{model.Step{Kind: model.Create, Path: "/d/a"}, model.OK},
		{model.Step{Kind: model.Create, Path: "/d/a"}, model.EEXIST},
		{model.Step{Kind: model.Rename, Path: "/d/a", To: "/d"}, model.ENOTEMPTY},
		{model.Step{Kind: model.Readdir, Path: "/e"}, model.ENOENT},
		{model.Step{Kind: model.Unlink, Path: "/d/a"}, model.OK},
		{model.Step{Kind: model.Rmdir, Path: "/d"}, model.OK},
	} {
		if r, done := c.Do(s.step); !done || r.Errno != s.want {
			t.Errorf("%v: %v, done %v; want %v", s.step, r.Errno, done, s.want)
		}
	}
}
