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
//     file covers no data and is not judged.
//   - A listing that has a name twice, a read of more words than asked, and a
//     write of fewer than none or more than asked are never right.
//   - A pending change takes effect whole, or not at all.
//
// # What is not here
//
// Crashes, fences, renames, links, capacity, fsck and progress. Histories are
// expected to be small: time grows exponentially with the operations that may
// be reordered.
//
// The package also makes histories: [History] from text, [Cases] by hand,
// [Enumerate] all of a bound, [Random] and [Mutate] by chance.
package brute
