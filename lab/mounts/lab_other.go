//go:build !linux

package mounts

import (
	"context"

	"github.com/doublemount/doublemount/lab/agent"
	"github.com/doublemount/doublemount/lab/place"
)

// Lab is a system at work, on Linux.
type Lab struct{}

// Start is an error that wraps [place.ErrNeeds].
func Start(context.Context, System, ...string) (*Lab, error) {
	return nil, place.Needs("Linux", place.OnlyLinux)
}

// Remount is an error that wraps [place.ErrNeeds].
func (*Lab) Remount(context.Context) error { return place.Needs("Linux", place.OnlyLinux) }

// Cluster is nothing.
func (*Lab) Cluster() agent.Cluster { return agent.Cluster{} }

// Script is an error that wraps [place.ErrNeeds].
func (*Lab) Script(context.Context, string, int, int) (int, error) {
	return 0, place.Needs("Linux", place.OnlyLinux)
}

// Close does nothing.
func (*Lab) Close() error { return nil }

// Install is an error that wraps [place.ErrNeeds].
func (System) Install(context.Context) error { return place.Needs("Linux", place.OnlyLinux) }
