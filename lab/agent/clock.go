package agent

import "sync/atomic"

// Clock counts the calls and returns of a run, on all hosts. The zero value is
// ready. It may be used by several goroutines.
type Clock struct{ now atomic.Int64 }

// Now is a time that is later than all that were given before, from 1 on.
func (c *Clock) Now() int64 { return c.now.Add(1) }
