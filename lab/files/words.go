package files

import (
	"errors"
	"io"
	"os"
	"sync"

	"github.com/doublemount/doublemount/model"
)

// A word of a file is WordSize bytes, each the number of the write.

// buffers are used again: many operations are small, and direct I/O wants
// memory that is aligned.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// buffer is memory for so many words, and what gives it back.
func (c *Client) buffer(words int32) (b []byte, done func()) {
	size := int(words) * c.opts.WordSize
	p := buffers.Get().(*[]byte)
	if size > len(*p) {
		*p = aligned(size)
	}
	return (*p)[:size], func() { buffers.Put(p) }
}

// write writes s.Len words at an offset, in one system call. As write(2) does,
// it answers how many words were written when it could not write them all, and an
// error only when it wrote none. (The WriteAt of package os calls again for the
// rest, and when that fails, forgets what was written.)
func (c *Client) write(f *os.File, s model.Step) (model.Result, error) {
	write := writeOnce
	if s.Direct {
		write = writeDirect
	}
	return c.put(s, func(b []byte) (int, error) { return write(f, b, int64(s.Off)*int64(c.opts.WordSize)) })
}

// append does the same at the end of the file, wherever that is when the file
// system writes.
func (c *Client) append(f *os.File, s model.Step) (model.Result, error) {
	return c.put(s, func(b []byte) (int, error) {
		if s.File == 0 {
			return appendOnce(f, b) // it was opened for that
		}
		return appendTo(f, b)
	})
}

func (c *Client) put(s model.Step, write func([]byte) (int, error)) (model.Result, error) {
	b, done := c.buffer(s.Len)
	defer done()
	for i := range b {
		b[i] = s.Data
	}
	n, err := write(b)
	if n > 0 {
		return model.Result{Size: int64((n + c.opts.WordSize - 1) / c.opts.WordSize)}, nil
	}
	return model.Result{}, err
}

// read reads up to s.Len words at an offset. Less is there at the end of the
// file.
func (c *Client) read(f *os.File, s model.Step) (model.Result, error) {
	b, done := c.buffer(s.Len)
	defer done()
	read := (*os.File).ReadAt
	if s.Direct {
		read = readDirect
	}
	n, err := read(f, b, int64(s.Off)*int64(c.opts.WordSize))
	if err != nil && !errors.Is(err, io.EOF) {
		return model.Result{}, err
	}
	var data []byte
	for b = b[:n]; len(b) > 0; {
		word := b[:min(c.opts.WordSize, len(b))]
		b = b[len(word):]
		data = append(data, c.decode(word))
	}
	return model.Result{Data: data}, nil
}

// decode is the write that left a word, or Garbage for a word of several. Of the
// last word of a file the end may be missing, where a write was cut short: sizes
// count it as a word, and so do writes.
func (c *Client) decode(word []byte) byte {
	for _, b := range word {
		if b != word[0] {
			return model.Garbage
		}
	}
	return word[0]
}

// Written is the words that the writes of a Program leave, and the hole.
type Written [256]bool

// WrittenBy makes it.
func WrittenBy(p model.Program) *Written {
	w := &Written{model.Hole: true}
	for _, s := range p.Steps {
		if s.Data != 0 {
			w[s.Data] = true
		}
	}
	return w
}

// Judge makes Garbage, in place, of the words that a read returned and no write
// of the Program can have left.
func (w *Written) Judge(data []byte) {
	for i, word := range data {
		if !w[word] {
			data[i] = model.Garbage
		}
	}
}
