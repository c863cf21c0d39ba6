package agent

import (
	"context"
	"fmt"
)

// Offline reports whether the last remount of a host failed.
func (r *Runner) Offline() bool {
	for _, m := range r.members {
		if m.offline != nil {
			return true
		}
	}
	return false
}

// States says of each host, in one line, whether its file system is mounted now: what
// is to be told after a remount that failed, or an interrupt. It asks agents, and
// starts those that are gone; ctx is for that.
func (r *Runner) States(ctx context.Context) []string {
	var all []string
	for _, m := range r.members {
		all = append(all, m.Name+": "+m.state(ctx, &r.config, &r.clock))
	}
	return all
}

func (m *member) state(ctx context.Context, c *Cluster, clock *Clock) string {
	if err := m.ready(ctx, c, clock); err != nil {
		return "not known: " + err.Error()
	}
	is, err := m.host.Look()
	switch {
	case err != nil:
		return fmt.Sprintf("NOT usable: %v", err)
	case is.Type != m.is.Type:
		return fmt.Sprintf("NOT mounted: %s is on %s now, and was on %s (%s)", is.Path, is.Type, m.is.Type, m.is.Source)
	case is.Source != m.is.Source || is.UUID != m.is.UUID:
		return fmt.Sprintf("mounted, but from %s: it was from %s", is.Source, m.is.Source)
	}
	return fmt.Sprintf("mounted (%s on %s, from %s)", is.Type, is.Path, is.Source)
}
