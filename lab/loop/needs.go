package loop

import "errors"

// ErrNeeds is wrapped by the error of [New] and [Clean] for what this machine
// does not have: Linux, root, FUSE, loop devices, a tool, a file system in the
// kernel, memory. The text says which, and a hint how to get it.
var ErrNeeds = errors.New("this machine cannot run the lab")

// needError is one such error.
type needError struct{ what, hint string }

func needs(what, hint string) error { return &needError{what, hint} }

// Error names what is missing, and the way out.
func (e *needError) Error() string { return "the lab needs " + e.what + "\nhint: " + e.hint }

// Unwrap is ErrNeeds.
func (e *needError) Unwrap() error { return ErrNeeds }
