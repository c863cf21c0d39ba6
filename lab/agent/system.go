package agent

import (
	"errors"
	"os"
	"syscall"

	"github.com/doublemount/doublemount/model"
)

// System is a file system that comes and goes with the mounts of an agent. Mount and
// Unmount are called when nothing else is under way.
type System interface {
	// Mount mounts it and returns the directory to work in. An error that wraps a
	// [syscall.Errno] is what the file system answers; any other is the agent's own.
	Mount(Mount) (*os.Root, error)
	// Unmount unmounts it, when everything below that directory has been closed; the
	// directory too. Whatever the error, it is not mounted any more. Detach has the
	// block device go as well.
	Unmount(detach bool) error
	// Do carries out a step that concerns all of it, and reports whether it did; other
	// steps are those of the directory. Steps come at the same time.
	Do(model.Step) (r model.Result, done bool)
}

// openSystem is open, of a file system that is mounted for it.
func (s *server) openSystem(p Mount) (any, error) {
	root, err := s.config.System.Mount(p)
	if err == nil {
		return s.use(root, p), nil
	}
	if _, ok := errors.AsType[syscall.Errno](err); ok {
		return nil, refused(err)
	}
	return nil, refuse("%v", err)
}
