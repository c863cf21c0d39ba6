package model

import (
	"fmt"
	"strings"
)

// NodeType is what a name is: nothing, a file, a directory.
type NodeType uint8

// The types of a name. FullDir is a directory that holds a name; results never
// carry it, the name rules do.
const (
	Absent NodeType = iota
	File
	Dir
	FullDir
)

// String is "absent", "file", "dir" or "full dir".
func (t NodeType) String() string {
	return [...]string{"absent", "file", "dir", "full dir"}[t&3]
}

// Result is what an operation or event answered.
type Result struct {
	Errno Errno
	Type  NodeType // Stat: File or Dir
	Size  int64    // Stat of a file: words; Write and Append: words written, also where the close that came after failed
	Data  []byte   // Read: one byte a word
	Names []string // Readdir: sorted
	Total int64    // Statfs: blocks of the file system
	Free  int64    // Statfs: free blocks
}

// Never is the Return of an operation that had not returned when the run ended.
const Never int64 = 1<<62 - 1

// Op is one operation or event as the host's client saw it.
//
// Call and Return are times on one clock of the whole run; no two calls or
// returns have the same time. A remount and a reboot are two Ops, Unmount and
// Mount, with the same Step. Ops of the host Final are the closing observation:
// its Step is 0.
type Op struct {
	Step    int // number in the Program; closing unmounts come after the last
	Host    Host
	Kind    Kind
	Path    Path
	To      Path
	File    uint8
	Off     int32
	Len     int32
	Data    byte
	Direct  bool
	Shared  bool
	Call    int64
	Return  int64 // or Never
	Skipped bool  // the host was not mounted, or cannot do this: nothing was done
	Result  Result
}

// Pending reports whether o had not returned when the run ended.
func (o Op) Pending() bool { return o.Return == Never }

// Succeeded reports whether o was carried out and answered without an error.
func (o Op) Succeeded() bool { return !o.Skipped && !o.Pending() && o.Result.Errno == OK }

// AsStep is the step that made o.
func (o Op) AsStep() Step {
	return Step{Host: o.Host, Kind: o.Kind, Path: o.Path, To: o.To, File: o.File,
		Off: o.Off, Len: o.Len, Data: o.Data, Direct: o.Direct, Shared: o.Shared}
}

// Answer is the result as text: "ok", "ENOENT", "8x#1", "a b", "file of 8",
// "skipped", "never returned".
func (o Op) Answer() string {
	switch r := o.Result; {
	case o.Skipped:
		return "skipped"
	case o.Pending():
		return "never returned"
	case r.Errno != OK:
		return r.Errno.String()
	case o.Kind == Read:
		return Words(r.Data)
	case o.Kind == Readdir:
		if len(r.Names) == 0 {
			return "empty"
		}
		return strings.Join(r.Names, " ")
	case o.Kind == Stat && r.Type == File:
		return fmt.Sprintf("file of %d", r.Size)
	case o.Kind == Stat:
		return r.Type.String()
	case o.Kind == Statfs:
		return fmt.Sprintf("%d of %d free", r.Free, r.Total)
	case (o.Kind == Write || o.Kind == Append) && r.Size != int64(o.Len):
		return fmt.Sprintf("%d written", r.Size)
	}
	return "ok"
}

// String is the step and its answer: "A create /a -> ok".
func (o Op) String() string { return o.AsStep().String() + " -> " + o.Answer() }
