package sim_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
)

// Coroutines of steps that never end are used again: however many runs end in a
// deadlock, no more goroutines are there.
func TestAbandonedCoroutinesAreUsedAgain(t *testing.T) {
	r := newRunner(t, letters())
	p := program(2, deadlockHold, deadlock...)
	again(t, r, p)
	before := runtime.NumGoroutine()
	for range 10_000 {
		if got := again(t, r, p); len(got.Defects) != 1 || got.Defects[0].Kind != model.Deadlock {
			t.Fatalf("defects %v", got.Defects)
		}
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines before 10,000 runs, %d after", before, after)
	}
}

// Close gives them back, so that many Runners leave nothing behind, and is no
// trouble twice.
func TestCloseGivesCoroutinesBack(t *testing.T) {
	before := runtime.NumGoroutine()
	p := program(4, []model.Hold{
		{Step: 1, At: model.WriteCommand, N: 1, Until: 4}, {Step: 2, At: model.WriteCommand, N: 1, Until: 4},
		{Step: 3, At: model.WriteCommand, N: 1, Until: 4}}, "A w", "B w", "C w", "D w")
	var runners []*sim.Runner
	for range 50 {
		r := newRunner(t, letters())
		noDefect(t, again(t, r, p))
		runners = append(runners, r)
	}
	if runtime.NumGoroutine() < 200 {
		t.Fatalf("four coroutines a Runner were expected; %d goroutines", runtime.NumGoroutine())
	}
	for _, r := range runners {
		r.Close()
		r.Close()
	}
	// A goroutine that has nothing more to do is counted until it is gone.
	for wait := 0; runtime.NumGoroutine() > before && wait < 100; wait++ {
		time.Sleep(10 * time.Millisecond)
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines before, %d after Close", before, after)
	}
}
