package files

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"syscall"
	"testing"

	"github.com/doublemount/doublemount/model"
)

// newFile is a client and an open file of it.
func newFile(t *testing.T) (*Client, *os.File) {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return NewClient(nil, Options{WordSize: 4}), f
}

// TestGarbage reads words that no write of the Program can have left.
func TestGarbage(t *testing.T) {
	p := model.Program{Steps: []model.Step{{Kind: model.Append, Path: "/a", Len: 1, Data: 7}}}
	c, f := newFile(t)
	if _, err := f.Write([]byte{7, 7, 7, 7, 0, 0, 0, 0, 7, 7, 0, 7, 8, 8, 8, 8, 255, 255, 255, 255, 7, 0}); err != nil {
		t.Fatal(err)
	}
	want := []byte{7, model.Hole, model.Garbage, model.Garbage, model.Garbage, model.Garbage}
	got, err := c.read(f, model.Step{Len: 99})
	WrittenBy(p).Judge(got.Data)
	if err != nil || !bytes.Equal(got.Data, want) {
		t.Errorf("read %v %v; want %v", err, got.Data, want)
	}
}

// TestNoReadAhead asks that a buffer used before does not show in a short read.
func TestNoReadAhead(t *testing.T) {
	c, f := newFile(t)
	if got, err := c.write(f, model.Step{Len: 3, Data: 1}); got.Size != 3 || err != nil {
		t.Errorf("wrote %+v, %v", got, err)
	}
	if got, err := c.read(f, model.Step{Off: 2, Len: 9}); len(got.Data) != 1 || err != nil {
		t.Errorf("read %v at the last of 3 words: %v", got.Data, err)
	}
	if got, err := c.read(f, model.Step{Off: 3, Len: 9}); err != nil || got.Data != nil {
		t.Errorf("read %+v behind the last word: %v", got, err)
	}
}

// TestAppendsMeet has two clients of one directory append through handles at the
// same time: each append has a place of its own, as O_APPEND promises.
func TestAppendsMeet(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	const each = 60
	hosts := [2]*Client{NewClient(root, Options{}), NewClient(root, Options{})}
	do := func(c *Client, s model.Step) model.Result {
		r, done := c.Do(s)
		if !done || r.Errno != model.OK {
			t.Errorf("%v: %v, done %v", s, r.Errno, done)
		}
		return r
	}
	do(hosts[0], model.Step{Kind: model.Create, Path: "/a"})
	var wait sync.WaitGroup
	for i, c := range hosts {
		do(c, model.Step{Kind: model.Open, Path: "/a", File: 1})
		wait.Go(func() {
			for range each {
				do(c, model.Step{Kind: model.Append, File: 1, Len: 1, Data: byte(i + 1)})
			}
		})
	}
	wait.Wait()
	var count [3]int
	for _, word := range do(hosts[1], model.Step{Kind: model.Read, File: 1, Len: 3 * each}).Data {
		count[word]++
	}
	if count != [3]int{0, each, each} {
		t.Errorf("words of nobody, A and B: %v; want 0 and %d each", count, each)
	}
	for _, c := range hosts {
		if r := c.CloseFiles(); r.Errno != model.OK {
			t.Errorf("close: %v", r.Errno)
		}
	}
}

// TestSharing has the numbers of winerror.h that say a file is open elsewhere.
func TestSharing(t *testing.T) {
	for number, want := range map[uint32]bool{2: false, 5: true, 32: true, 33: true, 80: false, 112: false, 145: false, 183: false, 303: true} {
		if got := windowsRefuses(number); got != want {
			t.Errorf("error %d: refused %v; want %v", number, got, want)
		}
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
		{&fs.PathError{Err: os.ErrClosed}, model.EBADF},
		{&fs.PathError{Err: syscall.EMFILE}, model.ENFILE},
		{&fs.PathError{Err: syscall.EACCES}, model.EACCES},
		{&fs.PathError{Err: syscall.Errno(9999)}, model.EOTHER},
		{errors.New("path escapes from parent"), model.EOTHER},
	}
	for _, test := range tests {
		if got := errno(test.err); got != test.want {
			t.Errorf("%v is %v; want %v", test.err, got, test.want)
		}
	}
}

// TestWinerror has numbers of winerror.h; each of the table has a name that the
// model knows, and none is of what Windows refuses.
func TestWinerror(t *testing.T) {
	for number, want := range map[uint32]model.Errno{112: model.ENOSPC, 145: model.ENOTEMPTY, 267: model.ENOTDIR, 19: model.EROFS, 1295: model.EDQUOT,
		17: model.EXDEV, 121: model.ETIMEDOUT} {
		if got, ok := windowsErrno(number); !ok || got != want {
			t.Errorf("error %d is %v, %v; want %v", number, got, ok, want)
		}
	}
	for number := range winerror {
		if e, ok := windowsErrno(number); !ok || e == model.OK || e == model.EOTHER || windowsRefuses(number) {
			t.Errorf("error %d is %v, %v", number, e, ok)
		}
	}
	if e, ok := windowsErrno(5); ok {
		t.Errorf("ERROR_ACCESS_DENIED is %v", e)
	}
}

// TestReplacedDirectory replaces an empty directory by another one, again and
// again, while another program lists it and looks for a name in it: the directory
// is always there, and always empty.
func TestReplacedDirectory(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	a, b := NewClient(root, Options{}), NewClient(root, Options{})
	do := func(c *Client, s model.Step) model.Result {
		r, _ := c.Do(s)
		return r
	}
	do(a, model.Step{Kind: model.Mkdir, Path: "/a"})
	stop := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				do(a, model.Step{Kind: model.Mkdir, Path: "/b"})
				do(a, model.Step{Kind: model.Rename, Path: "/b", To: "/a"})
			}
		}
	})
	for range 800 {
		if r := do(b, model.Step{Kind: model.Readdir, Path: "/a"}); r.Errno != model.OK || len(r.Names) > 0 {
			t.Errorf("readdir /a: %v %v", r.Errno, r.Names)
			break
		}
		if r := do(b, model.Step{Kind: model.Mkdir, Path: "/a/a"}); r.Errno != model.OK {
			t.Errorf("mkdir /a/a: %v", r.Errno)
			break
		}
		if r := do(b, model.Step{Kind: model.Rmdir, Path: "/a/a"}); r.Errno != model.OK {
			t.Errorf("rmdir /a/a: %v", r.Errno)
			break
		}
	}
	close(stop)
	wait.Wait()
}
