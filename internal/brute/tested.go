package brute

import "github.com/doublemount/doublemount/model"

// LadderCase is a history with the answers that an engineer expects on the four
// rungs of [Ladder], as "-+++": violated, kept, kept, kept. Files have two blocks
// and views of names may be two ticks old.
type LadderCase struct {
	Text   string // for History
	Want   string
	Source string // what it shows
}

// Ladder is the rungs that a [LadderCase] speaks of.
var Ladder = []model.Guarantee{model.Linearizable, model.CloseToOpen, model.SyncToMount, model.NothingLost}

// twoLong is two files of two blocks of holes.
const twoLong = "C create a; C create b; C truncate a 16; C truncate b 16; C unmount; A mount; B mount; "

// twoOld is two files of one block each.
const twoOld = "C create a; C create b; C write a[0]=8; C write b[0]=9; C unmount; A mount; B mount; "

// LadderCases are, first, the counterexamples that earlier wordings of the rules
// failed on, in the order in which they were found: a host's own writes, host
// order and components, reference systems, completeness, crashes, prefixes. Then
// what close-to-open adds to them.
var LadderCases = []LadderCase{
	{twoBlocks + "A write a[0]=5; A read a -> 50; B remount; B read a -> 00; end; F read a -> 50", "--++", "to read an own write does not publish it"},
	{twoBlocks + "A open a f1; A write f1[0]=5; A read f1 -> 50; B open a f1; B read f1 -> 00; end; F read a -> 50", "-+++", "the same through handles: every NFS client does it"},
	{emptyFile + "A rename a b; A unlink a -> ENOENT; B remount; B stat a -> 0; end; F readdir / -> b", "--++", "the same through a failed operation"},
	{twoBlocks + "A open a f1; B open a f1; B write f1[1]=6; B close f1; A write f1[0]=5; A read f1 -> 50; end; F read a -> 56", "-+++", "own new block beside another's old one"},

	{twoLong + "A read a -> 00; A write b[1]=1; A read a -> 00; B read c -> ENOENT; B remount; B read b -> 00; end; F read b -> 01", "--++", "no order of one host across objects"},
	{twoLong + "A write a[0]=5; A write b[0]=6; A fsync b; A crash; B read a -> 00; B read b -> 60; end; F read a -> 00", "++++", "an fsync covers its file"},
	{twoLong + "A write a[0]=5; A write b[0]=6; A fsync b; A crash; B read a -> 00; B read b -> 60; B rename b a; end; F read a -> 60", "++++", "a later rename changes nothing of what was before"},
	{"A mkdir d; A rmdir d -> ENOTEMPTY; end; F readdir d -> empty", "---+", "an error that speaks of all names of a directory"},
	{emptyDir + "B create d/x; A rmdir d -> ENOTEMPTY; end; F readdir d -> x", "++++", "the same, with a reason"},

	{twoBlocks + "A write a[0]=1; A write a[1]=3; A crash; A mount; A read a -> 03; end; F read a -> 03", "++++", "pages are written back in any order"},
	{emptyFile + "B stat a -> 0; A unlink a; A create b; A write b[0]=7; A sync; B read a -> 7; end; F read b -> 7", "---+", "a read-only mount of a writer that reuses inodes"},
	{twoBlocks + "A write a[1]=1; B write a[0]=2; end; F read a -> 20", "----", "false sharing of a file of two blocks"},
	{"A create a; A write a[0]=1; B create a; B write a[0]=2; end; F read a -> 2", "----", "a file replaced by another host's of that name"},
	{emptyFile + "A write a[0]=5; B write a[0]=6; B sync; A sync; end; F read a -> 5", "--++", "last sync wins, on an object of one block"},
	{emptyFile + "A append a=5; B append a=6; end; F read a -> 6", "--++", "below linearizable an append writes where its host's view ends"},
	{emptyFile + "A open a f1; B open a f1; A append f1=5; B append f1=6; end; F read a -> 6", "-+++", "... which on an NFS client is as old as the open"},

	{"A create a; B create a; end; F stat a -> 0", "----", "two exclusive creates"},
	{"A create a | B create a; end; F stat a -> 0", "----", "two exclusive creates that overlap"},
	{twoBlocks + "A write a[0]=5; A unmount; B remount; B write a[0]=6; B unmount; F read a -> 50", "----", "lost update without overlap"},
	{"A create a; A unmount; B remount; B unlink a; B unmount; F stat a -> 0", "----", "resurrected file"},
	{emptyFile + "A rename a b; B rename a c; end; F readdir / -> c", "----", "one file renamed twice"},
	{emptyFile + "A unlink a; all tick 3; B stat a -> 0; end; F stat a -> ENOENT", "--++", "a phantom beyond the ticks that a view may be old"},
	{emptyFile + "A unlink a; all tick 1; B stat a -> 0; end; F stat a -> ENOENT", "-+++", "... and within them"},
	{emptyFile + "B create a; A unlink a; A sync; end; F stat a -> 0", "---+", "a success explained by the future"},
	{"A create a; B write a[0]=5; A crash; end; F stat a -> ENOENT", "----", "a crash undoes the file of another host's write"},
	{twoBlocks + "A write a[0]=5; A fsync a; A crash; end; F read a -> 00", "----", "a synced write undone"},
	{twoBlocks + "A write a[0]=5; B read a -> 50; A crash; B read a -> 00; end; F read a -> 00", "---+", "not synced, seen by another host, gone"},
	{twoBlocks + "A write a[0]=5; A fsync a; B remount; B read a -> 50; B remount; B read a -> 00; end; F read a -> 00", "----", "synced, seen, gone"},
	{"A create a; A sync; end; F stat a -> ENOENT", "----", "lost file"},
	{"A create a; A write a[0]=1; A sync; B create b; B write b[0]=2; end; F read a -> 2; F read b -> 2", "----", "cross-linked bytes"},
	{emptyFile + "A rename a b; end; F readdir / -> a b", "----", "both names after a rename"},
	{emptyFile + "A rename a b; end; F readdir / -> empty", "----", "neither name after a rename"},
	{twoBlocks + "A write a[0]=5; B open a f1; B read f1 -> 00; end; F read a -> 50", "--++", "a stale read after open"},
	{twoBlocks + "A write a[0]=5; A read a -> 00; end; F read a -> 50", "---+", "own write not seen"},
	{emptyFile + "A unlink a; B unlink a; end; F stat a -> ENOENT", "---+", "both deletes succeed"},
	{twoBlocks + "A write a[0]=5; A read a -> 50; A crash; end; F read a -> 00", "++++", "own reads of own data that an own crash loses"},
	{twoBlocks + "A write a[0]=5; B stat a -> 16; A crash; end; F read a -> 00", "++++", "data on which no other host's result rested"},
	{twoBlocks + "A write a[0]=5; A fsync a -> EIO; B remount; B read a -> 00; end; F read a -> 50", "--++", "an fsync that fails publishes nothing"},
	{twoBlocks + "A open a f1; A write f1[0]=5; A fsync f1 -> EIO; B remount; B read a -> 00; end; F read a -> 50", "-+++", "the same of a handle that is open"},
	{twoBlocks + "A write a[0]=5; A fsync a -> EIO; A crash; end; F read a -> 00", "++++", "... and saves nothing"},

	{twoBlocks + "A write a[0]=1; A write a[1]=2; A fsync a; A crash; end; F read a -> 12", "++++", "two writes, an fsync, a crash"},
	{twoBlocks + "A write a[0]=1; A write a[1]=2; A fsync a; A crash; end; F read a -> 10", "----", "... which undoes one of them"},
	{twoBlocks + "A write a[0]=1; A write a[1]=2; A crash; end; F read a -> 02", "++++", "the later of two writes survives"},
	{"A create a; A create b; A fsync a; A crash; end; F readdir / -> a", "++++", "another name of the directory is lost"},
	{"A create b; A create a; A fsync a; A crash; end; F readdir / -> a", "++++", "in either order"},
	{emptyFile + "A rename a b; A crash; end; F readdir / -> a", "++++", "a rename, undone"},
	{emptyFile + "A rename a b; A crash; end; F readdir / -> b", "++++", "a rename that survives"},
	{emptyFile + "A rename a b; A crash; end; F readdir / -> a b", "----", "half of a rename"},
	{emptyFile + "A rename a b; A crash; end; F readdir / -> empty", "----", "the other half"},
	{"A create t; A write t[0]=5; A rename t a; A crash; end; F read a -> nothing; F stat t -> ENOENT", "++++", "a file replaced by an empty one: delayed allocation"},
	{"A create t; A write t[0]=5; A fsync t; A rename t a; A crash; end; F read a -> nothing; F stat t -> ENOENT", "----", "... which an fsync forbids"},
	{twoBlocks + "A open a f1; A write f1[0]=5; B open a f1; B read f1 -> 00; A crash; end; F read a -> 50", "-+++", "a write not closed, read before it took effect, survives"},
	{twoBlocks + "A open a f1; A write f1[0]=5; B open a f1; B read f1 -> 00; A crash; end; F read a -> 00", "-+++", "... or does not"},
	{twoBlocks + "A write a[0]=1; B write a[1]=2; A crash; end; F read a -> 02", "++++", "a crash undoes its own host's write"},
	{twoBlocks + "A write a[0]=1; B write a[1]=2; A crash; end; F read a -> 10", "----", "... and never another's"},
	{twoBlocks + "A write a[0]=1; B write a[1]=2; B crash; end; F read a -> 10", "++++", "the other host crashes"},
	{"A create a; B write a[0]=5; B fsync a; all power-loss; A mount; B mount; end; F stat a -> ENOENT", "----", "a power loss keeps what synced data need"},
	{"A create a; B write a[0]=5; all power-loss; A mount; B mount; end; F stat a -> ENOENT", "++++", "... where nothing is synced it may undo all"},
	{twoBlocks + "A write a[0]=5; B read a -> 50; all power-loss; A mount; B mount; end; F read a -> 00", "++++", "also what another host had seen: its memory is gone too"},
	{"A create a -> pending { A crash }; B remount; B stat a -> ENOENT; B stat a -> 0; end; F stat a -> 0", "---+", "absent after the crash, then present: a zombie"},
	{"A create a; B create a; A crash; end; F stat a -> 0", "--++", "a crash does not excuse the double create before it"},
	{twoBlocks + "A write a[0]=5; B read a -> 00; A crash; end; F read a -> 00", "--++", "nor the stale read before it"},
	{"A open a f1; A write f1[0]=5; A crash; end; F stat a -> ENOENT", "---+", "a write to a file that never was, which a crash undoes"},
	{"A open a f1; A write f1[0]=5; end; F stat a -> ENOENT", "----", "... or not"},
	{twoBlocks + "A write a[0]=5; A crash; B remount; B read a -> 00; A mount; A unmount; end; F read a -> 50", "---+", "a write that comes back after the crash that undid it"},

	{"A rename a b; B create a; B remount; B crash; end", "---+", "a rename explained by what was called after it"},
	{emptyFile + "B create a", "---+", "a create cut before what would explain or excuse it"},

	{"B stat a -> ENOENT; A create a; all tick 1; B stat a -> ENOENT; end; F stat a -> 0", "-+++", "a negative entry"},
	{"B stat a -> ENOENT; A create a; all tick 2; B stat a -> ENOENT; end; F stat a -> 0", "--++", "a negative entry that is too old"},
	{"B stat a -> ENOENT; A create a; B tick 1; A tick 1; B stat a -> ENOENT; B tick 1; B stat a -> 0; end; F stat a -> 0", "-+++", "another host's ticks do not count"},
	{emptyFile + "A append a=5; B stat a -> 0; B read a -> 5; end; F read a -> 5", "-+++", "an old size in attributes, the new one in data"},
	{emptyFile + "A append a=5; B read a -> nothing; end; F read a -> 5", "--++", "where a read ends is data"},
	{emptyFile + "B stat a -> 0; A append a=5; B stat a -> 8; B stat a -> 0; end; F read a -> 5", "---+", "attributes do not go back"},
	{twoBlocks + "B open a f1; A write a[0]=5; B read f1 -> 00; end; F read a -> 50", "-+++", "opened before it was closed"},
	{twoBlocks + "A open a f1; A write f1[0]=5; A fsync f1; B read a -> 00; end; F read a -> 50", "--++", "fsync publishes without a close"},
	{twoBlocks + "A open a f1; A open a f2; A write f1[0]=5; A close f2; B read a -> 00; end; F read a -> 50", "-+++", "the close of another handle publishes nothing"},
	{twoBlocks + "A open a f1; A write f1[0]=5; A close f1 -> EIO; B read a -> 00; end; F read a -> 50", "-+++", "a close that fails publishes nothing"},
	{twoBlocks + "A open a f1; A write f1[0]=5; A write f1[1]=6; B read a -> 06; B read a -> 56; A close f1; B read a -> 56; end; F read a -> 56", "-+++", "blocks become visible in any order before the close"},
	{twoBlocks + "A open a f1; A write f1[0]=5; A close f1; A write a[0]=6; B read a -> 50; end; F read a -> 60", "--++", "an old write, after a newer one was closed"},
	{emptyFile + "B stat a -> 0; A unlink a; A create a; A write a[0]=5; B read a -> nothing; end; F read a -> 5", "-+++", "an old name leads to the old file"},
	{"C mkdir d; C unmount; A mount; B mount; B readdir d -> empty; A create d/x; all tick 2; B readdir d -> empty; end; F readdir d -> x", "--++", "an old listing"},

	// Of two files of one block, "a" with 8 and "b" with 9.
	{twoOld + "A rename a b; B open b f1; B write f1[0]=7; B stat a -> 8; B fsync a; end; F stat a -> ENOENT; F read b -> 8", "-+++", "a write to the file that a rename replaced, by old names, and then an fsync by the old name"},
	{twoOld + "B stat a -> 8; A rename a b; B open b f1; B write f1[0]=7; B stat a -> 8; B fsync a; B stat a -> 8; " +
		"A crash; end B; F stat a -> ENOENT; F read b -> 8", "-+++", "the same with a crash of the host that renamed"},
	{twoOld + "A open b f1; B write b[1]=7; all tick 2; A stat a -> 8; A read f1 -> 9; A rename b a; A stat a -> 16; end; F stat b -> ENOENT; F read a -> 97", "-+++", "a stat of a file whose name another takes later does not age a read of that other"},
	{"C create a; C create b; C write b[0]=9; C unmount; A mount; B mount; " +
		"A stat b -> 8; B rename b c; A read c -> 9; A stat b -> 8; end; F read c -> 9", "---+", "a stat by the old name, after a read by the new one that saw the size"},
	{twoOld + "B rename a c; B rename b c; A read c -> 9; A stat b -> 8; end; F read c -> 9", "---+", "the same where another file was at the new name before"},
	{twoOld + "B rename a c; B rename b c; A read c -> 8; A stat b -> 8; end; F read c -> 9", "-+++", "... of which the read is"},
	{twoOld + "A read b -> 9; B rename a c; B rename b c; B write c[0]=5; B sync; A read c -> 5; A read b -> 9; end; F read c -> 5", "---+", "an old read by the old name, after a new one by the new name"},
}

