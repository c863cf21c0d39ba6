package files

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"sync"

	"github.com/doublemount/doublemount/model"
)

// DefaultWordSize and MaxWordSize bound how many bytes stand for a word. The
// largest is an eighth of a block of 4096 bytes.
const (
	DefaultWordSize = 64
	MaxWordSize     = 512
)

// Permissions are the usual ones, less the umask: other users may look at what a
// host has made, as far as that lets them, so a host that is another user is one that
// can only read.
const (
	filePerm = 0o666
	dirPerm  = 0o777
)

// Options change how a Client works.
type Options struct {
	WordSize int  // the bytes of a word, 1 to MaxWordSize; 0 is DefaultWordSize
	Durable  bool // fsync and sync reach the device; without it they do nothing
	Direct   bool // the file system takes direct I/O; see [TakesDirect]
	ReadOnly bool // this host can only read, so no file is opened for writing
}

// Client is the programs of one host that work below one directory: its handle
// slots. It may be used by several goroutines at once, as a host is by several
// programs.
type Client struct {
	root *os.Root
	opts Options

	mu    sync.Mutex                   // of files
	files [model.MaxFile + 1]*openFile // by handle slot; 0 is not used
}

// openFile is what a handle slot holds.
type openFile struct {
	*os.File
	flags sync.RWMutex // held for writing while its flags differ from those that it was opened with
}

// NewClient makes a Client with no open file. The root stays the caller's, who
// closes it after [Client.CloseFiles].
func NewClient(root *os.Root, opts Options) *Client {
	if opts.WordSize == 0 {
		opts.WordSize = DefaultWordSize
	}
	return &Client{root: root, opts: opts}
}

// access is how a handle is opened, and a file for an operation that may write.
func (c *Client) access() int {
	if c.opts.ReadOnly {
		return os.O_RDONLY
	}
	return os.O_RDWR
}

// Kinds is the operations that a Client of this system can do, no event among
// them. Where a step is one that it cannot, it is skipped.
func Kinds() model.KindSet { return operations | systemKinds | lockKinds }

var operations = model.SetOf(
	model.Create, model.Open, model.Close, model.Read, model.Write, model.Append, model.Truncate,
	model.Unlink, model.Mkdir, model.Rmdir, model.Rename, model.Link, model.Readdir, model.Stat, model.Fsync, model.Sync)

// maxTries is how often a path below a directory is followed until it is missing.
const maxTries = 5

// Do carries out one operation, which must be valid. done is false if nothing
// was done because it cannot be here: an event, direct I/O that the file system
// does not take, what the system refuses while a file is open.
func (c *Client) Do(s model.Step) (r model.Result, done bool) {
	if !Kinds().Has(s.Kind) || s.Direct && !c.opts.Direct || isLock(s) && s.Len > 0 && !Ranges {
		return model.Result{}, false
	}
	r, err := c.apply(s)
	for tries := 1; tries < maxTries && errors.Is(err, fs.ErrNotExist) && (s.Path.Parent() != model.Root || s.To != "" && s.To.Parent() != model.Root); tries++ {
		// The directory on the way may have been replaced by another one since it was
		// found: then nothing is found in it any more, though the path was never
		// missing. Linux has that within one system call, too. Nothing was done, so it
		// can be tried again.
		r, err = c.apply(s)
	}
	if err != nil {
		if refused(err) || missing(err) {
			return model.Result{}, false
		}
		r = model.Result{Errno: errno(err), Size: r.Size}
	}
	return r, true
}

// missing reports whether the file system says that it has no such operation: what a
// client in user space, or one for an old server, has never been given. Nothing was
// done, and nobody was promised it.
func missing(err error) bool {
	e := errno(err)
	return e == model.ENOSYS || e == model.EOPNOTSUPP
}

func (c *Client) apply(s model.Step) (r model.Result, err error) {
	switch s.Kind {
	case model.Sync:
		if c.opts.Durable {
			err = syncAll(c.root)
		}
	case model.Statfs:
		return c.statfs()
	case model.Create:
		err = c.create(s.Path)
	case model.Mkdir:
		err = c.root.Mkdir(local(s.Path), dirPerm)
	case model.Unlink:
		err = unlink(c.root, local(s.Path))
	case model.Rmdir:
		err = rmdir(c.root, local(s.Path))
	case model.Rename:
		err = rename(c.root, local(s.Path), local(s.To))
	case model.Link:
		err = link(c.root, local(s.Path), local(s.To))
	case model.Readdir:
		return c.readdir(s.Path)
	case model.Stat:
		return c.stat(s.Path)
	case model.Open:
		err = c.open(s)
	case model.Close:
		err = c.close(s.File)
	default:
		return c.withFile(s)
	}
	return r, err
}

