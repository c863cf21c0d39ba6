//go:build !linux

package loop

import (
	"context"

	"github.com/doublemount/doublemount/lab/place"
	"github.com/doublemount/doublemount/model"
)

// Runner executes Programs on real file systems, on Linux.
type Runner struct{}

// New is an error that wraps [place.ErrNeeds].
func New(context.Context, System, Options) (*Runner, error) {
	return nil, place.Needs("Linux", place.OnlyLinux)
}

// HostMain does nothing: there are no hosts.
func HostMain() {}

// Capabilities are none.
func (*Runner) Capabilities() model.Capabilities { return model.Capabilities{} }

// Run is an error.
func (*Runner) Run(context.Context, model.Program) (model.Run, error) {
	return model.Run{}, place.Needs("Linux", place.OnlyLinux)
}

// Describe knows nothing.
func (*Runner) Describe(int32) string { return "" }

// Refusals are none.
func (*Runner) Refusals() []string { return nil }

// Close does nothing.
func (*Runner) Close() error { return nil }
