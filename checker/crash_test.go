package checker_test

import (
	"strings"
	"testing"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/internal/brute"
	"github.com/doublemount/doublemount/model"
)

const two = "C create a; C truncate a 16; C unmount; A mount; B mount; " // a file of two blocks of holes

// The corners of the rule of crashes.
func TestCrashes(t *testing.T) {
	judgeAll(t, []judged{
		{two + "A write a[0]=5; A write a[0]=6; A fsync a; A crash; end; F read a[0] -> 6", true, true, true, "both survive an fsync"},
		{two + "A write a[0]=5; A write a[0]=6; A fsync a; A crash; end; F read a[0] -> 5", false, false, false, "... also the second"},
		{two + "A write a[0]=5; A write a[1]=6; A crash; end; F read a -> 06", true, true, true, "unsynced: the later survives"},
		{two + "A write a[0]=5; A write a[1]=6; A crash; end; F read a -> 50", true, true, true, "... or the earlier"},
		{two + "A write a[0]=5; A write a[1]=6; A crash; end; F read a -> 00", true, true, true, "... or none"},
		{two + "A write a[0]=5; A write a[0]=6; A crash; end; F read a[0] -> 5", true, true, true, "the older of two"},
		{two + "A write a[0+16]=5; A crash; end; F read a -> 05", true, true, true, "a write of two blocks, by block"},
		{two + "A write a[0+16]=5; A fsync a; A crash; end; F read a -> 05", false, false, false, "... not after an fsync"},
		{two + "A write a[4+8]=5; A crash; end; F read a[0+16] -> 8x0,4x5,4x0", true, true, true, "... of which each is written in part"},
		{two + "A write a[0+8]=5; A crash; end; F read a[0+16] -> 4x5,12x0", false, false, false, "a block does not tear"},
		{"A create a; A create b; A fsync a; A crash; end; F stat a -> 0; F stat b -> ENOENT", true, true, true, "fsync of another name"},
		{"A create b; A create a; A fsync a; A crash; end; F stat a -> 0; F stat b -> ENOENT", true, true, true, "... in either order"},
		{"A create a; A create b; A fsync a; A crash; end; F stat a -> ENOENT; F stat b -> 0", false, false, false, "fsync of a file makes its name durable"},
		{fileA + "A rename a b; A crash; end; F stat a -> 8; F stat b -> ENOENT", true, true, true, "a rename undone"},
		{fileA + "A rename a b; A crash; end; F stat b -> 8; F stat a -> ENOENT", true, true, true, "... that survives"},
		{fileA + "A rename a b; A crash; end; F stat b -> 8; F stat a -> 8", false, false, false, "never two names of one"},
		{fileA + "A rename a b; A crash; end; F stat b -> ENOENT; F stat a -> ENOENT", false, false, false, "nor none"},
		{fileA + "A create t; A write t[0]=2; A rename t a; A crash; end; F read a -> nothing; F stat t -> ENOENT", true, true, true, "write tmp, rename tmp a, crash: a empty"},
		{fileA + "A create t; A write t[0]=2; A fsync t; A rename t a; A crash; end; F read a -> nothing; F stat t -> ENOENT", false, false, false, "... fsync tmp first forbids it"},
		{fileA + "A create t; A write t[0]=2; A fsync t; A rename t a; A crash; end; F read a -> 1; F read t -> 2", true, true, true, "... and allows the old one"},
		{two + "A write a[0]=5; B stat a -> 16; A crash; end; F read a -> 00", true, true, true, "B's stat depended on no word of the write"},
		{"C create a; C unmount; A mount; B mount; A write a[0]=5; B stat a -> 8; A crash; end; F stat a -> 0", false, false, true, "... but on its size"},
		{two + "B open a f1; A write a[0]=5 | B read f1 -> 00; A crash; end; F read a -> 00", true, true, true, "B read old, overlapping"},
		{two + "A write a[0]=5; B write a[1]=6; A crash; end; F read a -> 06", true, true, true, "A's crash undoes A's"},
		{two + "A write a[0]=5; B write a[1]=6; A crash; B fsync a; B crash; end; F read a -> 06", true, true, true, "... B's fsync covers B's"},
		{two + "A write a[0]=5; B write a[1]=6; B crash; A unmount; end; F read a -> 06", false, false, false, "B's crash does not undo A's"},
		{two + "A write a[0]=5; B write a[1]=6; B crash; A unmount; end; F read a -> 50", true, true, true, "... but B's"},
		{"A create a; B write a[0]=1; A crash; end; F stat a -> ENOENT", false, false, false, "B's write needs A's file"},
		{"A create a; B write a[0]=1; B fsync a; A crash; end; F stat a -> ENOENT", false, false, false, "... and fsynced it"},
		{"A create a; B write a[0]=1; A crash; end; F read a -> 1", true, true, true, "... so it is there"},
		{"A create a; B write a[0]=1; B fsync a; all power-loss; F stat a -> ENOENT", false, false, false, "power loss: what is synced keeps what it depends on"},
		{"A create a; B write a[0]=1; all power-loss; F stat a -> ENOENT", true, true, true, "... unsynced, all may go"},
		{two + "A write a[0]=5; B read a -> 50; all power-loss; F read a -> 00", true, true, true, "power loss: seen by others is no help"},
		{two + "A write a[0]=5; B read a -> 50; A crash; end; F read a -> 00", false, false, true, "a crash alone: B saw it"},
		{two + "A write a[0]=5; B read a -> 00; all power-loss; F read a -> 00", false, true, true, "an earlier stale read is not excused"},
		{two + "A write a[0]=5; B read a -> 00; A crash; end; F read a -> 00", false, true, true, "... by a crash neither"},
		{"A create a; B create a; A crash; end; F stat a -> 0", false, true, true, "nor a double create: linearizable sees both"},
		{two + "A write a[0]=5; A sync; B write a[1]=6; all power-loss; F read a -> 50", true, true, true, "synced and not"},
		{two + "A write a[0]=5; A sync; B write a[1]=6; all power-loss; F read a -> 06", false, false, false, "... the wrong one is gone"},
		{two + "A write a[0]=5 -> pending; A crash; end; F read a[0] -> 5", true, true, true, "pending at the crash: it had happened"},
		{two + "A write a[0]=5 -> pending; A crash; end; F read a[0] -> 0", true, true, true, "... or not"},
		{two + "A write a[0]=5 -> pending; A crash; B read a[0] -> 0; B read a[0] -> 5; end", false, true, true, "absent, then present: linearizable sees a zombie, an old view does not"},
		{two + "A write a[0]=5 -> pending; A crash; B remount; B read a[0] -> 0; B remount; B read a[0] -> 5; end", false, false, true, "... nor does a fresh one"},
		{two + "A write a[0]=5; A read a[0] -> 5; A crash; end; F read a -> 00", true, true, true, "the own read of what is undone is excused"},
		{two + "A write a[0]=5; A read a[0] -> 0; A crash; end; F read a -> 00", false, false, true, "... not one that was wrong already"},
		{two + "A write a[0]=5; A crash; A mount; A read a[0] -> 0; A unmount; F read a -> 50", false, false, true, "the window ends at the crash: it cannot appear later"},
		{two + "A write a[0]=5; A crash; A mount; A read a[0] -> 5; A crash; F read a -> 00", false, false, true, "what survived one crash is not undone by a later"},
		{two + "A write a[0]=5; A crash; A mount; A read a[0] -> 5; B crash; F read a -> 00", false, false, true, "... of any host"},
		{two + "A write a[0]=5; A sync; A write a[1]=6; A crash; A mount; A write a[1]=7; A crash; end; F read a -> 50", true, true, true, "two crashes"},
		{two + "A write a[0]=5; A unmount; A mount; A crash; end; F read a -> 00", false, false, false, "an unmount is durable"},
		{two + "A write a[0]=5; A fsync a -> EIO; A crash; end; F read a -> 00", true, true, true, "an fsync that failed is not"},
		{two + "A write a[0]=5; A fsync a -> pending; A crash; end; F read a -> 00", true, true, true, "... nor one that did not return"},
		{two + "A write a[0]=5; B fsync a; A crash; end; F read a -> 00", false, true, true, "fsync of another host covers what had taken effect"},
		{two + "A write a[0]=5; A write a[1]=6; A fsync a; A write a[0]=7; A crash; end; F read a -> 56", true, true, true, "after the fsync"},
		{"A create a; A unlink a; A crash; end; F stat a -> 0", true, true, true, "the unlink undone"},
		{"A create a; A fsync a; A unlink a; A crash; end; F stat a -> ENOENT", true, true, true, "... or not"},
		{"A mkdir d; A create d/x; A fsync d/x; A crash; end; F stat d -> ENOENT; F stat d/x -> ENOENT", false, false, false, "fsync of a file keeps the directory it is in"},
		{"A mkdir d; A create d/x; A create d/y; A fsync d/x; A crash; end; F readdir d -> x", true, true, true, "... and not its neighbour"},
		{"A create a; A rename a b; A fsync b; A crash; end; F stat b -> ENOENT; F stat a -> 0", false, false, false, "fsync of the new name keeps the rename"},
		{"A create a; A link a b; A fsync b; A crash; end; F stat b -> 0; F stat a -> 0", true, true, true, "a link that is durable keeps the old name's file"},
		{fileA + "A rename a b; B stat b -> 8; A crash; end; F stat a -> 8; F stat b -> ENOENT", false, false, true, "a rename that B saw"},
		{fileA + "A unlink a; B create a; A crash; end; F read a -> 1", false, false, false, "B's create depended on A's unlink"},
		{fileA + "A unlink a; B create a; A crash; end; F read a -> nothing", true, true, true, "... which survives"},
		{two + "A write a[0]=5; A crash; A mount; A read a[0] -> 5; all disk-reset; A remount; A read a[0] -> 0; end", true, true, true, "what survived a crash may have been in the disk's cache only"},
		{two + "A write a[0]=5; A crash; A mount; A read a[0] -> 5; A sync; all disk-reset; A remount; A read a[0] -> 0; end", false, false, true, "... until a sync"},
		{two + "A write a[0]=5; all disk-reset; A remount; A read a[0] -> 0; end; F read a[0] -> 0", false, false, false, "a host that goes on has to write again"},
		{two + "A append a=5; A crash; end; F stat a -> 16", true, true, true, "an append undone"},
		{two + "A append a=5; A append a=6; A crash; end; F read a[0+40] -> 16x0,8x6", false, false, false, "an append does not move"},
		{two + "A append a=5; A append a=6; A crash; end; F read a[0+40] -> 24x0,8x6", true, true, true, "... the one before leaves a hole"},
		{two + "A append a=5; A append a=6; A crash; end; F read a[0+40] -> 16x0,8x5,8x0", false, false, false, "... and none behind it"},
		{two + "A truncate a 8; A crash; end; F stat a -> 16", true, true, true, "a truncate undone"},
		{two + "A write a[0]=5; A crash; B write a[0]=6; end; F read a[0] -> 5", false, false, false, "the crash comes before B's write"},
		{two + "A open a f1; A write f1[0]=5; A fsync f1; A crash; A mount; A read a[0] -> 0; end; F read a[0] -> 5", false, false, true, "gone, and back"},
	})
}

