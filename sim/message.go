package sim

import (
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/doublemount/doublemount/model"
)

// Message is what one host sent to another.
type Message struct {
	From model.Host
	Data []byte // valid until the host's next Receive

	step int // that it was sent for
}

// Send sends a message to another host. It does not wait, and nobody says
// whether the message arrives: it is lost when the two are parted, or the other
// has nothing mounted. Messages of two hosts arrive in the order in which they
// were sent, unless a fault makes one late.
func (h *Host) Send(to model.Host, data []byte) {
	t := h.enter()
	w := h.w
	w.uses |= model.SetOf(model.Partition)
	if int(to) >= w.program.Hosts || to == h.id {
		w.fail(model.Misuse, t, fmt.Sprintf("send to host %v of %d hosts", to, w.program.Hosts))
	}
	strike := t.reach(model.SendCommand)
	sum := crc32.Checksum(data, castagnoli)
	w.record(model.Record{Step: int16(t.number), Host: h.id, Kind: model.Sent, Block: int32(to), Sum: sum})
	copies := 1
	if strike != nil {
		switch strike.Kind {
		case model.Drop:
			copies = 0
		case model.Double:
			copies = 2
		case model.Delay:
			if !w.closing && !w.over(strike.Arg) {
				w.network.late = append(w.network.late, lateMessage{h, to, w.message(h.id, t.number, data), strike.Arg})
				return
			}
		}
	}
	for range copies {
		w.deliver(h, to, w.message(h.id, t.number, data))
	}
	if copies == 0 {
		w.record(model.Record{Step: int16(t.number), Host: h.id, Kind: model.Lost, Block: int32(to), Sum: sum})
	}
}

// Hosts is how many hosts there can be, from 0: whether they are there is for a
// design to find out.
func (h *Host) Hosts() int { return h.w.program.Hosts }

// Receive waits for a message and returns it. What a daemon does next counts for
// the step that the message was sent for.
func (h *Host) Receive() Message {
	t := h.enter()
	t.waiting = wait{inbox: true}
	t.await(&t.waiting)
	m := h.inbox[0]
	h.inbox = slices.Delete(h.inbox, 0, 1)
	if t.daemon != nil {
		t.number = m.step
	}
	h.w.record(model.Record{Step: int16(t.number), Host: h.id, Kind: model.Received, Block: int32(m.From),
		Sum: crc32.Checksum(m.Data, castagnoli)})
	return m
}

// network is what is between hosts.
type network struct {
	parted [model.MaxHosts + 1][model.MaxHosts + 1]bool
	parts  int // how many pairs are parted
	late   []lateMessage
}

type lateMessage struct {
	from    *Host
	to      model.Host
	message Message
	until   int
}

func (n *network) part(a, b *Host, parted bool) {
	i, j := min(a.port, b.port), max(a.port, b.port)
	if n.parted[i][j] == parted {
		return
	}
	n.parted[i][j] = parted
	if parted {
		n.parts++
	} else {
		n.parts--
	}
}

func (n *network) isParted(a, b *Host) bool {
	return n.parted[min(a.port, b.port)][max(a.port, b.port)]
}

// cutOff reports whether a host is parted from any other.
func (n *network) cutOff(h *Host) bool {
	for i := range n.parted {
		if n.parts > 0 && (n.parted[i][h.port] || n.parted[h.port][i]) {
			return true
		}
	}
	return false
}

func (n *network) troubled() bool { return n.parts > 0 || len(n.late) > 0 }

func (n *network) healAll() {
	if n.parts > 0 {
		clear(n.parted[:])
		n.parts = 0
	}
}

func (n *network) reset() {
	n.healAll()
	n.late = n.late[:0]
}

// message is a copy of what was sent, in memory of the run.
func (w *world) message(from model.Host, step int, data []byte) Message {
	start := len(w.mail)
	w.mail = append(w.mail, data...)
	return Message{From: from, Data: w.mail[start:len(w.mail):len(w.mail)], step: step}
}

// deliver puts a message where its receiver finds it.
func (w *world) deliver(from *Host, to model.Host, m Message) {
	h := w.hosts[to]
	if h.phase == unmounted || w.network.isParted(from, h) {
		w.record(model.Record{Step: int16(m.step), Host: from.id, Kind: model.Lost, Block: int32(to), Sum: crc32.Checksum(m.Data, castagnoli)})
		return
	}
	h.inbox = append(h.inbox, m)
}

// deliverLate delivers the messages that were to come when step number has
// ended, or an earlier one.
func (w *world) deliverLate(number int) {
	late := w.network.late
	w.network.late = nil
	var kept []lateMessage
	for _, l := range late {
		if l.until <= number {
			w.deliver(l.from, l.to, l.message)
		} else {
			kept = append(kept, l)
		}
	}
	w.network.late = append(kept, w.network.late...)
}
