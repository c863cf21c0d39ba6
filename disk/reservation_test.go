package disk_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/model"
)

// Sources of the tables below. Numbers of sections and tables in SPC-4 are those
// of revision 17.
const (
	nvmeAccess = `NVM Express Base, Reservations, "Command Behavior in the Presence of a Reservation"; UNH-IOL NVMe test 7.8`
	sbcAccess  = "SPC-2 table B.2 (SBC commands that are allowed in the presence of various reservations)"
	spcAccess  = "SPC-4 table 46 (PERSISTENT RESERVE OUT service actions that are allowed in the presence of various reservations)"
)

var reservationTypes = []disk.ReservationType{
	disk.WriteExclusive, disk.ExclusiveAccess,
	disk.WriteExclusiveRegistrantsOnly, disk.ExclusiveAccessRegistrantsOnly,
	disk.WriteExclusiveAllRegistrants, disk.ExclusiveAccessAllRegistrants,
}

// Keys of ports 0 to 3, and one that nobody has.
const (
	key0 disk.Key = 10 + iota
	key1
	key2
	key3
	strange
)

var keys = []disk.Key{key0, key1, key2, key3}

func reserving(t testing.TB, ports int) *disk.Disk {
	t.Helper()
	template, err := disk.NewImage(disk.Config{BlockSize: 16, Blocks: 4, Reservations: true, Compare: true})
	if err != nil {
		t.Fatal(err)
	}
	d := disk.New(template, ports)
	for p := range ports {
		d.Attach(disk.Port(p))
	}
	return d
}

