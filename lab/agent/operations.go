package agent

import (
	"encoding/json"
	"fmt"

	"github.com/doublemount/doublemount/model"
)

// Answer is what became of one operation. Return is [model.Never], and Result
// means nothing, if Err is not nil: then it may have had its effect, or not.
type Answer struct {
	Result  model.Result
	Skipped bool  // it cannot be done there, and nothing was
	Call    int64 // on the clock of the run, as is Return
	Return  int64
	Err     error // wraps ErrStuck or ErrLost, or is a Refused
}

// Begin starts an operation and does not wait for it. What becomes of it comes
// on the channel, once, within twice the timeout.
func (h *Host) Begin(s model.Step) <-chan Answer {
	answer := make(chan Answer, 1)
	h.BeginDo(s, func(a Answer) { answer <- a })
	return answer
}

// BeginDo is Begin with a function that gets the answer: once, in the order in which
// answers come from the agent, and never by the goroutine that called BeginDo, which
// may hold a lock that the function takes.
func (h *Host) BeginDo(s model.Step, then func(Answer)) { h.begin(methodDo, fromStep(s), s, then) }

// BeginMount is Mount in that way. A refusal is the Err of the answer.
func (h *Host) BeginMount(m Mount, then func(Answer)) {
	h.begin(methodMount, m, model.Step{Kind: model.Mount}, then)
}

// BeginUnmount is Unmount in that way. Detach is for an agent with a [System]: its
// block device goes too.
func (h *Host) BeginUnmount(detach bool, then func(Answer)) {
	h.begin(methodUnmount, unmounting{detach}, model.Step{Kind: model.Unmount}, then)
}

func (h *Host) begin(method string, params any, s model.Step, then func(Answer)) {
	call := h.opts.Clock.Now()
	h.send(method, params, h.opts.Timeout, func(r response, err error) {
		a := Answer{Call: call, Return: h.opts.Clock.Now(), Err: h.told(method, err)}
		if err == nil {
			a.Result, a.Skipped, a.Err = h.decode(r, s)
		}
		if a.Err != nil {
			a.Return = model.Never
		}
		then(a)
	})
}

// Do is Begin and the wait for it.
func (h *Host) Do(s model.Step) Answer { return <-h.Begin(s) }

// decode is the result of an operation. One that makes no sense loses the agent.
func (h *Host) decode(r response, s model.Step) (answer model.Result, skipped bool, err error) {
	var w result
	if s.Kind == model.Mount {
		if err = json.Unmarshal(r.Result, &Mounted{}); err == nil {
			return answer, false, nil
		}
	} else if err = json.Unmarshal(r.Result, &w); err == nil {
		var done bool
		answer, done, err = w.result(s.Kind)
		if len(answer.Data) > int(s.Len) {
			err = fmt.Errorf("%d words read of %d", len(answer.Data), s.Len)
		}
		if err == nil {
			return answer, !done, nil
		}
	}
	h.fail(fmt.Errorf("it answered nonsense to %v: %w", s.Kind, err))
	return model.Result{}, false, h.Err()
}

// Mount has the agent open a directory anew, through its root as that is now.
// It answers what can be done there, as far as that was asked.
func (h *Host) Mount(m Mount) (answer Mounted, err error) {
	err = h.ask(methodMount, m, &answer)
	return answer, err
}

// Unmount has the agent close all handles, make durable what was changed, and
// close the directory, so that the file system can be unmounted. It waits for
// operations under way. The result is the file system's; nothing is done if
// nothing is mounted.
func (h *Host) Unmount() (model.Result, error) {
	answer := make(chan Answer, 1)
	h.BeginUnmount(false, func(a Answer) { answer <- a })
	a := <-answer
	return a.Result, a.Err
}
