package model_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/model"
)

// The tables of what a rename or link answers, written by hand from the manuals.
// A cell is what both names are and how they stand to each other; the first
// errno is Linux's, further ones hold too, and POSIX leaves the order of checks
// open ("if more than one error occurs ... any one of the possible errors may be
// returned", POSIX.1-2024 System Interfaces 2.3). TestTwoNames asks that each
// cell that some tree has is in them, and that each in them is that of some tree.
//
// Sources by letter:
//
//	p  rename() and link() ENOENT, ENOTDIR: "a component of either path prefix
//	   names an existing file that is neither a directory nor ..."; ENOENT: "a
//	   component of the path prefix of new does not exist"
//	n  rename() ENOENT: "the link named by old does not name an existing entry";
//	   link() ENOENT: "the file named by path1 does not exist"
//	s  rename() DESCRIPTION: "if the old argument and the new argument resolve to
//	   either the same existing directory entry or different directory entries for
//	   the same existing file, rename() shall return successfully and perform no
//	   other action"
//	i  rename() EINVAL: "the old pathname names an ancestor directory of the new
//	   pathname"
//	e  rename() EEXIST or ENOTEMPTY: "the link named by new is a directory that is
//	   not an empty directory"
//	d  rename() ENOTDIR: "the old argument names a directory and the new argument
//	   names a non-directory file"; EISDIR: "the new argument points to a
//	   directory and the old argument points to a file that is not a directory"
//	x  link() EEXIST: "the path2 argument resolves to an existing directory entry"
//	l  link() EPERM: "the file named by path1 is a directory" and the system does
//	   not allow it; Linux never does, link(2)
//	o  Linux fs/namei.c, the order: do_renameat2 walks to both directories, the old
//	   one first, looks up both names, refuses a directory that goes into itself
//	   (EINVAL), then what goes onto a directory above it (ENOTEMPTY); vfs_rename
//	   compares the types. do_linkat looks up all of the old name, then the new
//	   one's directory, then EEXIST; vfs_link EPERM
var twoNamesTables = []struct {
	kind     model.Kind
	relation string
	rows     string // a row: parents (old new), old entry: errno sets for new entries absent, file, dir, full dir
}{
	{model.Rename, "apart", `
	dir dir       absent   : ENOENT          ; ENOENT          ; ENOENT          ; ENOENT ENOTEMPTY EEXIST | n e o
	dir dir       file     : ok              ; ok              ; EISDIR          ; EISDIR ENOTEMPTY EEXIST | d e o
	dir dir       dir      : ok              ; ENOTDIR         ; ok              ; ENOTEMPTY EEXIST        | d e
	dir dir       full dir : ok              ; ENOTDIR         ; ok              ; ENOTEMPTY EEXIST        | d e
	dir absent    absent   : ENOENT                                                                       | p n
	dir absent    file     : ENOENT                                                                       | p
	dir absent    dir      : ENOENT                                                                       | p
	dir absent    full dir : ENOENT                                                                       | p
	dir file      absent   : ENOTDIR ENOENT                                                               | p n o
	dir file      file     : ENOTDIR                                                                      | p
	dir file      dir      : ENOTDIR                                                                      | p
	dir file      full dir : ENOTDIR                                                                      | p
	absent dir    absent   : ENOENT          ; ENOENT          ; ENOENT          ; ENOENT ENOTEMPTY EEXIST | p e o
	file dir      absent   : ENOTDIR         ; ENOTDIR         ; ENOTDIR         ; ENOTDIR ENOTEMPTY EEXIST | p e o
	absent absent absent   : ENOENT                                                                       | p
	absent file   absent   : ENOENT ENOTDIR                                                               | p o
	file absent   absent   : ENOTDIR ENOENT                                                               | p o
	file file     absent   : ENOTDIR                                                                      | p`},
	{model.Rename, "same file", `
	dir dir       file     : -               ; ok              ; -               ; -                      | s
	dir dir       dir      : -               ; -               ; ok              ; -                      | s
	dir dir       full dir : -               ; -               ; -               ; ok                     | s`},
	{model.Rename, "into itself", `
	dir dir       dir      : EINVAL          ; -               ; -               ; -                      | i
	dir dir       full dir : EINVAL          ; EINVAL ENOTDIR  ; EINVAL          ; EINVAL ENOTEMPTY EEXIST | i d e o
	dir absent    absent   : ENOENT                                                                       | p n
	dir absent    dir      : ENOENT EINVAL                                                                | p i o
	dir absent    full dir : ENOENT EINVAL                                                                | p i o
	dir file      file     : ENOTDIR                                                                      | p
	dir file      full dir : ENOTDIR EINVAL                                                               | p i o
	absent absent absent   : ENOENT                                                                       | p
	file file     absent   : ENOTDIR                                                                      | p`},
	{model.Rename, "onto above", `
	dir dir       absent   : -               ; -               ; ENOENT          ; ENOENT ENOTEMPTY EEXIST | n e o
	dir dir       file     : -               ; -               ; -               ; ENOTEMPTY EEXIST EISDIR | e d o
	dir dir       dir      : -               ; -               ; -               ; ENOTEMPTY EEXIST       | e
	dir dir       full dir : -               ; -               ; -               ; ENOTEMPTY EEXIST       | e
	absent dir    absent   : ENOENT          ; -               ; ENOENT          ; ENOENT ENOTEMPTY EEXIST | p e o
	file dir      absent   : -               ; ENOTDIR         ; -               ; ENOTDIR ENOTEMPTY EEXIST | p e o
	absent absent absent   : ENOENT                                                                       | p
	file file     absent   : ENOTDIR                                                                      | p`},
	{model.Link, "any", `
	dir dir       absent   : ENOENT          ; ENOENT EEXIST   ; ENOENT EEXIST   ; ENOENT EEXIST          | n x o
	dir dir       file     : ok              ; EEXIST          ; EEXIST          ; EEXIST                 | x
	dir dir       dir      : EPERM           ; EEXIST EPERM    ; EEXIST EPERM    ; EEXIST EPERM           | x l o
	dir dir       full dir : EPERM           ; EEXIST EPERM    ; EEXIST EPERM    ; EEXIST EPERM           | x l o
	dir absent    absent   : ENOENT                                                                       | n p
	dir absent    file     : ENOENT                                                                       | p
	dir absent    dir      : ENOENT EPERM                                                                 | p l o
	dir absent    full dir : ENOENT EPERM                                                                 | p l o
	dir file      absent   : ENOENT ENOTDIR                                                               | n p o
	dir file      file     : ENOTDIR                                                                      | p
	dir file      dir      : ENOTDIR EPERM                                                                | p l o
	dir file      full dir : ENOTDIR EPERM                                                                | p l o
	absent dir    absent   : ENOENT          ; ENOENT EEXIST   ; ENOENT EEXIST   ; ENOENT EEXIST          | p x o
	file dir      absent   : ENOTDIR         ; ENOTDIR EEXIST  ; ENOTDIR EEXIST  ; ENOTDIR EEXIST         | p x o
	absent absent absent   : ENOENT                                                                       | p
	absent file   absent   : ENOENT ENOTDIR                                                               | p o
	file absent   absent   : ENOTDIR ENOENT                                                               | p o
	file file     absent   : ENOTDIR                                                                      | p`},
}

