package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// ending is how long a command that does not read any more may take to end.
const ending = 2 * time.Second

// write writes the queued lines until the host is given up.
func (h *Host) write(w io.Writer) {
	for {
		select {
		case <-h.done:
			return
		case line := <-h.out:
			if _, err := w.Write(line); err != nil {
				select {
				case <-h.done: // it ended, and who reads has more to say of that
				case <-time.After(ending):
					h.fail(fmt.Errorf("write to it: %w", err))
				}
				return
			}
		}
	}
}

// maxGreeting is how much may come before the first answer: what a login prints, and
// what a session before this one was answered too late.
const maxGreeting = 64 << 10

// read hands answers out until there are no more.
func (h *Host) read(r io.Reader) {
	in := lines(r)
	greeted, greeting := false, 0
	for {
		line, err := readLine(in)
		if err != nil {
			if errors.Is(err, io.EOF) {
				h.settle()
				err = errors.New("it ended")
			}
			h.fail(err)
			return
		}
		var a response
		err = json.Unmarshal(line, &a)
		n, mine := h.number(a.ID)
		if !greeted && (err != nil || !mine) {
			if greeting += len(line) + 1; greeting > maxGreeting {
				h.fail(errors.New("it answered something that is no answer, before anything else"))
				return
			}
			h.said.Write(append(line, '\n'))
			continue
		}
		greeted = true
		switch {
		case err != nil || a.Version != "2.0" || (a.Result == nil) == (a.Error == nil):
			err = fmt.Errorf("it answered nonsense: %s", shorten(string(line)))
		case mine:
			err = h.answered(n, a, line)
		case !otherSession(a.ID):
			err = fmt.Errorf("it answered nobody: %s", shorten(string(line)))
		}
		if err != nil {
			h.fail(err)
			return
		}
	}
}

// number is that of a request of this session.
func (h *Host) number(id json.RawMessage) (n int64, mine bool) {
	session, number, ok := cutID(id)
	if !ok || session != h.id {
		return 0, false
	}
	n, err := strconv.ParseInt(number, 10, 64)
	return n, err == nil
}

// otherSession reports whether an identifier is one of a session: of another one, if
// it is not of this.
func otherSession(id json.RawMessage) bool {
	_, number, ok := cutID(id)
	_, err := strconv.ParseInt(number, 10, 64)
	return ok && err == nil
}

func cutID(id json.RawMessage) (session, number string, ok bool) {
	var text string
	if json.Unmarshal(id, &text) != nil {
		return "", "", false
	}
	return strings.Cut(text, ".")
}

// answered hands an answer to whoever asked.
func (h *Host) answered(n int64, a response, line []byte) error {
	h.mu.Lock()
	c := h.waiting[n]
	delete(h.waiting, n)
	late := h.late[n]
	delete(h.late, n)
	h.mu.Unlock()
	switch {
	case c != nil:
		c.stop()
	case late:
		return nil
	default:
		return fmt.Errorf("it answered what it was not asked: %s", shorten(string(line)))
	}
	if a.Error != nil {
		a.Error.Message = shorten(a.Error.Message)
		c.reply(a, a.Error)
		return nil
	}
	a.Result = append(json.RawMessage(nil), a.Result...)
	c.reply(a, nil)
	return nil
}
