package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// writeWhole writes a file whole or not at all.
func writeWhole(name string, text []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), ".doublemount-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", quoteArg(name), err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("write %s: %w", quoteArg(name), errors.Join(err, os.Remove(f.Name())))
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
