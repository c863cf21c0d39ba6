// Package doublemount tests file systems whose hosts share one disk. It lets
// simulated hosts work on the disk of a design, judges what they saw against
// what the design promises, and makes what goes wrong small.
//
// There are two doors to one engine. In a test:
//
//	func TestMyDesign(t *testing.T) {
//		doublemount.Run(t, mydesign.Design, doublemount.Hosts(2), doublemount.Guarantees(model.Linearizable))
//	}
//
// and [Check] anywhere else. A design is a [sim.Design]; package
// examples/notebook is a small one to start from, and an author's own command
// with every verb is one call of cli.Main.
//
// # What is judged
//
// The guarantees asked for, or the one that the design declares, and always the
// axes of [model.Axes]: space, structure, progress. A run that a judge cannot
// decide within its limit of steps is counted and printed as inconclusive; it
// is never taken to be held.
//
// # Cases
//
// A finding is written as a case: a text file that replays without a seed. Case
// files in testdata/doublemount are replayed first in every test of their
// design, so committing one makes it a regression test.
//
// # Environment
//
//	DOUBLEMOUNT_REPLAY=file   a test replays this case and does nothing else
//	DOUBLEMOUNT_RUNS=n        the number of runs a test makes, over the option and -short
//	DOUBLEMOUNT_HANG=30s      how long one run may take before it counts as a hang
//
// # Runs that do not come back
//
// A design that loops without calling its host cannot be stopped. The work
// therefore goes on in a goroutine of its own; when one run makes no progress
// for 10 s that goroutine is abandoned, the Program is reported as a hang, and
// nothing more is run. An abandoned goroutine uses a processor until the
// process ends. This is the only answer that depends on a clock.
//
// # Not here
//
// Importing this package registers the flags of pgregory.net/rapid with package
// flag, as every user of rapid does. It reads no other flag but -short and
// -artifacts of go test.
package doublemount
