package brute

import (
	"slices"
	"testing"

	"github.com/doublemount/doublemount/model"
)

// TestCutSequential holds linearizable against the specification for histories
// with a cut in which nothing overlaps: they have one order, and what is left
// open is which changes the cut undid. Here that is tried on [model.FS], with whole
// operations through names only.
func TestCutSequential(t *testing.T) {
	file := []model.Step{{Kind: model.Create, Path: "/a"}, {Kind: model.Write, Path: "/a", Len: 8}}
	renamed := append(CutForms(), model.Step{Kind: model.Rename, Path: "/b", To: "/a"})
	for k, spec := range []EnumSpec{{Forms: CutForms()}, {Forms: CutForms(), Setup: file}, {Forms: renamed, Setup: file}} {
		for length := 1; length <= 3; length++ {
			spec.Length, spec.Cuts = length, 1
			if length == 3 {
				spec.Every = bound([]int{7, 41, 53}[k], 1)
			}
			judged, kept := 0, 0
			Enumerate(spec, func(run model.Run) bool {
				got, want := Judge(run, model.Linearizable), undoable(run.History)
				if got != want {
					t.Errorf("got %v, the specification says %v\n%s", got, want, text(run))
				}
				if judged++; want {
					kept++
				}
				return !t.Failed()
			})
			t.Logf("%d operations after %d: %d histories, %d kept", length, len(spec.Setup), judged, kept)
			if kept < 3 || kept == judged {
				t.Errorf("%d of %d histories are kept: the test shows little", kept, judged)
			}
		}
	}
}

// undoable reports whether a sequential history with one cut is what one file
// system answers if the cut undid some changes.
func undoable(ops []model.Op) bool {
	at := slices.IndexFunc(ops, func(o model.Op) bool { return isCut(o.AsStep()) })
	hit := func(o model.Op) bool { return ops[at].Host == model.Everyone || o.Host == ops[at].Host }
	var open []int // what may be undone
	for i, o := range ops[:at] {
		saved := slices.ContainsFunc(ops[i:at], func(e model.Op) bool {
			switch {
			case !e.Succeeded():
				return false
			case e.Kind == model.Fsync:
				return e.Path == o.To || e.Path == o.Path && o.Kind != model.Link
			}
			return (e.Kind == model.Sync || e.Kind == model.Unmount) && e.Host == o.Host
		})
		if o.Kind.Changes() && o.Succeeded() && hit(o) && !saved {
			open = append(open, i)
		}
	}
	for set := range 1 << len(open) {
		undone := func(i int) bool {
			k := slices.Index(open, i)
			return k >= 0 && set&(1<<k) != 0
		}
		var before, after model.FS
		right := true
		for i, o := range ops {
			if i < at {
				right = right && same(before.Apply(o.AsStep()), o.Result)
			}
			excused := i < at && hit(o) && !(o.Kind.Changes() && o.Succeeded())
			if i >= at || !undone(i) && !excused {
				right = right && same(after.Apply(o.AsStep()), o.Result)
			}
		}
		if right {
			return true
		}
	}
	return false
}
