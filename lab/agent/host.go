package agent

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/doublemount/doublemount/lab/identity"
	"github.com/doublemount/doublemount/model"
)

// Timeouts, where none is asked for. DefaultTimeout is for one request;
// StartTimeout for a command to answer its first, as ssh needs its time.
const (
	DefaultTimeout = 10 * time.Second
	StartTimeout   = 20 * time.Second
)

var (
	// ErrStuck is wrapped by the error of a request that did not return in time
	// although the agent answers others: the operation hangs in the file system.
	ErrStuck = errors.New("did not return in time")
	// ErrLost is wrapped by the errors of a Host whose agent is of no more use: it
	// ended, stopped answering, or answered nonsense. Nothing is known of the file
	// system then.
	ErrLost = errors.New("agent lost")
)

// Options change how a Host is spoken to.
type Options struct {
	Name    string        // in messages; empty: "host"
	Clock   *Clock        // of the run; nil: its own
	Timeout time.Duration // for one request; 0: DefaultTimeout; less: none, and the caller sees to it that there is an end
	Start   time.Duration // for the first; 0: StartTimeout
	Dirs    string        // begins the names of the directories that the agent may make and remove; empty: those of [DirPrefix]
	// Lost, if set, is called once when the agent is of no more use, with what
	// [Host.Err] says, before requests under way are answered that it is. As with the
	// functions of [Host.BeginDo], never by the goroutine of a caller.
	Lost func(error)
	_    struct{}
}

// Host is the caller's end of one agent. It may be used by several goroutines at
// once. Whatever the agent does, no method takes longer than twice the timeout.
type Host struct {
	opts   Options
	id     string // of the session
	hello  Hello
	out    chan []byte   // lines to write
	first  chan error    // what became of the hello
	done   chan struct{} // closed when the agent is lost or given up
	gone   chan struct{} // closed when nothing is left of it
	end    func()        // ends the transport, whatever state it is in
	finish func()        // ends the agent's input
	settle func()        // waits a little for an agent that has ended, whose last words may still come
	said   *tail         // what the agent wrote to its standard error

	mu      sync.Mutex
	next    int64
	waiting map[int64]*call
	late    map[int64]bool // requests that were given up and may still be answered
	err     error          // wraps ErrLost
}

// call is a request under way.
type call struct {
	timer *time.Timer           // nil: it may take as long as it likes
	reply func(response, error) // called once, not under the lock of the host and not by who sent the request
}

func (c *call) stop() {
	if c.timer != nil {
		c.timer.Stop()
	}
}

// queued is how many lines may wait to be written. An agent that reads nothing
// is lost when there are more.
const queued = 1024

// Connect speaks to an agent over a transport that is there already. The Host
// closes it. The ctx is for the first answer only.
func Connect(ctx context.Context, transport io.ReadWriteCloser, opts Options) (*Host, error) {
	h := newHost(opts)
	h.finish, h.settle = func() { transport.Close() }, func() {}
	h.end = func() { h.finish(); close(h.gone) }
	h.start(transport, transport)
	return h.greeted(ctx)
}

func newHost(opts Options) *Host {
	if opts.Name == "" {
		opts.Name = "host"
	}
	if opts.Clock == nil {
		opts.Clock = new(Clock)
	}
	if opts.Timeout == 0 {
		opts.Timeout = DefaultTimeout
	}
	if opts.Start <= 0 {
		opts.Start = StartTimeout
	}
	return &Host{opts: opts, id: rand.Text()[:12], out: make(chan []byte, queued), first: make(chan error, 1),
		done: make(chan struct{}), gone: make(chan struct{}), said: new(tail),
		waiting: map[int64]*call{}, late: map[int64]bool{}}
}

// start begins to read and write, and asks the agent what it is.
func (h *Host) start(r io.Reader, w io.Writer) {
	go h.write(w)
	go h.read(r)
	h.out <- []byte("\n") // ends what a caller before may have left half-written
	h.send(methodHello, greeting{Session: h.id, Dirs: h.opts.Dirs}, h.opts.Start, func(r response, err error) {
		if err == nil {
			if err = json.Unmarshal(r.Result, &h.hello); err == nil && h.hello.Protocol != Protocol {
				err = fmt.Errorf("it speaks version %d of the protocol; want %d\nhint: install the same version of doublemount on all hosts", h.hello.Protocol, Protocol)
			}
		}
		if err != nil {
			h.fail(err)
		}
		h.first <- err
	})
}

// greeted waits until the agent has said what it is.
func (h *Host) greeted(ctx context.Context) (*Host, error) {
	var err error
	select {
	case err = <-h.first:
	case <-ctx.Done():
		h.fail(ctx.Err())
		return nil, fmt.Errorf("%s: start of its agent: %w", h.opts.Name, ctx.Err())
	}
	if err != nil {
		h.fail(err)
		return nil, h.Err()
	}
	return h, nil
}

// Name is the name that messages have.
func (h *Host) Name() string { return h.opts.Name }

// Gone is closed when the agent was lost or given up and its command, if it has one,
// has ended.
func (h *Host) Gone() <-chan struct{} { return h.gone }

// Hello is what the agent said of itself.
func (h *Host) Hello() Hello { return h.hello }

// Kinds is the operations that the agent can do.
func (h *Host) Kinds() model.KindSet {
	var set model.KindSet
	for _, name := range h.hello.Kinds {
		if k, ok := model.ParseKind(name); ok && !k.Event() {
			set |= model.SetOf(k)
		}
	}
	return set
}

