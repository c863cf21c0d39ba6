package notebook

import (
	"strings"

	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
)

// The operations that every file system has. What a design cannot do, it leaves
// out: nobody will ask for it.
var _ sim.FS = (*notebook)(nil)

// begin takes the lock and reads the notebook; every operation starts with it.
func (n *notebook) begin() (s *state, end func(), err error) {
	n.h.Lock("notebook")
	s, err = n.read()
	return s, func() { n.h.Unlock("notebook") }, err
}

// Create adds an empty file.
func (n *notebook) Create(path string) error {
	s, end, err := n.begin()
	defer end()
	if err != nil {
		return err
	}
	switch _, err := s.find(path); {
	case err == nil:
		return model.EEXIST
	case err != model.ENOENT:
		return err
	case strings.Count(path, "/") > 1:
		return model.ENOENT // no directory that it could be in
	}
	return n.add(s, created, 0, 0, path)
}

// Unlink removes a name.
func (n *notebook) Unlink(path string) error {
	s, end, err := n.begin()
	defer end()
	if err != nil {
		return err
	}
	if _, err := s.find(path); err != nil {
		return err
	}
	return n.add(s, unlinked, 0, 0, path)
}

// Stat tells what a path is.
func (n *notebook) Stat(path string) (sim.Attr, error) {
	s, end, err := n.begin()
	defer end()
	if err != nil || path == string(model.Root) {
		return sim.Attr{Type: model.Dir}, err
	}
	file, err := s.find(path)
	return sim.Attr{Type: model.File, Size: int64(len(s.bytes[file]))}, err
}

// Open finds the file behind a path.
func (n *notebook) Open(path string) (sim.Inode, error) {
	s, end, err := n.begin()
	defer end()
	if err != nil {
		return 0, err
	}
	return s.find(path)
}

// Close has nothing to do: the notebook keeps every file for ever.
func (n *notebook) Close(sim.Inode) error { return nil }

// ReadAt reads up to the end of the file.
func (n *notebook) ReadAt(file sim.Inode, p []byte, off int64) (int, error) {
	s, end, err := n.begin()
	defer end()
	if err != nil {
		return 0, err
	}
	bytes := s.bytes[file]
	return copy(p, bytes[min(int(off), len(bytes)):]), nil
}

// WriteAt adds a page for each piece of p.
func (n *notebook) WriteAt(file sim.Inode, p []byte, off int64) (int, error) {
	s, end, err := n.begin()
	defer end()
	if err != nil {
		return 0, err
	}
	var pieces []string
	for rest := p; len(rest) > 0; {
		size := min(len(rest), maxText)
		pieces = append(pieces, string(rest[:size]))
		rest = rest[size:]
	}
	if err := n.add(s, written, file, int(off), pieces...); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Unmount has nothing to do: everything is on the disk when an operation
// returns.
func (n *notebook) Unmount() error { return nil }
