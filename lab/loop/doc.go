// Package loop runs Programs on file systems of this machine's kernel, mounted
// by several hosts on one disk of ours. It needs Linux and root.
//
// # How
//
// The disk is a [disk.Disk] in the memory of this process, which serves it
// through FUSE: one file for each incarnation of a port, with direct I/O. Each
// host is a child process in a mount namespace of its own, and an agent as any other
// ([agent.Serve]), with a file system of its own: it attaches a loop device to its
// file, with direct I/O too, mounts the file system on that, and carries out
// operations below one directory that every host finds there. Each loop device has a
// page cache of its own and each mount its own inodes and journal, so the hosts know
// as little of each other as two machines.
//
// So every block that any host reads or writes comes by here. A command has the
// same address as in the simulator, and can be kept back (a hold), failed, lost
// or torn (a strike, a crash); and every block write has its provenance.
//
// # Events
//
// Sync is syncfs(2); writeback is fsync of one file, or syncfs for all of them;
// refresh drops the kernel's clean caches; a remount is umount and mount on the
// same loop device, a reboot on a new one. A crash cuts the port, kills the
// host's process, and the next mount is of a new incarnation. A pause keeps all
// that the host sends to the disk. After the last step everybody unmounts, an
// observer mounts and looks, and the file system's own checker reads the disk.
//
// # Safety
//
// The process that serves the disk touches none of the mounts, so it can always
// answer them. A host's mounts live in its own namespace and its loop devices
// detach with their last user, so both go when the host's process goes, however
// it does. What is left after kill -9 is a directory, and a FUSE mount on it;
// [Clean] takes those away that nobody holds the lock of. No device, image or
// mount point that this package did not make is ever opened.
//
// # What is not deterministic
//
// A kernel writes back when it likes, and no two runs have the same order of
// block writes. Operations are started one after another, so most histories
// are the same each time; traces and digests are not.
package loop
