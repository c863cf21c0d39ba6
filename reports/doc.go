// Package reports shows a finding to people and to programs: [Text] for a
// terminal, [Report] as the JSON object of "hunt --format json".
//
// # What is here
//
// A [Finding] is everything that is known about one violation: the smallest
// program that brings it about, the run of it, the verdict with its proof, the
// block write that is to blame. Rendering is a pure function of it, so equal
// findings give equal bytes.
//
// # What is not here
//
// No judging, no files, no colours. Names, paths and messages of designs are
// untrusted: what is not printable ASCII is escaped before it reaches a
// terminal.
package reports
