// Package brute is the slow judge that the fast one is held against: it finds
// whether a history keeps a rung of the ladder by trying every order of its
// points. It shares no code with package checker, only the reading of the rules.
//
// # How it judges
//
// First it guesses, in every possible way, what the history does not say: which
// file each successful open, read, write, ... through a path found (any file
// ever created at that path), at which offset each append wrote, and which of
// several causes a failure had (ENOENT of /a/b: no /a, or no /a/b). With a
// guess in hand each operation is a set of points with constant windows: view
// points, where the host's view must show what was answered, and one effect
// point for a change. Then it looks for an order of all points that respects
// the windows and in which every point fits. One good order of one guess is
// enough.
//
// Two things keep that affordable, and tests hold both against the plain
// enumeration: a situation (points done, shared state) that led nowhere is not
// tried twice, and a view point that fits now is taken now, since a view
// changes nothing.
//
// # Readings
//
// Where the rules leave room, this package reads them so:
//
//   - The points of one operation are not ordered among each other, but for: views
//     before the effect, lookups before the data. The data of a handle comes
//     not before the lookups of its open.
//   - The lookups of one failing operation are separate points on every rung, the
//     parent's and the name's too.
//   - A change that is not published may have no effect; then no later change of
//     that host to the same name, block or size has an effect either.
//   - Own changes are laid over a view in the order of their calls, wherever in
//     the order the view points of those changes are.
//   - A host without a mount before the operation has been mounted for ever; Final
//     without a mount mounts at the call of its first operation.
//   - Only successful closes, mounts and unmounts count. A successful use of a
//     handle slot that no open filled is never right.
//   - At nothing-lost too a write through a path finds its file, and an append
//     sees its offset, before the effect: an append behind a truncate that comes
//     after it would be no order. An fsync, or an open, that never finds its
//     file covers no data and is not judged, nor is a write through such a handle
//     that has no effect.
//   - A listing that has a name twice, a read of more words than asked, a write of
//     fewer than none or more than asked, and a rename into itself or onto what is
//     above it that succeeds are never right.
//   - A pending change takes effect whole, or not at all.
//   - Where a read ends, and where an append begins, is data: at close-to-open as old
//     as the open. What a stat says is one view of the name and the size.
//   - A tick of some length is as many ticks, all at its beginning.
//   - A change that is durable before it is published has had its effect when its host
//     crashes: durability would be no promise otherwise.
//   - A listing as a snapshot sees its directory and the names in it at one point, what
//     is above at points of their own.
//
// # Renames and links
//
// Names are flat: a state says for each path what is there, and a renamed
// directory takes the paths below it along. The effect of a rename or link is by
// name, on what is there at that moment; the rules are [model.TwoNamesResult].
//
//   - An error needs its own condition and asks about no other name: ENOTEMPTY of a
//     rename about the new name and one thing in it, ENOENT about the name that is
//     missing and what is above it. A success asks about both names.
//   - Renames and links keep their order with other changes of their host to either
//     of their names; a rename also with changes below them, which it moves. So a
//     link comes after the create and before the unlink of its old name.
//   - An own rename or link on top of a view in which the old name is gone still
//     has what the host found there: a host always sees its own changes. At
//     nothing-lost, where its views are not judged, it is left out.
//   - An fsync covers the changes of its name (of a handle: the one it was opened by,
//     or what renames by its own host made of that; of a link: the new name), and
//     the create and the renames of the file itself, wherever it is by then. It
//     does not cover the renaming of a directory above it.
//
// # Crashes
//
// A crash, a fence and a power loss are a cut: a point in the order, where some
// changes are undone. The state after it is that of the same order without them.
// It is tried for every set of changes, and for every set of blocks of a write or
// an append. An fsync is a point of its own, before which a change has to take
// effect to be covered, unless it is its own host's, called after the change had
// returned.
//
//   - What was called before the cut of its host and had not returned is pending,
//     and cut off there; if it answered, after a fence, an error that no rung judges
//     (EIO), it is pending too, and if another error, nothing. What a fenced host
//     calls after that, up to its next mount, is as if never called.
//   - A fence undoes as a crash does: what the host had only in memory is gone.
//   - An operation of another host keeps its result if its views still fit, for
//     whatever cause; of one that the cut falls into, those before it. Of a change of a file's content that is: it finds the same
//     file. Of a name change: its effect succeeds.
//   - The surviving changes of the crashed host keep their effects; their views count
//     only if they are covered. So a write can survive the rename of the name it came
//     through, but not if it was synced.
//   - An append stays at the offset where it was, whatever is undone before it, and
//     that its offset came from another host's append keeps that from nothing.
//   - A change of a file's content never survives the create of the file, and none
//     takes effect after that was undone.
//   - What survived the crash or fence of its host is not undone by another one, but
//     by a power loss it may be: it can be in the disk's cache. What survived a power
//     loss stays.
//   - A crash that is pending itself, in a history cut short, may have happened.
//
// # What is not here
//
// Capacity, fsck and progress; locks have a judge of their own (locks.go); Ordered
// and Except of a guarantee. Histories are expected to be small: time grows
// exponentially with the operations that may be reordered, and with the changes
// that a crash may undo.
//
// The package also makes histories: [History] from text, [Cases], [LadderCases] and [VariantCases] by hand,
// [Enumerate] all of a bound, [Random] and [Mutate] by chance.
package brute
