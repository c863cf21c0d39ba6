package checker

import (
	"slices"
	"testing"

	"github.com/doublemount/doublemount/model"
)

// Reading the rule of rename and link backwards gives back the rule: an error has
// an explanation that fits what the names are exactly where the rule has it.
func TestTwoNamesBackwards(t *testing.T) {
	types := []model.NodeType{model.Absent, model.File, model.Dir, model.FullDir}
	errnos := []model.Errno{model.EEXIST, model.ENOENT, model.ENOTDIR, model.EISDIR, model.EPERM, model.ENOTEMPTY, model.EINVAL}
	checked, allowed := 0, 0
	for _, kind := range []model.Kind{model.Rename, model.Link} {
		for _, paths := range [][2]model.Path{{"/p/a", "/q/b"}, {"/p/a", "/p/b"}, {"/p/a", "/p/a"}, {"/p", "/p/a"}, {"/p/a", "/p"}, {"/a", "/b"}, {"/p", "/b/c/d"}} {
			for _, errno := range errnos {
				op := model.Op{Kind: kind, Path: paths[0], To: paths[1], Call: 1, Return: 2, Result: model.Result{Errno: errno}}
				inside := model.Op{Kind: model.Create, Path: paths[1].Child("z"), Call: 3, Return: 4} // what makes the new name full
				history := []model.Op{op, inside}
				var w windows
				w.make(history)
				var c component
				c.reset(model.Linearizable, history, w.info, []model.Path{paths[0].Top(), paths[1].Top()}, []int32{0, 1}, nil)
				c.judgeEverything()
				c.compile()
				for n := range c.names {
					c.can[n] = 0xff
				}
				c.atoms = c.atoms[:0]
				alts := c.failure(0, c.nameIndex(paths[0], false))
				every(c.names, types[:3], func(at map[model.Path]model.NodeType) {
					names := found(at, paths[0], paths[1])
					want := slices.Contains(model.TwoNamesResult(kind, names), errno)
					if got := c.fitsSome(int(alts), at); got != want {
						t.Fatalf("%v %v %v -> %v: explained %v, want %v, where names are %v", kind, paths[0], paths[1], errno, got, want, at)
					}
					checked++
					if want {
						allowed++
					}
				})
			}
		}
	}
	t.Logf("%d checked, %d allowed", checked, allowed)
	if allowed < 100 {
		t.Error("too few are allowed: the test shows little")
	}
}

// every calls try with each way for the names to be, a name standing only in a
// directory.
func every(names []model.Path, types []model.NodeType, try func(map[model.Path]model.NodeType)) {
	sorted := slices.Clone(names)
	slices.Sort(sorted)
	at := map[model.Path]model.NodeType{}
	var next func(i int)
	next = func(i int) {
		if i == len(sorted) {
			try(at)
			return
		}
		for _, typ := range types {
			if p := sorted[i].Parent(); typ != model.Absent && p != model.Root && at[p] != model.Dir {
				continue
			}
			at[sorted[i]] = typ
			next(i + 1)
		}
	}
	next(0)
}

func found(at map[model.Path]model.NodeType, from, to model.Path) model.TwoNames {
	parent := func(p model.Path) model.NodeType {
		for i := 1; i < len(p); i++ {
			if p[i] == '/' && at[p[:i]] != model.Dir {
				return at[p[:i]]
			}
		}
		return model.Dir
	}
	entry := func(p model.Path) model.NodeType {
		for q, typ := range at {
			if at[p] == model.Dir && q.Parent() == p && typ != model.Absent {
				return model.FullDir
			}
		}
		return at[p]
	}
	return model.TwoNames{Parent: parent(from), Entry: entry(from), ToParent: parent(to), ToEntry: entry(to),
		SameFile: from == to && at[from] != model.Absent, IntoItself: to.Below(from), OntoAbove: from.Below(to)}
}

// fitsSome reports whether all atoms of one of the alternatives fit.
func (c *component) fitsSome(alts int, at map[model.Path]model.NodeType) bool {
	for alt := range alts {
		if !slices.ContainsFunc(c.atoms, func(a atom) bool {
			return int(a.alt) == alt && a.mask&(1<<at[c.names[a.name]]) == 0
		}) {
			return true
		}
	}
	return false
}
