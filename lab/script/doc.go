// Package script makes a shell script of a finding, for people who do not have this
// project: it does again what was done, compares each answer with that of the run
// in which the finding was seen, and says whether it is seen again.
//
// There are two targets and one body. [Directories] is for the hosts of a share:
// the script is given a directory of it for each. [Loop] makes a file system on an
// image and mounts it once for each host.
//
// # What the exit code says
//
// 1: every answer that the verdict rests on was that of the run that was found.
// 0: one was not. 2: nothing is known, since a mount, a tool or an argument failed.
//
// The same operations in the same order with the same answers have the same
// verdict, whoever makes them. So the script needs to know nothing of guarantees,
// and can be right about every anomaly. An answer of a read, a listing or a stat on
// which the verdict does not rest need not be the same ([Finding.Free]): such an
// operation changes nothing, so without it the rest is a history too, and one that
// no order of effects explains stays so when more was seen. What a statfs answers is
// never compared.
//
// Where a step is held, several hosts are at work at once. The record says which step
// was the last that was called before the held one returned. The script notes the
// same, and takes a run for the finding only if the held step returned no later: then
// whatever had to come before something else in the run that was found has to in this
// one. That is chance, so it runs the program again and again.
//
// # How
//
// The body is perl, which Debian and its kin cannot be without: one process for each
// host, which stands in the directory of the run and has the open files. Its system
// calls are those of lab/files: one open for an operation, no stat before it, no
// second look at a name, since any of those could refresh what is stale and hide the
// finding. (There is one more, an fstat of a directory that was just opened to be
// listed.) A shell cannot do that: its tools look at names before they use them, and
// none of them keeps a file open.
//
// The body is an argument of perl and not a here-document, for which some shells
// make a file; and no end that perl can come to by itself is taken for an answer.
package script
