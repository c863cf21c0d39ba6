// Package sim runs a file-system design on simulated hosts that share one disk.
// It is deterministic: the same Program on the same Design gives the same bytes
// of trace, on every machine.
//
// # For the author of a design
//
// A [Design] is a value: how to format the disk, how to mount it on a [Host],
// optionally how to check it. What Mount returns is a [FS]; its optional
// operations are interfaces of one method ([Mkdirer], [Syncer], ...) that are
// found in one trial mount; what a design lacks is not asked of it.
//
// A design keeps no state outside what it puts on its Host and on the disk, and
// takes everything that could make it nondeterministic from the Host. It is
// written as straight-line code: every block read, write, flush or lock is a
// place where another host may run.
//
// # What a world is
//
// One disk, up to 16 hosts with a port and a buffer cache each, cluster-wide
// locks, and a scheduler that runs one step at a time on a pooled coroutine. A
// step runs to its end unless a hold stops it or it waits for a lock; when
// nothing else can run, the oldest hold is cut short. The run ends with every
// host unmounted in the Program's order, then a closing observer mounts the
// disk and looks at every name.
//
// A design that panics, calls its host without end, uses a block outside the
// disk or waits for ever is a [model.Defect] of the run, never a crash of the
// harness. A design that loops without calling its host cannot be stopped from
// inside: a watchdog outside this package has to.
package sim
