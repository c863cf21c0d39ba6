package checker_test

import (
	"testing"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/internal/brute"
	"github.com/doublemount/doublemount/model"
)

// Names that several of the rules would fit go by their order; what only looks
// like one has another name.
func TestAnomaliesInOrder(t *testing.T) {
	const seed = "C create a; C truncate a 16; C unmount; A mount; B mount; "
	const empty = "C create a; C unmount; A mount; B mount; "
	for _, c := range []struct {
		name    string
		history string
		rung    model.Guarantee
		want    model.Anomaly
	}{
		{"two appends at one offset", empty + "A append a=1; B append a=2; end; F stat a -> 8; F read a -> 2", model.Linearizable, model.AppendOverlap},
		{"the last words of the first stick out", empty + "A append a+16=1; B append a=2; end; F stat a -> 16; F read a -> 21", model.Linearizable, model.AppendOverlap},
		{"the file was cut between them", empty + "A append a=1; A truncate a 4; B append a=2; end; F stat a -> 8; F read a -> 4x1,4x2", model.Linearizable, model.LostUpdate},
		{"neither append is there", empty + "A append a=1; B append a=2; end; F stat a -> 8; F read a -> 0", model.Linearizable, model.LostUpdate},
		{"words beside another host's in one block", seed + "A write a[0+4]=1; B write a[4+4]=2; end; F stat a -> 16; F read a -> 4x0,4x2,8x0", model.NothingLost, model.FalseSharing},
		{"of one host, that is no sharing", seed + "A write a[0+4]=1; A write a[4+4]=2; end; F stat a -> 16; F read a -> 4x0,4x2,8x0", model.NothingLost, model.LostUpdate},
		{"another block", seed + "A write a[0+8]=1; B write a[8+8]=2; end; F stat a -> 16; F read a -> 02", model.NothingLost, model.LostUpdate},
		{"words of a file that was removed", seed + "A create b; A write b[0]=1; A unlink b; B write a[1]=2; end; F stat a -> 16; F read a -> 12", model.NothingLost, model.StaleDataExposure},
		{"words of a file that is there", seed + "A create b; A write b[0]=1; B write a[1]=2; end; F stat a -> 16; F read a -> 12; F stat b -> 8", model.NothingLost, model.CrossLinked},
		{"words that were cut off", seed + "A write a[1]=1; A truncate a 8; A truncate a 16; end; F stat a -> 16; F read a -> 01", model.NothingLost, model.StaleDataExposure},
		{"a cut that is lost", seed + "A write a[1]=1; A truncate a 8; end; F stat a -> 16; F read a -> 01", model.NothingLost, model.LostUpdate},
		{"unlinked while open", seed + "A write a[0+16]=1; A open a f1; B unlink a; A read f1 -> nothing; end", model.Linearizable, model.DeleteWhileOpen},
		{"unlinked while open, old words", seed + "A write a[0+16]=1; A open a f1; B write a[0+16]=2; B unlink a; A read f1 -> 11; end", model.Linearizable, model.StaleRead},
		{"open, and not unlinked", seed + "A write a[0+16]=1; A open a f1; A read f1 -> nothing; end; F stat a -> 16", model.Linearizable, model.StaleRead},
		{"unlinked before another of its name was opened", seed + "A unlink a; A create a; A write a[0+16]=1; A open a f1; A read f1 -> nothing; end", model.Linearizable, model.StaleRead},
		{"the handle is said to be missing", seed + "A open a f1; B unlink a; A read f1 -> ENOENT; end", model.Linearizable, model.DeleteWhileOpen},
		{"both names", seed + "A rename a b; end; F stat a -> 16; F stat b -> 16", model.NothingLost, model.BothNames},
		{"the old name, and another file of the new one", seed + "A rename a b; B unlink b; B create b; end; F stat a -> 16; F stat b -> 0", model.NothingLost, model.ResurrectedFile},
		{"the old name alone", seed + "A rename a b; end; F stat a -> 16; F stat b -> ENOENT", model.NothingLost, model.ResurrectedFile},
		{"neither name", seed + "A rename a b; end; F stat a -> ENOENT; F stat b -> ENOENT", model.NothingLost, model.NeitherName},
		{"gone with a crash, though synced", seed + "A rename a b; A sync; A crash; end B; F stat a -> ENOENT; F stat b -> ENOENT", model.NothingLost, model.NeitherName},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := checker.New(0, c.rung)(brute.History(c.history))[0]
			if v.Outcome != model.Violated || v.Anomaly != c.want {
				t.Errorf("%v %q, want violated %q\n%s\n%s", v.Outcome, v.Anomaly, c.want, v.Proof[0], v.Proof[1])
			}
		})
	}
}
