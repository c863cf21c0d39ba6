package agent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/doublemount/doublemount/lab/files"
	"github.com/doublemount/doublemount/lab/identity"
	"github.com/doublemount/doublemount/model"
)

// DirPrefix begins the name of every directory that an agent works in.
const DirPrefix = "doublemount-"

// Config says what an agent serves.
type Config struct {
	// Root is the directory that it is confined to. It is looked up at each mount
	// and not before, so it may come and go, as mount points do.
	Root string
	// System, if set, mounts a file system at Root for each mount, and what it opens
	// there is what operations work in. The agent itself makes and removes nothing then.
	System System
	_      struct{}
}

// maxUnderWay is how many requests an agent works on at once: more than any
// Program asks for.
const maxUnderWay = 256

// Serve answers the requests that it reads from rw until that ends, then closes
// and removes what it has made. Its error is that of a read or write; the end
// of the input is none. It does not wait for operations that hang.
func Serve(rw io.ReadWriter, config Config) error {
	s := &server{config: config, out: json.NewEncoder(rw), made: map[string]string{}, slots: make(chan struct{}, maxUnderWay)}
	s.out.SetEscapeHTML(false)
	in := lines(rw)
	for {
		line, err := readLine(in)
		if errors.Is(err, errLong) {
			s.write(response{Error: failure(codeRequest, "%v", err)})
			if err = skipLine(in); err == nil {
				continue
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return errors.Join(s.failed(), s.close())
		case err != nil:
			return errors.Join(err, s.close())
		}
		s.handle(line)
		if err := s.failed(); err != nil {
			return errors.Join(err, s.close())
		}
	}
}

type server struct {
	config Config
	slots  chan struct{} // one for each request under way
	busy   sync.WaitGroup

	writing sync.Mutex // of out and lost
	out     *json.Encoder
	lost    error

	mount  sync.RWMutex // of what follows; held by each operation for reading
	root   *os.Root     // nil: not mounted
	client *files.Client
	made   map[string]string // directories to remove, by name: where their file system is mounted

	session greeting // the last hello; empty before
}

// handle carries out the request in line, most of them on a goroutine of its
// own, which ends when the request was answered.
func (s *server) handle(line []byte) {
	if len(bytes.TrimSpace(line)) == 0 {
		return
	}
	var q request
	if err := strict(line, &q); err != nil {
		code := codeRequest
		if !json.Valid(line) {
			code = codeParse
		}
		s.write(response{Error: failure(code, "not a request: %s", shorten(err.Error()))})
		return
	}
	switch {
	case q.Version != "2.0" || len(q.ID) > 64 || bytes.ContainsAny(q.ID, "{["):
		s.write(response{Error: failure(codeRequest, "not a request of JSON-RPC 2.0 with a short id")})
		return
	case q.ID == nil:
		return // a notification; there are none, and none is answered
	}
	if q.Method == methodPing {
		s.answer(q, struct{}{}, nil)
		return
	}
	select {
	case s.slots <- struct{}{}:
	default:
		s.answer(q, nil, refuse("more than %d requests at once", maxUnderWay))
		return
	}
	s.busy.Go(func() {
		defer func() { <-s.slots }()
		value, err := s.do(q)
		s.answer(q, value, err)
	})
}

func (s *server) do(q request) (any, error) {
	switch q.Method {
	case methodHello:
		var p greeting
		if q.Params != nil {
			if err := params(q, &p); err != nil {
				return nil, err
			}
		}
		return s.hello(p)
	case methodLook:
		return s.look()
	case methodMount:
		var p Mount
		if err := params(q, &p); err != nil {
			return nil, err
		}
		return s.open(p)
	case methodRemove:
		var p Mount
		if err := params(q, &p); err != nil {
			return nil, err
		}
		return struct{}{}, s.remove(p)
	case methodUnmount:
		var p unmounting
		if q.Params != nil {
			if err := params(q, &p); err != nil {
				return nil, err
			}
		}
		return s.unmount(p.Detach), nil
	case methodDo:
		var w step
		if err := params(q, &w); err != nil {
			return nil, err
		}
		return s.operate(w)
	}
	return nil, failure(codeMethod, "no method is called %s", shorten(q.Method))
}

// look says what the root is. It changes nothing.
func (s *server) look() (any, error) {
	is, err := identity.Of(s.config.Root)
	if err != nil {
		return nil, atRoot(err)
	}
	return is, nil
}

// open opens the directory of a run, through the root as it is now.
func (s *server) open(p Mount) (any, error) {
	if p.Word < 1 || p.Word > files.MaxWordSize {
		return nil, failure(codeParams, "words of %d bytes; want 1 to %d", p.Word, files.MaxWordSize)
	}
	if err := s.named(p); err != nil {
		return nil, err
	}
	s.mount.Lock()
	defer s.mount.Unlock()
	if s.root != nil {
		return nil, refuse("mounted already")
	}
	if err := s.mountedOn(p.On); err != nil {
		return nil, err
	}
	if s.config.System != nil {
		return s.openSystem(p)
	}
	root, err := os.OpenRoot(s.config.Root)
	if err != nil {
		return nil, atRoot(err)
	}
	defer root.Close()
	if p.Make {
		if err := root.Mkdir(p.Dir, 0o777); err != nil {
			return nil, refused(err)
		}
		s.made[p.Dir] = p.On
	}
	// A link would be followed; so look what it is, and that this was opened.
	info, err := root.Lstat(p.Dir)
	if err != nil {
		return nil, refused(err)
	}
	if !info.IsDir() {
		return nil, refuse("%s is not a directory", p.Dir)
	}
	dir, err := root.OpenRoot(p.Dir)
	if err != nil {
		return nil, refused(err)
	}
	if opened, err := dir.Stat("."); err != nil || !os.SameFile(info, opened) {
		dir.Close()
		return nil, refuse("%s is not what it was", p.Dir)
	}
	return s.use(dir, p), nil
}

// use makes root what operations work in.
func (s *server) use(root *os.Root, p Mount) Mounted {
	m := Mounted{Direct: p.Direct}
	if p.Try {
		write := files.TakesWrites(root)
		m.Write, m.Direct = write.String(), write == model.OK && files.TakesDirect(root, p.Word)
	}
	s.root = root
	s.client = files.NewClient(root, files.Options{WordSize: p.Word, Durable: true, Direct: m.Direct, ReadOnly: p.ReadOnly})
	return m
}

// unmount closes everything that is open below the root, when nothing is under
// way any more, and makes it durable first; or unmounts the file system, which has
// to see to that itself.
func (s *server) unmount(detach bool) any {
	s.mount.Lock()
	defer s.mount.Unlock()
	if s.root == nil {
		return fromResult(model.Result{}, false)
	}
	r := s.client.CloseFiles()
	if s.config.System == nil {
		if synced, done := s.client.Do(model.Step{Kind: model.Sync}); done && r.Errno == model.OK {
			r = synced
		}
	}
	s.root.Close()
	s.root, s.client = nil, nil
	if s.config.System != nil {
		if err := s.config.System.Unmount(detach); r.Errno == model.OK {
			r.Errno = files.Errno(err)
		}
	}
	return fromResult(r, true)
}

func (s *server) operate(w step) (any, error) {
	step, err := w.step(s.config.System != nil)
	if err != nil {
		return nil, failure(codeParams, "%v", err)
	}
	s.mount.RLock()
	defer s.mount.RUnlock()
	if s.root == nil {
		return nil, refuse("not mounted")
	}
	if s.config.System != nil {
		if r, done := s.config.System.Do(step); done {
			return fromResult(r, true), nil
		}
	}
	return fromResult(s.client.Do(step)), nil
}

// remove removes a directory that this agent has made, or another one of its
// caller's.
func (s *server) remove(p Mount) error {
	s.mount.Lock()
	defer s.mount.Unlock()
	_, made := s.made[p.Dir]
	if !made && !(s.session.Dirs != "" && ours(p.Dir) && strings.HasPrefix(p.Dir, s.session.Dirs+"-")) {
		return refuse("%s was not made by this agent or its caller", shorten(p.Dir))
	}
	if p.Forget {
		delete(s.made, p.Dir)
		return nil
	}
	if err := s.mountedOn(p.On); err != nil {
		return err
	}
	root, err := os.OpenRoot(s.config.Root)
	if err != nil {
		return atRoot(err)
	}
	defer root.Close()
	if _, err := root.Lstat(p.Dir); err != nil {
		return refused(err) // who removes must know that it was there
	}
	if err := files.RemoveAll(root, p.Dir); err != nil { // which follows no links
		return refused(err)
	}
	delete(s.made, p.Dir)
	return nil
}

// mountedOn reports whether the root is on the file system that is mounted there.
func (s *server) mountedOn(on string) error {
	if on == "" {
		return nil
	}
	is, err := identity.Of(s.config.Root)
	if err != nil {
		return atRoot(err)
	}
	if is.At != on {
		return &rpcError{codeRefused, fmt.Sprintf("nothing is mounted on %s: %s is on the %s of %s", on, s.config.Root, is.Type, is.At), &refusal{Errno: model.ESTALE.String(), Root: true}}
	}
	return nil
}

// named reports why p cannot name what is to be mounted: a directory of ours.
func (s *server) named(p Mount) error {
	switch {
	case s.config.System != nil:
		if p.Dir != "" {
			return failure(codeParams, "a file system is mounted, so a directory has no name")
		}
	case p.Disk != "" || p.Paths != nil:
		return failure(codeParams, "this agent works in directories and mounts no disk")
	case !ours(p.Dir):
		return failure(codeParams, "%s is no name of a directory to work in; want %s and up to %d lower-case letters, digits and dashes",
			shorten(p.Dir), DirPrefix, maxDirName-len(DirPrefix))
	}
	return nil
}

const maxDirName = 64

func ours(dir string) bool {
	if len(dir) <= len(DirPrefix) || len(dir) > maxDirName || dir[:len(DirPrefix)] != DirPrefix {
		return false
	}
	for _, c := range []byte(dir) {
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-') {
			return false
		}
	}
	return true
}

func (s *server) answer(q request, value any, err error) {
	r := response{ID: q.ID}
	if err != nil {
		e, ok := errors.AsType[*rpcError](err)
		if !ok {
			e = failure(codeRefused, "%s", shorten(err.Error()))
		}
		r.Error = e
	} else if r.Result, err = json.Marshal(value); err != nil {
		r.Error = failure(codeRefused, "%s", shorten(err.Error()))
	}
	s.write(r)
}

func (s *server) write(r response) {
	r.Version = "2.0"
	if r.ID == nil {
		r.ID = json.RawMessage("null")
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.out.Encode(r); err != nil && s.lost == nil {
		s.lost = fmt.Errorf("write an answer: %w", err)
	}
}

func (s *server) failed() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.lost
}

func params(q request, into any) error {
	if err := strict(q.Params, into); err != nil {
		return failure(codeParams, "parameters of %s: %s", q.Method, shorten(err.Error()))
	}
	return nil
}

// strict decodes one JSON value and nothing besides.
func strict(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one value")
	}
	return nil
}