// cellOf prints a cell of the tables.
func cellOf(k model.Kind, n model.TwoNames) string {
	relation := "apart"
	switch {
	case k == model.Link:
		relation = "any"
	case n.SameFile:
		relation = "same file"
	case n.IntoItself:
		relation = "into itself"
	case n.OntoAbove:
		relation = "onto above"
	}
	plain := func(parent model.NodeType) model.NodeType { // a parent that holds a name is full; the rule is the same
		if parent == model.FullDir {
			return model.Dir
		}
		return parent
	}
	return fmt.Sprintf("%v, %s: %v %v, %v to %v", k, relation, plain(n.Parent), plain(n.ToParent), n.Entry, n.ToEntry)
}

// parseTwoNames is the tables, by cell.
func parseTwoNames(t *testing.T) map[string]string {
	types := map[string]model.NodeType{"absent": model.Absent, "file": model.File, "dir": model.Dir, "full": model.FullDir}
	want := map[string]string{}
	for _, table := range twoNamesTables {
		for row := range strings.Lines(strings.TrimSpace(table.rows)) {
			key, rest, _ := strings.Cut(row, ":")
			sets, source, ok := strings.Cut(rest, "|")
			words := strings.Fields(key)
			if len(words) < 3 || !ok || strings.TrimSpace(source) == "" {
				t.Fatalf("row %q", row)
			}
			n := model.TwoNames{Parent: types[words[0]], ToParent: types[words[1]], Entry: types[words[2]],
				SameFile: table.relation == "same file", IntoItself: table.relation == "into itself", OntoAbove: table.relation == "onto above"}
			for i, set := range strings.Split(sets, ";") {
				if n.ToEntry = model.NodeType(i); strings.TrimSpace(set) != "-" {
					want[cellOf(table.kind, n)] = strings.TrimSpace(set)
				}
			}
		}
	}
	return want
}

