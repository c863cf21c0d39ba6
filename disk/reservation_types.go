package disk

// Key is a reservation key that a host chose for itself; 0 is none.
type Key uint64

// ReservationType says whom a reservation keeps out. The numbers are those of
// NVMe; SCSI has the same types under the names in brackets.
type ReservationType uint8

// The reservation types. A holder may do everything. Others may always read
// under the write-exclusive types and never under the exclusive-access ones;
// they may write under neither, and read and write if registered where the type
// says registrants.
const (
	NoReservation                  ReservationType = iota
	WriteExclusive                                 // (Write Exclusive)
	ExclusiveAccess                                // (Exclusive Access)
	WriteExclusiveRegistrantsOnly                  // (Write Exclusive - Registrants Only, WERO)
	ExclusiveAccessRegistrantsOnly                 // (Exclusive Access - Registrants Only)
	WriteExclusiveAllRegistrants                   // (Write Exclusive - All Registrants): every registrant is a holder
	ExclusiveAccessAllRegistrants                  // (Exclusive Access - All Registrants)
	numReservationTypes
)

var reservationTypeNames = [numReservationTypes]string{"none", "write exclusive", "exclusive access",
	"write exclusive, registrants only", "exclusive access, registrants only",
	"write exclusive, all registrants", "exclusive access, all registrants"}

// String is the name in lower case: "write exclusive, registrants only".
func (t ReservationType) String() string {
	if t < numReservationTypes {
		return reservationTypeNames[t]
	}
	return "unknown"
}

// valid reports whether t can be asked for.
func (t ReservationType) valid() bool { return t > NoReservation && t < numReservationTypes }

// writeExclusive: others may read.
func (t ReservationType) writeExclusive() bool { return t&1 != 0 }

// registrants: those who are registered may do what the holder may.
func (t ReservationType) registrants() bool { return t >= WriteExclusiveRegistrantsOnly }

// allRegistrants: those who are registered are the holder.
func (t ReservationType) allRegistrants() bool { return t >= WriteExclusiveAllRegistrants }

// ReserveAction is what a reservation command does: the actions of NVMe's
// Reservation Register, Acquire, Release and Report commands, which are service
// actions of SCSI's PERSISTENT RESERVE OUT and IN.
type ReserveAction uint8

// The actions. Except where said otherwise the host must be registered and Key
// must be its key, or the answer is ErrConflict.
const (
	// Register makes the host a registrant with NewKey. Key does not matter. A
	// host that is registered already may register with the same key again.
	Register ReserveAction = iota
	// Unregister takes the host's registration away. A reservation that it holds
	// is released, one of all registrants when the last of them is gone.
	Unregister
	// Replace gives the host NewKey. With IgnoreKey it need not be registered:
	// SCSI's REGISTER AND IGNORE EXISTING KEY. A reservation is not affected.
	Replace
	// Acquire makes the host the holder of a reservation of Type. Who holds one
	// of that type already has it; any other reservation is a conflict.
	Acquire
	// Preempt takes the registration of every host whose key is OtherKey away,
	// and with it the reservation if that is the holder's key: then there is a
	// new one of Type, held by this host, whose own registration stays. Under a
	// reservation of all registrants OtherKey 0 means every other host, and
	// the same follows. A key that nobody has is a conflict.
	//
	// It does not touch commands that the disk has accepted. They still land:
	// whether a reservation applies to them is vendor specific (SPC-4 5.7.1),
	// and a fence has to reckon with it.
	Preempt
	// PreemptAndAbort is Preempt, and the commands that hosts had in flight whose
	// registration was taken away never land.
	PreemptAndAbort
	// Release ends the reservation, whose type must be Type, if the host holds it;
	// if not, nothing happens and that is a success.
	Release
	// Clear ends the reservation and takes every registration away.
	Clear
	// Report fills Reserve.Report. Every host may ask.
	Report
	numReserveActions
)

var reserveActionNames = [numReserveActions]string{"register", "unregister", "replace", "acquire",
	"preempt", "preempt-and-abort", "release", "clear", "report"}

// String is the name in lower case: "preempt-and-abort".
func (a ReserveAction) String() string {
	if a < numReserveActions {
		return reserveActionNames[a]
	}
	return "unknown"
}

// Persist says whether registrations and the reservation are to survive a power
// loss. It is one state of the disk, not of a registration: the last command
// that says something decides for all (SPC-4, PERSISTENT RESERVE OUT: the last
// valid APTPL bit that the device server received). A daemon that registers a path
// anew with PersistOff takes it from everyone, as multipathd did (dm-devel, January
// 2015).
type Persist uint8

// The values of NVMe's CPTPL field. SCSI's APTPL bit is PersistOff or PersistOn,
// and is never silent.
const (
	PersistUnchanged Persist = iota
	PersistOff               // as a new disk
	PersistOn
)

// Reserve is the parameters of a reservation command.
type Reserve struct {
	Action    ReserveAction
	Type      ReservationType // Acquire, Release, Preempt, PreemptAndAbort
	Persist   Persist         // Register, Unregister, Replace
	IgnoreKey bool            // Unregister, Replace: Key does not matter. Elsewhere an ErrInvalid

	Key      Key // of the host, now
	NewKey   Key // Register, Replace: the key to have; not 0
	OtherKey Key // Preempt, PreemptAndAbort: whose registrations go

	Report *ReservationReport // Report: filled, its memory used again
}

// ReservationReport is the answer to a Report action.
type ReservationReport struct {
	// Generation counts the successful commands since the last power loss that
	// can have changed registrations: all but Acquire, Release and Report.
	Generation  uint32
	Type        ReservationType // NoReservation if there is none
	Persist     bool
	Registrants []Registrant // in order of port
}

// Registrant is one of the registered hosts.
type Registrant struct {
	Port   Port
	Key    Key
	Holder bool // of the reservation; all of them under one of all registrants
}
