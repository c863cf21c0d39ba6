package checker_test

import (
	"strings"
	"testing"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/internal/brute"
	"github.com/doublemount/doublemount/model"
)

// judged is a history with the answers that an engineer expects: whether it
// keeps linearizable, sync-to-mount and nothing-lost.
type judged struct {
	text         string
	lin, s2m, nl bool
	shows        string
}

func judgeAll(t *testing.T, cases []judged) {
	t.Helper()
	for _, c := range cases {
		run := brute.History(c.text)
		for i, want := range []bool{c.lin, c.s2m, c.nl} {
			v := checker.New(0, threeRungs[i])(run)[0]
			if v.Outcome == model.Inconclusive || (v.Outcome == model.Held) != want {
				t.Errorf("%s: %v %s, want held=%v: %s\n%s\n%s\n%s%s", threeRungs[i].Name, v.Outcome, v.Limit, want, c.shows, c.text, v.Proof[0], v.Proof[1], text(run))
			}
		}
	}
}

const (
	fileA = "C create a; C write a[0]=1; C unmount; A mount; B mount; "
	dirD  = "C mkdir d; C create d/x; C write d/x[0]=1; C unmount; A mount; B mount; "
)

func TestMoves(t *testing.T) {
	judgeAll(t, []judged{
		{fileA + "A rename a b; end; F read b[0] -> 1; F stat a -> ENOENT", true, true, true, "a rename"},
		{fileA + "A rename a b; end; F stat b -> 8; F stat a -> 8", false, false, false, "both names after a rename"},
		{fileA + "A rename a b; end; F stat b -> ENOENT; F stat a -> ENOENT", false, false, false, "neither name"},
		{fileA + "A rename a b; end; F stat b -> ENOENT; F stat a -> 8", false, false, false, "a rename that is gone"},
		{fileA + "A rename a b | B stat a -> 8; end; F stat b -> 8", true, true, true, "the old name while it is renamed"},
		{fileA + "A rename a b { B stat a -> ENOENT; B stat b -> ENOENT }; end; F stat b -> 8", false, true, true, "old name gone, new not there; below, each name's view is its own"},
		{fileA + "A rename a b { B stat b -> 8; B stat a -> 8 }; end; F stat b -> 8", false, true, true, "new name, then the old"},
		{fileA + "A rename a b { B stat a -> 8; B stat b -> 8; B stat a -> ENOENT }; end; F stat b -> 8", true, true, true, "before, then after"},
		{fileA + "A rename a b; A rename a c; end; F stat b -> 8; F stat c -> ENOENT", false, false, false, "the same file renamed twice by one host"},
		{fileA + "A rename a b; B rename a c; end; F stat b -> ENOENT; F stat c -> 8", false, false, false, "by two hosts: the source of one is gone"},
		{fileA + "A rename a b; B rename a c -> ENOENT; end; F stat b -> 8", true, true, true, "the second finds nothing"},
		{fileA + "A rename a b; B stat a -> 8; B remount; B stat a -> ENOENT; end; F stat b -> 8", false, true, true, "seen late"},
		{fileA + "A rename a b; A sync; B remount; B stat a -> 8; end; F stat b -> 8", false, false, true, "a phantom after the remount"},
		{fileA + "A rename a b; A fsync b; B remount; B stat a -> 8; end; F stat b -> 8", false, false, true, "fsync of the new name publishes the rename"},
		{fileA + "A rename a b; A unlink a -> ENOENT; B remount; B stat a -> 8; end; F stat b -> 8", false, true, true, "an own rename, not published by looking"},
		{fileA + "A rename a b; A write b[0]=2; A read b[0] -> 2; B stat b -> ENOENT; end; F read b[0] -> 2", false, true, true, "own view goes through the new name"},
		{fileA + "A rename a b; A stat a -> 8; end; F stat b -> 8", false, false, true, "own rename not seen"},
		{fileA + "A create b; A write b[0]=2; A rename b a; end; F read a[0] -> 2; F stat b -> ENOENT", true, true, true, "replace"},
		{fileA + "A create b; A write b[0]=2; A rename b a; end; F read a[0] -> 1; F stat b -> ENOENT", false, false, false, "replaced, and the old one came back"},
		{fileA + "A create b; A write b[0]=2; A rename b a; end; F read a -> nothing; F stat b -> ENOENT", false, false, false, "replaced, and the words lost"},
		{fileA + "A open a f1; A rename a b; A write f1[0]=2; end; F read b[0] -> 2", true, true, true, "an open file is renamed"},
		{fileA + "B open a f1; A rename a b; B read f1[0] -> 1; B read a -> ENOENT; end; F read b[0] -> 1", true, true, true, "by another host"},
		{fileA + "A rename a a; end; F read a[0] -> 1", true, true, true, "a name to itself"},
		{"A rename a a; end", false, false, false, "a name that is not there to itself"},
		{"A rename a a -> ENOENT; end", true, true, true, "... says so"},
		{fileA + "A rename a a/b; end", false, false, false, "a part of itself"},
		{"C mkdir d; C unmount; A mount; B mount; A rename d d/e -> EINVAL; end; F readdir d -> empty", true, true, true, "... is an error for a directory"},
		{fileA + "A rename a a/b -> EINVAL; end", false, false, true, "... and of no file"},
		{fileA + "A rename a a/b -> ENOTDIR; end", true, true, true, "... which is no directory"},

		{dirD + "A rename d e; end; F read e/x[0] -> 1; F stat d/x -> ENOENT; F stat d -> ENOENT; F readdir e -> x", true, true, true, "a directory carries what is in it"},
		{dirD + "A rename d e; end; F stat e/x -> ENOENT; F stat e -> dir", false, false, false, "... and loses nothing"},
		{dirD + "A rename d e; end; F stat e/x -> 8; F stat d/x -> 8", false, false, false, "... and leaves nothing"},
		{dirD + "A rename d e; B stat d/x -> 8; B read d/x[0] -> 1; end; F stat e/x -> 8", false, true, true, "the old path, still cached"},
		{dirD + "A rename d e; A create e/y; A unlink e/x; end; F readdir e -> y", true, true, true, "work in the renamed directory"},
		{dirD + "A rename d e; B create d/y; end; F readdir e -> x y", false, true, true, "B's create comes before the rename"},
		{dirD + "A rename d e; A sync; B create d/y; end; F readdir e -> x y", false, false, false, "... and cannot, after A synced"},
		{dirD + "B create d/y | A rename d e; end; F readdir e -> x y", true, true, true, "... or overlapping"},
		{dirD + "A mkdir e; A rename d e; end; F readdir e -> x", true, true, true, "over an empty directory"},
		{dirD + "A mkdir e; A create e/y; A rename d e -> ENOTEMPTY; end; F readdir e -> y; F readdir d -> x", true, true, true, "over one that is not"},
		{dirD + "A mkdir e; A create e/y; A rename d e -> EEXIST; end; F readdir e -> y", true, true, true, "... or so"},
		{dirD + "A mkdir e; A rename d e -> ENOTEMPTY; end; F readdir d -> x", false, false, true, "... only then"},
		{dirD + "A create e; A rename d e -> ENOTDIR; end; F readdir d -> x", true, true, true, "a directory over a file"},
		{dirD + "A create e; A rename e d -> EISDIR; end; F readdir d -> x", true, true, true, "a file over a directory"},
		{dirD + "A create e; A rename e d; end; F stat d -> 0", false, false, false, "... is no success"},
		{dirD + "A rename d/x d -> ENOTEMPTY; end; F readdir d -> x", true, true, true, "onto what it is in"},
		{dirD + "A rename d/x y; A rmdir d; end; F stat y -> 8; F stat d -> ENOENT", true, true, true, "out of a directory"},
		{dirD + "A mkdir e; A rename d e/f; A rename e d; end; F read d/f/x[0] -> 1", true, true, true, "three deep"},
		{dirD + "A mkdir e; A rename d e/f; A stat e/f/x -> 8; B rename e g -> ENOENT; end; F read e/f/x[0] -> 1", false, true, true, "... own view"},
		{dirD + "A mkdir e; A rename d e/f; A rename e d; end; F stat d/f/x -> ENOENT; F stat e/f/x -> 8; F stat d/f -> dir", false, false, false, "half of it"},
		{"A rename a b -> ENOTDIR; end", false, false, true, "no file in the way"},
		{"A mkdir a/b/c -> ENOENT; A mkdir a; A mkdir a/b/c -> ENOENT; A mkdir a/b; A mkdir a/b/c; end; F readdir a/b -> c", true, true, true, "deep directories"},
		{"A mkdir a; A create a/b; A mkdir a/b/c -> ENOTDIR; A stat a/b/c/d -> ENOTDIR; A stat a/x/c/d -> ENOENT; end; F readdir a -> b", true, true, true, "a file on the way"},
		{"A mkdir a; A create a/b; A mkdir a/b/c -> ENOENT; end; F readdir a -> b", false, false, true, "... is there"},

		{fileA + "A link a b; A write b[0]=2; end; F read a[0] -> 2; F read b[0] -> 2", true, true, true, "two names of one file"},
		{fileA + "A link a b; A write b[0]=2; end; F read a[0] -> 1; F read b[0] -> 2", false, false, false, "two files"},
		{fileA + "A link a b; A unlink a; end; F read b[0] -> 1; F stat a -> ENOENT", true, true, true, "a name less"},
		{fileA + "A link a b; A unlink a; end; F stat b -> ENOENT; F stat a -> ENOENT", false, false, false, "both names gone"},
		{fileA + "A link a b; A rename a b; end; F stat a -> 8; F stat b -> 8", true, true, true, "renaming two names of one file does nothing"},
		{fileA + "A link a b; A rename a b; end; F stat a -> ENOENT; F stat b -> 8", false, false, false, "... nothing at all"},
		{fileA + "A link a b; B create b -> EEXIST; B link a b -> EEXIST; end; F stat b -> 8", true, true, true, "a link's name is taken"},
		{fileA + "A link a b; B create b; end; F stat b -> 0", false, false, false, "two things of one name"},
		{fileA + "A link a b; A write a[0]=3; A read b[0] -> 3; B read b -> ENOENT; end; F read b[0] -> 3", false, true, true, "own words through the other name"},
		{fileA + "A link a b; A write a[0]=3; A read b[0] -> 1; end; F read b[0] -> 3", false, false, true, "... not seen"},
		{fileA + "A link a b; A write a[0]=3; A fsync b; B remount; B read a[0] -> 1; end; F read b[0] -> 3", false, false, true, "fsync through the other name"},
		{dirD + "A link d e -> EPERM; A link d/x e; end; F stat e -> 8", true, true, true, "directories have one name"},
		{fileA + "A link a b -> EPERM; end", true, true, true, "... and some file systems have no links at all"},
		{"A link a a -> ENOENT; end", true, true, true, "a link to nothing"},
		{fileA + "A link a a; end", false, false, false, "a name twice"},
		{fileA + "A rename a b -> pending; B stat b -> 8; end B; F stat b -> 8", true, true, true, "a pending rename that happened"},
		{fileA + "A rename a b -> pending; B stat b -> ENOENT; end B; F stat a -> 8; F stat b -> ENOENT", true, true, true, "... that did not"},
		{fileA + "A rename a b -> pending; end B; F stat b -> 8; F stat a -> 8", false, true, true, "... that happens while they look"},
		{fileA + "A rename a b; A create a; A rename a b; end; F stat b -> 0; F stat a -> ENOENT", true, true, true, "one host's renames keep their order"},
		{fileA + "A rename a b; A create a; A rename a b; end; F stat b -> 8; F stat a -> ENOENT", false, false, false, "... both of them"},
		{fileA + "B unlink a; A rename a b; end; F stat b -> ENOENT; F stat a -> ENOENT", false, false, false, "the file was removed under its old name, and the new one is gone"},
		{fileA + "A rename a b; B unlink a; end; F stat b -> 8; F stat a -> ENOENT", false, false, true, "a delete that finds the name gone counts as done"},
	})
}

