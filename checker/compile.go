package checker

import "github.com/doublemount/doublemount/model"

// change is one operation's effect on what hosts share.
type change struct {
	op     int   // index in the history
	name   int   // name entry it changes, -1 for content
	node   int   // the file or directory it makes, 0 for none
	bind   int   // which bind gives its file, -1 for none
	offset int   // which bind gives its offset (append below linearizable), -1 for none
	off    int   // words
	words  int   // words written
	from   int64 // call
	until  int64 // publish, or Never: then it may have no effect
}

// bind is a choice that a view makes and that later operations build on: which
// file a name led to, or at which size an append began.
type bind struct {
	op    int
	name  int // name that was looked up, or -1
	size  int // the bind whose file's size was taken, or -1
	from  int64
	until int64

	// optional: the rung does not judge that there was a file to find, but if
	// there was, it counts.
	optional bool
}

// atom is one thing that one operation saw at one point: a name's type, a
// file's size, a block, or (whole) a read in one piece.
type atom struct {
	op   int
	alt  uint8 // the alternative of its operation that it belongs to
	kind atomKind
	name int
	mask uint8 // of types, 1<<NodeType
	size int64 // exact when >= 0; else at least -size-1
	bind int
	off  int // words
	data []byte
}

// endedBefore is the size of a read's atom that got nothing.
const endedBefore = -1 << 40

type atomKind uint8

const (
	nameAtom  atomKind = iota
	sizeAtom           // of the bound file
	blockAtom          // data at off of the bound file
	wholeAtom          // size and data at one point
)

// view is all that one operation saw: its atoms, between two moments.
type view struct {
	op          int
	from, until int64
	first, last int // its atoms
	alts        uint8
}

// syncPoint is the return of an fsync below linearizable: what it covers has
// taken effect by then. Which changes it covers depends on the file that its
// bind gives.
type syncPoint struct {
	op   int
	bind int
	name int
}

// alternatives notes that an operation's answer has several explanations.
type alternatives struct {
	op int
	n  uint8
}

// component is one part of a history, compiled for one rung.
type component struct {
	g       model.Guarantee
	history []model.Op
	info    []opInfo

	names []model.Path // 0: the name in the root directory; then those below it
	nodes []model.NodeType

	nodeNames []int // by node: the name it was made at
	creators  []int // by name: how many files were made at it

	width   int // words a file can have
	ops     []int
	changes []change
	binds   []bind
	atoms   []atom
	views   []view
	syncs   []syncPoint
	several []alternatives
	choice  []uint8 // by operation: the alternative taken, below linearizable
	layout  layout
	items   []item
	steps   int // of the search so far, of at most limit
	limit   int

	scratch, base state
	words         []byte
	ends          []moment
	open          []int

	skip    []bool // by operation: its observations are not judged
	pending []bool // by operation: its change may be missing
}

func (c *component) atomic() bool { return c.g.Publish == model.PublishReturn }

// reset prepares c for the component of top.
func (c *component) reset(g model.Guarantee, history []model.Op, info []opInfo, top model.Path) {
	c.g, c.history, c.info = g, history, info
	c.names = append(c.names[:0], top)
	c.ops = c.ops[:0]
	c.width = 0
	appended := 0
	for i := range history {
		op := &history[i]
		if op.Kind == model.Readdir && op.Path == model.Root {
			if info[i].used {
				c.ops = append(c.ops, i)
			}
			continue
		}
		path := c.pathOf(i)
		if path == "" || path == model.Root || path.Top() != top {
			continue
		}
		c.nameIndex(path, true)
		for _, n := range op.Result.Names {
			c.nameIndex(path.Child(n), true)
		}
		if !info[i].used {
			continue
		}
		c.ops = append(c.ops, i)
		switch op.Kind {
		case model.Write, model.Read:
			c.width = max(c.width, int(op.Off+op.Len))
		case model.Truncate:
			c.width = max(c.width, int(op.Len))
		case model.Append:
			appended += int(op.Len)
		}
	}
	c.width += appended
}

// pathOf is the name that operation i is about, through its handle if need be.
func (c *component) pathOf(i int) model.Path { return pathOf(c.history, c.info, i) }

func pathOf(history []model.Op, info []opInfo, i int) model.Path {
	if o := info[i].opener; o >= 0 {
		return history[o].Path
	}
	return history[i].Path
}

func (c *component) nameIndex(p model.Path, add bool) int {
	for i, n := range c.names {
		if n == p {
			return i
		}
	}
	if !add {
		return -1
	}
	c.names = append(c.names, p)
	return len(c.names) - 1
}

// within reports whether name n stands in the directory name.
func (c *component) within(n, name int) bool {
	return n != name && c.names[n].Parent() == c.names[name]
}

// compile makes the items of the component. choice, if any, picks one
// alternative for each operation that has several (below linearizable only,
// where the order of a host's views makes the choice matter).
func (c *component) compile() {
	c.nodes = append(c.nodes[:0], model.Absent)
	c.nodeNames = append(c.nodeNames[:0], -1)
	c.creators = resized(c.creators, len(c.names))
	c.changes, c.binds, c.atoms = c.changes[:0], c.binds[:0], c.atoms[:0]
	c.views, c.syncs, c.several = c.views[:0], c.syncs[:0], c.several[:0]
	for _, i := range c.ops {
		c.compileOp(i)
	}
}

