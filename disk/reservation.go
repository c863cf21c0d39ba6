package disk

import "github.com/doublemount/doublemount/model"

// reservations is the state machine of NVMe reservations (NVM Express Base,
// "Reservations") and SCSI persistent reservations (SPC-4 5.7; section and table
// numbers here are of revision 17). The two agree but in these points, in which
// this is NVMe unless said:
//
//   - Registering again with the same key succeeds, with another is a conflict.
//     SCSI's REGISTER from a registered nexus must name the present key, and
//     then replaces it: that is Replace.
//   - Unregistering a host that is not registered is a conflict. SCSI's REGISTER
//     with a new key of zero is then a success without effect.
//   - A preempt with key 0 where there is no reservation at all is invalid, as in
//     SCSI; NVMe leaves it to be a key that nobody has, a conflict.
//   - The type of a preempt matters only if there will be a new reservation, as
//     in SCSI (5.7.11.4.4 b).
//   - The generation starts again at 0 with a power loss, as in SCSI (6.13.2).
//
// Not modelled: notifications and unit attentions, REGISTER AND MOVE, several
// paths of a host (a port is the host: NVMe's host identifier).
type reservations struct {
	keys       []Key // by port; 0 = not registered
	held       ReservationType
	holder     Port // unless held is of all registrants
	generation uint32
	persist    bool
}

// reset makes it as it is on a new disk.
func (r *reservations) reset() {
	r.clear()
	r.generation, r.persist = 0, false
}

// powerLoss keeps what was asked to persist.
func (r *reservations) powerLoss() {
	if !r.persist {
		r.clear()
	}
	r.generation = 0
}

func (r *reservations) clear() {
	clear(r.keys)
	r.held = NoReservation
}

// holds reports whether p is a holder of the reservation.
func (r *reservations) holds(p Port) bool {
	if r.held.allRegistrants() {
		return r.keys[p] != 0
	}
	return r.held != NoReservation && r.holder == p
}

// forbids reports whether the reservation keeps p from a command that is not a
// reservation command (NVM Express Base, "Command Behavior in the Presence of a
// Reservation"; SPC-4 table 45 and the like table of SBC for reads and writes). A
// flush counts as a write in both, and so does a compare-and-write, whose compare
// asks for less.
func (r *reservations) forbids(p Port, kind model.CommandKind) bool {
	switch {
	case r.held == NoReservation || kind == model.ReserveCommand:
		return false
	case r.holds(p), r.held.registrants() && r.keys[p] != 0:
		return false
	}
	return kind != model.ReadCommand || !r.held.writeExclusive()
}

// reserve carries out a reservation command.
func (d *Disk) reserve(f *flight) error {
	if !d.image.config.Reservations {
		return f.error(ErrUnsupported)
	}
	c := f.command.Reserve
	removed, err := d.reserved.do(f.port, c)
	if err != nil {
		return f.error(err)
	}
	if c.Action == PreemptAndAbort {
		for p := range d.ports {
			if removed>>p&1 != 0 {
				d.ground(Port(p))
				d.ports[p].aborted = d.serial
			}
		}
	}
	return nil
}

// do is one command of p: the ports whose registration a preempt took away, as a
// set of bits, or an error and no effect.
func (r *reservations) do(p Port, c *Reserve) (removed uint32, err error) {
	switch c.Action {
	case Register, Unregister, Replace:
		return 0, r.register(p, c)
	case Report:
		r.report(c.Report)
		return 0, nil
	}
	if c.Action >= numReserveActions || c.IgnoreKey {
		return 0, ErrInvalid
	}
	if r.keys[p] == 0 || r.keys[p] != c.Key {
		return 0, ErrConflict
	}
	switch c.Action {
	case Acquire:
		return 0, r.acquire(p, c.Type)
	case Release:
		return 0, r.release(p, c.Type)
	case Clear:
		r.clear()
	default:
		if removed, err = r.preempt(p, c); err != nil {
			return 0, err
		}
	}
	r.generation++
	return removed, nil
}

// register is NVMe's Reservation Register command (SPC-4 5.7.7, table 47:
// REGISTER, REGISTER AND IGNORE EXISTING KEY).
func (r *reservations) register(p Port, c *Reserve) error {
	if c.Persist > PersistOn || c.Action != Unregister && c.NewKey == 0 {
		return ErrInvalid
	}
	present := r.keys[p]
	switch c.Action {
	case Register:
		if c.IgnoreKey {
			return ErrInvalid
		}
		if present != 0 && present != c.NewKey {
			return ErrConflict
		}
		r.keys[p] = c.NewKey
	case Replace:
		if !c.IgnoreKey && (present == 0 || present != c.Key) {
			return ErrConflict
		}
		r.keys[p] = c.NewKey
	default:
		if present == 0 || !c.IgnoreKey && present != c.Key {
			return ErrConflict
		}
		r.remove(p)
	}
	if c.Persist != PersistUnchanged {
		r.persist = c.Persist == PersistOn
	}
	r.generation++
	return nil
}

// remove takes a registration away, and the reservation with its last holder
// (SPC-4 5.7.11.3).
func (r *reservations) remove(p Port) {
	r.keys[p] = 0
	if r.held.allRegistrants() {
		for _, key := range r.keys {
			if key != 0 {
				return
			}
		}
		r.held = NoReservation
	} else if r.holder == p {
		r.held = NoReservation
	}
}

// acquire is SPC-4 5.7.9.
func (r *reservations) acquire(p Port, t ReservationType) error {
	switch {
	case !t.valid():
		return ErrInvalid
	case r.held == NoReservation:
		r.held, r.holder = t, p
	case r.held != t || !r.holds(p):
		return ErrConflict
	}
	return nil
}

// release is SPC-4 5.7.11.2.
func (r *reservations) release(p Port, t ReservationType) error {
	switch {
	case !r.holds(p):
	case r.held != t:
		return ErrInvalid
	default:
		r.held = NoReservation
	}
	return nil
}

// preempt is SPC-4 5.7.11.4, table 52 and figure 7.
func (r *reservations) preempt(p Port, c *Reserve) (removed uint32, err error) {
	everyone := r.held.allRegistrants() && c.OtherKey == 0
	holder := r.held != NoReservation && !r.held.allRegistrants() && r.keys[r.holder] == c.OtherKey
	switch {
	case c.OtherKey == 0 && !everyone, (everyone || holder) && !c.Type.valid():
		return 0, ErrInvalid
	}
	for i, key := range r.keys {
		q := Port(i)
		if key == 0 || !everyone && key != c.OtherKey || q == p && (everyone || holder) {
			continue
		}
		r.remove(q)
		removed |= 1 << i
	}
	switch {
	case everyone || holder:
		r.held, r.holder = c.Type, p
	case removed == 0:
		return 0, ErrConflict
	}
	return removed, nil
}

// report is NVMe's Reservation Report, SCSI's READ FULL STATUS.
func (r *reservations) report(into *ReservationReport) {
	if into == nil {
		return
	}
	*into = ReservationReport{Generation: r.generation, Type: r.held, Persist: r.persist, Registrants: into.Registrants[:0]}
	for i, key := range r.keys {
		if p := Port(i); key != 0 {
			into.Registrants = append(into.Registrants, Registrant{p, key, r.holds(p)})
		}
	}
}

// Registered reports whether the host of a port has a registration.
func (d *Disk) Registered(p Port) bool { return d.reserved.keys[p] != 0 }
