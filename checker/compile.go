package checker

import (
	"slices"

	"github.com/doublemount/doublemount/model"
)

// change is one operation's effect on what hosts share.
type change struct {
	op     int    // index in the history
	name   int    // name entry it changes, -1 for content
	to     int    // the second one of a rename, else -1
	move   int    // which move it is, -1 for none
	node   int    // the file or directory it makes, 0 for none
	bind   int    // which bind gives its file, -1 for none
	offset int    // which bind gives its offset (append below linearizable), -1 for none
	off    int    // words
	words  int    // words written
	from   int64  // call
	until  int64  // publish, or Never: then it may have no effect
	ends   int    // which crash of the component ended its host's life, -1 for none
	gone   uint64 // the parts of it that the crash undoes; 1 for all of a change of a name or size
	late   int    // which power loss of the component may undo what survived that, -1 for none
	goes   uint64 // the parts that it does
	inside bool   // it leaves the size as it is
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
	free bool // the host's later views need not wait for it
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

// view is what one operation saw between two moments: its atoms. Where names and
// words may be of different age, a read has a view of each.
type view struct {
	op          int
	from, until int64
	first, last int // its atoms
	alts        uint8
	whole       bool // its atoms were seen at one point
}

// syncPoint is an fsync, where it publishes or a crash asks what is durable: what
// it covers has taken effect when it returns, and is not undone. Which changes it
// covers depends on the file that its bind gives.
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

	names    []model.Path // every name, also those that renamed directories give
	parents  []int        // by name: the directory it stands in, -1 for the root
	can      []uint8      // by name: the types that can ever stand there
	nodes    []model.NodeType
	moves    []move
	endings  bool // a crash, power loss or fence ended a life of a host that changed something
	tooLarge bool // more names or alternatives than are judged

	nodeNames []int // by node: the name it was made at
	creators  []int // by name: how many files can be found at it
	reached   []int // by node, from reachedBy: the names it can come to; where there are moves
	reachedBy []int
	places    []place

	width      int // words a file can have
	ops        []int
	story      []int   // ops, and those before a cut: what a proof may speak of
	given      []given // what stands there before ops
	changes    []change
	binds      []bind
	atoms      []atom
	views      []view
	syncs      []syncPoint
	several    []alternatives
	choice     []uint8 // by operation: the alternative taken, below linearizable
	files      []fileGuess
	doubt      fileGuess // the first lookup that a search was unsure of; op is -1 if none
	relaxed    bool      // nothing waits for those
	layout     layout
	screens    screens
	items      []item
	moments    []int // the items that are moments, in order
	steps      int   // of the search so far, of at most limit
	limit      int
	sequential bool // there is one order only

	scratch, base state
	words, laid   []byte
	ends          []end
	open          []int

	skip    []bool // by operation: its observations are not judged
	pending []bool // by operation: its change may be missing
	forget  []bool // by operation: as if nothing had made it durable

	crashes []int  // by crash: its index in the history
	slots   []slot // by crash
	last    []int  // by slot: its last crash
	losses  []loss
	forced  []loss      // what must have been undone
	keeps   []dominance // what there is no need to undo
	dropped []loss
	tried   []guessed
	came    int      // how many moments the last search came to
	guesses int      // how many sets have been tried
	guessed bool     // something is undone
	begin   int      // where an append begins, at linearizable
	makers  []int    // by node: the change that makes it
	culprit int      // the operation that explain found
	undone  []uint64 // by operation: the parts that its crash undoes, as guessed; then those of a power loss after it
	mask    int      // the world that is looked at: the crashes whose undone parts are not there
	at      int      // where it is in a state
	saved   state
}

