package dir_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"syscall"
	"testing"

	"github.com/doublemount/doublemount/lab/dir"
	"github.com/doublemount/doublemount/model"
)

// worlds are steps that make a tree each: two names in the root directory, one name
// below each, three deep. Then with all files one, linked.
func worlds() (all [][]model.Step) {
	var below func(p model.Path, depth int) [][]model.Step
	below = func(p model.Path, depth int) [][]model.Step {
		some := [][]model.Step{nil, {{Kind: model.Create, Path: p}}, {{Kind: model.Mkdir, Path: p}}}
		if depth < 3 {
			for _, steps := range below(p+"/x", depth+1)[1:] {
				some = append(some, append([]model.Step{{Kind: model.Mkdir, Path: p}}, steps...))
			}
		}
		return some
	}
	for _, a := range below("/a", 1) {
		for _, b := range below("/b", 1) {
			own := slices.Concat(a, b)
			all = append(all, own)
			one := slices.Clone(own)
			var first model.Path
			for i, s := range one {
				switch {
				case s.Kind == model.Create && first == "":
					first = s.Path
				case s.Kind == model.Create:
					one[i] = model.Step{Kind: model.Link, Path: first, To: s.Path}
				}
			}
			if !slices.Equal(own, one) {
				all = append(all, one)
			}
		}
	}
	return all
}

// twoNameSteps are all renames and links between the names of a world, and one
// whose directory is missing.
func twoNameSteps() (all []model.Step) {
	names := []model.Path{"/a", "/a/x", "/a/x/x", "/b", "/b/x", "/b/x/x", "/a/y/x"}
	for _, k := range []model.Kind{model.Rename, model.Link} {
		for _, from := range names {
			for _, to := range names {
				all = append(all, model.Step{Kind: k, Path: from, To: to})
			}
		}
	}
	return all
}

// stride is how many steps apart those are that are tried: not a divisor of how
// many a world has, or the same would be left out of all.
func stride() int {
	if os.Getenv("DOUBLEMOUNT_LONG") == "1" {
		return 1
	}
	return 5
}

// TestTwoNamesOfTheKernel asks the kernel itself, by rename(2) and link(2) on
// whole paths, what the specification says: the errno that comes first on Linux,
// for each thing that two names can be.
func TestTwoNamesOfTheKernel(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the order of errors is Linux's")
	}
	parent, n, every := t.TempDir(), 0, stride()
	at := func(p model.Path) string { return filepath.Join(parent, "root", filepath.FromSlash(string(p[1:]))) }
	for _, world := range worlds() {
		for _, s := range twoNameSteps() {
			if n++; n%every != 0 {
				continue
			}
			if err := os.Mkdir(at(model.Root), 0o700); err != nil {
				t.Fatal(err)
			}
			var fs model.FS
			for _, s := range world {
				var err error
				switch s.Kind {
				case model.Create:
					err = os.WriteFile(at(s.Path), nil, 0o600)
				case model.Mkdir:
					err = os.Mkdir(at(s.Path), 0o700)
				case model.Link:
					err = os.Link(at(s.Path), at(s.To))
				}
				if r := fs.Apply(s); err != nil || r.Errno != model.OK {
					t.Fatalf("%v: %v, the specification has %v", s, err, r.Errno)
				}
			}
			var err error
			if s.Kind == model.Rename {
				err = syscall.Rename(at(s.Path), at(s.To))
			} else {
				err = os.Link(at(s.Path), at(s.To))
			}
			var got syscall.Errno
			errors.As(err, &got)
			if want := fs.Apply(s).Errno; got != numbers[want] {
				t.Fatalf("%v in %v: the kernel answers %v; want %v", s, world, err, want)
			}
			if err := os.RemoveAll(at(model.Root)); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Logf("%d trees and pairs of names", n/every)
}

// numbers are the errors that a rename or link can have.
var numbers = map[model.Errno]syscall.Errno{model.OK: 0, model.ENOENT: syscall.ENOENT, model.ENOTDIR: syscall.ENOTDIR,
	model.EISDIR: syscall.EISDIR, model.EEXIST: syscall.EEXIST, model.ENOTEMPTY: syscall.ENOTEMPTY, model.EINVAL: syscall.EINVAL, model.EPERM: syscall.EPERM}

// TestTwoNames does the same through the Runner, where an error may be any that
// the rule allows, and compares what is there at the end.
func TestTwoNames(t *testing.T) {
	runner, err := dir.New(t.TempDir(), dir.Options{})
	if err != nil {
		t.Fatal(err)
	}
	n, every := 0, stride()
	for _, world := range worlds() {
		for _, s := range twoNameSteps() {
			if n++; n%every != 0 {
				continue
			}
			p := model.Program{Hosts: 1, Unmounts: []model.Host{0}, Steps: []model.Step{{Kind: model.Mount}}}
			p.Steps = append(append(p.Steps, world...), s)
			run, err := runner.Run(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			var fs model.FS
			for _, op := range run.History {
				allowed := allowed(&fs, op)
				want := fs.Apply(op.AsStep())
				if want.Errno != model.OK && slices.Contains(allowed, op.Result.Errno) {
					want = op.Result
				}
				if op.Skipped || !reflect.DeepEqual(op.Result, want) {
					t.Fatalf("%v, want %+v, in%#v", op, want, p)
				}
			}
		}
	}
	t.Logf("%d trees and pairs of names", n/every)
}
