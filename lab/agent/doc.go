// Package agent is the base of every real host: a process on that host which
// carries out operations below one directory and is told what to do over a pair
// of pipes, so that ssh, docker exec, kubectl exec or a serial port serve as
// transport, and a system call that never returns hangs nobody but it.
//
// [Serve] is the agent. A [Host] is the caller's end of one. A [Runner] executes
// Programs on several of them.
//
// # The protocol
//
// JSON-RPC 2.0 (jsonrpc.org/specification), one object a line, at most
// [MaxLine] bytes, no batches. The methods:
//
//	hello   {session, dirs}       begin a session: what the agent is and can do
//	look                          what the root is: file system, disk, user, free space
//	mount   {dir, make, word}     open a directory below the root anew, or make it
//	do      {kind, path, ...}     one operation; answers when it has returned
//	unmount {detach}              close all handles, sync, close the directory
//	remove  {dir}                 remove a directory that this session's caller had made
//	ping                          answers at once, whatever else hangs
//
// Operations are carried out at the same time and answered in any order. Steps
// and results carry the model's names of kinds and errors, and no numbers that
// differ between systems or versions.
//
// An agent with a [System] mounts and unmounts a file system where others open and
// close a directory: mount {disk, paths, make, word}. The hosts of the lab are such
// agents. They do what the model calls events too, where that happens inside a host.
//
// A session is one connection. Identifiers of requests begin with its name, and it
// begins with an empty line, so that over a serial line or a pipe that is used again
// neither end takes what an earlier caller has left for its own.
//
// # What an agent touches
//
// It works only in directories of its root whose names begin with [DirPrefix];
// one of its callers makes a fresh one, others open it. It removes only what it
// made itself, then or when its input ends, and refuses every path that leaves
// the directory: paths are [model.Path] and opened through [os.Root].
//
// # Goroutines and time
//
// This package runs goroutines and reads the clock: hosts are real. An agent has
// one goroutine for each request under way. A Host has three (it writes, reads,
// and waits for the process), and gives each operation its times on the caller's
// [Clock], a counter; so the clocks of hosts do not matter. Every request ends
// within the Host's timeout, if it has one, or twice that where it asks whether the agent still
// lives.
package agent