// Err is nil while the agent can be spoken to, else why not.
func (h *Host) Err() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}

// Look has the agent say what its root is. Nothing is changed by it.
func (h *Host) Look() (identity.Identity, error) {
	var is identity.Identity
	err := h.ask(methodLook, nil, &is)
	return is, err
}

// Refused says that an agent, or the system that it runs on, would not do what it was
// asked for.
type Refused struct {
	Host, Method string
	Errno        model.Errno // of the system; [model.OK] if the agent would not
	Root         bool        // the system refused because of the agent's root
	Text         string
}

// Error is "B: mount: permission denied".
func (e *Refused) Error() string { return fmt.Sprintf("%s: %s: %s", e.Host, e.Method, e.Text) }

// Remove has the agent remove a directory that it or another agent of its caller
// made, by its Dir and On, or forget it.
func (h *Host) Remove(m Mount) error {
	return h.ask(methodRemove, Mount{Dir: m.Dir, On: m.On, Forget: m.Forget}, &struct{}{})
}

// ask sends a request and waits for its answer. An error that is neither
// ErrLost nor ErrStuck is the agent's refusal.
func (h *Host) ask(method string, params, into any) error {
	reply := make(chan error, 1)
	h.send(method, params, h.opts.Timeout, func(r response, err error) {
		if err == nil {
			err = json.Unmarshal(r.Result, into)
		}
		reply <- err
	})
	return h.told(method, <-reply)
}

// told is what became of a request, as its caller is told it: with the name.
func (h *Host) told(method string, err error) error {
	if err == nil || errors.Is(err, ErrLost) {
		return err // which has the name
	}
	if e, ok := errors.AsType[*rpcError](err); ok {
		r := &Refused{Host: h.opts.Name, Method: method, Text: e.Message}
		if e.Data != nil {
			r.Root = e.Data.Root
			if r.Errno, ok = model.ParseErrno(e.Data.Errno); !ok {
				r.Errno = model.EOTHER
			}
		}
		return r
	}
	return fmt.Errorf("%s: %s: %w", h.opts.Name, method, err)
}

// send queues a request. reply is called once, from a goroutine of the host:
// with the answer, with a refusal, or when the agent is lost or the time is up.
func (h *Host) send(method string, params any, limit time.Duration, reply func(response, error)) {
	h.mu.Lock()
	if h.err != nil {
		err := h.err
		h.mu.Unlock()
		go reply(response{}, err)
		return
	}
	h.next++
	id := h.next
	c := &call{reply: reply}
	if limit > 0 {
		c.timer = time.AfterFunc(limit, func() { h.overdue(id, method, limit) })
	}
	h.waiting[id] = c
	h.mu.Unlock()

	q := request{Version: "2.0", ID: json.RawMessage(fmt.Sprintf("\"%s.%d\"", h.id, id)), Method: method}
	var err error
	if params != nil {
		q.Params, err = json.Marshal(params)
	}
	line, e := json.Marshal(q)
	if err = errors.Join(err, e); err != nil {
		h.fail(err)
		return
	}
	select {
	case h.out <- append(line, '\n'):
	default:
		h.fail(errors.New("it reads nothing"))
	}
}

// overdue is called when a request has taken too long: if the agent answers a
// ping, the request alone is stuck.
func (h *Host) overdue(id int64, method string, limit time.Duration) {
	if method == methodHello || method == methodPing {
		h.fail(fmt.Errorf("no answer within %v", limit))
		return
	}
	h.send(methodPing, nil, limit, func(_ response, err error) {
		if err != nil {
			return // who fails the host ends this request too
		}
		h.mu.Lock()
		c := h.waiting[id]
		delete(h.waiting, id)
		if c != nil {
			h.late[id] = true
		}
		h.mu.Unlock()
		if c != nil {
			c.reply(response{}, fmt.Errorf("%w: %v, while the agent is alive", ErrStuck, limit))
		}
	})
}

// fail gives the agent up, for the first reason, and ends everything under way.
func (h *Host) fail(reason error) {
	h.mu.Lock()
	if h.err != nil {
		h.mu.Unlock()
		return
	}
	h.err = fmt.Errorf("%s: %w: %w%s", h.opts.Name, ErrLost, reason, h.said.last())
	err, waiting := h.err, h.waiting
	h.waiting = map[int64]*call{}
	h.mu.Unlock()
	close(h.done)
	h.end()
	go func() { // who gives an agent up may hold what is needed to hear of it
		if h.opts.Lost != nil {
			h.opts.Lost(err)
		}
		for _, c := range waiting {
			c.stop()
			c.reply(response{}, err)
		}
	}()
}

// errClosed is why a Host that its caller has closed is of no more use.
var errClosed = errors.New("given up")

// Kill gives the agent up at once: the process is killed, and what is under way
// never returns.
func (h *Host) Kill() { h.fail(errClosed) }

// closing is how long an agent whose input has ended may take to clean up.
const closing = 5 * time.Second

// Close ends the input of the agent, which then removes what it has made, and
// waits for it to end. The error says that it had to be killed.
func (h *Host) Close() error {
	if h.Err() != nil {
		return nil
	}
	h.finish()
	select {
	case <-h.done:
		return nil
	case <-time.After(closing):
		h.fail(fmt.Errorf("it did not end within %v", closing))
		return h.Err()
	}
}