// binding is the bind that operation i's open made, -1 if it cannot be known.
func (c *component) binding(opener int) int {
	for b := range c.binds {
		if c.binds[b].op == opener && c.binds[b].name >= 0 {
			return b
		}
	}
	return -1
}

func (c *component) compileOp(i int) {
	op, in := &c.history[i], &c.info[i]
	judged := !c.skip[i] && !op.Pending() && (!c.g.FinalOnly || op.Host == model.Final)
	v := view{op: i, from: op.Call, until: op.Return, first: len(c.atoms)}
	if c.g.Refresh == model.RefreshMount {
		v.from = in.mount
	}
	if op.Kind == model.Readdir && op.Path == model.Root {
		if judged {
			c.nameAtom(i, 0, 0, listed(op, c.names[0]))
		}
		c.close(v, 1)
		return
	}
	name := c.nameIndex(c.pathOf(i), false)
	if op.Result.Errno != model.OK && !op.Pending() {
		if judged {
			c.close(v, c.failure(i, name))
		}
		return
	}
	if !judged && (op.Kind == model.Read || op.Kind == model.Stat || op.Kind == model.Readdir) {
		return
	}
	c.success(i, name, judged, v)
}

// success compiles an operation that succeeded, or may have: what it saw of its
// parent and of its own name, and what it changed.
func (c *component) success(i, name int, judged bool, v view) {
	op, in := &c.history[i], &c.info[i]
	b := -1
	switch {
	case in.opener >= 0:
		if b = c.binding(in.opener); b < 0 {
			return
		}
	case op.Kind == model.Open || op.Kind.TakesData():
		b = len(c.binds)
		c.binds = append(c.binds, bind{op: i, name: name, size: -1, from: v.from, until: v.until,
			optional: !judged && c.g.FinalOnly && !op.Kind.Changes()})
	}
	if op.Kind == model.Fsync && c.g.Publish == model.PublishSync && !op.Pending() {
		c.syncs = append(c.syncs, syncPoint{op: i, bind: b, name: name})
	}
	sees := judged && !(op.Kind.Changes() && c.atomic())
	if sees && in.opener < 0 && name > 0 {
		c.nameAtom(i, 0, 0, only(model.Dir))
	}
	switch op.Kind {
	case model.Stat:
		if judged {
			c.nameAtom(i, 0, name, only(op.Result.Type))
			if op.Result.Type == model.File {
				c.atoms[len(c.atoms)-1].size = op.Result.Size
			}
		}
	case model.Readdir:
		if judged {
			c.nameAtom(i, 0, name, only(model.Dir))
			for n := range c.names {
				if c.within(n, name) {
					c.nameAtom(i, 0, n, listed(op, c.names[n]))
				}
			}
		}
	case model.Read:
		if judged {
			c.readAtoms(i, b)
		}
	case model.Create, model.Mkdir, model.Unlink, model.Rmdir:
		if sees {
			c.changeAtoms(i, name)
		}
		c.nameChange(i, name)
	case model.Write, model.Append, model.Truncate:
		ch := c.newChange(i)
		ch.bind = b
		ch.off, ch.words = int(op.Off), int(op.Len)
		if op.Kind != model.Truncate {
			ch.words = min(int(op.Result.Size), int(op.Len))
			if op.Pending() {
				ch.words = int(op.Len)
			}
		}
		if op.Kind == model.Append && !c.atomic() {
			ch.offset = len(c.binds)
			c.binds = append(c.binds, bind{op: i, name: -1, size: b, from: v.from, until: v.until})
		}
		c.changes = append(c.changes, ch)
	}
	c.close(v, 1)
}

// close adds the view of an operation if it saw anything.
func (c *component) close(v view, alts uint8) {
	v.last = len(c.atoms)
	if alts > 1 && !c.atomic() && !c.g.FinalOnly {
		// One alternative was chosen for this compilation.
		c.several = append(c.several, alternatives{v.op, alts})
		pick := c.choice[v.op]
		kept := c.atoms[:v.first]
		for _, a := range c.atoms[v.first:] {
			if a.alt == pick%alts {
				a.alt = 0
				kept = append(kept, a)
			}
		}
		c.atoms, alts, v.last = kept, 1, len(kept)
	}
	v.alts = alts
	if v.last > v.first {
		c.views = append(c.views, v)
	}
}

func (c *component) newChange(i int) change {
	op := &c.history[i]
	ch := change{op: i, name: -1, bind: -1, offset: -1, from: op.Call, until: op.Return}
	if c.g.Publish == model.PublishSync {
		ch.until = c.info[i].sync
	}
	if op.Pending() || c.pending[i] {
		ch.until = model.Never
	}
	return ch
}

func (c *component) nameChange(i, name int) {
	ch := c.newChange(i)
	ch.name = name
	if kind := c.history[i].Kind; kind == model.Create || kind == model.Mkdir {
		ch.node = len(c.nodes)
		c.nodeNames = append(c.nodeNames, name)
		if kind == model.Create {
			c.nodes = append(c.nodes, model.File)
			c.creators[name]++
		} else {
			c.nodes = append(c.nodes, model.Dir)
		}
	}
	c.changes = append(c.changes, ch)
}