// What is found in a history with renames and links is called what the field
// calls it.
func TestMovesByName(t *testing.T) {
	for _, c := range []struct {
		history string
		rung    model.Guarantee
		want    model.Anomaly
		proof   string
	}{
		{fileA + "A rename a b; end; F stat b -> 8; F stat a -> 8", model.NothingLost, model.BothNames, "A rename /a /b"},
		{fileA + "A rename a b; end; F stat b -> ENOENT; F stat a -> ENOENT", model.NothingLost, model.NeitherName, "A rename /a /b"},
		{fileA + "A rename a b; B stat a -> 8; end; F stat b -> 8", model.Linearizable, model.PhantomFile, "A rename /a /b"},
		{fileA + "A rename a b; B stat b -> ENOENT; end; F stat b -> 8", model.Linearizable, model.InvisibleFile, "A rename /a /b"},
		{dirD + "A rename d e; end; F stat e/x -> ENOENT; F stat e -> dir", model.NothingLost, model.NeitherName, "A rename /d /e"},
		{dirD + "A rename d e; end; F stat e/x -> 8; F stat d/x -> 8", model.NothingLost, model.BothNames, "A rename /d /e"},
		{fileA + "A rename a b; B rename a c; end; F stat b -> ENOENT; F stat c -> 8", model.NothingLost, model.SplitBrain, "A rename /a /b"},
		{fileA + "A rename a b; B rename a c; end", model.Linearizable, model.PhantomFile, "A rename /a /b"},
		{fileA + "B create b; A link a b; end", model.NothingLost, model.SplitBrain, "B create /b"},
		{fileA + "A link a b; A write b[0]=2; end; F read a[0] -> 1; F read b[0] -> 2", model.NothingLost, model.LostUpdate, "A write /b"},
		{fileA + "A rename a b; end; F read b[0] -> 0", model.NothingLost, model.LostUpdate, "C write /a"},
	} {
		v := checker.New(0, c.rung)(brute.History(c.history))[0]
		if v.Outcome != model.Violated || v.Anomaly != c.want {
			t.Errorf("%v %q, want %q\n%s\n%s\n%s", v.Outcome, v.Anomaly, c.want, c.history, v.Proof[0], v.Proof[1])
		} else if !strings.Contains(v.Proof[0]+v.Proof[1], c.proof) {
			t.Errorf("the proof does not speak of %q\n%s\n%s\n%s", c.proof, c.history, v.Proof[0], v.Proof[1])
		}
	}
}
