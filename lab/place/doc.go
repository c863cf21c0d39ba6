// Package place is the private directory of a lab, and everything that a lab
// leaves on a machine: what is mounted below it, the loop devices that are
// attached to files in it, the processes of its network namespace.
//
// The name of the directory is the owner mark. [Clean] goes by nothing else, so it
// undoes what a lab of any kind has left that was killed at any moment, and
// touches nothing of anybody else's. It needs Linux.
package place

import "errors"

// ErrNeeds is wrapped by errors that say what this machine does not have: Linux,
// root, FUSE, loop devices, a tool, a file system in the kernel, memory.
var ErrNeeds = errors.New("this machine cannot run the lab")

// needError is one such error.
type needError struct{ what, hint string }

// Needs is an error that names what is missing and the way out, and wraps
// [ErrNeeds].
func Needs(what, hint string) error { return &needError{what, hint} }

// Error names what is missing, and the way out.
func (e *needError) Error() string { return "the lab needs " + e.what + "\nhint: " + e.hint }

// Unwrap is ErrNeeds.
func (e *needError) Unwrap() error { return ErrNeeds }

// OnlyLinux is the hint where the lab needs Linux.
const OnlyLinux = "it mounts file systems of a Linux kernel; run it there, in a virtual machine if need be"
