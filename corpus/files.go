package corpus

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Extension is how the name of a case file ends.
const Extension = ".case"

// File is a case and the name of the file that it was read from.
type File struct {
	Name string
	Case Case
}

// ReadFile reads the case in the file called name. A file that is not a case
// gives a *[SyntaxError].
func ReadFile(name string) (Case, error) {
	f, err := os.Open(name)
	if err != nil {
		return Case{}, err
	}
	defer f.Close()
	return read(f, name)
}

// ReadDir reads the case files of a directory, in the order of their names. Bad
// ones do not hide good ones: it returns all that it could read, and every
// error joined. Other files and directories in it are passed over.
func ReadDir(dir string) ([]File, error) {
	files, err := ReadFS(os.DirFS(dir), func(name string) string { return filepath.Join(dir, name) })
	if err != nil {
		err = fmt.Errorf("cases in %s: %w", printable(dir), err)
	}
	return files, err
}

// ReadFS is [ReadDir] for the root of any file system, an embedded one for
// example. Label makes the name that errors and results show.
func ReadFS(fsys fs.FS, label func(name string) string) ([]File, error) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, err
	}
	var files []File
	var errs []error
	for _, e := range entries {
		if path.Ext(e.Name()) != Extension || e.IsDir() {
			continue
		}
		name := label(e.Name())
		c, err := readFrom(fsys, e.Name(), name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		files = append(files, File{Name: name, Case: c})
	}
	return files, errors.Join(errs...)
}

func readFrom(fsys fs.FS, name, label string) (Case, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return Case{}, err
	}
	defer f.Close()
	return read(f, label)
}

// read reads no more than it takes to know that a file is too large.
func read(r io.Reader, name string) (Case, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	if err != nil {
		return Case{}, err
	}
	return Parse(name, data)
}

// WriteFile writes c to its [Case.FileName] in dir, which it makes if need be,
// and returns the path. The file appears whole or not at all.
//
// A file of that name that already says the same is left as it is, with its
// story. One that says something else, which the same Program on another design
// can make, is not replaced but reported with [fs.ErrExist].
func WriteFile(dir string, c Case) (string, error) {
	name := filepath.Join(dir, c.FileName())
	if _, err := Parse(name, c.Bytes()); err != nil {
		return "", fmt.Errorf("not a case that a file can hold: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	switch old, err := ReadFile(name); {
	case errors.Is(err, fs.ErrNotExist):
	case err == nil && old.alike(c):
		return name, nil
	default:
		return "", fmt.Errorf("%s: %w, and is not this case\nhint: write to another directory", printable(name), fs.ErrExist)
	}
	if err := replace(name, c.Bytes()); err != nil {
		return "", err
	}
	return name, nil
}

// replace gives the file called name a new content, through a file beside it
// whose name is not a case's, so that nobody ever reads half of it.
func replace(name string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), "."+strings.TrimSuffix(filepath.Base(name), Extension)+"-*.tmp")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close() // it may be closed; err is what matters
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if _, err = f.Write(data); err != nil {
		return err
	}
	// Without this the name can outlive a power loss and the content not.
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Chmod(0o644); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
