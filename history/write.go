package history

import (
	"bufio"
	"encoding/json"
	"io"
	"slices"
	"strconv"

	"github.com/doublemount/doublemount/model"
)

// Write writes the history of a run in the order of its calls, ids counted from 1,
// so that any other judge, or a later [Read], can take it. The data of a write is
// its number. Left out are operations that were skipped, and what an event had to
// do that nobody sees: which blocks a flusher wrote, which writes a crash kept.
// Words that no write can have left are written as data "?", which is no write's.
// An error is w's.
func Write(w io.Writer, run model.Run) error {
	b := bufio.NewWriter(w)
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	var hosts [model.MaxHosts + 1]lanes
	n := 0
	cached := !slices.ContainsFunc(run.History, func(op model.Op) bool { return op.Host == model.Final && op.Kind == model.Mount })
	for i := range run.History {
		op := &run.History[i]
		if op.Skipped {
			continue
		}
		n++
		l := lineOf(n, op)
		l.Flock = run.LocksApart && op.Len == 0 && (op.Kind == model.Lock || op.Kind == model.Unlock)
		l.Cached = cached && op.Host == model.Final
		if op.Kind.Event() {
			for h := range hosts {
				if model.Host(h) == op.Host || op.Host == model.Everyone {
					hosts[h].event(op)
				}
			}
		} else {
			hosts[min(op.Host, model.MaxHosts)].operation(&l, op)
		}
		if err := e.Encode(l); err != nil {
			return err
		}
	}
	return b.Flush()
}

// lanes are the clients of a host that its operations are given to: the lowest that
// has nothing under way.
type lanes struct {
	until  []int64                // by client
	opener [MaxHandles + 1]uint16 // by slot: the client that opened it, counted from 1
}

// event notes that the host is another one now.
func (h *lanes) event(op *model.Op) {
	switch op.Kind {
	case model.Crash, model.PowerLoss:
		*h = lanes{}
	case model.Mount, model.Unmount, model.Fence:
		h.opener = [MaxHandles + 1]uint16{}
	}
}

// operation names the client of a line, and whose handle it uses.
func (h *lanes) operation(l *line, op *model.Op) {
	lane := 0
	for lane < len(h.until) && h.until[lane] > op.Call {
		lane++
	}
	if lane == len(h.until) {
		h.until = append(h.until, 0)
	}
	h.until[lane] = op.Return
	l.Client = number(lane + 1)
	switch by := int(h.opener[op.File]); {
	case op.File == 0:
	case op.Kind == model.Open && op.Succeeded():
		h.opener[op.File] = uint16(lane + 1)
	case op.Kind == model.Open:
	case by != 0 && by != lane+1:
		l.HandleOf = number(by)
	}
}

// lineOf is an operation as a line.
func lineOf(n int, op *model.Op) line {
	number64 := func(v int64) *int64 { return &v }
	l := line{ID: number(n), Host: op.Host.String(), Op: op.Kind.String(), Path: string(op.Path), To: string(op.To),
		Direct: op.Direct, Shared: op.Shared, Call: number64(op.Call)}
	if op.File != 0 {
		l.Handle = number(int(op.File))
	}
	if op.Data != 0 {
		l.Data = number(int(op.Data))
	}
	switch op.Kind {
	case model.Read, model.Write:
		l.Offset, l.Length = number64(int64(op.Off)), number64(int64(op.Len))
	case model.Lock, model.Unlock:
		if op.Len > 0 { // else the whole file
			l.Offset, l.Length = number64(int64(op.Off)), number64(int64(op.Len))
		}
	case model.Append, model.Truncate:
		l.Length = number64(int64(op.Len))
	case model.Tick:
		l.Ticks = number64(int64(op.Len))
	case model.Partition, model.Heal:
		if l.From = "disk"; op.Off != model.FromDisk {
			l.From = ""
		}
		if op.Off > 0 {
			l.From = model.Host(op.Off - 1).String()
		}
	}
	if op.Pending() {
		return l
	}
	l.Return = number64(op.Return)
	if instant.Has(op.Kind) {
		return l
	}
	l.Result = resultOf(op)
	return l
}

func resultOf(op *model.Op) *result {
	r := &result{}
	a := &op.Result
	if a.Errno != model.OK {
		r.Error = a.Errno.String()
		if a.Size > 0 && (op.Kind == model.Write || op.Kind == model.Append) {
			r.Written = &a.Size
		}
		return r
	}
	switch op.Kind {
	case model.Stat:
		if r.Type = a.Type.String(); a.Type == model.File {
			r.Size = &a.Size
		}
	case model.Write, model.Append:
		if a.Size != int64(op.Len) {
			r.Written = &a.Size
		}
	case model.Read:
		r.Data = runsOf(a.Data)
	case model.Readdir:
		r.Names = a.Names
	case model.Statfs:
		r.Total, r.Free = &a.Total, &a.Free
	}
	return r
}

// runsOf folds equal words.
func runsOf(data []byte) []run {
	var all []run
	for i, word := range data {
		if i > 0 && data[i-1] == word {
			all[len(all)-1].words++
			continue
		}
		var tag *label
		switch word {
		case model.Hole:
		case model.Garbage:
			l := label(strconv.Quote("?"))
			tag = &l
		default:
			tag = number(int(word))
		}
		all = append(all, run{tag, 1})
	}
	return all
}
