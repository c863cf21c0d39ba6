package loop

import (
	"github.com/doublemount/doublemount/model"
)

// request is a line that a host's process reads, reply the one that it answers
// with. Requests overlap; ID says which is answered.
type request struct {
	ID      int
	Do      string // "begin", "mount", "unmount", "step"
	Program model.Program
	System  string
	File    string // mount: to attach a loop device to; empty: the one there is
	Dir     string // mount: the mount point
	Make    bool   // mount: the shared directory, on a disk that was just formatted
	Detach  bool   // unmount: the loop device too
	Step    model.Step
}

// reply is the answer to a request.
type reply struct {
	ID     int
	Result model.Result
	Text   string // what the error was, in the words of the system
}

// hostEnv, if set, makes a process that of a host.
const hostEnv = "DOUBLEMOUNT_LAB_HOST"

// shared is the directory, in the root of the file system, that the hosts work
// in: a fresh file system has things of its own in its root.
const shared = "shared"
