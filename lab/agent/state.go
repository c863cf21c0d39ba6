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
	case is.At != m.is.At:
		return fmt.Sprintf("NOT mounted: nothing is mounted on %s; %s is on the %s of %s now", m.is.At, is.Path, is.Type, is.At)
	case is.Type != m.is.Type:
		return fmt.Sprintf("mounted, but a %s on %s: it was a %s", is.Type, is.At, m.is.Type)
	case is.Source != m.is.Source || is.UUID != m.is.UUID:
		return fmt.Sprintf("mounted, but from %s: it was from %s", is.Source, m.is.Source)
	}
	return fmt.Sprintf("mounted (%s on %s, from %s)", is.Type, is.Path, is.Source)
}
