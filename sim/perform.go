package sim

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/doublemount/doublemount/model"
)

// perform carries out the step of t, on t's coroutine.
func (w *world) perform(t *task) {
	h := t.host
	switch kind := t.step.Kind; {
	case h.id == model.Final:
		w.observe(t)
	case kind == model.Mount:
		w.mount(t)
	case kind == model.Unmount:
		w.unmount(t)
	case kind == model.Remount || kind == model.Reboot:
		w.unmount(t)
		if kind == model.Reboot {
			w.attach(h, t.number)
		}
		w.mount(t)
	default:
		w.call(t, t.step)
		w.done(t, h.operate(t.step))
	}
	w.leftovers(t)
}

// leftovers looks for what a step or daemon that has ended should have given
// back.
func (w *world) leftovers(t *task) {
	for _, l := range w.locks[:w.lockCount] {
		if l.owner == t {
			w.fail(model.Misuse, t, fmt.Sprintf("the step ended with lock %q taken", l.name))
		}
	}
	if t.mutexes > 0 {
		w.fail(model.Misuse, t, "the step ended with a mutex taken")
	}
}

func (w *world) mount(t *task) {
	h := t.host
	w.call(t, model.Step{Host: h.id, Kind: model.Mount})
	h.phase = busy
	h.cache.drop()
	if h.cut {
		w.attach(h, t.number)
	}
	fs, err := w.design.Mount(h)
	switch {
	case err != nil:
		h.fs, h.phase = nil, unmounted
		w.endDaemons(h)
	case fs == nil:
		w.fail(model.Misuse, t, "Mount returned neither an FS nor an error")
	default:
		h.fs, h.phase, h.direct, h.ranges = fs, mounted, hasDirect(fs), hasRanges(fs)
	}
	w.done(t, failed(err))
}

// unmount closes what is open and takes the file system away. If the design's
// Unmount fails the host has lost its mount all the same, as when a disk is
// taken offline by force.
func (w *world) unmount(t *task) {
	h := t.host
	w.call(t, model.Step{Host: h.id, Kind: model.Unmount})
	h.phase = busy
	var err error
	for i := range h.files {
		if h.files[i].open {
			err = errors.Join(err, h.close(i))
		}
	}
	err = errors.Join(err, h.fs.Unmount())
	h.fs, h.phase = nil, unmounted
	h.cache.drop()
	w.endDaemons(h)
	w.done(t, failed(err))
	if err != nil {
		// What it had not written is gone with its memory, as in a crash.
		w.happened(model.Step{Host: h.id, Kind: model.Crash}, t.number, true)
	}
}

// operate carries out one operation on a mounted host.
func (h *Host) operate(s model.Step) model.Result {
	path := string(s.Path)
	switch s.Kind {
	case model.Create:
		return failed(h.fs.Create(path))
	case model.Unlink:
		return failed(h.fs.Unlink(path))
	case model.Mkdir:
		return failed(h.fs.(Mkdirer).Mkdir(path))
	case model.Rmdir:
		return failed(h.fs.(Rmdirer).Rmdir(path))
	case model.Rename:
		return failed(h.fs.(Renamer).Rename(path, string(s.To)))
	case model.Link:
		return failed(h.fs.(Linker).Link(path, string(s.To)))
	case model.Readdir:
		names, err := h.fs.(Readdirer).Readdir(path)
		if err != nil {
			return failed(err)
		}
		names = slices.Clone(names)
		slices.Sort(names)
		return model.Result{Names: names}
	case model.Stat:
		a, err := h.fs.Stat(path)
		if err != nil {
			return failed(err)
		}
		if a.Type != model.File {
			return model.Result{Type: model.Dir}
		}
		return model.Result{Type: model.File, Size: h.words(a.Size)}
	case model.Open:
		return h.open(s)
	case model.Close:
		if !h.files[s.File].open {
			return model.Result{Errno: model.EBADF}
		}
		return failed(h.close(int(s.File)))
	case model.Lock, model.Unlock:
		return h.lock(s)
	case model.Sync:
		return failed(h.fs.(Syncer).Sync())
	case model.Statfs:
		total, free, err := h.fs.(Statfser).Statfs()
		if err != nil {
			return failed(err)
		}
		return model.Result{Total: total, Free: free}
	case model.Writeback:
		return failed(h.cache.writeback(int(s.Off), int(s.Len)))
	case model.Refresh:
		h.cache.Invalidate(int(s.Off), int(s.Len))
		return model.Result{}
	}
	if s.File != 0 {
		f := h.files[s.File]
		if !f.open {
			return model.Result{Errno: model.EBADF}
		}
		return h.access(f.ino, s)
	}
	ino, err := h.fs.Open(path)
	if err != nil {
		return failed(err)
	}
	r := h.access(ino, s)
	if err := h.fs.Close(ino); err != nil && r.Errno == model.OK {
		return failed(err)
	}
	return r
}