// compile makes the items of the component. choice, if any, picks one
// alternative for each operation that has several (below linearizable only,
// where the order of a host's views makes the choice matter).
func (c *component) compile() {
	c.nodes = append(c.nodes[:0], model.Absent)
	c.nodeNames, c.makers = append(c.nodeNames[:0], -1), append(c.makers[:0], -1)
	c.creators = resized(c.creators, len(c.names))
	c.changes, c.binds, c.atoms = c.changes[:0], c.binds[:0], c.atoms[:0]
	c.views, c.syncs, c.several = c.views[:0], c.syncs[:0], c.several[:0]
	c.crashes = c.crashes[:0]
	c.begins()
	if c.guessed { // those that undo something first, so that there are few worlds
		for _, i := range c.ops {
			if c.undone[i] != 0 {
				c.crashIndex(int(c.info[i].crash))
			}
			if c.undone[len(c.history)+i] != 0 {
				c.crashIndex(int(c.info[i].late))
			}
		}
	}
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
	judged := !c.skip[i] && !in.open && !in.cut && (!c.g.FinalOnly || op.Host == model.Final) && !(c.g.Except.Has(op.Kind) && !(op.Kind.Changes() && c.made(i)))
	v := view{op: i, from: c.seesNames(i), until: op.Return, first: len(c.atoms)}
	if in.open || in.cut {
		v.until = model.Never
	}
	if op.Kind == model.Readdir && op.Path == model.Root {
		for n, parent := range c.parents {
			if judged && parent < 0 {
				c.nameAtom(i, 0, n, listed(op, c.names[n]))
			}
		}
		v.whole = c.g.StrictReaddir
		c.close(v, 1)
		return
	}
	name := c.nameIndex(c.pathOf(i), false)
	if op.Result.Errno != model.OK && !in.open {
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
		if b = c.binding(int(in.opener)); b < 0 {
			return
		}
	case op.Kind == model.Open || op.Kind.TakesData():
		b = len(c.binds)
		c.binds = append(c.binds, bind{op: i, name: name, size: -1, from: v.from, until: v.until,
			optional: !judged && c.g.FinalOnly && !op.Kind.Changes()})
	}
	if op.Kind == model.Fsync && (c.g.Publish != model.PublishReturn || c.endings) && !in.open && !in.cut {
		c.syncs = append(c.syncs, syncPoint{op: i, bind: b, name: c.nameNow(i)})
	}
	sees := judged && !(op.Kind.Changes() && c.atomic())
	if sees && in.opener < 0 {
		c.above(i, 0, name)
	}
	alts := uint8(1)
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
			if c.g.StrictReaddir { // the walk to the directory is no part of the snapshot
				v = c.cut(v)
				v.whole = true
			}
			c.nameAtom(i, 0, name, only(model.Dir))
			for n := range c.names {
				if c.within(n, name) {
					c.nameAtom(i, 0, n, listed(op, c.names[n]))
				}
			}
		}
	case model.Read:
		if judged {
			if from := c.seesWords(i); from != v.from {
				v = c.cut(v)
				v.from = from
			}
			c.readAtoms(i, b)
		}
	case model.Create, model.Mkdir, model.Unlink, model.Rmdir:
		if sees {
			c.changeAtoms(i, name)
		}
		c.nameChange(i, name)
	case model.Rename, model.Link:
		to := c.nameIndex(op.To, false)
		if sees {
			alts = c.moveAtoms(i, name, to)
		}
		c.moveChange(i)
	case model.Write, model.Append, model.Truncate:
		ch := c.newChange(i)
		ch.bind = b
		ch.off, ch.words = int(op.Off), int(op.Len)
		if op.Kind != model.Truncate {
			ch.words = min(int(op.Result.Size), int(op.Len))
			if in.open && op.Result.Size == 0 { // it does not say
				ch.words = int(op.Len)
			}
		}
		if op.Kind == model.Append && (!c.atomic() || c.g.Except.Has(model.Append)) {
			ch.offset = len(c.binds)
			c.binds = append(c.binds, bind{op: i, name: -1, size: b, from: c.seesWords(i), until: v.until})
		}
		if op.Kind == model.Write && failed(op) {
			c.blocks(ch)
			return
		}
		c.changes = append(c.changes, ch)
	}
	c.close(v, alts)
}