// tree is what stands at some paths; every file has a number.
type tree map[model.Path]int

const isDir = -1

// trees are all trees of two names in the root directory with one name below
// each, three deep, where each file is one of its own and, again, where all
// files are one.
func trees() (all []tree) {
	var below func(p model.Path, depth int) []tree
	below = func(p model.Path, depth int) []tree {
		some := []tree{{}, {p: 1}, {p: isDir}}
		if depth < 3 {
			for _, t := range below(p+"/x", depth+1)[1:] {
				t[p] = isDir
				some = append(some, t)
			}
		}
		return some
	}
	for _, a := range below("/a", 1) {
		for _, b := range below("/b", 1) {
			own, one := tree{}, tree{}
			for _, part := range []tree{a, b} {
				for p, n := range part {
					own[p], one[p] = n, n
					if n != isDir && p[1] == 'b' {
						own[p] = 2
					}
				}
			}
			all = append(all, own, one)
		}
	}
	return all
}

func (t tree) typeOf(p model.Path) model.NodeType {
	n, ok := t[p]
	switch {
	case p == model.Root:
		return model.FullDir
	case !ok:
		return model.Absent
	case n != isDir:
		return model.File
	}
	for q := range t {
		if q.Parent() == p {
			return model.FullDir
		}
	}
	return model.Dir
}

// parentOf is the first thing on the way to p that is no directory, or Dir.
func (t tree) parentOf(p model.Path) model.NodeType {
	for i := 2; i < len(p); i++ {
		if p[i] == '/' {
			if n, ok := t[p[:i]]; !ok {
				return model.Absent
			} else if n != isDir {
				return model.File
			}
		}
	}
	return model.Dir
}

func (t tree) twoNames(from, to model.Path) model.TwoNames {
	a, ok := t[from]
	b, also := t[to]
	return model.TwoNames{Parent: t.parentOf(from), Entry: t.typeOf(from), ToParent: t.parentOf(to), ToEntry: t.typeOf(to),
		SameFile:   ok && also && (from == to || a == b && a != isDir),
		IntoItself: strings.HasPrefix(string(to), string(from)+"/"), OntoAbove: strings.HasPrefix(string(from), string(to)+"/")}
}

// fs is a specification with the tree in it.
func (t tree) fs() *model.FS {
	fs := &model.FS{}
	first := map[int]model.Path{}
	var paths []model.Path
	for p := range t {
		paths = append(paths, p)
	}
	slices.Sort(paths) // a directory before what is in it
	for _, p := range paths {
		step := model.Step{Kind: model.Create, Path: p}
		if n := t[p]; n == isDir {
			step.Kind = model.Mkdir
		} else if other, ok := first[n]; ok {
			step = model.Step{Kind: model.Link, Path: other, To: p}
		} else {
			first[n] = p
		}
		fs.Apply(step)
	}
	return fs
}

// TestTwoNames holds the rule, and the specification, against the tables in all
// trees, for all pairs of names.
func TestTwoNames(t *testing.T) {
	want := parseTwoNames(t)
	met := map[string]int{}
	paths := []model.Path{"/a", "/a/x", "/a/x/x", "/b", "/b/x", "/b/x/x", "/a/y/x"}
	cases := 0
	for _, tree := range trees() {
		for _, k := range []model.Kind{model.Rename, model.Link} {
			for _, from := range paths {
				for _, to := range paths {
					cases++
					n := tree.twoNames(from, to)
					cell := cellOf(k, n)
					met[cell]++
					var got []string
					for _, e := range model.TwoNamesResult(k, n) {
						got = append(got, e.String())
					}
					if got := strings.Join(got, " "); got != want[cell] {
						t.Fatalf("%s: %q; want %q", cell, got, want[cell])
					}
					s := model.Step{Kind: k, Path: from, To: to}
					if r := tree.fs().Apply(s); r.Errno.String() != got[0] {
						t.Fatalf("%v in %v: the specification has %v; want %s", s, tree, r.Errno, got[0])
					}
				}
			}
		}
	}
	for cell := range want {
		if met[cell] == 0 {
			t.Errorf("no tree has the cell %s", cell)
		}
	}
	t.Logf("%d cells, %d trees and pairs of names", len(want), cases)
}