// What was undone is found also where there is much that may have been, or crash
// follows crash.
func TestMuchUndone(t *testing.T) {
	const (
		four    = "A create a; A crash; A mount; A create b; A rename b a; A unmount; A mount; A create b; A crash; A mount; A write a[0]=5; A crash; A mount; A append a=6; A crash; end; "
		writes  = "A write a[0]=1; A write a[1]=2; A write a[0+16]=3; A write a[0+16]=4; A append a=5; A append a=6; A write a[0+16]=7; A write a[0]=8; "
		over    = "A write a[0]=1; A write a[1]=2; A write a[0+16]=3; A write a[0+16]=7; A write a[0]=8; "
		renamed = "A create b; A write b[0+16]=1; A append b=2; A append b=3; A write b[0]=4; A truncate b 12; A mkdir d; " +
			"A create d/a; A truncate d/a 8; A rename d/a b; A create d/b; A crash; end; "
	)
	judgeAll(t, []judged{
		{four + "F stat a -> 0; F stat b -> ENOENT", true, true, true, "four crashes, of which each undoes something"},
		{four + "F stat a -> 8; F stat b -> 0", true, true, true, "... or not"},
		{four + "F stat a -> ENOENT; F stat b -> ENOENT", false, false, false, "... but not what was unmounted"},
		{two + writes + "A crash; end; F read a -> 8x3,8x2", true, true, true, "eight writes: two old blocks, no append"},
		{two + writes + "A crash; end; F read a[0+40] -> 8x8,8x4,8x0,8x6", true, true, true, "... the last append"},
		{two + "A write a[0]=9; B read a[0] -> 9; " + over + "A crash; end; F read a -> 8x0,8x2", false, false, true, "... after one that B saw"},
		{two + "A write a[0]=9; B read a[0] -> 9; " + writes + "A crash; end; F read a -> 8x9,8x2", true, true, true, "... which is there"},
		{two + over + "A fsync a; A write a[0]=10; A crash; end; F read a -> 8x3,8x7", false, false, false, "... after an fsync"},
		{renamed + "F readdir d -> empty; F stat b -> 12; F read b[0+16] -> 8x4,4x1", true, true, true, "the end of a journal"},
		{renamed + "F readdir d -> empty; F stat b -> 8; F read b[0+16] -> 8x0", true, true, true, "... a shorter end"},
	})
}

