package designs

import (
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
)

// LocalWritethrough is Local with the write-back cache turned off: every
// operation writes what it has changed before it returns. People turn it off
// and think that it helps. What a host has read it still keeps, so it goes on
// working on copies that others have made stale.
func LocalWritethrough() sim.Design {
	return design("local-writethrough", "the same with the write cache turned off (mount -o sync)", model.NothingLost,
		func(v *volume) protocol { return &writethrough{local{v: v}} })
}

type writethrough struct{ local }

func (w *writethrough) leave() error {
	err := writeAll(w.v)
	if e := w.local.leave(); err == nil {
		err = e
	}
	return err
}
