package model

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// A clone answers as its original does and is not changed with it; equal states have
// equal text, whatever way led there, and what differs in a link has not.
func TestFSState(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	paths := []Path{"/a", "/b", "/d", "/d/x"}
	step := func(i int) Step {
		kinds := []Kind{Create, Open, Close, Write, Append, Truncate, Unlink, Mkdir, Rmdir, Rename, Link, Read, Stat, Readdir}
		s := Step{Kind: kinds[rng.IntN(len(kinds))], Path: paths[rng.IntN(len(paths))], Len: int32(rng.IntN(9)), Data: byte(i + 1)}
		switch {
		case s.Kind.TwoPaths():
			s.To = paths[rng.IntN(len(paths))]
		case s.Kind == Open:
			s.File = 1
		case s.Kind == Close, s.Kind.TakesData() && rng.IntN(2) == 0:
			s.Path, s.File = "", 1
		}
		return s
	}
	for range 500 {
		var fs FS
		for i := range 12 {
			fs.Apply(step(i))
		}
		before := fs.AppendState(nil)
		clone, again := fs.Clone(), fs.Clone()
		for i := range 12 {
			s := step(20 + i)
			want := clone.Apply(s)
			got := again.Apply(s)
			if want.Errno != got.Errno || want.Size != got.Size || !slices.Equal(want.Data, got.Data) || !slices.Equal(want.Names, got.Names) {
				t.Fatalf("%v: %v and %v of two clones", s, want, got)
			}
		}
		if !slices.Equal(before, fs.AppendState(nil)) {
			t.Fatal("what was done to a clone is seen in its original")
		}
		if !slices.Equal(clone.AppendState(nil), again.AppendState(nil)) {
			t.Fatal("equal states differ")
		}
	}
	var linked, two FS
	linked.Apply(Step{Kind: Create, Path: "/a"})
	linked.Apply(Step{Kind: Link, Path: "/a", To: "/b"})
	two.Apply(Step{Kind: Create, Path: "/b"})
	two.Apply(Step{Kind: Create, Path: "/a"})
	if slices.Equal(linked.AppendState(nil), two.AppendState(nil)) {
		t.Error("one file with two names is as two files")
	}
}
