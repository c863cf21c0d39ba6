package agent

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/doublemount/doublemount/model"
)

// Protocol is the version that hello answers. Version 1 took locks of the whole file
// by fcntl(2), which those of version 2 need not see, and had no sessions.
const Protocol = 2

// MaxLine is the longest line of the protocol, in bytes. The longest that an
// agent of ours has to write is the answer to a read of [model.MaxWords].
const MaxLine = 1 << 20

// The methods.
const (
	methodHello   = "hello"
	methodLook    = "look"
	methodMount   = "mount"
	methodDo      = "do"
	methodUnmount = "unmount"
	methodRemove  = "remove"
	methodPing    = "ping"
)

// The error codes: those of JSON-RPC, and one of ours.
const (
	codeParse   = -32700
	codeRequest = -32600
	codeMethod  = -32601
	codeParams  = -32602
	codeRefused = -32000 // the agent will not, or cannot, do that
)

// request is one line to the agent.
type request struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id,omitempty"`
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params,omitempty"`
}

// response is one line from the agent.
type response struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *rpcError       `json:"error,omitempty"`
}

type rpcError struct {
	Code    int      `json:"code"`
	Message string   `json:"message"`
	Data    *refusal `json:"data,omitempty"` // of codeRefused, where the system refused
}

// refusal is the error of the system that was in the way.
type refusal struct {
	Errno string `json:"errno"`
	Root  bool   `json:"root,omitempty"` // it is the agent's root that was in the way
}

// Error is the message.
func (e *rpcError) Error() string { return e.Message }

// greeting is what a caller says in its hello. A session is one connection. Its
// requests have identifiers that begin with it, so that answers that another caller
// has left in the pipe are known as such, and a hello of another session ends the
// one before.
type greeting struct {
	Session string `json:"session"`

	// Dirs begins the names of the directories that the agent may make and remove;
	// empty: those of [DirPrefix]. All agents of one caller have the same, so each of
	// them can remove what another one could not.
	Dirs string `json:"dirs,omitempty"`
}

// Hello is what an agent says of itself.
type Hello struct {
	Protocol   int      `json:"protocol"`
	OS         string   `json:"os"`     // as runtime.GOOS
	Kinds      []string `json:"kinds"`  // the operations that it can do
	Ranges     bool     `json:"ranges"` // ... locks of words among them
	UnlinkOpen bool     `json:"unlink_open"`
}

// Mount is what a caller wants opened.
type Mount struct {
	Dir  string `json:"dir"`            // below the root; see [Serve]
	Make bool   `json:"make,omitempty"` // it must not exist, and is made
	Word int    `json:"word"`           // bytes of a word, 1 to 512

	// Direct allows direct I/O; Try finds out whether it can be done, by a file
	// that is made and removed again, and allows it then.
	Direct bool `json:"direct,omitempty"`
	Try    bool `json:"try,omitempty"`

	// On, if set, is where the file system must be mounted that the root is on
	// ([identity.Identity.At]): one that has gone leaves the empty directory that it was
	// mounted on, which is another file system's.
	On string `json:"on,omitempty"`

	// Forget, of a removal, has the agent leave the directory to others.
	Forget bool `json:"forget,omitempty"`

	// ReadOnly has every file opened for reading: for a host that cannot write.
	ReadOnly bool `json:"read_only,omitempty"`

	// Of an agent with a [System] only: Disk is the file that is to be the block
	// device, empty for the one that there is; Paths the files of the run, in the order
	// in which a writeback takes them. Dir is empty then.
	Disk  string       `json:"disk,omitempty"`
	Paths []model.Path `json:"paths,omitempty"`
}

// unmounting is what a caller wants of an unmount.
type unmounting struct {
	Detach bool `json:"detach,omitempty"` // of an agent with a [System]: the block device too
}

// Mounted answers a mount.
type Mounted struct {
	Direct bool   `json:"direct"`          // direct I/O is allowed
	Write  string `json:"write,omitempty"` // with Try: "ok", or why no file can be written
}

