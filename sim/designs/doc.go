// Package designs holds the file-system designs that come with doublemount.
//
// All of them are one file system ([volume], with a real on-disk format: see
// format.go) under different rules about what a host may keep in memory and
// when it must write. Those rules, a [protocol] of a page each, are all that
// tells a design that loses files from one that does not:
//
//   - local.go: each host caches and writes back as if it were alone;
//   - writethrough.go: nothing dirty is kept, but what was read is;
//   - local_journal.go: local with a journal (journal.go is what is on the disk,
//     transaction.go what a host has changed since the last commit), right on one
//     host through crashes and power losses;
//   - active_passive.go: local_journal on the one host that has the disk, by a
//     reservation (lease.go);
//   - cluster_lock.go: a lock for each inode, kept while nobody else wants it, and
//     a journal for each host (cluster_access.go is how an operation comes by its
//     locks; package dlm is where they come from);
//   - single.go: a cluster-wide lock around each operation, nothing kept.
//
// A planted bug differs from the right design in one rule: in a protocol of its
// own, or in a value of a struct of rules (journalRules, leaseRules, clusterRules) that the
// right path consults by name. So the right path is never cluttered with it.
package designs
