// Package cli is the doublemount command. [Main] is all of it, for the designs
// it is given: the command that comes with this module is Main with its own
// designs, and the author of a design has every verb for his with
//
//	func main() { cli.Main(mydesign.Design) }
//
// # The verbs
//
//   - hunt looks for runs that break a guarantee, and writes the smallest of
//     each kind as a case file;
//   - replay runs case files and says whether they still come out as expected;
//   - ladder holds designs to every guarantee;
//   - judge judges a history that was recorded elsewhere;
//   - probe says in a sentence what real hosts share;
//   - agent carries out operations on a real host for hunt, replay and probe;
//   - designs lists what can be hunted.
//
// # Exit codes
//
// 0 clean; 1 a violation found, or a case that does not come out as expected; 2
// bad usage or input, and nothing was done; 3 the harness failed, or a run
// differed from itself; 4 nothing found, but inconclusive, interrupted or weak.
// What a harness that failed has found is printed, and its code is 3.
//
// # Processes
//
// A design can do what no Go program recovers from: loop without calling its
// host, exit, overflow its stack. So designs run in child processes, which are
// this executable once more with DOUBLEMOUNT_WORKER in their environment, as many as
// GOMAXPROCS. A child gets jobs and gives answers, one JSON value a line, on its
// standard input and output. It watches over itself: a run that does not return
// is reported, and the process ends. The parent makes a finding of it, starts
// another child, and gives it the batch again without that run.
//
// Real hosts are in other processes anyway, their agents, so a hunt on them runs in
// this one (live.go).
//
// Batches count in the order of their numbers, and none is left out, so what a
// hunt says depends on how many batches it made and not on the number of
// children.
package cli
