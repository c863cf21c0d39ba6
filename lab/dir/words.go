package dir

import (
	"errors"
	"io"
	"os"

	"github.com/doublemount/doublemount/model"
)

// A word of a file is WordSize bytes, each the number of the write.

// write writes s.Len words at a byte offset. As write(2) does, it answers how
// many words were written when it could not write them all, and an error only
// when it wrote none.
func (m *machine) write(f *os.File, at int64, s model.Step) model.Result {
	b := m.bytes(int(s.Len))
	for i := range b {
		b[i] = s.Data
	}
	write := (*os.File).WriteAt
	if s.Direct {
		write = writeDirect
	}
	n, err := write(f, b, at)
	if words := n / m.opts.WordSize; words > 0 {
		return model.Result{Size: int64(words)}
	}
	return answer(err)
}

// read reads up to s.Len words at a byte offset. Less is there at the end of the
// file.
func (m *machine) read(f *os.File, at int64, s model.Step) model.Result {
	b := m.bytes(int(s.Len))
	read := (*os.File).ReadAt
	if s.Direct {
		read = readDirect
	}
	n, err := read(f, b, at)
	if err != nil && !errors.Is(err, io.EOF) {
		return answer(err)
	}
	var data []byte
	for b = b[:n]; len(b) > 0; {
		word := b[:min(m.opts.WordSize, len(b))]
		b = b[len(word):]
		data = append(data, m.decode(word))
	}
	return model.Result{Data: data}
}

// decode is the write that left a word, or Garbage for a word that is not whole
// or of no write of the Program.
func (m *machine) decode(word []byte) byte {
	if len(word) < m.opts.WordSize || !m.written[word[0]] {
		return model.Garbage
	}
	for _, b := range word {
		if b != word[0] {
			return model.Garbage
		}
	}
	return word[0]
}

// bytes is a buffer for so many words; it lives until the next call.
func (m *machine) bytes(words int) []byte {
	if size := words * m.opts.WordSize; size > len(m.buffer) {
		m.buffer = aligned(size)
	}
	return m.buffer[:words*m.opts.WordSize]
}
