package brute

import "slices"

// Case is a history with the answers that an engineer expects: whether it keeps
// linearizable, sync-to-mount and nothing-lost.
type Case struct {
	Text         string // for History
	Lin, S2M, NL bool
	Source       string // what it shows
}

// The disk before A and B mount: a file of two blocks of holes; an empty file; an
// empty directory.
const (
	twoBlocks = "C create a; C truncate a 16; C unmount; A mount; B mount; "
	emptyFile = "C create a; C unmount; A mount; B mount; "
	emptyDir  = "C mkdir d; C unmount; A mount; B mount; "
)

// Cases are the hand-made histories.
var Cases = slices.Concat(firstCases, nameCases, crashCases)

// firstCases are about one name at a time and hosts that never crash, those first
// that earlier wordings of the rules judged wrongly.
var firstCases = []Case{
	{"A create a; A sync; A write a[0]=5; A read a -> 5; B mount; B read a -> nothing; end; F read a -> 5",
		false, true, true, "reading an own write does not publish it"},
	{emptyFile + "A open a f1; A write f1[0]=5; A read f1 -> 5; B open a f1; B read f1 -> nothing; end; F read a -> 5",
		false, true, true, "the same through handles"},
	{emptyFile + "A unlink a; A unlink a -> ENOENT; B remount; B stat a -> 0; end; F stat a -> ENOENT",
		false, true, true, "the same through a failed operation"},
	{twoBlocks + "A open a f1; B open a f1; B write f1[1]=6; B close f1; A write f1[0]=5; A read f1 -> 50; end; F read a -> 56",
		false, true, true, "own new block beside another's old block"},
	{"C create a; C create b; C truncate a 16; C truncate b 16; C unmount; A mount; B mount; A read a -> 00; A write b[1]=1;" +
		"A read a -> 00; B read c -> ENOENT; B remount; B read b -> 00; end; F read b -> 01",
		false, true, true, "no order of one host across objects"},

	{twoBlocks + "A write a[1]=1; B write a[0]=2; end; F read a -> 20",
		false, false, false, "false sharing of a file by two hosts"},
	{emptyFile + "B stat a -> 0; A unlink a; A create b; A write b[0]=7; A sync; B read a -> 7; end; F read b -> 7",
		false, false, true, "a cached name leads to another file's bytes"},
	{"A create a; A write a[0]=1; B create a; B write a[0]=2; end; F read a -> 2",
		false, false, false, "one host's file replaced by the other's of that name"},

	{"A create a; B create a; end; F stat a -> 0", false, false, false, "two exclusive creates"},
	{"A create a | B create a; end; F stat a -> 0", false, false, false, "two exclusive creates at once"},
	{"A create a | B create a -> EEXIST; end; F stat a -> 0", true, true, true, "one of two exclusive creates wins"},
	{twoBlocks + "A write a[0]=5; A unmount; B remount; B write a[0]=6; B unmount; F read a -> 50",
		false, false, false, "lost update without overlap"},
	{"A create a; A unmount; B mount; B unlink a; B unmount; F stat a -> 0", false, false, false, "resurrected file"},
	{emptyFile + "A unlink a; B stat a -> 0; end; F stat a -> ENOENT", false, true, true, "phantom file before the sync"},
	{emptyFile + "A unlink a; A sync; B stat a -> 0; end; F stat a -> ENOENT", false, true, true, "phantom file, no remount"},
	{emptyFile + "A unlink a; A sync; B remount; B stat a -> 0; end; F stat a -> ENOENT", false, false, true, "phantom file after remount"},
	{emptyFile + "B create a; A unlink a; A sync; end; F stat a -> 0", false, false, true, "success explained by the future"},
	{emptyFile + "B create a", false, false, true, "the same, cut before what explains or excuses it"},
	{emptyFile + "A unlink a; B unlink a; end; F stat a -> ENOENT", false, false, true, "both deletes succeed"},
	{"A create a; A sync; end; F stat a -> ENOENT", false, false, false, "lost file"},
	{"A create a; A sync; A unlink a; end; F stat a -> ENOENT", true, true, true, "removed file"},
	{"A create a; A write a[0]=1; A sync; B create b; B write b[0]=2; end; F read a -> 2; F read b -> 2",
		false, false, false, "cross-linked bytes"},
	{emptyFile + "A write a[0]=5; A read a -> nothing; end; F read a -> 5", false, false, true, "own write not seen"},
	{emptyFile + "A write a[0]=5; A sync; B remount; B read a -> nothing; end; F read a -> 5", false, false, true, "stale read"},
	{emptyFile + "A write a[0]=5; B write a[0]=6; B sync; A sync; end; F read a -> 5", false, true, true, "last sync wins"},
	{emptyFile + "A write a[0]=5; A sync; B write a[0]=6; B sync; end; F read a -> 5", false, false, false, "synced write lost to an older one"},
	{"A create a; A write a[0]=5; A unmount; B mount; B read a -> 5; B write a[0]=6; B unmount; F read a -> 6",
		true, true, true, "clean hand-over"},

	{twoBlocks + "A write a[0]=5; A write a[1]=6; B read a -> 06; end; F read a -> 56", false, true, true, "blocks reach others in any order"},
	{twoBlocks + "A write a[0]=5; A write a[0]=6; B read a -> 50; B read a -> 60; end; F read a -> 60", false, true, true, "old, then new"},
	{twoBlocks + "A write a[0]=5; A write a[0]=6; B read a -> 60; B read a -> 50; end; F read a -> 60", false, false, true, "new, then old"},
	{twoBlocks + "A write a[0+16]=5 { B read a -> 50 }; end; F read a -> 55", false, true, true, "a read that fills block by block"},
	{twoBlocks + "A write a[0+16]=5; end; F read a -> 50", false, false, false, "torn write"},
	{emptyFile + "A append a=5; B append a=6; end; F read a -> 56", true, true, true, "appends one after the other"},
	{emptyFile + "A append a=5; B append a=6; end; F read a -> 6", false, true, true, "appends at one offset"},
	{emptyFile + "A append a=5; A sync; B remount; B append a=6; end; F read a -> 6", false, false, false, "append over a synced append"},
	{emptyFile + "B truncate a 8; A append a=5; end; F read a -> 0", false, false, false, "an append behind a truncate that comes after it"},
	{emptyFile + "A append a=5 { B truncate a 8 }; end; F read a -> 0", false, false, false, "the same, overlapping"},
	{emptyFile + "A append a=5; A append a=6; end; F read a -> 6", false, false, false, "append over an own append"},
	{emptyFile + "B append a=5; A read a -> 5; A stat a -> 0; B truncate a 0; end; F stat a -> 0",
		false, false, true, "a size that goes back"},
	{"C create a; C write a[0]=5; C unmount; A mount; B mount; A open a f1; A append f1=2; A read f1[0] -> 2; end; F read a -> 52",
		false, false, true, "own append seen where it is not"},

	{"A create a; A fsync a; B mount; B stat a -> ENOENT; end; F stat a -> 0", false, false, true, "fsync publishes the name too"},
	{"A create a; A create b; A fsync b; B mount; B stat a -> ENOENT; B stat b -> 0; end; F stat a -> 0",
		false, true, true, "fsync of another file publishes nothing"},
	{emptyFile + "A write a[0]=5; A fsync a; B write a[0]=6; end B A; F read a -> 5", false, false, false, "a write after an fsync is lost"},
	{emptyFile + "A write a[0]=5; A sync -> EIO; B remount; B read a -> nothing; end; F read a -> 5",
		false, true, true, "an event that fails publishes nothing"},

	{emptyDir + "A rmdir d -> ENOTEMPTY; end; F readdir d -> empty", false, false, true, "not empty, but empty"},
	{emptyDir + "B create d/x; A rmdir d; end B A; F stat d -> ENOENT", false, false, false, "directory removed over another's file"},
	{emptyDir + "A create d/x; B readdir d -> empty; B readdir d -> x; end; F readdir d -> x", false, true, true, "listings, old and new"},
	{emptyDir + "A create d/x; B readdir d -> x y; end; F readdir d -> x", false, false, true, "a listed name that nobody made"},
	{"A create a; B readdir / -> ENOENT; end; F stat a -> 0", false, false, true, "no root directory"},
	{"A mount; B mount; B stat / -> 8; end", false, false, true, "the root directory is a file"},
	{"A create a; A unlink a; end; F readdir / -> ENOTDIR", false, false, false, "no root directory at the end"},
	{emptyFile + "A open a f1; A write f1[0]=5 -> ENOTDIR; end; F stat a -> 0", true, true, true, "an error that a handle cannot have because of names"},
	{emptyFile + "A open a f1; A write f1[0]=5 -> ENOENT; end; F stat a -> 0", false, false, true, "a handle's file is said to be missing"},
	{emptyDir + "A create d/x { B rmdir d } ; end; F stat d/x -> ENOENT", false, false, false, "file made in a removed directory"},
	{emptyDir + "A create d/x -> ENOENT { B rmdir d } ; end; F stat d/x -> ENOENT", true, true, true, "directory gone before the create"},

	{"A create a -> pending; B stat a -> 0; end B; F stat a -> 0", true, true, true, "a pending create that happened"},
	{"A create a -> pending; B stat a -> ENOENT; end B; F stat a -> ENOENT", true, true, true, "a pending create that did not"},
	{"A create a -> pending; B stat a -> 0; B stat a -> ENOENT; end B; F stat a -> 0", false, false, true, "a pending create seen and gone"},
	{emptyFile + "A unlink a | B read a -> nothing; end; F stat a -> ENOENT", true, true, true, "read of a file while it is removed"},
	{emptyFile + "B open a f1; A unlink a; B write f1[0]=5; B read f1 -> 5; end; F stat a -> ENOENT", true, true, true, "open file removed"},

	{twoBlocks + "A write a[0]=5; A write a[0]=6; end; F read a -> 50", false, false, false, "own older write on top"},
	{"A create a; A unlink a; end; F stat a -> 0", false, false, false, "own older create on top"},
	{twoBlocks + "A write a[0]=5; A write a[1]=6; B read a[1] -> 6; B remount; B read a[0] -> 0; end; F read a -> 56",
		false, true, true, "two blocks written by one host, the later one first"},
	{emptyFile + "A write a[0]=5; A create b; B stat b -> 0; B remount; B read a -> nothing; end; F read a -> 5",
		false, true, true, "a name before older data"},
	{emptyFile + "A open a f1; A write f1[0]=5; A fsync a; B remount; B read a -> nothing; end; F read a -> 5",
		false, false, true, "fsync through the name publishes a write through a handle"},
	{emptyFile + "A open a f1; A write a[0]=5; A fsync f1; B remount; B read a -> nothing; end; F read a -> 5",
		false, false, true, "fsync through a handle publishes a write through the name"},
	{emptyFile + "A open a f1; A remount; A read f1 -> nothing", false, false, true, "a handle that outlives its mount"},
	{"A create a; B create a; B sync; B stat a -> 0", false, true, true, "an unpublished change may have no effect"},
	{"A create a; B create a; B sync; B stat a -> 0; A sync", false, false, false, "... a published one may not"},
}
