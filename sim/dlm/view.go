package dlm

import (
	"encoding/binary"

	"github.com/doublemount/doublemount/model"
)

// Slots is how many hosts there can be: each has a slot of its own for ever, the
// closing observer the last one.
const Slots = model.MaxHosts + 1

// slotOf is a host's slot, hostOf its inverse.
func slotOf(h model.Host) uint8 { return min(uint8(h), Slots-1) }

func hostOf(slot uint8) model.Host {
	if slot == Slots-1 {
		return model.Final
	}
	return model.Host(slot)
}

// nobody is the master when there is no member.
const nobody = 255

// view is who is a member. It stands in one block of the disk that is only ever
// changed by a compare-and-write, so all hosts agree on every view there was,
// and on their order.
type view struct {
	epoch  uint32 // grows with each change of members
	master uint8  // slot of the member that grants, or nobody
	slots  [Slots]seat
}

// seat is one slot of a view.
type seat struct {
	life   uint32 // how often the host has joined, below 2^14; the latest life
	member bool   // that life is a member
	dirty  bool   // a life that was a member has gone without leaving, and its recovery is not done
}

const (
	viewMagic = 0x57454956 // "VIEW"
	beatMagic = 0x54414542 // "BEAT"
	viewBytes = 12 + 2*Slots
	beatBytes = 12

	seatMember = 1 << 15 // above the life
	seatDirty  = 1 << 14
)

var order = binary.LittleEndian

// encode writes v into a block.
func (v *view) encode(p []byte) {
	clear(p)
	order.PutUint32(p, viewMagic)
	order.PutUint32(p[4:], v.epoch)
	p[8] = v.master
	for i, s := range v.slots {
		bits := uint16(s.life) % seatDirty
		if s.member {
			bits |= seatMember
		}
		if s.dirty {
			bits |= seatDirty
		}
		order.PutUint16(p[12+2*i:], bits)
	}
}

// decode reads v from a block; false if it is none.
func (v *view) decode(p []byte) bool {
	if order.Uint32(p) != viewMagic {
		return false
	}
	v.epoch, v.master = order.Uint32(p[4:]), p[8]
	for i := range v.slots {
		bits := order.Uint16(p[12+2*i:])
		v.slots[i] = seat{uint32(bits % seatDirty), bits&seatMember != 0, bits&seatDirty != 0}
	}
	return v.master < Slots || v.master == nobody
}

// members is how many there are.
func (v *view) members() (n int) {
	for _, s := range v.slots {
		if s.member {
			n++
		}
	}
	return n
}

// dirty is the first slot whose recovery is not done, or nobody.
func (v *view) dirty() uint8 {
	for i, s := range v.slots {
		if s.dirty {
			return uint8(i)
		}
	}
	return nobody
}

// join makes a host's new life a member. If its last one still is, that life has
// ended without leaving.
func (v *view) join(slot uint8) (life uint32) {
	s := &v.slots[slot]
	s.dirty = s.dirty || s.member
	if s.member && v.master == slot {
		v.master = nobody // the old life was, and took what it knew with it
	}
	s.life, s.member = s.life+1, true
	v.next()
	return s.life
}

// leave takes a member out that has nothing left to recover.
func (v *view) leave(slot uint8) {
	v.slots[slot].member = false
	v.next()
}

// evict takes members out that are dead, or have to be.
func (v *view) evict(slots []uint8) {
	for _, i := range slots {
		v.slots[i].member, v.slots[i].dirty = false, true
	}
	v.next()
}

// next begins an epoch. The master stays as long as it is a member; else the
// member of the lowest slot follows.
func (v *view) next() {
	v.epoch++
	if v.master != nobody && v.slots[v.master].member {
		return
	}
	v.master = nobody
	for i, s := range v.slots {
		if s.member {
			v.master = uint8(i)
			return
		}
	}
}

// has reports whether a life of a host is a member.
func (v *view) has(slot uint8, life uint32) bool {
	return v.slots[slot].member && v.slots[slot].life == life
}

// beat is a host's heartbeat block.
type beat struct {
	life, count uint32
}

func (b beat) encode(p []byte) {
	clear(p)
	order.PutUint32(p, beatMagic)
	order.PutUint32(p[4:], b.life)
	order.PutUint32(p[8:], b.count)
}

func decodeBeat(p []byte) beat {
	if order.Uint32(p) != beatMagic {
		return beat{}
	}
	return beat{order.Uint32(p[4:]), order.Uint32(p[8:])}
}
