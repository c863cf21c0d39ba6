package dir

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"testing"

	"github.com/doublemount/doublemount/model"
)

// TestGarbage reads words that no write of the Program can have left.
func TestGarbage(t *testing.T) {
	p := model.Program{Steps: []model.Step{{Kind: model.Append, Path: "/a", Len: 1, Data: 7}}}
	m := newMachine(nil, Options{WordSize: 4}, p)
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write([]byte{7, 7, 7, 7, 0, 0, 0, 0, 7, 7, 0, 7, 8, 8, 8, 8, 255, 255, 255, 255, 7, 7}); err != nil {
		t.Fatal(err)
	}
	want := []byte{7, model.Hole, model.Garbage, model.Garbage, model.Garbage, model.Garbage}
	if got := m.read(f, 0, model.Step{Len: 99}); got.Errno != model.OK || !bytes.Equal(got.Data, want) {
		t.Errorf("read %v %v; want %v", got.Errno, got.Data, want)
	}
}

// TestNoReadAhead asks that a buffer used before does not show in a short read.
func TestNoReadAhead(t *testing.T) {
	m := newMachine(nil, Options{WordSize: 4}, model.Program{})
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got := m.write(f, 0, model.Step{Len: 3, Data: 1}); got.Size != 3 {
		t.Errorf("wrote %+v", got)
	}
	if got := m.read(f, 8, model.Step{Len: 9}); len(got.Data) != 1 {
		t.Errorf("read %v at the last of 3 words", got.Data)
	}
	if got := m.read(f, 12, model.Step{Len: 9}); got.Errno != model.OK || got.Data != nil {
		t.Errorf("read %+v behind the last word", got)
	}
}

func TestErrno(t *testing.T) {
	tests := []struct {
		err  error
		want model.Errno
	}{
		{nil, model.OK},
		{&fs.PathError{Err: syscall.EEXIST}, model.EEXIST},
		{&fs.PathError{Err: syscall.ENOTEMPTY}, model.ENOTEMPTY},
		{fmt.Errorf("a: %w", syscall.ENOTDIR), model.ENOTDIR},
		{&fs.PathError{Err: syscall.EISDIR}, model.EISDIR},
		{&fs.PathError{Err: syscall.ENOSPC}, model.ENOSPC},
		{&fs.PathError{Err: syscall.EIO}, model.EIO},
		{&fs.PathError{Err: model.EMFILE}, model.EMFILE},
		{fs.ErrNotExist, model.ENOENT},
		{fs.ErrExist, model.EEXIST},
		{&fs.PathError{Err: syscall.EMFILE}, model.EOTHER},
		{&fs.PathError{Err: syscall.EACCES}, model.EOTHER},
		{errors.New("path escapes from parent"), model.EOTHER},
	}
	for _, test := range tests {
		if got := errno(test.err); got != test.want {
			t.Errorf("%v is %v; want %v", test.err, got, test.want)
		}
	}
}
