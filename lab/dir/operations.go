package dir

import (
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/doublemount/doublemount/model"
)

// local is a path as os.Root takes it.
func local(p model.Path) string {
	if p == model.Root {
		return "."
	}
	return string(p[1:])
}

// answer is the result of an operation that answers nothing but an error.
func answer(err error) model.Result { return model.Result{Errno: errno(err)} }

func (m *machine) create(p model.Path) model.Result {
	f, err := m.root.OpenFile(local(p), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return answer(err)
	}
	return answer(f.Close())
}

func (m *machine) readdir(p model.Path) model.Result {
	f, err := m.root.Open(local(p))
	if err != nil {
		return answer(err)
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil || len(names) == 0 {
		return answer(err)
	}
	slices.Sort(names)
	return model.Result{Names: names}
}

// stat counts a word that is there in part as a word.
func (m *machine) stat(p model.Path) model.Result {
	info, err := m.root.Lstat(local(p))
	if err != nil {
		return answer(err)
	}
	if info.IsDir() {
		return model.Result{Type: model.Dir}
	}
	word := int64(m.opts.WordSize)
	return model.Result{Type: model.File, Size: (info.Size() + word - 1) / word}
}

// rmdir looks first, since Remove removes files too.
func rmdir(root *os.Root, name string) error {
	info, err := root.Lstat(name)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return &fs.PathError{Op: "rmdir", Path: name, Err: model.ENOTDIR}
	}
	return root.Remove(name)
}

func (m *machine) open(s model.Step) model.Result {
	slot := &m.hosts[s.Host].files[s.File]
	if *slot != nil {
		return answer(model.EMFILE)
	}
	f, err := m.root.OpenFile(local(s.Path), os.O_RDWR, 0)
	if err != nil {
		return answer(err)
	}
	*slot = f
	return model.Result{}
}

func (m *machine) close(s model.Step) model.Result {
	slot := &m.hosts[s.Host].files[s.File]
	if *slot == nil {
		return answer(model.EBADF)
	}
	err := (*slot).Close()
	*slot = nil
	return answer(err)
}

// withFile carries out an operation that reaches into a file: through the
// host's handle, or through one that is opened for reading and writing and
// closed again, whose error counts if there was none before.
func (m *machine) withFile(s model.Step) model.Result {
	if s.File != 0 {
		f := m.hosts[s.Host].files[s.File]
		if f == nil {
			return answer(model.EBADF)
		}
		return m.onFile(f, s)
	}
	f, err := m.root.OpenFile(local(s.Path), os.O_RDWR, 0)
	if err != nil {
		return answer(err)
	}
	r := m.onFile(f, s)
	if err := f.Close(); err != nil && r.Errno == model.OK {
		return answer(err)
	}
	return r
}

func (m *machine) onFile(f *os.File, s model.Step) model.Result {
	word := int64(m.opts.WordSize)
	switch s.Kind {
	case model.Read:
		return m.read(f, int64(s.Off)*word, s)
	case model.Write:
		return m.write(f, int64(s.Off)*word, s)
	case model.Append:
		// The end is looked up and then written at, which is one step for all
		// hosts here, so that a handle needs no append mode to append.
		end, err := f.Seek(0, io.SeekEnd)
		if err != nil {
			return answer(err)
		}
		return m.write(f, end, s)
	case model.Truncate:
		return answer(f.Truncate(int64(s.Len) * word))
	case model.Fsync:
		if m.opts.Durable {
			return answer(f.Sync())
		}
	}
	return model.Result{}
}
