package loop

import (
	"errors"
	"strconv"
	"time"

	"github.com/doublemount/doublemount/lab/agent"
	"github.com/doublemount/doublemount/model"
)

// call is a request under way.
type call struct {
	host   *host
	agent  *agent.Host // of the host then
	number int         // step
	op     int         // index in the history, -1 for none
	held   int         // command that a hold keeps, of those
	done   bool
	lost   bool // the process ended before it answered
	result model.Result
	text   string // of a refusal, in the words of the system
}

// request has an agent asked for something. The answer goes to then.
type request func(a *agent.Host, then func(agent.Answer))

// unmounting asks for an unmount, and for the loop device to be detached or not.
func unmounting(detach bool) request {
	return func(a *agent.Host, then func(agent.Answer)) { a.BeginUnmount(detach, then) }
}

// doing asks for a step.
func doing(s model.Step) request {
	return func(a *agent.Host, then func(agent.Answer)) { a.BeginDo(s, then) }
}

// send sends a request of a step and returns the call; op is the index of the
// operation in the history, -1 if it is none.
func (w *world) send(h *host, ask request, number, op int) *call {
	c := &call{host: h, agent: h.agent, number: number, op: op}
	h.calls = append(h.calls, c)
	w.busy = time.Now()
	if h.agent == nil {
		w.lose(c)
		return c
	}
	ask(h.agent, func(a agent.Answer) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.answered(c, a)
	})
	return c
}

// answered takes the answer of a host.
func (w *world) answered(c *call, a agent.Answer) {
	if c.done {
		return // its host was cut
	}
	if errors.Is(a.Err, agent.ErrLost) && c.host.agent == c.agent {
		c.host.lost(a.Err)
		return
	}
	c.result = a.Result
	if refused, ok := errors.AsType[*agent.Refused](a.Err); ok && refused.Errno != model.OK {
		c.result.Errno, c.text = refused.Errno, refused.Text
		if text, err := strconv.Unquote(c.text); err == nil {
			c.text = text // who prints it sees to what cannot be printed
		}
	} else if a.Err != nil {
		w.fail("step %d: %w", c.number, a.Err)
		w.lose(c)
		return
	}
	w.written.Judge(c.result.Data)
	w.finish(c)
	if c.op >= 0 {
		w.time++
		op := &w.history[c.op]
		op.Return, op.Result, op.Skipped = w.time, c.result, a.Skipped
		w.note(c.host.id, model.StepEnded, 0)
		w.trace[len(w.trace)-1].Step = int16(c.number)
	}
	w.changed.Broadcast()
}

func (w *world) lose(c *call) {
	c.lost = true
	w.finish(c)
	w.changed.Broadcast()
}

// finish takes a call off its host's list.
func (w *world) finish(c *call) {
	c.done = true
	for i, o := range c.host.calls {
		if o == c {
			c.host.calls = append(c.host.calls[:i:i], c.host.calls[i+1:]...)
			break
		}
	}
}

// abandoned ends the calls of a host whose process has ended.
func (w *world) abandoned(h *host) {
	for len(h.calls) > 0 {
		w.lose(h.calls[0])
	}
	w.changed.Broadcast()
}
