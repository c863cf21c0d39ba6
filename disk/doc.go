// Package disk is the one shared block device, as a pure state machine: ports
// with incarnations, block versions and their provenance. It starts nothing,
// waits for nothing and keeps no clock; whoever is concurrent serialises.
//
// A host reaches the disk through a port. [Disk.Submit] takes a command and
// gives a [Ticket], [Disk.Complete] carries it out: between the two a scheduler
// may keep the command back, which is how a hold stops a step at its n-th
// write. A block write is atomic. [Disk.Attach] makes a new incarnation of a
// port; commands of an older incarnation never land, so a dead mount's late
// writes cannot reach the disk.
//
// Every write makes a new version of its block, and the disk remembers which
// version each incarnation last read or wrote. So the [Result] of a write says
// what it was built on and what it destroyed. That pair, and nothing that a
// design declares about itself, is how causes are found.
//
// Not modelled yet: a volatile cache, torn multi-block writes, reservations,
// I/O errors.
package disk
