// Package model is the vocabulary and the contract that every other package
// shares: what hosts can be told to do, what they answered, and what answers a
// guarantee allows.
//
// # What is here
//
// A [Program] is plain data: [Step] values in start order, each an operation
// (create, write, ...) or an event (mount, writeback, ...) on one host, and
// [Hold] values that say how steps overlap. A [Runner] takes a whole Program
// and gives back a whole [Run]: the history of calls with their results, and,
// where the Runner owns the disk, the trace of every block command. A judge
// turns a Run into one [Verdict] for each [Guarantee] asked.
//
// The sequential specification is [FS]: an ordinary file system on one host,
// with the errors that POSIX and Linux give. Its name rules are one table,
// [NameResult], that the checker reads too.
//
// # What is not here
//
// No behaviour of hosts, disks, caches, faults or searches. Everything is a
// value or a pure function; nothing reads a clock, starts a goroutine or keeps
// global state.
//
// # Units
//
// Offsets, lengths and sizes are counted in words. A word is an eighth of a
// block, whatever the block of a Runner is ([WordsPerBlock]), so one Program
// means the same on a simulated disk with small blocks and on a real file
// system. A word is written whole with the number of its write, so what a read
// returns names the writes that it saw, one byte a word: 0 is a hole, and
// [Garbage] is a word that no write of the Program can have left.
package model
