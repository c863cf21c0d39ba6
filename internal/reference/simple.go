package reference

import (
	"math/rand/v2"

	"github.com/doublemount/doublemount/model"
)

// atomicStore is one file system without caches that carries out each operation at
// one moment between its call and its return: linearizable.
func atomicStore(lacks string) System {
	return System{
		Name: "atomic store", Keeps: model.Linearizable, Lacks: lacks, draw: anyStep,
		life:  life{overlap: true, setup: files(block), look: bothFiles},
		start: func(rng *rand.Rand) storage { return &atomic{rng: rng, lacks: lacks} },
	}
}

type atomic struct {
	model.FS
	rng   *rand.Rand
	lacks string
}

func (a *atomic) do(s model.Step) model.Result {
	switch {
	case a.lacks == "unlink" && s.Kind == model.Unlink && a.rng.IntN(2) == 0:
		return a.Clone().Apply(s) // acknowledged, and not carried out
	case a.lacks == "exclusion" && s.Kind == model.Create:
		a.Apply(s)
		return model.Result{} // also where the name exists
	}
	return a.Apply(s)
}

// handOver is hosts that mount one after the other, each with a cache of everything
// that it writes back when it unmounts: nothing is ever seen that is not the last
// state, so it keeps linearizable too.
func handOver(lacks string) System {
	return System{
		Name: "hand-over", Keeps: model.Linearizable, Lacks: lacks, draw: anyStep,
		life:  life{inTurn: true, setup: files(block), look: bothFiles},
		start: func(*rand.Rand) storage { return &turns{disk: &model.FS{}, lacks: lacks} },
	}
}

type turns struct {
	disk  *model.FS
	cache [2]*model.FS
	lacks string
}

func (t *turns) do(s model.Step) model.Result {
	if s.Host == model.Final {
		return t.disk.Apply(s)
	}
	cache := &t.cache[s.Host]
	switch s.Kind {
	case model.Mount:
		if *cache == nil || t.lacks != "invalidation at mount" {
			*cache = t.disk.Clone()
		}
	case model.Sync:
		t.disk = (*cache).Clone()
	case model.Unmount:
		(*cache).Apply(s)
		if t.lacks != "flush at unmount" {
			t.disk = (*cache).Clone()
		}
	default:
		return (*cache).Apply(s)
	}
	return model.Result{}
}

// lastSyncWins is hosts that read each file once and keep it, and write whole files
// back at fsync, sync and unmount: with files of one block that are written as a
// whole and never removed each write-back is of that host's last write, so it keeps
// sync-to-mount. With files of two blocks, or without knowing which it has changed, a
// host writes back what it has not written.
func lastSyncWins(lacks string) System {
	blocks := 1
	if lacks == "blocks" {
		blocks = 2
	}
	return System{
		Name: "last sync wins", Keeps: model.SyncToMount, Lacks: lacks,
		draw:  func(rng *rand.Rand, i int) model.Step { return dataStep(rng, i, blocks) },
		life:  life{setup: files(int32(blocks) * block), look: bothFiles},
		start: func(*rand.Rand) storage { return &copies{disk: map[model.Path][]byte{}, lacks: lacks} },
	}
}

type copies struct {
	disk  map[model.Path][]byte
	cache [2]map[model.Path]*fileCopy
	lacks string
}

type fileCopy struct {
	words []byte
	dirty bool
}

func (c *copies) do(s model.Step) model.Result {
	if s.Host == model.Final {
		if s.Kind == model.Read {
			return model.Result{Data: c.disk[s.Path]}
		}
		return model.Result{}
	}
	switch s.Kind {
	case model.Create:
		c.disk[s.Path] = nil
	case model.Mount:
		c.cache[s.Host] = map[model.Path]*fileCopy{}
	case model.Fsync:
		c.back(s.Host, s.Path)
	case model.Sync, model.Unmount:
		for _, p := range bothFiles {
			c.back(s.Host, p)
		}
	case model.Read:
		words := c.file(s.Host, s.Path).words
		return model.Result{Data: append([]byte(nil), words[:min(int(s.Len), len(words))]...)}
	case model.Write:
		f := c.file(s.Host, s.Path)
		f.words, f.dirty = write(f.words, s.Off, s.Len, s.Data), true
		return model.Result{Size: int64(s.Len)}
	}
	return model.Result{}
}

// file is a host's copy of a file.
func (c *copies) file(h model.Host, p model.Path) *fileCopy {
	f := c.cache[h][p]
	if f == nil {
		f = &fileCopy{words: c.disk[p]}
		c.cache[h][p] = f
	}
	return f
}

func (c *copies) back(h model.Host, p model.Path) {
	if f := c.cache[h][p]; f != nil && (f.dirty || c.lacks == "dirty bits") {
		c.disk[p], f.dirty = f.words, false
	}
}

// write is a copy of words with some of them written.
func write(words []byte, off, n int32, data byte) []byte {
	next := make([]byte, max(len(words), int(off+n)))
	copy(next, words)
	for i := off; i < off+n; i++ {
		next[i] = data
	}
	return next
}
