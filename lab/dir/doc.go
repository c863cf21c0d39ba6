// Package dir runs Programs on plain directories: every host works in the same
// directory of this machine's file system.
//
// All hosts then share one kernel and one cache, so this Runner keeps every
// guarantee that the machine's file system keeps. It is the control of an
// experiment, the proof that the harness blames nobody by itself, and the way
// to hold [model.FS] against a file system that other people wrote. It needs no
// privileges.
//
// # What is real
//
// Every operation is carried out by the file system, through package files, in a
// fresh directory that is removed afterwards. Nothing outside of it is touched.
//
// # What is not
//
// Mounts are bookkeeping: an unmount closes the host's handles, a mount allows
// operations, a reboot does both. There
// are no holds: steps run one after another. Not supported, and answered as
// skipped, are statfs (a directory has no size of its own), writeback and
// refresh (the kernel's cache is not ours), and faults: nobody's machine is
// crashed here.
package dir
