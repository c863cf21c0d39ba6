// Package files carries out operations on real files: it is what a program on
// one host can do below one directory, through [os.Root], and how what it read
// and wrote is put into the model's words. Every real host of this project works
// through it, in the same process (lab/dir) or in another one (lab/agent).
//
// # What is real
//
// Every operation is carried out by the file system. On Unix each is one system
// call on its last name, so that no other host can come between a look and the
// operation: a rmdir is the kernel's, an append is written with O_APPEND.
// Elsewhere this package must look before it removes, renames or links, and says
// so. Nothing outside of the directory is reached, whatever links lie in it.
//
// Direct reads and writes are O_DIRECT, on Linux, where the file system takes it
// in blocks of eight words: with the largest words on every one that has it at
// all.
//
// A lock of the whole file is flock(2), one of words is fcntl(2)'s open file
// description lock, which only Linux has ([Ranges]). They are two kinds
// ([model.Run].LocksApart).
//
// # What is not
//
// Handle slots are bookkeeping: a used slot answers EMFILE and an empty one
// EBADF before the file system is asked.
package files
