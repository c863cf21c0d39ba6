package cli

import (
	"context"
	"errors"
)

var errInterrupted = errors.New("interrupted")

// unlessInterrupted is what f returns, or errInterrupted as soon as ctx ends: what
// reads input may be waiting for ever, as on a FIFO that nobody writes to. f goes on
// then, and the process is to end.
func unlessInterrupted[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	done := make(chan answer, 1)
	go func() {
		value, err := f()
		done <- answer{value, err}
	}()
	select {
	case a := <-done:
		return a.value, a.err
	case <-ctx.Done():
		var none T
		return none, errInterrupted
	}
}
