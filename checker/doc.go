// Package checker turns a [model.Run] into verdicts: which guarantees it kept,
// which it broke, by which two facts that contradict each other; and with
// [Explain] which block write was to blame.
//
// # How a rung of the ladder is judged
//
// A history keeps a guarantee if one order of effects explains it. A change has
// an effect point between its call and its publish; what an operation saw, it
// saw at view points between its refresh and its return. What publish and
// refresh are is all that makes one rung differ from another
// ([model.Guarantee]).
//
// The history is divided into components, one for each name in the root
// directory with what is below it (judge.go). Each becomes a list of items
// with windows (compile.go, atoms.go) over a flat state (state.go). Then (search.go):
//
//  1. a greedy pass takes every observation as soon as it fits, and a change
//     when something needs it or its window closes. If that explains
//     everything, it is a proof, and nothing else is done;
//  2. else Porcupine searches. Only changes and the choice of a file by its
//     name are branched on: an observation that fits is never reconsidered,
//     since taking it early cannot hurt what comes later.
//
// The limit of a search is a count of steps. When it is reached the answer is
// inconclusive, never held.
//
// # Verified and not verified
//
// Verified: names, types, sizes and contents of files as every host saw them,
// on the rungs linearizable, sync-to-mount and nothing-lost; space (capacity.go);
// what the design's own fsck says; that operations return and fail only with
// errors that their callers can have caused (axes.go).
//
// Not verified: the sizes of directories, times, link counts, readdir as one
// snapshot (it is one view for each name), the free space that a host reports
// while others work, results of close, sync and writeback. There are no crashes
// yet, so nothing is said about durability.
package checker
