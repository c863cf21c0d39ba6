package reference

import (
	"math/rand/v2"
	"slices"

	"github.com/doublemount/doublemount/model"
)

// lockAndFlush is hosts with a lock for the directory and one for each file. Who has
// a lock caches what it stands for; who wants it has the holder write back first, the
// names before the data. So all see one state, and what another host saw is on the
// disk. A crash loses what only its host had: of the journal of names an end, of each
// block the newest writes. So it keeps linearizable, over crashes too.
func lockAndFlush(lacks string) System {
	return System{
		Name: "lock and flush", Keeps: model.Linearizable, Lacks: lacks, draw: syncingStep,
		life: life{overlap: true, crashes: true, setup: files(block), look: bothFiles},
		start: func(rng *rand.Rand) storage {
			return &locks{rng: rng, lacks: lacks, disk: newTree(), now: newTree()}
		},
	}
}

type locks struct {
	rng    *rand.Rand
	lacks  string
	disk   *tree // what a crash leaves
	now    *tree // what all see
	dirty  []dirtyChange
	handle [2]int
	old    [2]map[int][]byte // for a host that is never told to drop its copies
}

// dirtyChange is a change that is not on the disk yet.
type dirtyChange struct {
	host model.Host
	file int // or directory
	step model.Step
}

const directory = 0

func (l *locks) do(s model.Step) model.Result {
	if s.Host == model.Final {
		file, there := l.disk.names[s.Path]
		switch {
		case s.Kind != model.Read:
			return model.Result{}
		case !there:
			return model.Result{Errno: model.ENOENT}
		}
		return read(l.disk.words[file], s)
	}
	switch s.Kind {
	case model.Crash:
		l.crash(s.Host)
		return model.Result{}
	case model.Mount:
		l.old[s.Host] = map[int][]byte{}
		return model.Result{}
	case model.Sync, model.Unmount:
		l.flush(func(d dirtyChange) bool { return d.host == s.Host })
		return model.Result{}
	case model.Close:
		l.handle[s.Host] = 0
		return model.Result{}
	case model.Create, model.Unlink, model.Rename:
		l.lock(s.Host, directory)
		e := l.now.change(s)
		if e == model.OK {
			l.dirty = append(l.dirty, dirtyChange{s.Host, directory, s})
		}
		return model.Result{Errno: e}
	}
	file := l.handle[s.Host]
	if s.Path != "" {
		l.lock(s.Host, directory)
		there := false
		if file, there = l.now.names[s.Path]; !there {
			return model.Result{Errno: model.ENOENT}
		}
	}
	if s.Kind == model.Open {
		l.handle[s.Host] = file
		return model.Result{}
	}
	l.lock(s.Host, file)
	switch s.Kind {
	case model.Stat:
		return model.Result{Type: model.File, Size: int64(len(l.now.words[file]))}
	case model.Fsync:
		if l.lacks != "fsync" {
			l.flush(func(d dirtyChange) bool { return d.file == file || d.file == directory })
		}
		return model.Result{}
	case model.Write:
		l.now.words[file] = write(l.now.words[file], s.Off, s.Len, s.Data)
		l.dirty = append(l.dirty, dirtyChange{s.Host, file, s})
		l.old[s.Host][file] = l.now.words[file]
		return model.Result{Size: int64(s.Len)}
	}
	if old, cached := l.old[s.Host][file]; l.lacks == "invalidation" && cached {
		return read(old, s)
	}
	l.old[s.Host][file] = l.now.words[file]
	return read(l.now.words[file], s)
}

// lock has the other host write back what it has changed of an object.
func (l *locks) lock(h model.Host, file int) {
	theirs := func(d dirtyChange) bool { return d.host != h && d.file == file }
	if l.lacks != "flush" && slices.ContainsFunc(l.dirty, theirs) {
		l.flush(func(d dirtyChange) bool { return d.host != h && (d.file == file || d.file == directory) })
	}
}

// flush puts changes on the disk.
func (l *locks) flush(which func(dirtyChange) bool) {
	var left []dirtyChange
	for _, d := range l.dirty {
		if which(d) {
			l.disk.redo(d)
		} else {
			left = append(left, d)
		}
	}
	l.dirty = left
}

// redo makes a change of names, or of the words of a file.
func (t *tree) redo(d dirtyChange) {
	if d.file == directory {
		t.change(d.step)
		return
	}
	t.words[d.file] = write(t.words[d.file], d.step.Off, d.step.Len, d.step.Data)
}

// crash leaves of a host's changes what had been written back.
func (l *locks) crash(h model.Host) {
	type object struct{ file, block int }
	ended := map[object]bool{}
	l.flush(func(d dirtyChange) bool {
		o := object{d.file, int(d.step.Off) / block}
		ended[o] = ended[o] || l.rng.IntN(3) == 0
		created := d.file <= l.disk.next
		return d.host == h && !ended[o] && created
	})
	l.dirty = slices.DeleteFunc(l.dirty, func(d dirtyChange) bool { return d.host == h })
	l.now, l.handle[h] = l.disk.clone(), 0
	for _, d := range l.dirty {
		l.now.redo(d)
	}
}
