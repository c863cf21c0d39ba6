// Package disk is the one shared block device, as a pure state machine: ports
// with incarnations, block versions and their provenance, a volatile cache,
// reservations. It starts nothing, waits for nothing, draws nothing at random and
// keeps no clock; whoever is concurrent serialises, and whoever injects faults
// chooses.
//
// A host reaches the disk through a port. [Disk.Submit] takes a command and
// gives a [Ticket], [Disk.Complete] carries it out: between the two a scheduler
// may keep the command back, which is how a hold stops a step at its n-th
// write. [Disk.Attach] makes a new incarnation of a port and [Disk.Cut] ends one;
// commands of an ended incarnation never land, so a dead mount's late writes
// cannot reach the disk.
//
// Every write makes a new version of its block, and the disk remembers which
// version each incarnation last read or wrote. So the [Result] of a write says
// what it was built on and what it destroyed. That pair, and nothing that a
// design declares about itself, is how causes are found.
//
// # Modelled
//
// Each of these is held against tables with sources or against a second, slow
// model, under random commands:
//
//   - Commands of several blocks. A block is atomic, several are not: what the
//     death of its host catches in flight, [Disk.Abort] tears.
//   - A volatile write cache, flush and FUA. [Disk.PowerLoss] lets any subset of
//     the unflushed writes survive, in any order: a cache orders nothing.
//   - Compare-and-write, atomic on all its blocks.
//   - Reservations of NVMe and SCSI-3: six types, registrants, preemption,
//     persistence through power loss. A reservation is checked when a command is
//     submitted; what was accepted before a plain preempt still lands, as on a
//     real disk it may, and preempt-and-abort is what stops it.
//   - Media errors, lost and misdirected commands: [Fate].
//
// # Not modelled
//
//   - Two commands of several blocks interleaving: one that completes does all
//     its blocks at once. Nor is a read torn by a write.
//   - Write-zeroes and discard, bit rot (write other bytes instead), commands
//     that fail after they have landed (complete one and report an error).
//   - Unit attentions and reservation notifications: a host that was preempted
//     learns of it from its next command, or a report.
//   - Several paths of one host, and SCSI's REGISTER AND MOVE.
//   - Time: no command times out.
//
// Not verified: nothing here was compared with a real device. The rules of
// reservations were read in the standards' tables as quoted by Linux's targets
// (SCSI: target_core_pr.c, which cites SPC-4 revision 17; NVMe: nvmet's pr.c),
// SPDK's NVMe-oF target, the UNH-IOL conformance tests and vendors' manuals;
// where those programs differ from each other the text of the standard decides,
// and reservation.go lists where the two standards do.
package disk
