package history_test

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/history"
	"github.com/doublemount/doublemount/internal/testscale"
	"github.com/doublemount/doublemount/model"
)

// stream makes lines as they are read, so that a long history is stored nowhere.
type stream struct {
	line func(n int) string // from 1; empty ends it
	n    int
	rest string
}

func (s *stream) Read(p []byte) (int, error) {
	if s.rest == "" {
		s.n++
		if s.rest = s.line(s.n); s.rest == "" {
			return 0, io.EOF
		}
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// sequence has n operations of two hosts on 1000 files, none overlapping: each file is
// made, written, read by the other host and removed, and then made again.
func sequence(n int) *stream {
	return &stream{line: func(i int) string {
		if i > n {
			return ""
		}
		k := i - 1
		file, at, host := k/4%1000, 10*i, "AB"[k%2:k%2+1]
		head := fmt.Sprintf(`{"id":%d,"host":"%s","path":"/f%d","call":%d,"return":%d,`, i, host, file, at, at+5)
		switch k % 4 {
		case 0:
			return head + `"op":"create","result":{}}` + "\n"
		case 1:
			return head + fmt.Sprintf(`"op":"write","length":8,"data":%d,"result":{}}`, i) + "\n"
		case 2:
			return head + fmt.Sprintf(`"op":"read","length":8,"result":{"data":[[%d,8]]}}`, i-1) + "\n"
		}
		return head + `"op":"unlink","result":{}}` + "\n"
	}}
}

// A history of ten million events is refused with the limit named, and has taken
// no more memory than one at the limit. How much that is: docs/HISTORY.md.
func TestTenMillion(t *testing.T) {
	if !testscale.Long() {
		t.Skip("DOUBLEMOUNT_LONG=1 reads a million lines")
	}
	_, err := history.Read(sequence(10_000_000))
	want := fmt.Sprintf("line %d: one operation more than the limit of %d", history.MaxOps+1, history.MaxOps)
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.Sys > 2<<30 {
		t.Errorf("%d MiB taken from the system", m.Sys>>20)
	}
}

// A long history has more writes than there are numbers of data: each file has its
// own numbering, and what is wrong in one is still seen.
func TestManyWrites(t *testing.T) {
	const n = 20_000
	judge := checker.New(0, rungs()...)
	h, err := history.Read(sequence(n))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range judge(h.Run) {
		if v.Outcome != model.Held {
			t.Errorf("%s: %v %q %s", v.Guarantee, v.Outcome, v.Proof, v.Limit)
		}
	}
	// One read returns what was written to the file the round before.
	s := sequence(n)
	right := s.line
	const at = 4*1000 + 4*7 + 3
	s.line = func(i int) string {
		if i == at {
			return strings.Replace(right(i), fmt.Sprintf("[[%d,", at-1), fmt.Sprintf("[[%d,", at-1-4000), 1)
		}
		return right(i)
	}
	if h, err = history.Read(s); err != nil {
		t.Fatal(err)
	}
	v := judge(h.Run)[0]
	if v.Outcome != model.Violated || v.Path != "/f7" || v.Anomaly == model.CrossLinked {
		t.Errorf("%v: %v (%s) of %s: %q", v.Guarantee, v.Outcome, v.Anomaly, v.Path, v.Proof)
	}
}

// More writes of one file than there are numbers are refused if they were read.
func TestTooManyWrites(t *testing.T) {
	lines := func(read bool) *stream {
		return &stream{line: func(i int) string {
			switch {
			case i == 1:
				return `{"id":1,"host":"A","op":"create","path":"/a","call":1,"return":2,"result":{}}` + "\n"
			case i > 1000:
				return ""
			case i%2 == 0:
				return fmt.Sprintf(`{"id":%d,"host":"A","op":"write","path":"/a","length":1,"data":"w%d","call":%d,"return":%d,"result":{}}`+"\n", i, i, 10*i, 10*i+1)
			case read:
				return fmt.Sprintf(`{"id":%d,"host":"A","op":"read","path":"/a","length":1,"call":%d,"return":%d,"result":{"data":[["w%d",1]]}}`+"\n", i, 10*i, 10*i+1, i-1)
			}
			return fmt.Sprintf(`{"id":%d,"host":"A","op":"stat","path":"/a","call":%d,"return":%d,"result":{"type":"file","size":1}}`+"\n", i, 10*i, 10*i+1)
		}}
	}
	h, err := history.Read(lines(false))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range checker.New(0, rungs()...)(h.Run) {
		if v.Outcome != model.Held {
			t.Errorf("%s: %v", v.Guarantee, v.Outcome)
		}
	}
	_, err = history.Read(lines(true))
	if err == nil || !strings.Contains(err.Error(), "one write more than the limit of 249") {
		t.Errorf("got %v", err)
	}
}

// A line without end is refused before it is read to its end.
func TestLongLine(t *testing.T) {
	_, err := history.Read(&stream{line: func(int) string { return strings.Repeat(" ", 1<<16) }})
	if err == nil || !strings.HasPrefix(err.Error(), "line 1: longer than") {
		t.Errorf("got %v", err)
	}
}

// More handles than a kernel's default limit of a small process stay apart.
func TestManyHandles(t *testing.T) {
	var b strings.Builder
	at, id := 0, 0
	put := func(client int, rest string) {
		at, id = at+10, id+1
		fmt.Fprintf(&b, `{"id":%d,"host":"A","client":%d,"call":%d,"return":%d,%s}`+"\n", id, client, at, at+5, rest)
	}
	for c := range history.MaxHandles {
		put(c, fmt.Sprintf(`"op":"create","path":"/f%d","result":{}`, c))
		put(c, fmt.Sprintf(`"op":"open","path":"/f%d","handle":3,"result":{}`, c))
	}
	for c := range history.MaxHandles {
		put(c, fmt.Sprintf(`"op":"write","handle":3,"length":1,"data":"d%d","result":{}`, c))
	}
	for c := range history.MaxHandles {
		put(0, fmt.Sprintf(`"op":"read","path":"/f%d","length":2,"result":{"data":[["d%d",1]]}`, c, c))
	}
	h, err := history.Read(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range checker.New(0, rungs()...)(h.Run) {
		if v.Outcome != model.Held {
			t.Errorf("%s: %v: %q", v.Guarantee, v.Outcome, v.Proof)
		}
	}
	put(0, `"op":"open","path":"/f0","handle":"one more","result":{}`)
	if _, err = history.Read(strings.NewReader(b.String())); err == nil || !strings.Contains(err.Error(), "more than 255 handles") {
		t.Errorf("got %v", err)
	}
}