func (h *Host) open(s model.Step) model.Result {
	f := &h.files[s.File]
	if f.taken {
		return model.Result{Errno: model.EMFILE}
	}
	f.taken = true
	ino, err := h.fs.Open(string(s.Path))
	if err != nil {
		f.taken = false
		return failed(err)
	}
	f.ino, f.open, f.locks = ino, true, false
	return model.Result{}
}

// close closes a handle, and before that gives up what it has locked. The slot is
// free only then: what another open did in it is none of this one's.
func (h *Host) close(slot int) (err error) {
	f := &h.files[slot]
	f.open = false
	if f.locks {
		f.locks = false
		err = h.fs.(Locker).Unlock(f.ino, slot)
	}
	err = errors.Join(err, h.fs.Close(f.ino))
	f.taken = false
	return err
}

// lock takes a lock for a handle, or gives it up.
func (h *Host) lock(s model.Step) model.Result {
	f := &h.files[s.File]
	if !f.open {
		return model.Result{Errno: model.EBADF}
	}
	f.locks = true
	from, to := s.LockRange()
	slot := int(s.File)
	switch {
	case s.Len == 0 && s.Kind == model.Lock:
		return failed(h.fs.(Locker).Lock(f.ino, slot, s.Shared))
	case s.Len == 0:
		return failed(h.fs.(Locker).Unlock(f.ino, slot))
	case s.Kind == model.Lock:
		return failed(h.fs.(RangeLocker).LockRange(f.ino, slot, from, to, s.Shared))
	}
	return failed(h.fs.(RangeLocker).UnlockRange(f.ino, slot, from, to))
}

// access carries out an operation on an open file's content.
func (h *Host) access(ino Inode, s model.Step) model.Result {
	w := h.w
	off := int64(s.Off) * int64(w.word)
	switch s.Kind {
	case model.Read:
		p := h.buffer(int(s.Len))
		defer h.giveBack(p)
		clear(p) // a design that says it has read more must not show what was here before
		var n int
		var err error
		if s.Direct {
			n, err = h.fs.(DirectIO).ReadDirect(ino, p, off)
		} else {
			n, err = h.fs.ReadAt(ino, p, off)
		}
		if err != nil {
			return failed(err)
		}
		return model.Result{Data: w.decode(p[:max(0, min(n, len(p)))])}
	case model.Write, model.Append:
		p := h.buffer(int(s.Len))
		defer h.giveBack(p)
		fill(p, s.Data)
		var n int
		var err error
		switch {
		case s.Kind == model.Append:
			n, err = h.fs.(Appender).Append(ino, p)
		case s.Direct:
			n, err = h.fs.(DirectIO).WriteDirect(ino, p, off)
		default:
			n, err = h.fs.WriteAt(ino, p, off)
		}
		if err != nil {
			return failed(err)
		}
		return model.Result{Size: h.words(int64(n))}
	case model.Truncate:
		return failed(h.fs.(Truncater).Truncate(ino, int64(s.Len)*int64(w.word)))
	case model.Fsync:
		return failed(h.fs.(Fsyncer).Fsync(ino))
	}
	return model.Result{Errno: model.EINVAL}
}

// buffer is memory for so many words: the host's own, or fresh when another
// step of the host, stopped on its way, has that.
func (h *Host) buffer(words int) []byte {
	n := words * h.w.word
	p := h.buf
	h.buf = nil
	if cap(p) < n {
		p = make([]byte, n)
	}
	return p[:n]
}

func (h *Host) giveBack(p []byte) { h.buf = p }

// words is a number of bytes in words, a part of a word counted as one.
func (h *Host) words(n int64) int64 { return (n + int64(h.w.word) - 1) / int64(h.w.word) }

// fill sets every byte of p, doubling what is set already.
func fill(p []byte, b byte) {
	if len(p) == 0 {
		return
	}
	p[0] = b
	for n := 1; n < len(p); n *= 2 {
		copy(p[n:], p[:n])
	}
}

// decode turns bytes read into one byte a word: the number of the write, or
// Garbage where a word is mixed, cut, or of no write of this program.
func (w *world) decode(p []byte) []byte {
	n := (len(p) + w.word - 1) / w.word
	if n == 0 {
		return nil
	}
	if cap(w.arena)-len(w.arena) < n {
		w.arena = make([]byte, 0, max(n, 1024))
	}
	start := len(w.arena)
	w.arena = w.arena[:start+n]
	data := w.arena[start : start+n : start+n]
	for i := range data {
		word := p[i*w.word : min((i+1)*w.word, len(p))]
		data[i] = word[0]
		if len(word) != w.word || !w.known[word[0]] || !bytes.Equal(word[1:], word[:len(word)-1]) {
			data[i] = model.Garbage
		}
	}
	return data
}

// failed is the result of an operation that has nothing to tell but its error.
func failed(err error) model.Result {
	if err == nil {
		return model.Result{}
	}
	if e, ok := err.(model.Errno); ok && e != model.OK {
		return model.Result{Errno: e} // without the cost of looking for a wrapped one
	}
	if e, ok := errors.AsType[model.Errno](err); ok && e != model.OK {
		return model.Result{Errno: e}
	}
	return model.Result{Errno: model.EOTHER}
}
