package dir

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/doublemount/doublemount/model"
)

// DefaultWordSize and MaxWordSize bound how many bytes stand for a word. The
// largest is an eighth of a block of 4096 bytes.
const (
	DefaultWordSize = 64
	MaxWordSize     = 512
)

// Options change how a Runner works. The zero value is right for most uses.
type Options struct {
	// WordSize is the bytes of a word, 1 to MaxWordSize; 0 is DefaultWordSize.
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
	opts   Options
	direct bool // the file system takes O_DIRECT
}

// New makes a Runner whose runs each make, and remove, one directory in parent.
// Parent must exist and must be writable; a file is made in it, and removed, to
// find out whether its file system has direct I/O in blocks of eight words.
func New(parent string, opts Options) (*Runner, error) {
	if opts.WordSize == 0 {
		opts.WordSize = DefaultWordSize
	}
	if opts.WordSize < 1 || opts.WordSize > MaxWordSize {
		return nil, fmt.Errorf("word size of %d bytes; want 1 to %d", opts.WordSize, MaxWordSize)
	}
	info, err := os.Stat(parent)
	if err != nil {
		return nil, fmt.Errorf("directory to run in: %w\nhint: it must exist", err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("directory to run in: %q is not a directory", parent)
	}
	return &Runner{parent: parent, opts: opts, direct: takesDirect(parent, opts.WordSize*model.WordsPerBlock)}, nil
}

// Capabilities says what a directory can do: every operation but statfs, and no
// event but mounts and unmounts; no holds. Direct is what [New] found. The space
// is not known, so capacity is not judged.
func (r *Runner) Capabilities() model.Capabilities {
	return model.Capabilities{
		Name:          "dir",
		Kinds:         kinds,
		MaxHosts:      model.MaxHosts,
		Direct:        r.direct,
		Deterministic: true,
	}
}

var kinds = model.SetOf(
	model.Create, model.Open, model.Close, model.Read, model.Write, model.Append, model.Truncate,
	model.Unlink, model.Mkdir, model.Rmdir, model.Rename, model.Link, model.Readdir, model.Stat, model.Fsync, model.Sync,
	model.Mount, model.Unmount, model.Remount, model.Reboot)

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
	m.direct = r.direct
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
	}, nil
}
