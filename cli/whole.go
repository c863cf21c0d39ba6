package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// temporary is the name that a file has before it is whole.
const temporary = ".doublemount-*"

// special reports whether there is something of that name that must not be
// replaced by a file: a device, a pipe, or a link, which may lead to one.
func special(name string) bool {
	info, err := os.Lstat(name)
	return err == nil && !info.Mode().IsRegular()
}

// takes reports why writeWhole could not write a file, so that it is said before
// the work. The flag is what names the file.
func takes(flag, name string) error {
	if info, err := os.Stat(name); name == "" || name == "-" || err == nil && info.Mode()&os.ModeNamedPipe != 0 {
		return nil // to open a pipe waits for who reads it
	}
	var f *os.File
	var err error
	if special(name) {
		f, err = os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o644)
	} else if f, err = os.CreateTemp(filepath.Dir(name), temporary); err == nil {
		defer os.Remove(f.Name())
	}
	if err != nil { // without the name in it, which may be the temporary one
		return fmt.Errorf("%s %s: %w\nhint: %s FILE names a file that can be written; - is the standard output", flag, quoteArg(name), cmp.Or(errors.Unwrap(err), err), flag)
	}
	return f.Close()
}

// writeWhole writes a file whole or not at all; but what is no file is written
// to as it is, and so is the standard output, which is called -.
func writeWhole(stdout io.Writer, name string, text []byte) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write %s: %w", quoteArg(name), err)
		}
	}()
	if name == "-" {
		_, err := stdout.Write(text)
		return err
	}
	if special(name) {
		return os.WriteFile(name, text, 0o644)
	}
	f, err := os.CreateTemp(filepath.Dir(name), temporary)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if _, err = f.Write(text); err != nil {
		return errors.Join(err, f.Close())
	}
	if err = errors.Join(f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// besides is where everything else goes when a file was asked for: the standard
// error if the file is the standard output, so that another program can read it.
func (a *app) besides(name string) io.Writer {
	if name == "-" {
		return a.stderr
	}
	return a.stdout
}