func TestFences(t *testing.T) {
	judgeAll(t, []judged{
		{two + "A write a[0]=5; B fence; A unmount; end; F read a[0] -> 5", true, true, true, "nothing to do with A"},
		{two + "A write a[0]=5; A fence; A read a[0] -> 0; A write a[0]=6; A sync; end; F read a[0] -> 0", true, true, true, "a zombie's operations are excused and have no effect"},
		{two + "A write a[0]=5; A fence; A write a[0]=6; A sync; end; F read a[0] -> 6", false, false, false, "... no effect at all"},
		{two + "A write a[0]=5; A sync; A fence; A write a[0]=6; end; F read a[0] -> 0", false, false, false, "what it had synced stays"},
		{two + "A write a[0]=5; A fence; A remount; A write a[0]=6; end; F read a[0] -> 6", true, true, true, "mounted again, it is no zombie"},
		{two + "A write a[0]=5; A fence; A remount; A write a[0]=6; end; F read a[0] -> 0", false, false, false, "... and loses nothing"},
		{two + "A write a[0]=5 { A fence }; end; F read a[0] -> 0", true, true, true, "under way when it was fenced: not"},
		{two + "A write a[0]=5 { A fence }; end; F read a[0] -> 5", true, true, true, "... or done"},
		{two + "A write a[0]=5 { A fence; B read a[0] -> 0; B read a[0] -> 5 }; end; F read a[0] -> 5", false, true, true, "... but before the fence"},
		{two + "A write a[0]=5; A write a[0+16]=6 -> EIO; end; F read a -> 65", false, false, false, "a write that failed writes nothing else"},
		{two + "A write a[0]=5; A write a[0+16]=6 -> EIO; end; F read a -> 60", true, true, true, "... but any of its blocks"},
		{"A create a; A truncate a 4; A write a[0+16]=6 -> EIO; end; F read a -> 4x6", true, true, true, "... with the old size"},
		{"A create a; A truncate a 4; A write a[0+16]=6 -> EIO; end; F read a -> 6x6", false, false, false, "... or that of a block"},
		{two + "A write a[0]=5; A write a[0+16]=6 -> EIO; end; F read a -> 50", true, true, true, "... or none"},
		{two + "A write a[0]=6 -> EIO; A read a[0] -> 0; A write a[0]=7; A fsync a; A read a[0] -> 7; end; F read a -> 70", true, true, true, "nothing waits for one that failed"},
		{two + "A write a[0]=6 -> EIO; A sync; B remount; B read a[0] -> 6; end; F read a -> 60", true, true, true, "... which may be there"},
		{"A mount; A write a[0]=5 -> EIO { A fence }; B mount; B create a; end; F stat a -> 0", true, true, true, "a write that found no file, and failed"},
		{"A mount; A write a[0]=5 { A fence }; B mount; B create a; end; F stat a -> 0", true, true, true, "... or that cannot have found one, but was cut"},
		{"C create a; C unmount; A mount; A link a b; A write b[0]=1; A fence; A remount; A fsync a; A write a[0]=2; A fence; F readdir / -> a; F stat a -> 0",
			true, true, true, "a write that one fence undid, with its name, does not matter to the next"},
		{"A create a; A fence; A create a; A unlink b; A stat c -> 8; end; F stat a -> ENOENT", true, true, true, "whatever a zombie answers"},
		{"A create a; A fence; A crash; A mount; A stat a -> 0; end; F stat a -> 0", true, true, true, "fenced, then rebooted"},
	})
}

