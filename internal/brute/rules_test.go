package brute

import (
	"fmt"
	"slices"
	"testing"

	"github.com/doublemount/doublemount/model"
)

// TestCauses holds the name rules read backwards against the rules: in every
// state of a few names, an answer has a cause that the state shows iff the rule
// gives it.
func TestCauses(t *testing.T) {
	names := []model.Path{"/a", "/d", "/d/x", "/d/x/y", "/e", "/e/z"}
	paths := append([]model.Path{"/a/b", "/d/x/y/v", "/e/z/v", "/f"}, names...)
	var ops []model.Op
	for _, k := range []model.Kind{model.Rename, model.Link} {
		for _, p := range paths {
			for _, q := range paths {
				ops = append(ops, model.Op{Kind: k, Path: p, To: q})
			}
		}
	}
	for _, k := range []model.Kind{model.Create, model.Mkdir, model.Unlink, model.Rmdir, model.Open, model.Truncate, model.Fsync} {
		for _, p := range paths {
			ops = append(ops, model.Op{Kind: k, Path: p})
		}
	}
	h := newHistory(nil, model.SyncToMount)
	for _, p := range paths {
		h.name(p)
	}
	h.made, h.files = []int{none}, []int{0, 0}
	asked, given := 0, 0
	var fill func(st state, n int)
	fill = func(st state, n int) {
		if n < len(names) {
			parent := names[n].Parent()
			entries := []int{absent}
			if h.entry(st, parent) == directory {
				entries = []int{absent, directory, 0, 1}
			}
			for _, e := range entries {
				next := st.clone()
				h.set(next, names[n], e)
				fill(next, n+1)
			}
			return
		}
		for _, o := range ops {
			var want []model.Errno
			parent, entry := h.around(st, o.Path)
			if o.Kind.TwoPaths() {
				toParent, toEntry := h.around(st, o.To)
				from, to := h.entry(st, o.Path), h.entry(st, o.To)
				want = model.TwoNamesResult(o.Kind, model.TwoNames{Parent: parent, Entry: entry, ToParent: toParent, ToEntry: toEntry,
					SameFile: from >= 0 && from == to || o.Path == o.To && from != absent, IntoItself: o.To.Below(o.Path), OntoAbove: o.Path.Below(o.To)})
			} else {
				want = model.NameResult(o.Kind, parent, entry)
			}
			for e := range model.Errno(model.NumErrnos) {
				o.Result.Errno = e
				got := slices.ContainsFunc(h.causes(o), func(cause []look) bool {
					return !slices.ContainsFunc(cause, func(l look) bool { return typeOf(h.entry(st, l.name))&l.types == 0 })
				})
				asked++
				if got != slices.Contains(want, e) {
					t.Fatalf("%v in %s: explained %v, the rule gives %v", o, show(h, st, names), got, want)
				}
				if got {
					given++
				}
			}
		}
	}
	fill(h.blank(), 0)
	if asked < 1_000_000 || given < 90_000 {
		t.Errorf("%d answers, %d of them given: too few", asked, given)
	}
}

func show(h *history, st state, names []model.Path) (text string) {
	for _, p := range names {
		text += fmt.Sprintf("%s=%d ", p, h.entry(st, p))
	}
	return text
}

// TestChange holds renames and links of names against the specification.
func TestChange(t *testing.T) {
	paths := []model.Path{"/a", "/d", "/d/x", "/e", "/e/d"}
	var setups [][]model.Step
	for _, a := range []model.Kind{model.Create, model.Mkdir} {
		for _, x := range []model.Kind{model.Create, model.Mkdir, model.Link} {
			for _, e := range []model.Kind{model.Create, model.Mkdir} {
				setups = append(setups, []model.Step{{Kind: a, Path: "/a"}, {Kind: model.Mkdir, Path: "/d"},
					{Kind: x, Path: "/d/x"}, {Kind: e, Path: "/e"}})
			}
		}
	}
	carried := 0
	for _, setup := range setups {
		for k := range setup {
			if setup[k].Kind == model.Link {
				setup[k].To, setup[k].Path = setup[k].Path, "/a"
			}
		}
		for _, first := range pairs(paths) {
			for _, second := range pairs(paths) {
				steps := slices.Concat(setup, []model.Step{first, second})
				ops := make([]model.Op, len(steps))
				var fs model.FS
				for i, s := range steps {
					ops[i] = model.Op{Kind: s.Kind, Path: s.Path, To: s.To, Call: int64(2 * i), Return: int64(2*i + 1), Result: fs.Apply(s)}
				}
				h := newHistory(ops, model.Linearizable)
				st := h.blank()
				for i, o := range ops {
					if h.permits(st, o) != o.Succeeded() {
						t.Fatalf("%v after %v: the specification says %v", o, ops[:i], o.Answer())
					}
					if o.Succeeded() {
						carried++
						st = h.change(st, i, none, 0, 0)
					}
				}
				for _, p := range h.names {
					want, got := fs.Apply(model.Step{Kind: model.Stat, Path: p}), h.entry(st, p)
					if typeOf(got) != only(want.Type) {
						t.Fatalf("%v: %s is %d, the specification says %v", ops, p, got, want.Type)
					}
				}
			}
		}
	}
	if carried < 10_000 {
		t.Errorf("only %d changes were carried out", carried)
	}
}

func pairs(paths []model.Path) (all []model.Step) {
	for _, k := range []model.Kind{model.Rename, model.Link} {
		for _, p := range paths {
			for _, q := range paths {
				all = append(all, model.Step{Kind: k, Path: p, To: q})
			}
		}
	}
	return all
}
