// Package mounts starts shared file systems of other people on this machine, with
// two hosts that have a mount each, so that they can be probed and hunted on:
// sshfs, GlusterFS, rclone and the like, from Debian's packages.
//
// A [System] is a text file in systems/, read by [Parse]: what it is, what it
// documents, and two shell scripts. One starts what the hosts share, the other
// mounts it on one host. Taking down needs no script: [Lab.Close], and
// [github.com/doublemount/doublemount/lab/place.Clean] after kill -9, end every
// process of the lab's network namespace, take away every mount below its private
// directory, and remove that. So there is one way down, and it is tried each time.
//
// # The scripts
//
// They run as root with sh -eu in a network namespace of their own that has only
// a loopback interface, in the private directory. These variables are set and no
// others: W, the private directory, also HOME and TMPDIR; A and B, where the hosts
// see the share; PATH; LC_ALL, which is C; and for the script that mounts H, which
// is A's or B's directory. A script writes below W only, starts no process that
// could leave the network namespace, and needs nothing from outside.
//
// It needs Linux, root and FUSE.
package mounts
