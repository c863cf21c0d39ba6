package agent

import (
	"errors"
	"maps"
	"runtime"
	"time"

	"github.com/doublemount/doublemount/lab/files"
)

// hello begins a session. What another one has left open is closed, and what it had
// made is removed: whoever began it is gone, and only the pipe has stayed.
func (s *server) hello(p greeting) (any, error) {
	if len(p.Session) > maxSession || p.Dirs != "" && !ours(p.Dirs) {
		return nil, failure(codeParams, "no session and name of directories: %s, %s", shorten(p.Session), shorten(p.Dirs))
	}
	s.mount.Lock()
	before := s.session
	s.session = p
	s.mount.Unlock()
	var err error
	if before.Session != "" && before.Session != p.Session {
		err = s.clear()
	}
	if err != nil {
		return nil, refuse("what session %s has left: %v", before.Session, err)
	}
	h := Hello{Protocol: Protocol, OS: runtime.GOOS, Ranges: files.Ranges, UnlinkOpen: runtime.GOOS != "windows"}
	for _, k := range files.Kinds().Kinds() {
		h.Kinds = append(h.Kinds, k.String())
	}
	return h, nil
}

const maxSession = 32

// close waits for what is under way, then clears. An operation that stays under way for a second may hang for ever; what it works
// on is not taken away.
func (s *server) close() error {
	idle := make(chan struct{})
	go func() {
		defer close(idle)
		s.busy.Wait()
	}()
	select {
	case <-idle:
	case <-time.After(time.Second):
		return errors.New("an operation is under way; what was made is left")
	}
	return s.clear()
}

// clear ends what is open and removes what was made.
func (s *server) clear() error {
	s.mount.Lock()
	var errs []error
	if s.root != nil {
		s.client.CloseFiles()
		s.root.Close()
		if s.config.System != nil {
			errs = append(errs, s.config.System.Unmount(true))
		}
	}
	s.root = nil
	made := maps.Clone(s.made)
	s.mount.Unlock()
	for dir, on := range made {
		errs = append(errs, s.removeLate(Mount{Dir: dir, On: on}))
	}
	return errors.Join(errs...)
}

// remountMost is how long an agent whose caller is gone waits for a file system that
// has gone, too: the caller may have been killed in the middle of a remount, which goes
// on without it.
const remountMost = 2 * time.Minute

// removeLate removes a directory, as soon as its file system is there.
func (s *server) removeLate(p Mount) error {
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		err := s.remove(p)
		e, ok := errors.AsType[*rpcError](err)
		if !ok || e.Data == nil || !e.Data.Root || time.Since(began) > remountMost {
			return err
		}
	}
}
