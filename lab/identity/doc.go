// Package identity says what a directory is: which file system, on which disk,
// mounted how and used by whom. It changes nothing, and reads no more than the tables
// of the kernel and, where nothing else tells, the superblock of the device that the
// mount names.
//
// It is asked before anything is written to storage that may be one disk mounted
// twice ([Compare]): a file system that believes to be alone is damaged by any write.
package identity
