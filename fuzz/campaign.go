package fuzz

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/doublemount/doublemount/model"
)

// Why a campaign ended.
const (
	EndedRuns   = "runs"   // all runs asked for were made
	EndedTime   = "time"   // the deadline of the context passed, or Options.Enough said so
	EndedFirst  = "first"  // a finding was made, and one was asked for
	EndedSignal = "signal" // the context was cancelled
)

// Result is what a campaign came to, or a part of one: Batches says which
// batches are in it.
type Result struct {
	Ended   string // one of the Ended constants; empty if a part of a campaign
	Digest  uint64 // over the digests of Batches, in order of their numbers
	Batches []Batch
	Tally
}

// Batch names a batch in a Result.
type Batch struct {
	Number int
	Digest uint64
}

// ErrTwice is wrapped by the error for a batch that is joined to a campaign
// which has it already.
var ErrTwice = errors.New("batch counted twice")

// Campaign joins batches, or parts of campaigns, in whatever order they come,
// to one Result that does not depend on the order. The zero value is empty.
type Campaign struct {
	batches []Batch // by number
	tally   Tally
}

// Add joins one batch. It fails, and changes nothing, if c has that batch.
func (c *Campaign) Add(b BatchResult) error {
	return c.join([]Batch{{Number: b.Batch, Digest: b.Digest}}, &b.Tally)
}

// AddResult joins the part of a campaign that a shard did. It fails, and
// changes nothing, if c has one of its batches.
func (c *Campaign) AddResult(r Result) error { return c.join(r.Batches, &r.Tally) }

func (c *Campaign) join(batches []Batch, t *Tally) error {
	batches = slices.Clone(batches)
	slices.SortFunc(batches, byNumber)
	for i, b := range batches {
		_, found := slices.BinarySearchFunc(c.batches, b, byNumber)
		if found || i > 0 && batches[i-1].Number == b.Number {
			return fmt.Errorf("%w: batch %d\nhint: the shards overlap, or one result was given twice", ErrTwice, b.Number)
		}
	}
	for _, b := range batches {
		i, _ := slices.BinarySearchFunc(c.batches, b, byNumber)
		c.batches = slices.Insert(c.batches, i, b)
	}
	c.tally.Add(t)
	return nil
}

func byNumber(a, b Batch) int { return cmp.Compare(a.Number, b.Number) }

// Result is what was joined so far; ended says why there will be no more, or is
// empty.
func (c *Campaign) Result(ended string) Result {
	r := Result{Ended: ended, Batches: slices.Clone(c.batches)}
	for _, b := range r.Batches {
		r.Digest = fold(fold(r.Digest, uint64(b.Number)), b.Digest)
	}
	r.Tally.Add(&c.tally) // a copy that shares no list with c
	return r
}

// Hunt runs batch after batch from number 0 in this process until opts.Runs are
// made, ctx ends, or, with opts.First, a batch has a finding. A batch that ctx
// cut short is left out, so the Result is that of whole batches. With neither
// Runs nor First nor an end of ctx, Hunt does not return.
//
// Its error means that the Runner could make no run of a whole batch: then
// there is no sense in going on. The Result says what was done until then.
func Hunt(ctx context.Context, runner model.Runner, judge model.Judge, opts Options) (Result, error) {
	var c Campaign
	for batch := 0; opts.Runs <= 0 || batch*BatchRuns < opts.Runs; batch++ {
		if opts.enough() {
			return c.Result(EndedTime), nil
		}
		b, err := RunBatch(ctx, runner, judge, opts, batch)
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			return c.Result(EndedTime), nil
		case err != nil:
			return c.Result(EndedSignal), nil
		}
		if err := c.Add(b); err != nil {
			return c.Result(""), err
		}
		if b.Runs > 0 && b.HarnessErrors == b.Runs {
			return c.Result(""), fmt.Errorf("no run of batch %d could be made; run %d: %s", batch, b.Failures[0].Run, b.Failures[0].Text)
		}
		if opts.First && len(b.Findings) > 0 {
			return c.Result(EndedFirst), nil
		}
	}
	return c.Result(EndedRuns), nil
}
