package disk_test

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/model"
	"pgregory.net/rapid"
)

// law is reservations as the standards tell them: who is registered, and the set
// of those who hold the reservation.
type law struct {
	keys       map[disk.Port]disk.Key
	held       disk.ReservationType
	holders    map[disk.Port]bool
	generation uint32
	persist    bool
}

func newLaw() *law { return &law{keys: map[disk.Port]disk.Key{}, holders: map[disk.Port]bool{}} }

func (l *law) allRegistrants() bool {
	return l.held == disk.WriteExclusiveAllRegistrants || l.held == disk.ExclusiveAccessAllRegistrants
}

func (l *law) registrantsOnly() bool {
	return l.held == disk.WriteExclusiveRegistrantsOnly || l.held == disk.ExclusiveAccessRegistrantsOnly
}

func (l *law) establish(p disk.Port, held disk.ReservationType) {
	l.held, l.holders = held, map[disk.Port]bool{p: true}
	l.settle()
}

// settle: every registrant holds what is of all registrants; a reservation
// without holders is none.
func (l *law) settle() {
	if l.allRegistrants() {
		l.holders = map[disk.Port]bool{}
		for p := range l.keys {
			l.holders[p] = true
		}
	}
	if len(l.holders) == 0 {
		l.held = disk.NoReservation
	}
}

func (l *law) drop(ports ...disk.Port) {
	for _, p := range ports {
		delete(l.keys, p)
		delete(l.holders, p)
	}
	l.settle()
}

// may is whether p's command is allowed.
func (l *law) may(p disk.Port, kind model.CommandKind) bool {
	if l.held == disk.NoReservation || l.holders[p] {
		return true
	}
	if _, registered := l.keys[p]; registered && l.registrantsOnly() {
		return true
	}
	writeExclusive := l.held == disk.WriteExclusive || l.held == disk.WriteExclusiveRegistrantsOnly || l.held == disk.WriteExclusiveAllRegistrants
	return writeExclusive && kind == model.ReadCommand
}

// do is a command: the error, and who lost his registration to a preempt.
func (l *law) do(p disk.Port, c *disk.Reserve) (preempted []disk.Port, err error) {
	key, registered := l.keys[p]
	legal := c.Type >= disk.WriteExclusive && c.Type <= disk.ExclusiveAccessAllRegistrants
	counts := true
	switch c.Action {
	case disk.Report:
		return nil, nil
	case disk.Register:
		if c.IgnoreKey || c.NewKey == 0 {
			return nil, disk.ErrInvalid
		}
		if registered && key != c.NewKey {
			return nil, disk.ErrConflict
		}
		l.keys[p] = c.NewKey
	case disk.Replace:
		if c.NewKey == 0 {
			return nil, disk.ErrInvalid
		}
		if !c.IgnoreKey && (!registered || key != c.Key) {
			return nil, disk.ErrConflict
		}
		l.keys[p] = c.NewKey
	case disk.Unregister:
		if !registered || !c.IgnoreKey && key != c.Key {
			return nil, disk.ErrConflict
		}
		l.drop(p)
	default:
		if c.IgnoreKey {
			return nil, disk.ErrInvalid
		}
		if !registered || key != c.Key {
			return nil, disk.ErrConflict
		}
	}
	switch c.Action {
	case disk.Register, disk.Replace, disk.Unregister:
		l.settle()
		if c.Persist != disk.PersistUnchanged {
			l.persist = c.Persist == disk.PersistOn
		}
	case disk.Acquire:
		counts = false
		switch {
		case !legal:
			return nil, disk.ErrInvalid
		case l.held == disk.NoReservation:
			l.establish(p, c.Type)
		case !l.holders[p] || l.held != c.Type:
			return nil, disk.ErrConflict
		}
	case disk.Release:
		counts = false
		if l.holders[p] {
			if c.Type != l.held {
				return nil, disk.ErrInvalid
			}
			l.held, l.holders = disk.NoReservation, map[disk.Port]bool{}
		}
	case disk.Clear:
		clear(l.keys)
		l.held, l.holders = disk.NoReservation, map[disk.Port]bool{}
	case disk.Preempt, disk.PreemptAndAbort:
		if c.OtherKey == 0 && !l.allRegistrants() {
			return nil, disk.ErrInvalid
		}
		takes := l.allRegistrants() && c.OtherKey == 0
		for h := range l.holders {
			takes = takes || !l.allRegistrants() && l.keys[h] == c.OtherKey
		}
		if takes && !legal {
			return nil, disk.ErrInvalid
		}
		for q, k := range l.keys {
			if (c.OtherKey == 0 || k == c.OtherKey) && !(takes && q == p) {
				preempted = append(preempted, q)
			}
		}
		if len(preempted) == 0 && !takes {
			return nil, disk.ErrConflict
		}
		l.drop(preempted...)
		if takes {
			l.establish(p, c.Type)
		}
	}
	if counts {
		l.generation++
	}
	return preempted, nil
}

