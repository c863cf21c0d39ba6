package checker

import (
	"bytes"

	"github.com/cespare/xxhash/v2"
	"github.com/doublemount/doublemount/model"
)

// tree is a file system at one moment: the sequential specification as a walk
// through a history needs it, with every operation in time that does not depend
// on how many names and files there are. Paths are those of parts. What is tried
// can be taken back.
type tree struct {
	parts *parts
	nodes []treeNode // 0 is the root directory, and stands for none where a name leads
	spare []int32    // nodes that nothing leads to

	rootEntries []int32          // by name: what it is in the root directory
	entries     map[uint64]int32 // by directory and name: the same elsewhere
	live        []int32          // names that the root directory has
	liveAt      []int32          // by name: where it stands in live

	trying bool // changes are noted, to be taken back
	undo   []undoNote
	bytes  []byte
}

type treeNode struct {
	kind    model.NodeType
	held    bool  // a handle was opened to it, so it is kept when its names are gone
	links   int32 // names
	entries int32 // of a directory
	words   []byte
}

// undoNote is how to take back one thing: a name entry, or words of a file.
type undoNote struct {
	node       int32 // the file; -1 for an entry
	dir, name  int32
	old        int32 // what the name was; of words: where those saved begin
	size, from int
}

// maxTreeWords bounds a file of a walk; one that grows beyond is judged otherwise,
// which has bounds of its own.
const maxTreeWords = 1 << 26

func (t *tree) reset(p *parts) {
	t.parts = p
	for i := range t.nodes {
		t.nodes[i].words = t.nodes[i].words[:0]
	}
	if cap(t.nodes) > maxKept {
		t.nodes = nil
	}
	t.nodes = append(t.nodes[:0], treeNode{kind: model.Dir})
	t.spare = t.spare[:0]
	t.rootEntries, t.liveAt = resized(t.rootEntries, len(p.names)), resized(t.liveAt, len(p.names))
	t.live = t.live[:0]
	switch {
	case t.entries == nil || len(t.entries) > maxKept:
		t.entries = map[uint64]int32{}
	case len(t.entries) > 0:
		clear(t.entries)
	}
	t.keep()
}

// make is a new file or directory.
func (t *tree) make(kind model.NodeType) int32 {
	if n := len(t.spare); n > 0 && !t.trying {
		node := t.spare[n-1]
		t.spare = t.spare[:n-1]
		t.nodes[node] = treeNode{kind: kind, words: t.nodes[node].words[:0]}
		return node
	}
	if len(t.nodes) < cap(t.nodes) { // the words of an earlier history are used again
		t.nodes = t.nodes[:len(t.nodes)+1]
		node := &t.nodes[len(t.nodes)-1]
		*node = treeNode{kind: kind, words: node.words[:0]}
	} else {
		t.nodes = append(t.nodes, treeNode{kind: kind})
	}
	return int32(len(t.nodes) - 1)
}

func entryKey(dir, name int32) uint64 { return uint64(dir)<<32 | uint64(uint32(name)) }

// entry is what a name in a directory leads to, 0 for nothing.
func (t *tree) entry(dir, name int32) int32 {
	if dir == 0 {
		return t.rootEntries[name]
	}
	if t.nodes[dir].entries == 0 {
		return 0
	}
	return t.entries[entryKey(dir, name)]
}

// set makes a name lead to a node, or to nothing.
func (t *tree) set(dir, name, node int32) {
	old := t.entry(dir, name)
	if t.trying {
		t.undo = append(t.undo, undoNote{node: -1, dir: dir, name: name, old: old})
	}
	t.put(dir, name, old, node)
}

func (t *tree) put(dir, name, old, node int32) {
	switch {
	case dir != 0 && node != 0:
		t.entries[entryKey(dir, name)] = node
	case dir != 0:
		delete(t.entries, entryKey(dir, name))
	default:
		t.rootEntries[name] = node
		if old == 0 && node != 0 {
			t.liveAt[name] = int32(len(t.live))
			t.live = append(t.live, name)
		} else if old != 0 && node == 0 {
			last := t.live[len(t.live)-1]
			t.live[t.liveAt[name]], t.liveAt[last] = last, t.liveAt[name]
			t.live = t.live[:len(t.live)-1]
		}
	}
	if old != 0 {
		t.nodes[dir].entries--
		n := &t.nodes[old]
		if n.links--; n.links == 0 && n.entries == 0 && !n.held && !t.trying && node != old {
			t.spare = append(t.spare, old)
		}
	}
	if node != 0 {
		t.nodes[dir].entries++
		t.nodes[node].links++
	}
}

// try begins to note what is done; take goes back to a mark; keep makes what was
// done stay.
func (t *tree) try() (mark int) {
	t.trying = true
	return len(t.undo)
}

func (t *tree) take(mark int) {
	for len(t.undo) > mark {
		u := t.undo[len(t.undo)-1]
		t.undo = t.undo[:len(t.undo)-1]
		if u.node < 0 {
			t.put(u.dir, u.name, t.entry(u.dir, u.name), u.old)
			continue
		}
		n := &t.nodes[u.node]
		n.words = n.words[:u.size]
		copy(n.words[u.from:], t.bytes[u.old:])
		t.bytes = t.bytes[:u.old]
	}
}

func (t *tree) keep() {
	t.trying, t.undo, t.bytes = false, t.undo[:0], t.bytes[:0]
}

// save notes the words of a file from an offset up to an end.
func (t *tree) save(node int32, from, end int) {
	if !t.trying {
		return
	}
	words := t.nodes[node].words
	from = min(from, len(words))
	t.undo = append(t.undo, undoNote{node: node, old: int32(len(t.bytes)), size: len(words), from: from})
	t.bytes = append(t.bytes, words[from:max(from, min(end, len(words)))]...)
}