// A change that was made durable and is gone is called that, with the fsync, the
// crash and what was seen.
func TestDurabilityByName(t *testing.T) {
	for _, c := range []struct {
		history string
		rung    model.Guarantee
		want    model.Anomaly
		proof   string
	}{
		{two + "A write a[0]=5; A fsync a; A crash; end; F read a -> 00", model.NothingLost, model.DurabilityViolation, "A fsync /a"},
		{two + "A write a[0]=5; A fsync a; A crash; B remount; B read a -> 00; end; F read a -> 00", model.Linearizable, model.DurabilityViolation, "A crash"},
		{two + "A write a[0]=5; A sync; all power-loss; F read a -> 00", model.SyncToMount, model.DurabilityViolation, "power-loss"},
		{two + "A write a[0]=5; A unmount; A mount; B unmount; B mount; all power-loss; F read a -> 00", model.NothingLost, model.LostUpdate, "A write /a"},
		{"A create a; A create b; A fsync a; A crash; end; F stat a -> ENOENT; F stat b -> 0", model.NothingLost, model.DurabilityViolation, "A create /a"},
		{two + "A write a[0]=5; B read a -> 50; A crash; end; F read a -> 00", model.Linearizable, model.LostUpdate, "A write /a"},
		{fileA + "A rename a b; A crash; end; F stat b -> ENOENT; F stat a -> ENOENT", model.NothingLost, model.LostFile, ""},
	} {
		v := checker.New(0, c.rung)(brute.History(c.history))[0]
		if v.Outcome != model.Violated || v.Anomaly != c.want {
			t.Errorf("%v %q, want %q\n%s\n%s\n%s", v.Outcome, v.Anomaly, c.want, c.history, v.Proof[0], v.Proof[1])
		} else if !strings.Contains(v.Proof[0]+v.Proof[1], c.proof) || c.want == model.DurabilityViolation && !strings.Contains(v.Proof[1], " answered ") {
			t.Errorf("the proof does not speak of %q\n%s\n%s\n%s", c.proof, c.history, v.Proof[0], v.Proof[1])
		}
	}
}
