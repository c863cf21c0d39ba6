package history

import (
	"fmt"

	"github.com/doublemount/doublemount/model"
)

// clientKey is a client of a host.
type clientKey struct {
	host   model.Host
	client label
}

// handleKey is a handle that a client calls by a name.
type handleKey struct {
	clientKey
	handle label
}

// opened is an open handle: its slot, and the name that it was opened by. One that
// was closed has no slot, but the line of its close and when that returned.
type opened struct {
	slot   uint8
	path   model.Path
	closed int64
	line   int32
}

// slots says which handle slots of a host are taken.
type slots struct {
	taken [MaxHandles + 1]bool
	keys  []handleKey
}

// free is the lowest slot that is free, 0 for none.
func (s *slots) free() uint8 {
	for n := 1; n <= MaxHandles; n++ {
		if !s.taken[n] {
			return uint8(n)
		}
	}
	return 0
}

// clients goes through the operations in order: each client does one thing at a
// time, and its handles become slots of its host.
func (rd *reader) clients() error {
	under := map[clientKey]int{} // the client's last operation
	open := map[handleKey]opened{}
	var hosts [model.MaxHosts + 1]slots
	var down [model.MaxHosts + 1]int64 // call of the host's last crash, plus 1
	latest, late := int64(-1), int32(0)
	for i := range rd.ops {
		op, x := &rd.ops[i], &rd.more[i]
		h := min(op.Host, model.MaxHosts)
		if op.Host == model.Final && latest > op.Call {
			return &LineError{int(x.line), fmt.Errorf("the final host looks before line %d has returned", late)}
		}
		if op.Host != model.Final && !op.Pending() && op.Return > latest {
			latest, late = op.Return, x.line
		}
		if op.Kind.Event() {
			switch op.Kind {
			case model.Crash, model.PowerLoss, model.Fence, model.Mount, model.Unmount:
				for n := range hosts {
					if n != int(h) && op.Host != model.Everyone || op.Kind == model.Mount && !op.Succeeded() {
						continue
					}
					for _, k := range hosts[n].keys {
						delete(open, k)
					}
					hosts[n] = slots{}
					if op.Kind == model.Crash || op.Kind == model.PowerLoss {
						down[n] = op.Call + 1
					}
				}
			}
			continue
		}
		k := clientKey{op.Host, x.client}
		if last, ok := under[k]; ok {
			switch o := &rd.ops[last]; {
			case o.Return <= op.Call, down[h] > o.Call && down[h] <= op.Call+1: // the crash ended it
			case o.Pending():
				return &LineError{int(x.line), fmt.Errorf("client %.40q of %v calls, and its call of line %d has never returned\nhint: who goes on after that is another client", x.client.String(), op.Host, rd.more[last].line)}
			default:
				return &LineError{int(x.line), fmt.Errorf("client %.40q of %v calls before its call of line %d has returned; two at once are two clients", x.client.String(), op.Host, rd.more[last].line)}
			}
		}
		under[k] = i
		if x.handle != "" {
			if err := rd.handle(i, handleKey{clientKey{op.Host, x.owner}, x.handle}, open, &hosts[h]); err != nil {
				return &LineError{int(x.line), err}
			}
		}
	}
	return nil
}

// handle gives an operation the slot of its handle. One that is not open now gets a
// slot that is empty, and the judge says what an answer through that is. One that
// no line opens is a mistake of the recording, unless that is what was answered.
func (rd *reader) handle(i int, k handleKey, open map[handleKey]opened, host *slots) error {
	op := &rd.ops[i]
	o, ok := open[k]
	if ok = ok && o.slot != 0; !ok {
		if op.Call < o.closed {
			return fmt.Errorf("handle %.40q is being closed by line %d\nhint: whether it was still open then is not known to the judge; leave such operations out", k.handle.String(), o.line)
		}
		o = opened{}
	}
	switch {
	case op.Kind == model.Open && ok && (op.Succeeded() || op.Pending()):
		return fmt.Errorf("handle %.40q is open already", k.handle.String())
	case !ok && op.Kind != model.Open && op.Succeeded() && !rd.opens(k):
		return fmt.Errorf("handle %.40q is not one that client %.40q of %v opens on any line", k.handle.String(), k.client.String(), k.host)
	case !ok:
		if o.slot = host.free(); o.slot == 0 {
			return fmt.Errorf("more than %d handles open on host %v at once", MaxHandles, op.Host)
		}
	}
	op.File = o.slot
	if op.Kind != model.Open {
		rd.more[i].path = o.path
	}
	switch {
	case op.Kind == model.Open && op.Succeeded():
		host.taken[o.slot] = true
		host.keys = append(host.keys, k)
		open[k] = opened{slot: o.slot, path: op.Path}
	case op.Kind == model.Close && ok && op.Result.Errno != model.EBADF:
		host.taken[o.slot] = false
		open[k] = opened{closed: op.Return, line: rd.more[i].line}
	}
	return nil
}

// opens reports whether a line opens a handle.
func (rd *reader) opens(k handleKey) bool {
	if rd.opened == nil {
		rd.opened = map[handleKey]bool{}
		for i := range rd.ops {
			if op, x := &rd.ops[i], &rd.more[i]; op.Kind == model.Open {
				rd.opened[handleKey{clientKey{op.Host, x.owner}, x.handle}] = true
			}
		}
	}
	return rd.opened[k]
}
