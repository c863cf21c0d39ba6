package cli

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/model"
)

// Why a campaign ended, where it is none of fuzz's reasons.
const (
	endedDeaths = "deaths" // too many runs ended their process
	endedError  = "error"  // the harness failed
)

// maxDeaths is how many runs of one campaign may end their process. Each can
// cost the watchdog's patience, and a design that does it that often has told
// what is wrong with it.
const maxDeaths = 8

// grace is how long batches that were handed out may go on after an interrupt.
const grace = 2 * time.Second

// campaign is a hunt at work: it hands batches to children and counts their
// results in the order of the batches' numbers, none left out.
type campaign struct {
	order    job // what all batches have in common
	first    bool
	limit    time.Duration // 0: none
	deadline time.Time

	mu      sync.Mutex
	next    int                      // the batch to hand out next
	counted int                      // batches in total
	stopAt  int                      // with first: the lowest batch known to have a finding, -1 for none
	ended   string                   // empty while batches are handed out
	total   fuzz.Campaign            // batches 0 to counted-1
	waiting map[int]fuzz.BatchResult // those that came before an earlier one
	runs    int                      // in total
	kinds   map[string]bool          // of findings, in all batches
	deaths  map[string]*death        // by the text of the program
	loose   fuzz.Tally               // findings of batches that were given up
	err     error

	caps model.Capabilities
}

// hunt runs the campaign to its end, or to that of ctx.
func (c *campaign) hunt(ctx context.Context) (fuzz.Result, error) {
	c.stopAt, c.waiting = -1, map[int]fuzz.BatchResult{}
	c.deaths, c.kinds = map[string]*death{}, map[string]bool{}
	kill, cancel := context.WithCancel(context.Background())
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	defer stop()
	if c.limit > 0 {
		c.deadline = time.Now().Add(c.limit)
	}
	var slots sync.WaitGroup
	for range max(1, runtime.GOMAXPROCS(0)) {
		slots.Go(func() {
			s := slot{c: c, kill: kill}
			if err := s.work(ctx); err != nil {
				c.fail(err)
			}
			s.close()
		})
	}
	slots.Wait()
	return c.result()
}

// take hands out the next batch, unless there is a reason to end.
func (c *campaign) take(ctx context.Context) (batch int, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.ended != "" || c.stopAt >= 0 && c.next > c.stopAt:
		return 0, false
	case ctx.Err() != nil:
		c.ended = fuzz.EndedSignal
	case c.order.Runs > 0 && c.next*fuzz.BatchRuns >= c.order.Runs:
		c.ended = fuzz.EndedRuns
	case c.limit > 0 && !time.Now().Before(c.deadline):
		c.ended = fuzz.EndedTime
	default:
		c.next++
		return c.next - 1, true
	}
	return 0, false
}

// put counts a batch, or keeps it until those before it are there.
func (c *campaign) put(b fuzz.BatchResult) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting[b.Batch] = b
	c.found(b.Findings)
	if c.first && len(b.Findings) > 0 && (c.stopAt < 0 || b.Batch < c.stopAt) {
		c.stopAt = b.Batch
	}
	for c.stopAt < 0 || c.counted <= c.stopAt {
		b, ok := c.waiting[c.counted]
		if !ok {
			return nil
		}
		delete(c.waiting, c.counted)
		c.counted++
		c.runs += b.Runs
		if err := c.total.Add(b); err != nil {
			return err
		}
		if b.Runs > 0 && b.HarnessErrors == b.Runs {
			return fmt.Errorf("no run of batch %d could be made: run %d: %s", b.Batch, b.Failures[0].Run, b.Failures[0].Text)
		}
		if b.Batch == c.stopAt {
			c.ended = fuzz.EndedFirst
		}
	}
	return nil
}

// died notes that a run ended its process. It reports whether the batch goes
// on without it: not after too many, nor when the campaign has ended meanwhile,
// nor where one finding was asked for, since this is one.
func (c *campaign) died(d *death, f fuzz.Finding) (goOn bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deaths[f.Program.String()] = d
	c.found([]fuzz.Finding{f})
	switch {
	case c.first:
		c.ended = fuzz.EndedFirst
	case c.limit > 0 && !time.Now().Before(c.deadline):
		c.ended = fuzz.EndedTime
	case len(c.deaths) >= maxDeaths:
		c.ended = endedDeaths
	}
	return c.ended == "" || c.ended == fuzz.EndedRuns
}

// found notes kinds of findings, for the line of progress.
func (c *campaign) found(findings []fuzz.Finding) {
	for _, f := range findings {
		c.kinds[f.Verdict.Guarantee+" "+string(f.Verdict.Anomaly)] = true
	}
}

// giveUp keeps the findings of a batch that is not counted.
func (c *campaign) giveUp(findings []fuzz.Finding) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.loose.Add(&fuzz.Tally{Findings: findings})
}

func (c *campaign) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
	}
	c.ended = endedError
}

func (c *campaign) opened(caps model.Capabilities) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.caps = caps
}

// result joins what there is. Batches that others should have come before do
// not count, but a person who interrupts a hunt is told what it has found.
func (c *campaign) result() (fuzz.Result, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended == "" { // every batch that was handed out was cut short
		c.ended = fuzz.EndedSignal
	}
	if c.ended != fuzz.EndedFirst {
		for _, b := range c.waiting { // any order: the findings of a tally do not depend on it
			c.loose.Add(&fuzz.Tally{Findings: b.Findings})
		}
	}
	if err := c.total.AddResult(fuzz.Result{Tally: fuzz.Tally{Findings: c.loose.Findings}}); err != nil {
		c.err = errors.Join(c.err, err)
	}
	return c.total.Result(c.ended), c.err
}

// soFar is how many runs were counted, and how many kinds of findings there
// are, for the line of progress.
func (c *campaign) soFar() (runs, findings int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.runs, len(c.kinds)
}
