// Package dlm is a distributed lock manager for designs whose hosts share a disk:
// the six modes of VMS, conversions, blocking callbacks, lock value blocks, and
// the recovery of what dead hosts leave. It stands for fs/dlm with its cluster
// stack and for o2dlm with o2cb, cut down to what can be argued for on a page.
//
// A host becomes a member with [Join], and takes, converts and gives up locks on
// names with [Node.Lock], [Node.Convert] and [Node.Unlock]. It has at most one
// lock on a name; clients of one host are the file system's business. When it is
// in somebody's way, [Config.Blocked] says so. When a member dies,
// [Config.Recover] runs on another before anything goes on.
//
// # Protocol
//
// One block of the disk says who is a member: for each host which life of it (how
// often it has joined), whether a dead one is still to be recovered, who is the
// master, and the number of the epoch, which grows with every change of members.
// It is only ever changed by a compare-and-write. So members cannot disagree for
// longer than it takes them to look, and the disk, without which a host is no
// use anyway, decides who goes on; there is no vote to split.
//
// Each epoch has one master for all locks: the member that was it before, else
// the one of the lowest number. An epoch begins with nothing granted anew. Every
// member tells the master what it has; the master fences and recovers the lives
// that are gone, then opens the epoch. Members look at the view in each tick, and
// whenever a message of a newer epoch comes.
//
// Every member writes a heartbeat block in each tick and reads the others'. One
// that has not changed for some looks is of a dead host: whoever sees that first
// takes it out of the view. The master also pings its members; those who do not
// answer, though they are alive, are on the other side of a broken network, and
// are taken out too, or, if they are the larger part, the master resets itself.
//
// Messages are datagrams, sent again in each tick until they are answered. Each
// carries its epoch, and one of another epoch is dropped. Requests have numbers
// that grow; the master keeps the last one of each host and name, so that a copy
// is answered again but not carried out again, however late it comes.
//
// # Why no two hosts have what excludes each other
//
//  1. Within an epoch only its master grants, and only what is compatible with
//     all it has granted. What a host makes use of is never more than the master
//     has granted it: on the way up the master is first, on the way down the host,
//     and between PR and CW the host keeps to what both allow.
//  2. Nobody grants in an epoch before all its members have reported. From then
//     on they drop what the last master sends. What they report is what was
//     granted to them and not certainly taken back, so 1 holds at the start.
//  3. Who is not in the view any more has been fenced before anything is granted,
//     so what he still believes to have does not reach the disk. What he had made
//     of it before is made whole by then.
//  4. A recovery is done by the master of an epoch, by one task. A later master
//     begins only after this one has left, when none is under way, or was fenced:
//     all who have gone are fenced before the first of them is recovered.
//  5. A host that sees itself evicted says nothing until it is fenced: what it has
//     is nobody else's before.
//
// What faults do to that:
//
//   - a crash: the heartbeat stops; see 3. Back before anybody noticed, the host
//     takes its own old life out as it joins, and needs no fence, since the machine
//     is new. All hosts at once: the first to come back does the same for all.
//   - a pause, long: like a crash, and the zombie's commands fail when it wakes up;
//     its messages are of an old epoch. The watchdog resets it at last.
//   - a partition: nobody is granted anything by a master out of reach. It ends
//     when it heals or with an eviction, as above.
//   - no way to the disk: no heartbeat, so an eviction; the host itself gives up
//     after as long.
//   - a fence from outside: the same.
//   - messages lost, doubled, late: sent again; known by number and epoch.
//   - a clock that runs ahead: a host may give up another that is alive. That one
//     is fenced, as if it were dead.
//
// # Lock value blocks
//
// Who comes down from PW or EX may leave a value, who goes up gets it. It lives
// as long as anybody has a lock, if only NL. It is not valid after a member died
// that could have changed it, or the master did and no reader was left. Each write
// has a version, so that a request that is asked again in a new epoch does not put
// an old value over a newer one.
//
// Not modelled: ranges, parent locks, PR and CW as alternatives (ALTMODE), the
// demotion of deadlocked conversions, deadlocks over several names (their order
// is the file system's business), a directory of masters, a report of more locks
// than fit into one message. A master keeps its record of a lock that was given up
// until the next epoch.
package dlm