// CloseFiles closes every handle. It answers the first error that the system
// has for one.
func (c *Client) CloseFiles() model.Result {
	var first error
	for slot := range c.files {
		if f := c.take(uint8(slot)); f != nil {
			if err := f.Close(); err != nil && first == nil {
				first = err
			}
		}
	}
	return model.Result{Errno: errno(first)}
}

// local is a path as os.Root takes it.
func local(p model.Path) string {
	if p == model.Root {
		return "."
	}
	return string(p[1:])
}

func (c *Client) create(p model.Path) error {
	f, err := c.root.OpenFile(local(p), os.O_RDWR|os.O_CREATE|os.O_EXCL, filePerm)
	if err != nil {
		return err
	}
	return f.Close()
}

func (c *Client) readdir(p model.Path) (model.Result, error) {
	f, err := c.root.Open(local(p))
	if err != nil {
		return model.Result{}, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // it was removed since it was opened, and so it is empty
	}
	if err != nil || len(names) == 0 {
		return model.Result{}, err
	}
	slices.Sort(names)
	return model.Result{Names: names}, nil
}

// stat counts a word that is there in part as a word.
func (c *Client) stat(p model.Path) (model.Result, error) {
	info, err := c.root.Lstat(local(p))
	if err != nil {
		return model.Result{}, err
	}
	switch mode := info.Mode(); {
	case mode.IsDir():
		return model.Result{Type: model.Dir}, nil
	case !mode.IsRegular():
		return model.Result{}, &fs.PathError{Op: "stat", Path: string(p), Err: model.EOTHER} // nothing here makes one
	}
	word := int64(c.opts.WordSize)
	return model.Result{Type: model.File, Size: (info.Size() + word - 1) / word}, nil
}

func (c *Client) open(s model.Step) error {
	if c.at(s.File) != nil {
		return model.EMFILE
	}
	f, err := c.openFile(s.Path, c.access())
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.files[s.File] != nil { // another program of the host was faster
		f.Close()
		return model.EMFILE
	}
	c.files[s.File] = &openFile{File: f}
	return nil
}

// openFile opens a file. For reading only, a system opens a directory too, and who
// opened it is told by the file that it has.
func (c *Client) openFile(p model.Path, flags int) (*os.File, error) {
	f, err := c.root.OpenFile(local(p), flags, 0)
	if err != nil || flags&(os.O_RDWR|os.O_WRONLY) != 0 {
		return f, err
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		f.Close()
		return nil, model.EISDIR
	}
	return f, nil
}

func (c *Client) close(slot uint8) error {
	f := c.take(slot)
	if f == nil {
		return model.EBADF
	}
	return f.Close()
}

// at is the file in a slot, or nil.
func (c *Client) at(slot uint8) *openFile {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.files[slot]
}

// take is the same, and empties the slot.
func (c *Client) take(slot uint8) *openFile {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.files[slot]
	c.files[slot] = nil
	return f
}

// withFile carries out an operation that reaches into a file: through the
// host's handle, or through one that is opened for it and closed again, whose
// error counts if there was none before. A read opens for reading only, as programs
// that read do.
func (c *Client) withFile(s model.Step) (model.Result, error) {
	if s.File != 0 {
		f := c.at(s.File)
		if f == nil {
			return model.Result{}, model.EBADF
		}
		return c.onFile(f, s)
	}
	flags := c.access()
	switch s.Kind {
	case model.Read:
		flags = os.O_RDONLY
	case model.Append:
		flags |= os.O_APPEND
	}
	file, err := c.openFile(s.Path, flags)
	if err != nil {
		return model.Result{}, err
	}
	r, err := c.onFile(&openFile{File: file}, s)
	if e := file.Close(); err == nil && e != nil {
		return model.Result{Size: r.Size}, e // what was written by then may be there
	}
	return r, err
}

func (c *Client) onFile(f *openFile, s model.Step) (r model.Result, err error) {
	if s.Direct || s.Kind == model.Append {
		f.flags.Lock()
		defer f.flags.Unlock()
	} else {
		f.flags.RLock()
		defer f.flags.RUnlock()
	}
	switch s.Kind {
	case model.Read:
		return c.read(f.File, s)
	case model.Write:
		return c.write(f.File, s)
	case model.Append:
		return c.append(f.File, s)
	case model.Lock, model.Unlock:
		err = lock(f.File, s, c.opts.WordSize)
	case model.Truncate:
		err = f.Truncate(int64(s.Len) * int64(c.opts.WordSize))
	case model.Fsync:
		if c.opts.Durable {
			err = f.Sync()
		}
	}
	return r, err
}