func (l *law) powerLoss() {
	if !l.persist {
		clear(l.keys)
		l.drop(slices.Collect(maps.Keys(l.holders))...)
	}
	l.generation = 0
}

// Reservations follow the law under random commands of three hosts, which own few
// keys, so that they guess each other's; so do the reads and writes they guard,
// submitted before and after.
func TestReservationsFollowTheLaw(t *testing.T) {
	command := func(t *rapid.T) disk.Command {
		if rapid.IntRange(0, 3).Draw(t, "reserve?") > 0 {
			return disk.Command{Kind: model.ReserveCommand, Reserve: drawReserve(t)}
		}
		return drawCommand(t)
	}
	rapid.Check(t, func(r *rapid.T) {
		d, l := reserving(t, 3), newLaw()
		type flight struct {
			ticket disk.Ticket
			a      act
			err    error
		}
		var flying []flight
		ground := func(p disk.Port, err error) {
			for i := range flying {
				if f := &flying[i]; f.a.port == p && !errors.Is(f.err, disk.ErrDetached) {
					f.err = err
				}
			}
		}
		for i, a := range script(r, 80, command) {
			switch a.kind {
			case "submit":
				if !d.Attached(a.port) {
					d.Attach(a.port)
				}
				if k, ok := l.keys[a.port]; ok && a.c.Reserve != nil && a.which > 0 {
					a.c.Reserve.Key = k // most know their own key
				}
				f := flight{submit(t, d, a.port, a.c), a, nil}
				if a.c.Kind != model.ReserveCommand && !l.may(a.port, a.c.Kind) {
					f.err = disk.ErrConflict
				}
				flying = append(flying, f)
			case "complete":
				if a.which >= len(flying) {
					break
				}
				f := flying[a.which]
				flying = append(flying[:a.which], flying[a.which+1:]...)
				_, err := d.Complete(f.ticket)
				if f.err == nil && f.a.c.Kind == model.ReserveCommand {
					var preempted []disk.Port
					preempted, f.err = l.do(f.a.port, f.a.c.Reserve)
					if f.a.c.Reserve.Action == disk.PreemptAndAbort {
						for _, p := range preempted {
							ground(p, disk.ErrAborted)
						}
					}
				}
				if !errIs(err, f.err) {
					r.Fatalf("act %d %v of %v: %v, want %v", i, a, f.a, err, f.err)
				}
			case "cut", "attach":
				ground(a.port, disk.ErrDetached)
				if d.Cut(a.port); a.kind == "attach" {
					d.Attach(a.port)
				}
			case "power-loss":
				for p := range disk.Port(3) {
					ground(p, disk.ErrDetached)
				}
				d.PowerLoss(a.keep)
				l.powerLoss()
			case "device-reset":
				d.DeviceReset(a.keep)
				l.powerLoss()
			}
			for p := range disk.Port(3) {
				if _, want := l.keys[p]; d.Registered(p) != want {
					r.Fatalf("act %d %v: port %d registered %v, want %v", i, a, p, !want, want)
				}
			}
			var got disk.ReservationReport
			d.Reservations(&got)
			want := disk.ReservationReport{Generation: l.generation, Type: l.held, Persist: l.persist}
			for _, p := range slices.Sorted(maps.Keys(l.keys)) {
				want.Registrants = append(want.Registrants, disk.Registrant{Port: p, Key: l.keys[p], Holder: l.holders[p]})
			}
			if got.Generation != want.Generation || got.Type != want.Type || got.Persist != want.Persist || !slices.Equal(got.Registrants, want.Registrants) {
				r.Fatalf("act %d %v: %+v, want %+v", i, a, got, want)
			}
		}
	})
}
