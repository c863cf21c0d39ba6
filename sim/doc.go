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
// written as straight-line code: every block read, write, flush, lock or message
// is a place where another host may run.
//
// # What a world is
//
// One disk, up to 16 hosts with a port and a buffer cache each, cluster-wide
// locks, clocks, messages and daemons, and a scheduler that runs one step at a
// time on a pooled coroutine. A step runs to its end unless a hold stops it or it
// waits; then what can run does, oldest first. If it still waits, the oldest hold
// is cut short, and if there is none time passes, up to a limit. While a fault is
// outstanding that a later step can end, no hold is cut, and a step that still
// waits after a while is left to wait. The run ends with every fault healed
// and every host unmounted in the Program's order, then a closing observer mounts
// the disk and looks at every name.
//
// # Faults
//
// A crash takes a host's memory and everything it has under way: its coroutines
// are unwound by a private panic at the call of the host where they stand, and
// what it had on its way to the disk lands or not as the Program says. A paused
// host stands still until it is resumed, and then goes on as if nothing had
// happened: the zombie. A fence cuts its port from outside. A strike is a fault of
// one command or message, with the address of a hold (address.go). None of it is
// random: everything stands in the Program.
//
// A design that panics, calls its host without end, uses a block outside the
// disk or waits for ever is a [model.Defect] of the run, never a crash of the
// harness. A design that loops without calling its host cannot be stopped from
// inside: a watchdog outside this package has to.
package sim
