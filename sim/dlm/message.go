package dlm

import "fmt"

// Name is what a lock is on: a kind of thing and a number, as GFS2 has it.
type Name struct {
	Type   uint8
	Number uint32
}

// String is "2/11".
func (n Name) String() string { return fmt.Sprintf("%d/%d", n.Type, n.Number) }

// Value is a lock value block: a few bytes that go with a lock from holder to
// holder.
type Value [32]byte

// messageKind says what a message is.
type messageKind uint8

const (
	ping        messageKind = iota + 1 // master: are you there? There is this epoch
	pong                               // member: yes
	reportLocks                        // member: these locks I have
	admit                              // master: the epoch has begun, locks are granted again
	ask                                // member: a request
	askBack                            // member: never mind
	tellOutcome                        // master: how a request ended
	tellBlocked                        // master: somebody waits for you
)

// message is any message but its entries. Unused fields are zero.
type message struct {
	kind    messageKind
	epoch   uint32
	name    Name
	seq     uint32
	mode    Mode
	answer  outcome
	noQueue bool
	writes  bool // the request brings a value
	valid   bool
	version uint32
	value   Value
}

// entry is a lock in a report.
type entry struct {
	name    Name
	mode    Mode   // what the master has granted, as far as the host knows
	usable  Mode   // what the host still makes use of: less when it is giving up
	seq     uint32 // of the last request answered
	valid   bool
	version uint32
	value   Value // the host's copy
}

const (
	messageBytes = 60
	entryBytes   = 48
)

func bit(b bool, n int) byte {
	if b {
		return 1 << n
	}
	return 0
}

// append encodes m.
func (m *message) append(p []byte) []byte {
	var b [messageBytes]byte
	b[0], b[1], b[2], b[3] = byte(m.kind), m.name.Type, byte(m.mode), byte(m.answer)
	order.PutUint32(b[4:], m.epoch)
	order.PutUint32(b[8:], m.name.Number)
	order.PutUint32(b[12:], m.seq)
	order.PutUint32(b[16:], m.version)
	b[20] = bit(m.noQueue, 0) | bit(m.writes, 1) | bit(m.valid, 2)
	copy(b[24:], m.value[:])
	return append(p, b[:]...)
}

// decodeMessage is the inverse of append; rest is the entries.
func decodeMessage(b []byte) (m message, rest []byte, ok bool) {
	if len(b) < messageBytes {
		return m, nil, false
	}
	m = message{
		kind: messageKind(b[0]), name: Name{b[1], order.Uint32(b[8:])}, mode: Mode(b[2]), answer: outcome(b[3]),
		epoch: order.Uint32(b[4:]), seq: order.Uint32(b[12:]), version: order.Uint32(b[16:]),
		noQueue: b[20]&1 != 0, writes: b[20]&2 != 0, valid: b[20]&4 != 0,
	}
	copy(m.value[:], b[24:])
	return m, b[messageBytes:], true
}

func (e *entry) append(p []byte) []byte {
	var b [entryBytes]byte
	b[0], b[1], b[2], b[3] = e.name.Type, byte(e.mode), byte(e.usable), bit(e.valid, 0)
	order.PutUint32(b[4:], e.name.Number)
	order.PutUint32(b[8:], e.seq)
	order.PutUint32(b[12:], e.version)
	copy(b[16:], e.value[:])
	return append(p, b[:]...)
}

func decodeEntry(b []byte) (e entry) {
	e = entry{name: Name{b[0], order.Uint32(b[4:])}, mode: Mode(b[1]), usable: Mode(b[2]), valid: b[3]&1 != 0,
		seq: order.Uint32(b[8:]), version: order.Uint32(b[12:])}
	copy(e.value[:], b[16:])
	return e
}