// size changes the size of a file.
func (n *treeNode) size(words int) {
	old := len(n.words)
	if words <= cap(n.words) {
		n.words = n.words[:words]
		if words > old {
			clear(n.words[old:])
		}
		return
	}
	n.words = append(n.words, make([]byte, words-old)...)
}

// way is where a path leads: the directory that it stands in, and what stands in
// the way: Dir, or Absent or File where the way ends early.
func (t *tree) way(path int32) (dir int32, kind model.NodeType) {
	above := t.parts.paths[path].dir
	if above < 0 {
		return 0, model.Dir
	}
	dir, kind = t.way(above)
	if kind != model.Dir {
		return 0, kind
	}
	node := t.entry(dir, t.parts.paths[above].name)
	if node == 0 {
		return 0, model.Absent
	}
	return node, t.nodes[node].kind
}

// kindOf is the type of a node, FullDir for a directory with a name in it.
func (t *tree) kindOf(node int32) model.NodeType {
	switch n := &t.nodes[node]; {
	case node == 0:
		return model.Absent
	case n.kind == model.Dir && n.entries > 0:
		return model.FullDir
	default:
		return n.kind
	}
}

// name carries out an operation on names if it answers what it answered. Of one
// that is open, which has no answer, that is success.
func (t *tree) name(op *model.Op, path, to int32, open bool) (node int32, ok bool) {
	answer := op.Result.Errno
	if open {
		answer = model.OK
	}
	if op.Kind.TwoPaths() {
		return 0, to >= 0 && t.move(op, path, to, answer)
	}
	dir, parent := t.way(path)
	name := t.parts.paths[path].name
	if parent == model.Dir {
		node = t.entry(dir, name)
	}
	found := false
	for _, e := range model.NameResult(op.Kind, parent, t.kindOf(node)) {
		found = found || e == answer
	}
	if !found || answer != model.OK {
		return 0, found
	}
	switch op.Kind {
	case model.Create:
		t.set(dir, name, t.make(model.File))
	case model.Mkdir:
		t.set(dir, name, t.make(model.Dir))
	case model.Unlink, model.Rmdir:
		t.set(dir, name, 0)
	case model.Readdir:
		return node, t.lists(node, op.Result.Names)
	case model.Stat:
		n := &t.nodes[node]
		return node, n.kind == op.Result.Type && (n.kind == model.Dir || int64(len(n.words)) == op.Result.Size)
	}
	return node, true
}

// lists reports whether a directory other than the root has exactly some names.
func (t *tree) lists(dir int32, names []string) bool {
	if int(t.nodes[dir].entries) != len(names) {
		return false
	}
	names = inOrder(names)
	for _, s := range names {
		if name, known := t.parts.nameOf[s]; !known || t.entry(dir, name) == 0 {
			return false
		}
	}
	return int(t.nodes[dir].entries) == len(names)
}

// move carries out a rename or link if it answers so.
func (t *tree) move(op *model.Op, path, to int32, answer model.Errno) bool {
	dir, parent := t.way(path)
	toDir, toParent := t.way(to)
	name, toName := t.parts.paths[path].name, t.parts.paths[to].name
	var node, other int32
	if parent == model.Dir {
		node = t.entry(dir, name)
	}
	if toParent == model.Dir {
		other = t.entry(toDir, toName)
	}
	found := false
	for _, e := range model.TwoNamesResult(op.Kind, model.TwoNames{
		Parent: parent, Entry: t.kindOf(node), ToParent: toParent, ToEntry: t.kindOf(other),
		SameFile:   node != 0 && node == other,
		IntoItself: op.To.Below(op.Path), OntoAbove: op.Path.Below(op.To),
	}) {
		found = found || e == answer
	}
	if !found || answer != model.OK || node == other {
		return found
	}
	t.set(toDir, toName, node)
	if op.Kind == model.Rename {
		t.set(dir, name, 0)
	}
	return true
}

// content carries out an operation on the words of a file if it answers what it
// answered.
func (t *tree) content(op *model.Op, node int32, open bool) bool {
	if node == 0 || t.nodes[node].kind != model.File {
		return false
	}
	n := &t.nodes[node]
	off, words := int(op.Off), int(op.Len)
	switch op.Kind {
	case model.Read:
		got := op.Result.Data
		switch size := len(n.words); {
		case len(got) > words, len(got) == words && size < off+words, len(got) > 0 && len(got) < words && size != off+len(got), len(got) == 0 && words > 0 && size > off:
			return false
		}
		return len(got) == 0 || bytes.Equal(n.words[off:off+len(got)], got)
	case model.Truncate:
		if words < 0 || words > maxTreeWords {
			return false
		}
		t.save(node, words, len(n.words))
		n.size(words)
		return true
	case model.Append:
		off = len(n.words)
	case model.Fsync, model.Open:
		return true
	}
	if !open || op.Result.Size > 0 {
		words = int(min(op.Result.Size, int64(op.Len)))
	}
	end := off + words
	if off < 0 || words <= 0 || end > maxTreeWords {
		return false
	}
	t.save(node, off, end)
	if end > len(n.words) {
		n.size(end)
	}
	at := n.words[off:end]
	for i := range at {
		at[i] = op.Data
	}
	return true
}

// hash adds to a sum what a name is that leads to a node: all of a file's words, and
// of a directory how many names it has.
func (t *tree) hash(sum uint64, node int32) uint64 {
	const prime = 0x9E3779B97F4A7C15
	sum = (sum + 1) * prime
	if node == 0 {
		return sum
	}
	n := &t.nodes[node]
	return (sum^uint64(n.kind))*prime ^ uint64(n.entries) ^ xxhash.Sum64(n.words)
}
