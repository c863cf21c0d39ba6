package reference

import (
	"maps"
	"math/rand/v2"

	"github.com/doublemount/doublemount/model"
)

// closeToOpen is a server that carries out one request at a time and forgets nothing,
// and clients as NFS has them: names and attributes are kept for some ticks, that a
// name is absent too; a file's words from one open to the next; writes until close,
// fsync, sync, unmount or earlier. Changes of names go to the server at once.
func closeToOpen(lacks string) System {
	g := model.CloseToOpen
	g.Durable = model.DurableClose
	return System{
		Name: "close-to-open client caches", Keeps: g, Lacks: lacks, draw: askingStep,
		life: life{overlap: true, crashes: true, ticks: true, setup: files(block), look: bothFiles},
		start: func(rng *rand.Rand) storage {
			return &server{rng: rng, lacks: lacks, files: newTree(), stale: g.Staleness}
		},
	}
}

type server struct {
	rng     *rand.Rand
	lacks   string
	files   *tree
	clients [2]client
	ticks   int
	stale   int // for how many ticks a client keeps names and attributes
}

type client struct {
	names  map[model.Path]keptName
	pages  map[int]keptPages
	dirty  map[int][]model.Step // writes that the server has not got, by file
	handle int
}

// keptName is what a name led to, 0 for nothing, when the server was asked.
type keptName struct{ file, at int }

// keptPages is a file's words, and so its size, when the server was asked.
type keptPages struct {
	words []byte
	at    int
}

func (v *server) do(s model.Step) model.Result {
	switch {
	case s.Kind == model.Tick:
		v.ticks += int(s.Len)
		return model.Result{}
	case s.Host == model.Final && s.Kind == model.Read:
		file, there := v.files.names[s.Path]
		if !there {
			return model.Result{Errno: model.ENOENT}
		}
		return read(v.files.words[file], s)
	case s.Host == model.Final:
		return model.Result{}
	}
	c := &v.clients[s.Host]
	switch s.Kind {
	case model.Mount, model.Crash:
		*c = client{names: map[model.Path]keptName{}, pages: map[int]keptPages{}, dirty: map[int][]model.Step{}}
		return model.Result{}
	case model.Sync, model.Unmount:
		for file := range v.files.next + 1 {
			v.flush(c, file)
		}
		return model.Result{}
	case model.Close:
		if v.lacks != "flush at close" {
			v.flush(c, c.handle)
		}
		c.handle = 0
		return model.Result{}
	case model.Create, model.Unlink, model.Rename:
		e := v.files.change(s)
		c.names[s.Path] = keptName{v.files.names[s.Path], v.ticks} // a failure tells too what is there
		if s.To != "" {
			c.names[s.To] = keptName{v.files.names[s.To], v.ticks}
		}
		return model.Result{Errno: e}
	}
	if s.Kind == model.Stat {
		return v.stat(c, s.Path)
	}
	file := c.handle
	if s.Path != "" {
		if file = v.find(c, s.Path); file == 0 {
			return model.Result{Errno: model.ENOENT}
		}
	}
	if s.Kind == model.Fsync {
		v.flush(c, file)
		return model.Result{}
	}
	if s.Path != "" { // an open
		if _, ok := c.pages[file]; !ok || v.lacks != "revalidation at open" {
			v.fetch(c, file)
		}
	}
	switch s.Kind {
	case model.Open:
		c.handle = file
		return model.Result{}
	case model.Read:
		return read(c.pages[file].words, s)
	}
	kept := c.pages[file]
	kept.words = write(kept.words, s.Off, s.Len, s.Data)
	c.pages[file] = kept
	c.dirty[file] = append(c.dirty[file], s)
	if s.Path != "" && v.lacks != "flush at close" || v.rng.IntN(4) == 0 {
		v.flush(c, file)
	}
	return model.Result{Size: int64(s.Len)}
}

func (v *server) tooOld(at int) bool { return v.lacks != "expiry" && v.ticks-at >= v.stale }

// find is the file that a client takes a name to lead to.
func (v *server) find(c *client, p model.Path) int {
	kept, ok := c.names[p]
	if !ok || v.tooOld(kept.at) {
		kept = keptName{v.files.names[p], v.ticks}
		v.fetch(c, kept.file)
		c.names[p] = kept
	}
	return kept.file
}

// stat answers what is kept of a name and its file. Where one of them is not, or for
// too long, it asks for both, since a stat is one view.
func (v *server) stat(c *client, p model.Path) model.Result {
	kept, ok := c.names[p]
	pages, cached := c.pages[kept.file]
	if !ok || v.tooOld(kept.at) || kept.file != 0 && (!cached || v.tooOld(pages.at)) {
		kept = keptName{v.files.names[p], v.ticks}
		v.fetch(c, kept.file)
		c.names[p] = kept
	}
	if kept.file == 0 {
		return model.Result{Errno: model.ENOENT}
	}
	return model.Result{Type: model.File, Size: int64(len(c.pages[kept.file].words))}
}

// fetch asks the server for a file, and lays what it has not got on top. What was
// kept of the file's names is older then, and forgotten.
func (v *server) fetch(c *client, file int) {
	if file == 0 {
		return
	}
	maps.DeleteFunc(c.names, func(_ model.Path, n keptName) bool { return n.file == file })
	words := v.files.words[file]
	for _, s := range c.dirty[file] {
		words = write(words, s.Off, s.Len, s.Data)
	}
	c.pages[file] = keptPages{words, v.ticks}
}

// flush sends the server a client's writes to a file.
func (v *server) flush(c *client, file int) {
	for _, s := range c.dirty[file] {
		v.files.words[file] = write(v.files.words[file], s.Off, s.Len, s.Data)
	}
	delete(c.dirty, file)
}
