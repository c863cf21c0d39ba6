package dir

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/doublemount/doublemount/lab/files"
	"github.com/doublemount/doublemount/model"
)

// Options change how a Runner works. The zero value is right for most uses.
type Options struct {
	// WordSize is the bytes of a word, 1 to [files.MaxWordSize]; 0 is
	// [files.DefaultWordSize].
	WordSize int
	// Durable makes fsync reach the device. Without it an fsync opens the file
	// and no more: all hosts share one cache, so nothing that a Program can see
	// depends on it, and it is slow.
	Durable bool
	_       struct{}
}

// Runner is a [model.Runner] on directories below one parent. It keeps nothing
// between runs.
type Runner struct {
	parent string
	opts   files.Options
}

// New makes a Runner whose runs each make, and remove, one directory in parent.
// Parent must exist and must be writable; a file is made in it, and removed, to
// find out whether its file system has direct I/O in blocks of eight words.
func New(parent string, opts Options) (*Runner, error) {
	if opts.WordSize == 0 {
		opts.WordSize = files.DefaultWordSize
	}
	if opts.WordSize < 1 || opts.WordSize > files.MaxWordSize {
		return nil, fmt.Errorf("word size of %d bytes; want 1 to %d", opts.WordSize, files.MaxWordSize)
	}
	info, err := os.Stat(parent)
	if err != nil {
		return nil, fmt.Errorf("directory to run in: %w\nhint: it must exist", err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("directory to run in: %q is not a directory", parent)
	}
	root, err := os.OpenRoot(parent)
	if err != nil {
		return nil, fmt.Errorf("directory to run in: %w", err)
	}
	defer root.Close()
	direct := files.TakesDirect(root, opts.WordSize)
	return &Runner{parent: parent, opts: files.Options{WordSize: opts.WordSize, Durable: opts.Durable, Direct: direct}}, nil
}

// Capabilities says what a directory can do: every operation but statfs, and no
// event but mounts and unmounts; no holds. Direct is what [New] found. The space
// is not known, so capacity is not judged.
func (r *Runner) Capabilities() model.Capabilities {
	return model.Capabilities{
		Name:          "dir",
		Kinds:         kinds,
		MaxHosts:      model.MaxHosts,
		Direct:        r.opts.Direct,
		Ranges:        files.Ranges,
		LocksApart:    true,
		Deterministic: true,
	}
}

var kinds = files.Kinds()&^model.SetOf(model.Statfs) | model.SetOf(model.Mount, model.Unmount, model.Remount, model.Reboot)

// Run carries out p in a new directory and removes it, whatever happens. The
// error is of the harness: p is not valid, ctx ended, or the directory could
// not be made or removed. Holds and strikes are reported as never fired; there is no trace.
func (r *Runner) Run(ctx context.Context, p model.Program) (run model.Run, err error) {
	if err := p.Validate(); err != nil {
		return model.Run{}, err
	}
	name, err := os.MkdirTemp(r.parent, "doublemount-")
	if err != nil {
		return model.Run{}, fmt.Errorf("directory of a run: %w", err)
	}
	// RemoveAll does not follow links, and the name is one that MkdirTemp made.
	defer func() { err = errors.Join(err, os.RemoveAll(name)) }()
	root, err := os.OpenRoot(name)
	if err != nil {
		return model.Run{}, fmt.Errorf("directory of a run: %w", err)
	}
	defer root.Close()

	m := newMachine(root, r.opts, p)
	defer m.closeAll()
	for i, s := range p.Steps {
		if err := ctx.Err(); err != nil {
			return model.Run{}, fmt.Errorf("before step %d of %d: %w", i+1, len(p.Steps), err)
		}
		m.step(i+1, s)
	}
	for i, h := range p.Unmounts {
		if m.hosts[h].mounted {
			m.step(len(p.Steps)+1+i, model.Step{Host: h, Kind: model.Unmount})
		}
	}
	m.observe(p.Paths())
	return model.Run{
		Program: p.Clone(),
		History: m.history,
		Digest:  digest(m.history),
		Holds:   make([]model.HoldState, len(p.Holds)),
		Strikes: make([]bool, len(p.Strikes)),

		LocksApart: true,
	}, nil
}
