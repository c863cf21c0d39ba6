package checker

import (
	"strings"

	"github.com/doublemount/doublemount/model"
)

// parts divides a history into components: the names of the root directory, each
// with what is below it, and those together that a rename or link joins. Points
// are real times and nothing is ordered across names and files, so a history is
// right if each component is: the division divides work and nothing else. Only
// what speaks of all names at one point leaves it whole: a readdir that is a
// snapshot, a crash that keeps the order of names.
//
// Every path is looked up once in its life: the operations are numbered by path,
// and what a path is (its last name, its directory, its component) is in a table.
type parts struct {
	paths  []pathInfo
	pathOf map[model.Path]int32
	names  []string // last names of paths
	nameOf map[string]int32
	tops   []model.Path
	topOf  []int32 // by name: the top of that name, -1 for none
	named  []int32 // by top: its name
	joined []int32 // by top: the earliest one of its component, once divided
	ids    []int32 // by operation: its path, -1 for none and the root
	tos    []int32 // by operation, where any has two: its second path, -1 for none

	next    []int32 // by top: the next one of its component, -1 for none
	members []model.Path

	grouped bool
	first   []int32 // by top: where its operations begin in ops
	ops     []int32 // operations by component, in order
	listing []int32 // listings of the root directory
}

// pathInfo is a path in the table of paths.
type pathInfo struct {
	dir  int32 // the path that it stands in, -1 for the root
	name int32
	top  int32
}

// maxKept is how large a table may be to be used again for the next history.
const maxKept = 1 << 15

func (p *parts) divide(history []model.Op, info []opInfo, whole bool) {
	p.paths, p.names, p.tops, p.topOf = p.paths[:0], p.names[:0], p.tops[:0], p.topOf[:0]
	p.named, p.joined = p.named[:0], p.joined[:0]
	p.tos, p.grouped = p.tos[:0], false
	p.pathOf, p.nameOf = emptied(p.pathOf), emptied(p.nameOf)
	p.ids = resized(p.ids, len(history))
	for i := range history {
		op := &history[i]
		p.ids[i] = -1
		switch {
		case op.Path == model.Root:
			for _, n := range op.Result.Names {
				p.top(p.name(n))
			}
		case op.Path != "":
			p.ids[i] = p.path(op.Path)
			if op.Kind.TwoPaths() && info[i].used {
				p.second(i, len(history), op.To)
			}
		}
	}
	for t := range p.tops {
		if whole {
			p.join(0, int32(t))
		}
	}
	p.next = resized(p.next, len(p.tops))
	for t := len(p.tops) - 1; t >= 0; t-- {
		p.joined[t], p.next[t] = p.root(int32(t)), -1
	}
	for t := len(p.tops) - 1; t >= 0; t-- { // so that each comes in order
		if r := p.joined[t]; int(r) != t {
			p.next[t], p.next[r] = p.next[r], int32(t)
		}
	}
}

// second notes the second path of operation i, which joins two components.
func (p *parts) second(i, n int, to model.Path) {
	if len(p.tos) == 0 {
		p.tos = resized(p.tos, n)
		for k := range p.tos {
			p.tos[k] = -1
		}
	}
	if to == "" || to == model.Root {
		return
	}
	p.tos[i] = p.path(to)
	p.join(p.paths[p.ids[i]].top, p.paths[p.tos[i]].top)
}

// path is the number of a path other than the root, a new one if need be.
func (p *parts) path(path model.Path) int32 {
	if id, ok := p.pathOf[path]; ok {
		return id
	}
	in := pathInfo{dir: -1}
	if cut := strings.LastIndexByte(string(path), '/'); cut > 0 {
		in.dir = p.path(path[:cut])
		in.name, in.top = p.name(string(path[cut+1:])), p.paths[in.dir].top
	} else {
		in.name = p.name(string(path[1:]))
		in.top = p.top(in.name)
	}
	id := int32(len(p.paths))
	p.paths, p.pathOf[path] = append(p.paths, in), id
	return id
}

// full is a path in full.
func (p *parts) full(path int32) model.Path {
	in := p.paths[path]
	if in.dir < 0 {
		return model.Root.Child(p.names[in.name])
	}
	return p.full(in.dir).Child(p.names[in.name])
}

// name is the number of a last name, a new one if need be.
func (p *parts) name(s string) int32 {
	if id, ok := p.nameOf[s]; ok {
		return id
	}
	id := int32(len(p.names))
	p.names, p.nameOf[s], p.topOf = append(p.names, s), id, append(p.topOf, -1)
	return id
}

// top is the number of a name as one of the root directory, a new one if need be.
func (p *parts) top(name int32) int32 {
	if t := p.topOf[name]; t >= 0 {
		return t
	}
	t := int32(len(p.tops))
	p.tops, p.joined = append(p.tops, model.Root.Child(p.names[name])), append(p.joined, t)
	p.topOf[name], p.named = t, append(p.named, name)
	return t
}

func (p *parts) join(a, b int32) {
	a, b = p.root(a), p.root(b)
	p.joined[max(a, b)] = min(a, b)
}

// root is the earliest top of a component.
func (p *parts) root(n int32) int32 {
	for p.joined[n] != n {
		p.joined[n] = p.joined[p.joined[n]]
		n = p.joined[n]
	}
	return n
}

// of is the component whose earliest top is n; none if n belongs to another's.
// It is good until the next call.
func (p *parts) of(n int) []model.Path {
	p.members = p.members[:0]
	if int(p.joined[n]) != n {
		return nil
	}
	for k := int32(n); k >= 0; k = p.next[k] {
		p.members = append(p.members, p.tops[k])
	}
	return p.members
}

// operations are those that a component is about, through their handles if need
// be, and the listings of the root directory, both in order: whatever could be of
// interest to it and nothing else.
func (p *parts) operations(n int, history []model.Op, info []opInfo) (own, listings []int32) {
	if !p.grouped {
		p.group(history, info)
	}
	return p.ops[p.first[n]:p.first[n+1]], p.listing
}

// group sorts the operations by component.
func (p *parts) group(history []model.Op, info []opInfo) {
	p.grouped = true
	p.first = resized(p.first, len(p.tops)+2)
	p.listing = p.listing[:0]
	total := 0
	for i := range p.ids {
		if t := p.component(i, info); t >= 0 {
			p.first[t+2]++
			total++
		} else if op := &history[i]; op.Kind == model.Readdir && op.Path == model.Root {
			p.listing = append(p.listing, int32(i))
		}
	}
	for t := 2; t < len(p.first); t++ {
		p.first[t] += p.first[t-1]
	}
	p.ops = resized(p.ops, total)
	for i := range p.ids {
		if t := p.component(i, info); t >= 0 {
			p.ops[p.first[t+1]] = int32(i)
			p.first[t+1]++
		}
	}
}

// component is the earliest top of what operation i is about, -1 for none.
func (p *parts) component(i int, info []opInfo) int32 {
	id := p.ids[i]
	if o := info[i].opener; o >= 0 {
		id = p.ids[o]
	}
	if id < 0 {
		return -1
	}
	return p.joined[p.paths[id].top]
}

// emptied is m without entries, or a new one where it has grown large: to clear a
// map costs what it once held.
func emptied[K comparable](m map[K]int32) map[K]int32 {
	if m == nil || len(m) > maxKept {
		return map[K]int32{}
	}
	clear(m)
	return m
}
