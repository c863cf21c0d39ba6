package disk

import "errors"

// The errors of [Disk.Submit] are mistakes of the caller; those of
// [Disk.Complete] and [Disk.CompleteWith] are answers of the device, and what a
// host's driver would make of them is said here.
var (
	// ErrRange is a block outside the device, or a buffer that is not one block,
	// or not as many as the command says.
	ErrRange = errors.New("outside the disk")

	// ErrDetached is a command of an incarnation that has been cut or replaced.
	// The path to the disk is gone: EIO.
	ErrDetached = errors.New("port detached")

	// ErrAborted is a command that another host's preempt-and-abort ended
	// before it was carried out (NVMe status Command Aborted due to Preempt and
	// Abort, SCSI TASK ABORTED). Nothing of it has happened: EIO.
	ErrAborted = errors.New("command aborted by a preempt")

	// ErrConflict is a command that a reservation forbids, or a reservation
	// command of a host that is not registered or gave the wrong key (NVMe and
	// SCSI: Reservation Conflict). This host is fenced: EBADE in Linux.
	ErrConflict = errors.New("reservation conflict")

	// ErrInvalid is a command with a field that means nothing here (NVMe Invalid
	// Field in Command, SCSI ILLEGAL REQUEST).
	ErrInvalid = errors.New("invalid field in command")

	// ErrUnsupported is a command that this disk does not have (NVMe Invalid
	// Command Opcode, SCSI INVALID COMMAND OPERATION CODE).
	ErrUnsupported = errors.New("command not supported by the disk")

	// ErrMedia is a command that the disk could not carry out: EIO.
	ErrMedia = errors.New("media error")
)