// VariantCase is a history whose verdict hangs on a variant of a rung.
type VariantCase struct {
	Text      string // for History
	Guarantee model.Guarantee
	Want      bool
	Source    string
}

func variant(g model.Guarantee, change func(*model.Guarantee)) model.Guarantee {
	change(&g)
	return g
}

// Variants of rungs: from when on a change lasts, listings as snapshots, how old
// names may be.
var (
	DurableAtClose  = variant(model.CloseToOpen, func(g *model.Guarantee) { g.Durable = model.DurableClose })
	DurableAtReturn = variant(model.SyncToMount, func(g *model.Guarantee) { g.Durable = model.DurableReturn })
	Snapshots       = variant(model.Linearizable, func(g *model.Guarantee) { g.StrictReaddir = true })
	NoStaleness     = variant(model.CloseToOpen, func(g *model.Guarantee) { g.Staleness = 0 })
	StrictMounts    = variant(model.SyncToMount, func(g *model.Guarantee) { g.StrictReaddir = true })
	StrictReturn    = variant(model.Linearizable, func(g *model.Guarantee) { g.Durable = model.DurableReturn })
)

// VariantCases are what the ladder does not tell apart.
var VariantCases = []VariantCase{
	{twoBlocks + "A open a f1; A write f1[0]=5; A close f1; A crash; end; F read a -> 00", model.CloseToOpen, true, "a close is not durable"},
	{twoBlocks + "A open a f1; A write f1[0]=5; A close f1; A crash; end; F read a -> 00", DurableAtClose, false, "... on NFS it is"},
	{twoBlocks + "A open a f1; A write f1[0]=5; A crash; end; F read a -> 00", DurableAtClose, true, "not closed, not durable"},
	{twoBlocks + "A open a f1; A write f1[0]=5; A close f1 -> EIO; A crash; end; F read a -> 00", DurableAtClose, true, "nor if the close failed"},
	{twoBlocks + "A write a[0]=5; A crash; end; F read a -> 00", DurableAtClose, false, "a write through a name is closed"},
	{"A create a; A crash; end; F stat a -> ENOENT", DurableAtClose, false, "names are durable at return"},
	{"A create a -> pending { A crash }; end; F stat a -> ENOENT", DurableAtClose, true, "not before they return"},
	{"A create a; A crash; end; F stat a -> ENOENT", model.CloseToOpen, true, "... else with an fsync"},
	{twoBlocks + "A open a f1; A write f1[0]=5; A crash; end; F read a -> 00", DurableAtReturn, false, "durable at return, not yet published: it lasts all the same"},
	{twoBlocks + "A open a f1; A write f1[0]=5; B read a -> 00; A crash; B read a -> 50; end; F read a -> 50", DurableAtReturn, true, "... which is no promise to others before"},
	{twoBlocks + "A write a[0]=6; B write a[1]=4; A crash; end; F read a -> 04", DurableAtReturn, false, "the crash does not come before what it must not undo"},
	{emptyFile + "A rename a b; B rename a b; A crash; end; F stat b -> 0", DurableAtReturn, false, "... nor a rename"},
	{twoBlocks + "A write a[0]=5; all power-loss; A mount; end A; F read a -> 00", StrictReturn, false, "over a power loss too"},
	{emptyDir + "B create d/x; A readdir d -> x y { B unlink d/x; B create d/y }; end; F readdir d -> y", model.Linearizable, true, "a listing is a view for each name"},
	{emptyDir + "B create d/x; A readdir d -> x y { B unlink d/x; B create d/y }; end; F readdir d -> y", Snapshots, false, "... or a snapshot"},
	{emptyDir + "B create d/x; A readdir d -> empty { B rename d/x d/y }; end; F readdir d -> y", model.Linearizable, true, "a name that moves behind the listing"},
	{emptyDir + "B create d/x; A readdir d -> empty { B rename d/x d/y }; end; F readdir d -> y", Snapshots, false, "... not in a snapshot"},
	{emptyDir + "B create d/x; A readdir d -> y { B rename d/x d/y }; end; F readdir d -> y", Snapshots, true, "after the rename"},
	{emptyDir + "A create d/x; B create d/y; B readdir d -> y; end; F readdir d -> x y", StrictMounts, true, "an old snapshot with an own name on top"},
	{emptyDir + "A create d/x; A sync; A create d/y; A sync; B readdir d -> y; end; F readdir d -> x y", StrictMounts, false, "no snapshot has the second without the first"},
	{emptyDir + "A create d/x; A sync; A create d/y; A sync; B readdir d -> y; end; F readdir d -> x y", model.SyncToMount, true, "views of names may"},
	{"B stat a -> ENOENT; A create a; B stat a -> ENOENT; end; F stat a -> 0", NoStaleness, false, "names no older than the call"},
	{twoBlocks + "B open a f1; A write a[0]=5; B read f1 -> 00; end; F read a -> 50", NoStaleness, true, "data as old as the open"},
}
