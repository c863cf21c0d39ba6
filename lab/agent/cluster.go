package agent

import (
	"time"

	"github.com/doublemount/doublemount/model"
)

// Cluster says which hosts a Runner has and how long it waits for them.
type Cluster struct {
	Members []Member
	Timeout time.Duration // for one operation; 0: DefaultTimeout
	Start   time.Duration // for an agent's first answer; 0: StartTimeout
	Event   time.Duration // for a remount or crash command; 0: EventTimeout
	Boot    time.Duration // for a crashed host to come back; 0: BootTimeout
	Visible time.Duration // for a new directory to be seen by the other hosts; 0: VisibleTimeout
	Without model.KindSet // operations that are left out
	_       struct{}
}

// fill puts in the limits that were not given.
func (c *Cluster) fill() {
	for limit, usual := range map[*time.Duration]time.Duration{&c.Timeout: DefaultTimeout, &c.Start: StartTimeout,
		&c.Event: EventTimeout, &c.Boot: BootTimeout, &c.Visible: VisibleTimeout} {
		if *limit <= 0 {
			*limit = usual
		}
	}
}

// The limits of time where a Cluster has none.
const (
	EventTimeout   = 2 * time.Minute
	BootTimeout    = 5 * time.Minute
	VisibleTimeout = 10 * time.Second
)