// step is a model.Step on the wire.
type step struct {
	Kind   string `json:"kind"`
	Path   string `json:"path,omitempty"`
	To     string `json:"to,omitempty"`
	File   uint8  `json:"file,omitempty"`
	Off    int32  `json:"off,omitempty"`
	Len    int32  `json:"len,omitempty"`
	Data   byte   `json:"data,omitempty"`
	Direct bool   `json:"direct,omitempty"`
	Shared bool   `json:"shared,omitempty"`
}

func fromStep(s model.Step) step {
	return step{s.Kind.String(), string(s.Path), string(s.To), s.File, s.Off, s.Len, s.Data, s.Direct, s.Shared}
}

// step is the operation, or the event if there are any, if it is a valid one.
func (w step) step(events bool) (model.Step, error) {
	kind, ok := model.ParseKind(w.Kind)
	if !ok || kind.Event() && !events {
		return model.Step{}, fmt.Errorf("no operation is called %s", shorten(w.Kind))
	}
	s := model.Step{Kind: kind, Path: model.Path(w.Path), To: model.Path(w.To), File: w.File, Off: w.Off, Len: w.Len, Data: w.Data, Direct: w.Direct, Shared: w.Shared}
	if err := s.Validate(); err != nil {
		return s, errors.New(shorten(err.Error()))
	}
	return s, nil
}

// result is a model.Result on the wire.
type result struct {
	Errno   string   `json:"errno"`
	Type    string   `json:"type,omitempty"`
	Size    int64    `json:"size,omitempty"`
	Data    []byte   `json:"data,omitempty"`
	Names   []string `json:"names,omitempty"`
	Total   int64    `json:"total,omitempty"`
	Free    int64    `json:"free,omitempty"`
	Skipped bool     `json:"skipped,omitempty"` // it cannot be done there, and nothing was
}

func fromResult(r model.Result, done bool) result {
	w := result{r.Errno.String(), "", r.Size, r.Data, r.Names, r.Total, r.Free, !done}
	if r.Type != model.Absent {
		w.Type = r.Type.String()
	}
	return w
}

// result is what a model has to say of it, if that is anything an operation of
// kind k can answer.
func (w result) result(k model.Kind) (r model.Result, done bool, err error) {
	if r.Errno, done = model.ParseErrno(w.Errno); !done {
		return r, false, fmt.Errorf("no error is called %s", shorten(w.Errno))
	}
	for _, t := range []model.NodeType{model.File, model.Dir} {
		if w.Type == t.String() {
			r.Type = t
		}
	}
	r.Size, r.Data, r.Names, r.Total, r.Free = w.Size, w.Data, w.Names, w.Total, w.Free
	switch {
	case w.Type != "" && r.Type == model.Absent:
		err = fmt.Errorf("no type is called %s", shorten(w.Type))
	case r.Size < 0 || len(r.Data) > model.MaxWords || r.Total < 0 || r.Free < 0:
		err = errors.New("numbers out of range")
	case r.Errno == model.OK && !w.Skipped && (k == model.Stat) != (r.Type != model.Absent):
		err = errors.New("a stat answers with a type, nothing else does")
	}
	return r, !w.Skipped, err
}

// errLong says that a line is longer than MaxLine; its beginning was read.
var errLong = fmt.Errorf("a line of more than %d bytes", MaxLine)

// readLine is the next line without its end, in memory that the next call uses
// again. What ends without a line feed is no line.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return nil, errLong
	}
	return bytes.TrimRight(line, "\r\n"), err
}

// skipLine passes over the rest of a line.
func skipLine(r *bufio.Reader) (err error) {
	for err = bufio.ErrBufferFull; errors.Is(err, bufio.ErrBufferFull); {
		_, err = r.ReadSlice('\n')
	}
	return err
}

// lines makes a reader of lines of at most MaxLine bytes.
func lines(r io.Reader) *bufio.Reader { return bufio.NewReaderSize(r, MaxLine) }

// shorten is text of someone else made fit for a message.
func shorten(text string) string {
	limit := 120
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }) {
		limit = 60 // no text: quoted, a byte takes four
	}
	if len(text) > limit {
		text = text[:limit] + "..."
	}
	return fmt.Sprintf("%q", text)
}
