package brute

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/model"
)

func text(run model.Run) string {
	var b strings.Builder
	for _, o := range run.History {
		fmt.Fprintf(&b, "%3d-%3d %v\n", o.Call, o.Return, o)
	}
	return b.String()
}

// monotone fails t when a rung is kept and one below it is not.
func monotone(t *testing.T, run model.Run) (verdict [4]bool) {
	t.Helper()
	v := verdicts(run)
	if v[0] && !v[1] || v[1] && !v[2] || v[2] && !v[3] {
		t.Fatalf("not monotone: linearizable, close-to-open, sync-to-mount, nothing-lost: %v\n%s", v, text(run))
	}
	return v
}

// TestRandom: what one file system answered is right on every rung, and one
// changed result never makes the ladder bend.
func TestRandom(t *testing.T) {
	violated := [4]int{}
	for seed := range uint64(4000) {
		rng := rand.New(rand.NewPCG(seed, 0))
		run := Random(rng, 1+int(seed%5))
		if v := monotone(t, run); v != [4]bool{true, true, true, true} {
			t.Fatalf("seed %d: a right history is violated: %v\n%s", seed, v, text(run))
		}
		v := monotone(t, Mutate(rng, run))
		for r := range v {
			if !v[r] {
				violated[r]++
			}
		}
	}
	for r, n := range violated {
		if n < 100 {
			t.Errorf("rung %d: only %d of 4000 changed histories are violated", r, n)
		}
	}
}

// replays reports whether model.FS gives the results of a sequential history.
func replays(run model.Run) bool {
	var fs model.FS
	for _, o := range run.History {
		want := o.Result
		got := fs.Apply(o.AsStep())
		if got.Errno != want.Errno || got.Type != want.Type || got.Size != want.Size ||
			!slices.Equal(got.Data, want.Data) || !slices.Equal(got.Names, want.Names) {
			return false
		}
	}
	return true
}

// TestSequential holds linearizable against the specification, which in a
// sequential history has one order only.
func TestSequential(t *testing.T) {
	forms := append(SmallForms(),
		model.Step{Kind: model.Append, Path: "/a", Len: 8}, model.Step{Kind: model.Truncate, Path: "/a", Len: 8})
	right, every := 0, bound(7, 1)
	Enumerate(EnumSpec{Length: 3, Forms: forms, Every: every}, func(run model.Run) bool {
		sameAsSpecification(t, run, &right)
		return !t.Failed()
	})
	dirs := []model.Step{{Kind: model.Mkdir, Path: "/d"}, {Kind: model.Rmdir, Path: "/d"}, {Kind: model.Readdir, Path: "/d"},
		{Kind: model.Create, Path: "/d/x"}, {Kind: model.Unlink, Path: "/d/x"}, {Kind: model.Create, Path: "/d"}}
	Enumerate(EnumSpec{Length: 3, Forms: dirs, Every: every}, func(run model.Run) bool {
		sameAsSpecification(t, run, &right)
		return !t.Failed()
	})
	if right < 500 {
		t.Errorf("only %d right histories", right)
	}
}

func sameAsSpecification(t *testing.T, run model.Run, right *int) {
	t.Helper()
	got, want := Judge(run, model.Linearizable), replays(run)
	if got != want {
		t.Errorf("linearizable: got %v, the specification says %v\n%s", got, want, text(run))
	}
	if want {
		*right++
	}
}

// bound is long when DOUBLEMOUNT_LONG is set.
func bound(short, long int) int {
	if os.Getenv("DOUBLEMOUNT_LONG") != "" {
		return long
	}
	return short
}

// TestEnumerateLadder: the ladder is monotone over the enumeration, and what is
// kept is kept by every prefix on the three upper rungs.
func TestEnumerateLadder(t *testing.T) {
	for _, spec := range specs(3) {
		spec.Every = bound(97, 1)
		kept := [4]int{}
		n := Enumerate(spec, func(run model.Run) bool {
			v := monotone(t, run)
			for r := range v {
				if v[r] {
					kept[r]++
				}
			}
			return true
		})
		t.Logf("%d histories, every %dth judged: kept %v", n, spec.Every, kept)
		if n < 150_000 || kept[0] == 0 || kept[0] == kept[1] || kept[1] == kept[2] || kept[2] == kept[3] {
			t.Errorf("%d histories, kept %v: the enumeration does not tell the rungs apart", n, kept)
		}
	}
}

// TestEnumerateMore: the same with renames, links and cuts.
func TestEnumerateMore(t *testing.T) {
	three := moreSpecs(3)
	three = append(three[:1], three[2:]...) // of directories there are too many
	for k, spec := range append(moreSpecs(2), three...) {
		spec.Every = bound([]int{17, 197, 1, 7, 7, 1, 1997, 197, 597, 397, 197}[k], []int{1, 1, 1, 1, 1, 1, 3, 1, 1, 1, 1}[k])
		kept := [4]int{}
		n := Enumerate(spec, func(run model.Run) bool {
			v := monotone(t, run)
			for r := range v {
				if v[r] {
					kept[r]++
				}
			}
			return true
		})
		t.Logf("%d operations, %d histories, every %dth judged: kept %v", spec.Length, n, spec.Every, kept)
		if n < 500 || kept[3] == 0 || kept[2] == kept[3] {
			t.Errorf("%d histories, kept %v: the enumeration does not tell the rungs apart", n, kept)
		}
	}
}

