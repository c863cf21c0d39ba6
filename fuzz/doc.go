// Package fuzz finds Programs that break a guarantee and makes them small.
//
// A [Generator] turns the choices of a [Source] into a [model.Program]: mounts,
// operations of several hosts on few names, events, holds that make steps
// overlap, and faults: those that the Runner survives, narrowed by
// [Options.Faults]. Each run draws which operations and faults it has, and how
// often, so that what is rare in a uniform mix is common in some run (Groce,
// Zhang, Eide, Chen and Regehr, Swarm Testing, ISSTA 2012).
//
// [RunBatch] generates, runs and judges 256 consecutive run numbers and
// minimises what it finds; [Hunt] does batch after batch; a [Campaign] joins
// batches from wherever they were run. [Minimiser] takes everything away from a
// Program that its finding does not need. [Coverage] says what a campaign
// reached, and whether that was enough.
//
// # What is not here
//
// No file system, no judge: a [model.Runner] and a [model.Judge] come from the
// caller. No clock, no process, no goroutine: time limits come as a context,
// and a watchdog sees through [Options.Progress] what is running.
//
// # Determinism
//
// Run number n of a campaign is a function of (capabilities, options, n). A
// batch is a function of its number, and the parts of a [Result] join in any
// order to the same value. So shards cut anyhow and merged say the same, byte
// for byte, as one process that did it all.
package fuzz
