package model_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/model"
)

// TestNameResult holds NameResult against tables that were written by hand from
// the ERRORS sections of the manuals. Rows are what the name is; columns are the
// operations. The first errno is Linux's, further ones POSIX allows.
func TestNameResult(t *testing.T) {
	ops := []model.Kind{model.Create, model.Mkdir, model.Open, model.Read, model.Write, model.Append, model.Truncate,
		model.Fsync, model.Unlink, model.Rmdir, model.Readdir, model.Stat}
	rows := []struct {
		parent, entry model.NodeType
		want          []string // one for each of ops
	}{
		// open(2) ENOENT and POSIX.1-2024 open(), mkdir(), unlink(), rmdir(),
		// opendir(), stat() ENOENT: a component of the path prefix is missing.
		{model.Absent, model.Absent, same(ops, "ENOENT")},
		// The same pages, ENOTDIR: a component used as a directory is none.
		{model.File, model.Absent, same(ops, "ENOTDIR")},
		// open() O_CREAT makes it, mkdir() makes it, all others: ENOENT, it is
		// not there.
		{model.Dir, model.Absent, []string{"ok", "ok", "ENOENT", "ENOENT", "ENOENT", "ENOENT", "ENOENT", "ENOENT",
			"ENOENT", "ENOENT", "ENOENT", "ENOENT"}},
		// open() EEXIST with O_CREAT|O_EXCL, mkdir() EEXIST; rmdir() and
		// opendir() ENOTDIR: it is no directory.
		{model.Dir, model.File, []string{"EEXIST", "EEXIST", "ok", "ok", "ok", "ok", "ok", "ok",
			"ok", "ENOTDIR", "ENOTDIR", "ok"}},
		// open() EISDIR: a directory, and the access is for writing. unlink(2)
		// EISDIR, "the non-POSIX value returned by Linux"; POSIX unlink() EPERM.
		{model.Dir, model.Dir, []string{"EEXIST", "EEXIST", "EISDIR", "EISDIR", "EISDIR", "EISDIR", "EISDIR", "EISDIR",
			"EISDIR EPERM", "ok", "ok", "ok"}},
		// rmdir() ENOTEMPTY or EEXIST, POSIX; Linux gives the first.
		{model.Dir, model.FullDir, []string{"EEXIST", "EEXIST", "EISDIR", "EISDIR", "EISDIR", "EISDIR", "EISDIR", "EISDIR",
			"EISDIR EPERM", "ENOTEMPTY EEXIST", "ok", "ok"}},
	}
	for _, row := range rows {
		for i, k := range ops {
			var got []string
			for _, e := range model.NameResult(k, row.parent, row.entry) {
				got = append(got, e.String())
			}
			if got := strings.Join(got, " "); got != row.want[i] {
				t.Errorf("%v of %v in %v: %q; want %q", k, row.entry, row.parent, got, row.want[i])
			}
		}
	}
	// A directory that is not empty holds names as well as an empty one.
	for _, k := range ops {
		for _, entry := range []model.NodeType{model.Absent, model.File, model.Dir, model.FullDir} {
			dir, full := model.NameResult(k, model.Dir, entry), model.NameResult(k, model.FullDir, entry)
			if !slices.Equal(dir, full) {
				t.Errorf("%v of %v: %v in a directory, %v in a full one", k, entry, dir, full)
			}
		}
	}
}

func same(ops []model.Kind, errno string) []string {
	return slices.Repeat([]string{errno}, len(ops))
}

// TestResults asks for what a search should have met, by kind.
func TestResults(t *testing.T) {
	want := map[model.Kind]string{
		model.Create:   "ok EEXIST ENOENT ENOTDIR ENOSPC",
		model.Mkdir:    "ok EEXIST ENOENT ENOTDIR ENOSPC",
		model.Open:     "ok ENOENT ENOTDIR EISDIR EMFILE",
		model.Close:    "ok EBADF",
		model.Read:     "ok ENOENT ENOTDIR EISDIR EBADF",
		model.Write:    "ok ENOENT ENOTDIR EISDIR ENOSPC EBADF",
		model.Append:   "ok ENOENT ENOTDIR EISDIR ENOSPC EBADF",
		model.Truncate: "ok ENOENT ENOTDIR EISDIR EBADF",
		model.Fsync:    "ok ENOENT ENOTDIR EISDIR EBADF",
		model.Unlink:   "ok ENOENT ENOTDIR EISDIR",
		model.Rmdir:    "ok ENOENT ENOTDIR ENOTEMPTY",
		model.Readdir:  "ok ENOENT ENOTDIR",
		model.Stat:     "ok ENOENT ENOTDIR",
		model.Rename:   "ok ENOENT ENOTDIR EISDIR ENOTEMPTY ENOSPC EINVAL",
		model.Lock:     "ok EBADF EAGAIN",
		model.Unlock:   "ok EBADF",
		model.Link:     "ok EEXIST ENOENT ENOTDIR EPERM ENOSPC",
	}
	for _, k := range model.Kinds() {
		var got []string
		for _, e := range model.Results(k) {
			got = append(got, e.String())
		}
		if want[k] == "" {
			want[k] = "ok"
		}
		if got := strings.Join(got, " "); got != want[k] {
			t.Errorf("results of %v: %s; want %s", k, got, want[k])
		}
	}
}