// specs is the enumeration on an empty disk, and on one with a file.
func specs(length int) []EnumSpec {
	bare := EnumSpec{Length: length, Forms: SmallForms(), Overlap: true}
	withFile := bare
	withFile.Setup = []model.Step{{Kind: model.Create, Path: "/a"}, {Kind: model.Write, Path: "/a", Len: 8}}
	return []EnumSpec{bare, withFile}
}

// moreSpecs is enumerations of renames, links, crashes, power losses and fences.
func moreSpecs(length int) []EnumSpec {
	file := []model.Step{{Kind: model.Create, Path: "/a"}, {Kind: model.Write, Path: "/a", Len: 8}}
	tree := []model.Step{{Kind: model.Mkdir, Path: "/d"}, {Kind: model.Create, Path: "/d/x"}}
	fence := append(CutForms()[:7], model.Step{Kind: model.Fence})
	return []EnumSpec{
		{Length: length, Forms: NameForms(), Setup: file[:1], Overlap: true},
		{Length: length, Forms: TreeForms(), Setup: tree, Overlap: true, Look: []model.Path{"/d", "/e/x"}},
		{Length: length, Forms: CutForms(), Overlap: true, Cuts: 1},
		{Length: length, Forms: CutForms(), Setup: file, Overlap: true, Cuts: 1},
		{Length: length, Forms: fence, Setup: file, Overlap: true, Cuts: 1},
		{Length: length, Forms: SizeForms(), Setup: file[:1], Overlap: true, Cuts: 1},
	}
}

// each is spec with only each n-th history yielded.
func each(n int, spec EnumSpec) EnumSpec {
	spec.Every = n
	return spec
}

// TestPrefixes: what keeps linearizable or sync-to-mount keeps it when it is
// cut at any time.
func TestPrefixes(t *testing.T) {
	prefixes := func(run model.Run) bool {
		for _, g := range Ladder[:3] {
			if !Judge(run, g) {
				continue
			}
			for at := run.History[len(run.History)-1].Return; at > 0; at-- {
				if cut := CutAt(run, at); !Judge(cut, g) {
					t.Fatalf("%s kept, but not by the prefix of time %d:\n%s", g.Name, at, text(run))
				}
			}
		}
		return true
	}
	for _, spec := range slices.Concat(specs(3), moreSpecs(2)[2:], moreSpecs(3)[2:], moreSpecs(2)[:1]) {
		Enumerate(each(bound(397, 20), spec), prefixes)
	}
}

// TestPlain holds the shortcuts of the search against the plain enumeration of
// all orders.
func TestPlain(t *testing.T) {
	check := func(run model.Run) bool {
		for _, g := range Ladder {
			if quick, plain := judge(run.History, g, true), judge(run.History, g, false); quick != plain {
				t.Fatalf("%s: got %v with shortcuts, %v without\n%s", g.Name, quick, plain, text(run))
			}
		}
		return true
	}
	for i, short := range specs(2) {
		Enumerate(each(bound(5, 1), short), check)
		Enumerate(each(bound(2003, 101), specs(3)[i]), check)
	}
	for _, short := range moreSpecs(2) {
		Enumerate(each(bound(2003, 101), short), check)
	}
	for seed := range uint64(bound(300, 3000)) {
		rng := rand.New(rand.NewPCG(seed, 1))
		check(Mutate(rng, Random(rng, 2)))
	}
}

// TestEnumerateAgain: the same spec gives the same histories.
func TestEnumerateAgain(t *testing.T) {
	spec := specs(2)[1]
	var first []string
	Enumerate(spec, func(run model.Run) bool {
		if err := run.Program.Validate(); err != nil {
			t.Fatal(err)
		}
		first = append(first, text(run))
		return true
	})
	i := 0
	Enumerate(spec, func(run model.Run) bool {
		if text(run) != first[i] {
			t.Fatalf("history %d differs", i)
		}
		i++
		return true
	})
	slices.Sort(first)
	if n := len(slices.Compact(first)); n != i {
		t.Errorf("%d histories, %d different", i, n)
	}
	if got := Enumerate(spec, func(model.Run) bool { i--; return i > 5 }); got == 0 || i != 5 {
		t.Errorf("a yield of false does not stop the enumeration")
	}
}

func BenchmarkJudge(b *testing.B) {
	var runs []model.Run
	Enumerate(each(101, specs(3)[1]), func(run model.Run) bool {
		runs = append(runs, run)
		return true
	})
	for _, g := range Ladder {
		b.Run(g.Name, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				Judge(runs[i%len(runs)], g)
			}
		})
	}
}