// reserve is one reservation command, completed.
func reserve(t testing.TB, d *disk.Disk, p disk.Port, r disk.Reserve) error {
	t.Helper()
	_, err := d.Complete(submit(t, d, p, disk.Command{Kind: model.ReserveCommand, Reserve: &r}))
	return err
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// register registers ports with their keys.
func register(t testing.TB, d *disk.Disk, ports ...disk.Port) {
	t.Helper()
	for _, p := range ports {
		must(t, reserve(t, d, p, disk.Reserve{Action: disk.Register, NewKey: keys[p]}))
	}
}

// reserved is "WE by 0; 0 1; generation 2": the type, its holders, the
// registrants, as port 0 sees them. A registrant with another key than its own
// is printed with it.
func reserved(t testing.TB, d *disk.Disk) string {
	t.Helper()
	var report disk.ReservationReport
	must(t, reserve(t, d, 0, disk.Reserve{Action: disk.Report, Report: &report}))
	text := []string{"none", "WE", "EA", "WERO", "EARO", "WEAR", "EAAR"}[report.Type]
	var holders, registrants string
	for _, r := range report.Registrants {
		registrants += fmt.Sprintf(" %d", r.Port)
		if int(r.Port) >= len(keys) || r.Key != keys[r.Port] {
			registrants += fmt.Sprintf(":%d", r.Key)
		}
		if r.Holder {
			holders += fmt.Sprintf(" %d", r.Port)
		}
	}
	if holders != "" {
		text += " by" + holders
	}
	return fmt.Sprintf("%s;%s; generation %d", text, registrants, report.Generation)
}

// Every command of the holder, a registrant and another host, under each type.
// A is allowed and the reservation stands, R is allowed and it is released, C is a
// conflict and I an invalid field, both without effect.
func TestEveryCommandUnderEveryReservation(t *testing.T) {
	own := func(r disk.Reserve) func(disk.Port, disk.ReservationType) disk.Command {
		return func(p disk.Port, held disk.ReservationType) disk.Command {
			c := r
			c.Key = keys[p]
			if c.Type == disk.NoReservation {
				c.Type = held
			}
			if c.Action == disk.Register || c.Action == disk.Replace {
				c.NewKey = keys[p]
			}
			return disk.Command{Kind: model.ReserveCommand, Reserve: &c}
		}
	}
	other := func(action disk.ReserveAction) func(disk.Port, disk.ReservationType) disk.Command {
		return func(p disk.Port, held disk.ReservationType) disk.Command {
			return own(disk.Reserve{Action: action, Type: held%6 + 1})(p, held)
		}
	}
	data := func(kind model.CommandKind) func(disk.Port, disk.ReservationType) disk.Command {
		return func(disk.Port, disk.ReservationType) disk.Command {
			return disk.Command{Kind: kind, Data: block('x'), Compare: block(0)}
		}
	}
	for _, c := range []struct {
		name    string
		command func(disk.Port, disk.ReservationType) disk.Command
		want    string // holder, registrant, other; by type
		source  string
	}{
		{"read", data(model.ReadCommand), "AAA ACC AAA AAC AAA AAC", nvmeAccess + "; " + sbcAccess},
		{"write", data(model.WriteCommand), "ACC ACC AAC AAC AAC AAC", nvmeAccess + "; " + sbcAccess},
		{"compare-and-write", data(model.CompareCommand), "ACC ACC AAC AAC AAC AAC", nvmeAccess + ": Compare is a read, Write a write, fused both"},
		{"flush", data(model.FlushCommand), "ACC ACC AAC AAC AAC AAC", nvmeAccess + ": Flush is in the write group; " + sbcAccess + ": SYNCHRONIZE CACHE"},
		{"report", own(disk.Reserve{Action: disk.Report}), "AAA AAA AAA AAA AAA AAA", "SPC-4 table 45: PERSISTENT RESERVE IN; UNH-IOL NVMe test 7.1"},
		{"register", own(disk.Reserve{Action: disk.Register}), "AAA AAA AAA AAA AAA AAA", spcAccess + "; NVMe: registering again with the same key is no error"},
		{"replace", own(disk.Reserve{Action: disk.Replace}), "AAC AAC AAC AAC AAC AAC", spcAccess + "; SPC-4 table 47: an unregistered nexus with a key is a conflict"},
		{"replace, ignoring the key", own(disk.Reserve{Action: disk.Replace, IgnoreKey: true}), "AAA AAA AAA AAA AAA AAA", spcAccess + ": REGISTER AND IGNORE EXISTING KEY"},
		{"unregister", own(disk.Reserve{Action: disk.Unregister}), "RAC RAC RAC RAC AAC AAC", "SPC-4 5.7.11.1 e, 5.7.11.3; UNH-IOL NVMe test 7.3"},
		{"acquire, the same type", own(disk.Reserve{Action: disk.Acquire}), "ACC ACC ACC ACC AAC AAC", spcAccess + ": RESERVE; SPC-4 5.7.9, 5.7.10: every registrant is a holder"},
		{"acquire, another type", other(disk.Acquire), "CCC CCC CCC CCC CCC CCC", "SPC-4 5.7.9; UNH-IOL NVMe test 7.4"},
		{"release", own(disk.Reserve{Action: disk.Release}), "RAC RAC RAC RAC RRC RRC", spcAccess + "; SPC-4 5.7.11.2; UNH-IOL NVMe test 7.5"},
		{"release, another type", other(disk.Release), "IAC IAC IAC IAC IIC IIC", "SPC-4 5.7.11.2: INVALID RELEASE OF PERSISTENT RESERVATION; a registrant that is no holder gets GOOD"},
		{"clear", own(disk.Reserve{Action: disk.Clear}), "RRC RRC RRC RRC RRC RRC", spcAccess + "; UNH-IOL NVMe test 7.7"},
		{"preempt the holder", own(disk.Reserve{Action: disk.Preempt, OtherKey: key0}), "AAC AAC AAC AAC AAC AAC", spcAccess + "; SPC-4 5.7.11.4.3, table 52"},
		{"preempt the registrant", own(disk.Reserve{Action: disk.Preempt, OtherKey: key1}), "AAC AAC AAC AAC AAC AAC", spcAccess + "; SPC-4 5.7.11.4.4, table 52"},
		{"preempt with key 0", own(disk.Reserve{Action: disk.Preempt}), "IIC IIC IIC IIC AAC AAC", "SPC-4 table 52, figure 7; NVM Express Base, Reservation Acquire: Invalid Field in Command"},
		{"preempt with nobody's key", own(disk.Reserve{Action: disk.Preempt, OtherKey: strange}), "CCC CCC CCC CCC CCC CCC", "SPC-4 5.7.11.4.4; UNH-IOL NVMe test 7.6"},
		{"preempt-and-abort the holder", own(disk.Reserve{Action: disk.PreemptAndAbort, OtherKey: key0}), "AAC AAC AAC AAC AAC AAC", spcAccess},
		{"preempt-and-abort the registrant", own(disk.Reserve{Action: disk.PreemptAndAbort, OtherKey: key1}), "AAC AAC AAC AAC AAC AAC", spcAccess},
	} {
		for i, row := range strings.Fields(c.want) {
			held := reservationTypes[i]
			for p, want := range row {
				d := reserving(t, 3)
				register(t, d, 0, 1)
				must(t, reserve(t, d, 0, disk.Reserve{Action: disk.Acquire, Type: held, Key: key0}))
				before := reserved(t, d)
				_, err := d.Complete(submit(t, d, disk.Port(p), c.command(disk.Port(p), held)))
				after := reserved(t, d)
				got := 'A'
				switch {
				case errors.Is(err, disk.ErrConflict):
					got = 'C'
				case errors.Is(err, disk.ErrInvalid):
					got = 'I'
				case err != nil:
					got = '!'
				case strings.HasPrefix(after, "none"):
					got = 'R'
				}
				if got != want || err != nil && after != before {
					t.Errorf("%s by port %d under %v: %c (%v), then %q; want %c after %q\nsource: %s",
						c.name, p, held, got, err, after, want, before, c.source)
				}
			}
		}
	}
}

// What changes and what does not. All four ports are registered, two by two with
// one key, unless the row says otherwise.
func TestReservationEffects(t *testing.T) {
	type r = disk.Reserve
	type step struct {
		port disk.Port
		r    r
	}
	acquire := func(held disk.ReservationType) step {
		return step{0, r{Action: disk.Acquire, Type: held, Key: key0}}
	}
	const we, wero, wear = disk.WriteExclusive, disk.WriteExclusiveRegistrantsOnly, disk.WriteExclusiveAllRegistrants
	const ea, eaar = disk.ExclusiveAccess, disk.ExclusiveAccessAllRegistrants
	for _, c := range []struct {
		name   string
		steps  []step
		want   string
		source string
	}{
		{"registered", nil, "none; 0 1 2 3; generation 4", "NVMe GEN, SPC-4 PRGENERATION: one for each registration"},
		{"acquire does not count", []step{acquire(we)}, "WE by 0; 0 1 2 3; generation 4", "Seagate SCSI Commands Reference (SPC-5) table 89: RESERVE: no"},
		{"acquire twice", []step{acquire(we), acquire(we)}, "WE by 0; 0 1 2 3; generation 4", "SPC-4 5.7.9"},
		{"all registrants", []step{acquire(eaar)}, "EAAR by 0 1 2 3; 0 1 2 3; generation 4", "SPC-4 5.7.10"},
		{"release does not count", []step{acquire(we), {0, r{Action: disk.Release, Type: we, Key: key0}}},
			"none; 0 1 2 3; generation 4", "the same table: RELEASE: no"},
		{"any registrant releases", []step{acquire(wear), {3, r{Action: disk.Release, Type: wear, Key: key3}}},
			"none; 0 1 2 3; generation 4", "SPC-4 5.7.11.2, 5.7.10"},
		{"clear", []step{acquire(we), {3, r{Action: disk.Clear, Key: key3}}}, "none;; generation 5", "the same table: CLEAR: yes"},
		{"a new key keeps the reservation", []step{acquire(we), {0, r{Action: disk.Replace, Key: key0, NewKey: 77}}},
			"WE by 0; 0:77 1 2 3; generation 5", "NVMe: replacing has no effect on the reservation"},
		{"... and is what a preempt must name", []step{acquire(we), {0, r{Action: disk.Replace, Key: key0, NewKey: 77}},
			{1, r{Action: disk.Preempt, Type: ea, Key: key1, OtherKey: 77}}}, "EA by 1; 1 2 3; generation 6", "SPC-4 5.7.11.4.3"},
		{"the holder unregisters", []step{acquire(wero), {0, r{Action: disk.Unregister, Key: key0}}},
			"none; 1 2 3; generation 5", "SPC-4 5.7.11.3"},
		{"one of all registrants unregisters", []step{acquire(wear), {0, r{Action: disk.Unregister, IgnoreKey: true}}},
			"WEAR by 1 2 3; 1 2 3; generation 5", "SPC-4 5.7.11.3"},
		{"the last of all registrants unregisters", []step{acquire(wear), {0, r{Action: disk.Unregister, Key: key0}},
			{1, r{Action: disk.Unregister, Key: key1}}, {2, r{Action: disk.Unregister, Key: key2}}, {3, r{Action: disk.Unregister, Key: key3}}},
			"none;; generation 8", "SPC-4 5.7.11.1"},
		{"preempt the holder", []step{acquire(we), {1, r{Action: disk.Preempt, Type: wero, Key: key1, OtherKey: key0}}},
			"WERO by 1; 1 2 3; generation 5", "SPC-4 5.7.11.4.3 a to c"},
		{"the holder preempts itself", []step{acquire(we), {0, r{Action: disk.Preempt, Type: ea, Key: key0, OtherKey: key0}}},
			"EA by 0; 0 1 2 3; generation 5", "SPC-4 5.7.11.4.3: establish the new reservation and maintain the registration"},
		{"preempt a registrant", []step{acquire(we), {1, r{Action: disk.Preempt, Type: ea, Key: key1, OtherKey: key2}}},
			"WE by 0; 0 1 3; generation 5", "SPC-4 5.7.11.4.4 a, b: the type is ignored"},
		{"a registrant preempts itself", []step{acquire(we), {1, r{Action: disk.Preempt, Key: key1, OtherKey: key1}}},
			"WE by 0; 0 2 3; generation 5", "SPC-4 5.7.11.4.4 a: all nexuses that the key specifies"},
		{"preempt without a reservation", []step{{1, r{Action: disk.Preempt, Type: ea, Key: key1, OtherKey: key0}}},
			"none; 1 2 3; generation 5", "SPC-4 5.7.11.4.4: there is no persistent reservation; none is made"},
		{"preempt one of all registrants", []step{acquire(wear), {1, r{Action: disk.Preempt, Type: ea, Key: key1, OtherKey: key2}}},
			"WEAR by 0 1 3; 0 1 3; generation 5", "UNH-IOL NVMe test 7.6, case 1: PRKEY not 0"},
		{"preempt all of all registrants", []step{acquire(wear), {1, r{Action: disk.Preempt, Type: ea, Key: key1}}},
			"EA by 1; 1; generation 5", "UNH-IOL NVMe test 7.6, case 1: PRKEY 0"},
		{"the last of all registrants preempts itself", []step{acquire(wear), {0, r{Action: disk.Preempt, Type: wear, Key: key0}},
			{0, r{Action: disk.Preempt, Type: wear, Key: key0, OtherKey: key0}}}, "none;; generation 6", "SPC-4 5.7.11.4.4, 5.7.11.1"},
		{"two hosts with one key", []step{{2, r{Action: disk.Replace, Key: key2, NewKey: key3}}, acquire(we),
			{1, r{Action: disk.Preempt, Type: we, Key: key1, OtherKey: key3}}}, "WE by 0; 0 1; generation 6", "SPC-4 5.7.11.4.4 a"},
		{"a holder and another with its key", []step{{2, r{Action: disk.Replace, Key: key2, NewKey: key0}}, acquire(we),
			{1, r{Action: disk.Preempt, Type: we, Key: key1, OtherKey: key0}}}, "WE by 1; 1 3; generation 6", "SPC-4 5.7.11.4.3 b"},
	} {
		d := reserving(t, 4)
		register(t, d, 0, 1, 2, 3)
		for i, s := range c.steps {
			if err := reserve(t, d, s.port, s.r); err != nil {
				t.Errorf("%s: step %d: %v", c.name, i, err)
			}
		}
		if got := reserved(t, d); got != c.want {
			t.Errorf("%s: %q, want %q\nsource: %s", c.name, got, c.want, c.source)
		}
	}
}

// Seagate SCSI Commands Reference (SPC-5) 3.14.3: a reservation key that is not
// the registered one is a conflict regardless of the service action; NVMe: CRKEY.
func TestWrongKeys(t *testing.T) {
	for _, c := range []struct {
		name string
		r    disk.Reserve
		want error
	}{
		{"register with another key", disk.Reserve{Action: disk.Register, NewKey: strange}, disk.ErrConflict},
		{"replace", disk.Reserve{Action: disk.Replace, Key: strange, NewKey: 5}, disk.ErrConflict},
		{"unregister", disk.Reserve{Action: disk.Unregister, Key: strange}, disk.ErrConflict},
		{"acquire", disk.Reserve{Action: disk.Acquire, Type: disk.WriteExclusive, Key: strange}, disk.ErrConflict},
		{"release", disk.Reserve{Action: disk.Release, Type: disk.WriteExclusive, Key: strange}, disk.ErrConflict},
		{"clear", disk.Reserve{Action: disk.Clear, Key: strange}, disk.ErrConflict},
		{"preempt", disk.Reserve{Action: disk.Preempt, Type: disk.WriteExclusive, Key: strange, OtherKey: key1}, disk.ErrConflict},
		{"preempt-and-abort", disk.Reserve{Action: disk.PreemptAndAbort, Type: disk.WriteExclusive, Key: strange, OtherKey: key1}, disk.ErrConflict},
		{"register key 0", disk.Reserve{Action: disk.Register}, disk.ErrInvalid},
		{"replace by key 0", disk.Reserve{Action: disk.Replace, Key: key0}, disk.ErrInvalid},
		{"acquire type 0", disk.Reserve{Action: disk.Acquire, Key: key0}, disk.ErrInvalid},
		{"acquire type 7", disk.Reserve{Action: disk.Acquire, Type: 7, Key: key0}, disk.ErrInvalid},
		{"ignore the key in acquire", disk.Reserve{Action: disk.Acquire, Type: disk.WriteExclusive, IgnoreKey: true}, disk.ErrInvalid},
		{"ignore the key in register", disk.Reserve{Action: disk.Register, NewKey: key0, IgnoreKey: true}, disk.ErrInvalid},
		{"unknown persistence", disk.Reserve{Action: disk.Register, NewKey: key0, Persist: 3}, disk.ErrInvalid},
		{"unknown action", disk.Reserve{Action: disk.Report + 1, Key: key0}, disk.ErrInvalid},
	} {
		d := reserving(t, 2)
		register(t, d, 0, 1)
		before := reserved(t, d)
		if err := reserve(t, d, 0, c.r); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if after := reserved(t, d); after != before {
			t.Errorf("%s: %q became %q", c.name, before, after)
		}
	}
}

// A write that the disk accepted before the fence: plain preempt lets it land
// (SPC-4 5.7.1: when a reservation is established with respect to other tasks is
// vendor specific), preempt-and-abort does not; what is submitted afterwards fails
// with both.
func TestWriteInFlightAtThePreempt(t *testing.T) {
	for _, c := range []struct {
		action disk.ReserveAction
		want   error
		then   byte
	}{
		{disk.Preempt, nil, 'x'},
		{disk.PreemptAndAbort, disk.ErrAborted, 0},
	} {
		d := reserving(t, 3)
		register(t, d, 0, 1, 2)
		must(t, reserve(t, d, 0, disk.Reserve{Action: disk.Acquire, Type: disk.WriteExclusiveRegistrantsOnly, Key: key0}))
		before := submit(t, d, 0, disk.Command{Kind: model.WriteCommand, Data: block('x')})
		read := submit(t, d, 0, disk.Command{Kind: model.ReadCommand, Data: block(0)})
		bystander := submit(t, d, 2, disk.Command{Kind: model.WriteCommand, Block: 1, Data: block('z')})
		must(t, reserve(t, d, 1, disk.Reserve{Action: c.action, Type: disk.WriteExclusiveRegistrantsOnly, Key: key1, OtherKey: key0}))
		after := submit(t, d, 0, disk.Command{Kind: model.WriteCommand, Data: block('y')})
		if _, err := d.Complete(before); !errors.Is(err, c.want) {
			t.Errorf("%v: the write in flight: %v, want %v", c.action, err, c.want)
		}
		if _, err := d.Complete(read); !errors.Is(err, c.want) {
			t.Errorf("%v: the read in flight: %v, want %v", c.action, err, c.want)
		}
		if _, err := d.Complete(after); !errors.Is(err, disk.ErrConflict) {
			t.Errorf("%v: the write after: %v", c.action, err)
		}
		if _, err := d.Complete(bystander); err != nil {
			t.Errorf("%v: a write of a host that was not preempted: %v", c.action, err)
		}
		if got := content(t, d, 0); got != c.then {
			t.Errorf("%v: the block is %q, want %q", c.action, got, c.then)
		}
		// The incarnation lives, and may register anew.
		register(t, d, 0)
		do(t, d, 0, disk.Command{Kind: model.WriteCommand, Data: block('w')})
	}
}

// Registrations belong to the host: they outlive its incarnation. A power loss
// takes them unless the last register command that spoke of it said otherwise.
func TestPersistence(t *testing.T) {
	const all = "WERO by 0; 0 1; generation "
	for _, c := range []struct {
		name    string
		persist []disk.Persist // of each register command: port 0, port 1, port 1 again
		cut     func(*disk.Disk)
		want    string
	}{
		{"attached anew", nil, func(d *disk.Disk) { d.Attach(0) }, all + "2"},
		{"cut, attached anew", nil, func(d *disk.Disk) { d.Cut(0); d.Attach(0) }, all + "2"},
		{"reset", []disk.Persist{disk.PersistOn}, func(d *disk.Disk) { d.Reset() }, "none;; generation 0"},
		{"power loss, as a new disk", nil, func(d *disk.Disk) { d.PowerLoss(0) }, "none;; generation 0"},
		{"power loss, on", []disk.Persist{disk.PersistOn}, func(d *disk.Disk) { d.PowerLoss(0) }, all + "0"},
		{"power loss, off", []disk.Persist{disk.PersistOff}, func(d *disk.Disk) { d.PowerLoss(0) }, "none;; generation 0"},
		{"the last who spoke: on", []disk.Persist{disk.PersistOff, disk.PersistOn, 0}, func(d *disk.Disk) { d.PowerLoss(0) }, all + "0"},
		{"the last who spoke: off", []disk.Persist{disk.PersistOn, 0, disk.PersistOff}, func(d *disk.Disk) { d.PowerLoss(0) }, "none;; generation 0"},
		{"forgotten by the reset", []disk.Persist{disk.PersistOn}, func(d *disk.Disk) {
			d.Reset()
			d.Attach(0)
			register(t, d, 0)
			d.PowerLoss(0)
		}, "none;; generation 0"},
	} {
		d := reserving(t, 2)
		register(t, d, 0, 1)
		must(t, reserve(t, d, 0, disk.Reserve{Action: disk.Acquire, Type: disk.WriteExclusiveRegistrantsOnly, Key: key0}))
		for i, persist := range c.persist {
			p := disk.Port(min(i, 1))
			must(t, reserve(t, d, p, disk.Reserve{Action: disk.Replace, Key: keys[p], NewKey: keys[p], Persist: persist}))
		}
		c.cut(d)
		d.Attach(0)
		if got := reserved(t, d); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// A disk without them refuses every reservation command, and no other.
func TestWithoutReservations(t *testing.T) {
	d := disk.New(image(t), 1)
	d.Attach(0)
	for a := disk.Register; a <= disk.Report; a++ {
		if err := reserve(t, d, 0, disk.Reserve{Action: a, Key: key0, NewKey: key0}); !errors.Is(err, disk.ErrUnsupported) {
			t.Errorf("%v: %v", a, err)
		}
	}
	do(t, d, 0, disk.Command{Kind: model.WriteCommand, Data: block('x')})
}