// blocks adds a write that failed as its disk did: of its blocks any may have been
// written, with the size of the file or without.
func (c *component) blocks(ch change) {
	ch.gone, ch.goes = 0, 0
	for end := ch.off + ch.words; ch.off < end; ch.off += ch.words {
		ch.words = min(end-ch.off, model.WordsPerBlock-ch.off%model.WordsPerBlock)
		for _, ch.inside = range []bool{false, true} {
			c.changes = append(c.changes, ch)
		}
	}
}

// cut closes what an operation has seen so far as a view of its own, and returns
// another for what it saw besides.
func (c *component) cut(v view) view {
	c.close(v, 1)
	v.first = len(c.atoms)
	return v
}

// close adds the view of an operation if it saw anything.
func (c *component) close(v view, alts uint8) {
	if alts > 1 {
		alts = c.possible(v.first, alts)
	}
	if alts > 1 && c.guessed {
		// Without what a crash undoes another explanation may be the right one.
		for a := range c.atoms[v.first:] {
			c.atoms[v.first+a].free = true
		}
	} else if alts > 1 && !c.atomic() && !c.g.FinalOnly {
		// One alternative was chosen for this compilation.
		c.several = append(c.several, alternatives{v.op, alts})
		pick := c.choice[v.op]
		c.keep(v.first, func(alt uint8) (uint8, bool) { return 0, alt == pick%alts })
		alts = 1
	}
	v.last, v.alts = len(c.atoms), alts
	if v.last > v.first {
		c.views = append(c.views, v)
	}
}

func (c *component) newChange(i int) change {
	op := &c.history[i]
	ch := change{op: i, name: -1, to: -1, move: -1, bind: -1, offset: -1, from: op.Call, until: c.publishes(i), ends: -1, late: -1}
	if crash := c.info[i].crash; crash >= 0 {
		ch.ends, ch.gone = c.crashIndex(int(crash)), c.undone[i]
		if late := c.info[i].late; late >= 0 {
			ch.late, ch.goes = c.crashIndex(int(late)), c.undone[len(c.history)+i]
		}
	}
	if c.info[i].open || c.info[i].cut || c.pending[i] || c.forgotten(i) && c.g.Publish != model.PublishReturn {
		ch.until = model.Never
	} else if ch.ends >= 0 && ch.until == model.Never && c.lasts(i) != model.Never {
		ch.until = c.history[c.info[i].crash].Call - 1 // what is durable is there before the crash, published or not
	}
	return ch
}

// forgotten reports whether operation i is taken as one that nothing made durable.
func (c *component) forgotten(i int) bool { return c.endings && c.forget[i] }

// crashIndex is the number of a crash among those of the component.
func (c *component) crashIndex(crash int) int {
	if k := slices.Index(c.crashes, crash); k >= 0 {
		return k
	}
	c.crashes = append(c.crashes, crash)
	return len(c.crashes) - 1
}

func (c *component) nameChange(i, name int) {
	ch := c.newChange(i)
	ch.name = name
	if kind := c.history[i].Kind; kind == model.Create || kind == model.Mkdir {
		ch.node = len(c.nodes)
		c.nodeNames, c.makers = append(c.nodeNames, name), append(c.makers, len(c.changes))
		c.nodes = append(c.nodes, typeMade(kind))
		switch {
		case kind == model.Mkdir:
		case len(c.moves) == 0:
			c.creators[name]++
		case !c.tooLarge:
			for _, n := range c.reached[c.reachedBy[ch.node]:c.reachedBy[ch.node+1]] {
				c.creators[n]++
			}
		}
	}
	c.changes = append(c.changes, ch)
}

// moveChange adds the effect of a rename or link.
func (c *component) moveChange(i int) {
	ch := c.newChange(i)
	ch.move = slices.IndexFunc(c.moves, func(mv move) bool { return mv.op == i })
	if mv := &c.moves[ch.move]; mv.link {
		ch.name = mv.to // the old name stays as it is
	} else {
		ch.name, ch.to = mv.from, mv.to
	}
	c.changes = append(c.changes, ch)
}
