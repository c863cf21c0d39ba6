package files

import (
	"bytes"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/doublemount/doublemount/model"
)

// limited has this process write no file beyond a size for the rest of a test, in
// the middle of a word: then a write is short, and the next one fails with EFBIG.
func limited(t *testing.T, size uint64) {
	t.Helper()
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: size, Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Setrlimit(unix.RLIMIT_FSIZE, &old) })
}

// A write that did not come to its end answers how many words are there, as the
// sizes and reads after it count them: by path and by handle, at an offset and at
// the end.
func TestShortWrites(t *testing.T) {
	const first = 2047 // the word before the limit's
	for _, test := range []struct {
		name  string
		write model.Step
	}{
		{"write by path", model.Step{Kind: model.Write, Path: "/a", Off: first, Len: 4, Data: 1}},
		{"write by handle", model.Step{Kind: model.Write, File: 1, Off: first, Len: 4, Data: 1}},
		{"append by path", model.Step{Kind: model.Append, Path: "/a", Len: 4, Data: 1}},
		{"append by handle", model.Step{Kind: model.Append, File: 1, Len: 4, Data: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			root, err := os.OpenRoot(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			defer root.Close()
			c := NewClient(root, Options{WordSize: MaxWordSize})
			defer c.CloseFiles()
			do := func(s model.Step) model.Result {
				r, done := c.Do(s)
				if !done {
					t.Fatalf("%v was not done", s)
				}
				return r
			}
			do(model.Step{Kind: model.Create, Path: "/a"})
			do(model.Step{Kind: model.Open, Path: "/a", File: 1})
			do(model.Step{Kind: model.Truncate, Path: "/a", Len: first})
			limited(t, 2048*MaxWordSize+300)

			if r := do(test.write); r.Errno != model.OK || r.Size != 2 {
				t.Errorf("%v %d words; want 2, the second in part", r.Errno, r.Size)
			}
			if r := do(model.Step{Kind: model.Stat, Path: "/a"}); r.Size != first+2 {
				t.Errorf("a size of %d words; want %d", r.Size, first+2)
			}
			if r := do(model.Step{Kind: model.Read, Path: "/a", Off: first, Len: 8}); !bytes.Equal(r.Data, []byte{1, 1}) {
				t.Errorf("read %v", r.Data)
			}
			beyond := model.Step{Kind: model.Write, Path: "/a", Off: first + 8, Len: 1, Data: 2}
			if r := do(beyond); r.Errno != model.EFBIG {
				t.Errorf("a write beyond the limit: %v; want EFBIG", r.Errno)
			}
			if r := do(model.Step{Kind: model.Truncate, Path: "/a", Len: first + 8}); r.Errno != model.EFBIG {
				t.Errorf("a truncate beyond the limit: %v; want EFBIG", r.Errno)
			}
			if r := do(model.Step{Kind: model.Stat, Path: "/a"}); r.Size != first+2 {
				t.Errorf("a size of %d words after writes that failed; want %d", r.Size, first+2)
			}
		})
	}
}
