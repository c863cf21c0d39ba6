// Package history reads and writes histories that were recorded elsewhere: what
// the clients of hosts that share a file system called, what they were answered
// and when, one JSON object a line. docs/HISTORY.md is the page for those who
// write one, schema.json the JSON Schema (draft 2020-12) of a line.
//
// The reader makes of it what a Runner makes of a Program, so the judge needs to
// know nothing of other harnesses:
//
//   - Times become points of which no two are equal. Of equal times the calls
//     come before the returns, so operations that may have overlapped do; times
//     that are all of one client keep their order.
//   - Handles are those of a client there and slots of a host here.
//   - A tag of data, any string or number, becomes a byte. Bytes are numbered
//     anew for each group of files that renames and links join, if the whole
//     history has too many; writes that nobody saw share one.
//   - A line's number becomes the step of its operation, by which a verdict
//     speaks of it.
//
// Every error of a line names it and says what is wrong; no input panics. How much
// a history may hold is counted: [MaxOps], [MaxLine], [MaxSeen], [MaxHandles].
package history
