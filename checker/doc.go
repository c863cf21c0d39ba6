// Package checker turns a [model.Run] into verdicts: which guarantees it kept,
// which it broke, by which two facts that contradict each other; and with
// [Explain] which block write was to blame.
//
// # How a rung of the ladder is judged
//
// A history keeps a guarantee if one order of effects explains it. A change has
// an effect point between its call and its publish; what an operation saw, it
// saw at view points between its refresh and its return. What publish and
// refresh are is all that makes one rung differ from another (refresh.go,
// [model.Guarantee]). Where names and words may be of different age, as at
// close-to-open, a read has a view of each: what it says of where its file ends
// counts as words, and so does the offset of an append; the size that a stat
// answers is an attribute of the name.
//
// The history is divided into components: names of the root directory with what
// is below them, and those together that a rename or link joins (parts.go). Names
// are closed under renames of directories (names.go). Each component becomes a
// list of items with windows (compile.go, atoms.go, moves.go) over a flat state
// (state.go). Then (search.go):
//
//  1. a greedy pass takes every observation as soon as it fits, and a change
//     when something needs it or its window closes. If that explains
//     everything, it is a proof, and nothing else is done;
//  2. else Porcupine searches. Only changes and the choice of a file by its
//     name are branched on: an observation that fits is never reconsidered,
//     since taking it early cannot hurt what comes later, and a change waits
//     while the next moment can come without it. Where it could hurt, since it is
//     not known yet whether it is of the same file as what the host saw before,
//     that file is guessed (sights.go, files.go).
//
// The limit of a search is a count of steps. When it is reached the answer is
// inconclusive, never held.
//
// # Crashes, power losses and fences
//
// Each ends the windows of its hosts' changes, and may undo those that nothing
// covers: of a write any of its blocks, of anything else the whole. Without them
// every operation before keeps its result, but for the observations of the hosts
// that it is of. Which are undone is guessed before a search (guess.go): first
// nothing, then what the observations afterwards suggest, then sets that differ in
// one thing from the one with which the search came furthest, until every set has
// been tried; those aside of which it is known before that they explain nothing
// more (sieve.go). A state has a world for each way in which an operation has to be
// right (undo.go, worlds.go). These are the readings of the rule:
//
//   - An fsync covers the content of its file, the making and renaming of that
//     file, and every change of the name that it is called for, or of a handle the
//     name that its host's renames have given it. What another host had changed it
//     covers if that had taken effect when it was called.
//   - A change that another host built on is not undone: its lookups lead to the
//     same file without what is undone. Data of the crashed host can survive the
//     name that it was written through, unless it is durable, but not its file.
//   - An append stays where it was written; what was before it and is undone leaves
//     a hole.
//   - What survived the crash of its host can be lost in a power loss or disk reset
//     after it, as it may still have been in the disk's cache; nothing else undoes
//     it. Of a host that goes on, a disk reset excuses nothing: it has to write again.
//   - A fence is a crash, until its host mounts again: what a fenced host answers
//     is excused and has no effect. What was under way may have had its effect.
//   - A change that fails with an error that does not tell (EIO, ESTALE, ETIMEDOUT:
//     [model.Errno.Uncertain]), or in its close, may have had its effect, or not; of a
//     write any of its blocks.
//   - An error that the name rules do not have for an operation of that kind with such
//     paths, and EPERM, say nothing of names (tells.go).
//
// # Verified and not verified
//
// Verified: names, types, sizes and contents of files as every host saw them,
// on the rungs linearizable, close-to-open, sync-to-mount and nothing-lost and on
// those that a user builds ([model.Guarantee]), also over crashes, power losses and
// fences; space (capacity.go); what the design's own fsck says;
// that operations return and fail only with errors that their callers or faults
// can have caused (axes.go, progress.go).
//
// Verified where a guarantee asks for it: readdir as one snapshot (StrictReaddir,
// else it is one view for each name), and that a crash undoes a host's changes of
// names as a suffix, as a journal does (Ordered).
//
// Not verified: the sizes of directories, times, link counts, the free space that
// a host reports while others work, results of close, sync and writeback, EBADF and
// EMFILE (an answer that a handle is not open, or none is free), and results of
// the operations that a guarantee excepts (Except), as its name says.
//
// Inconclusive, besides a search that reaches its limit: a component of which 2048
// sets of undone changes have been tried, and there are more; with changes that more
// than three crashes at a time threaten; with more names than are followed through
// its renames.
package checker
