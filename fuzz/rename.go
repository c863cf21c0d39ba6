package fuzz

import (
	"strconv"
	"strings"

	"github.com/doublemount/doublemount/model"
)

// fewerNames gives two names one, and moves a name up into the root directory.
func fewerNames(p model.Program, _ model.KindSet, yield func(model.Program) bool) {
	used := namesOf(p)
	for i, from := range used {
		for _, to := range used[:i] {
			if q, ok := rename(p, from, to); ok && !yield(q) {
				return
			}
		}
		if from.Parent() == model.Root {
			continue
		}
		if q, ok := rename(p, from, freshTop(used)); ok && !yield(q) {
			return
		}
	}
}

// inOrder numbers what has no order of its own by first use: hosts A, B, ...;
// names /a, /b, ... and below them a, b, ...; handles f1, f2, ...; data #1, #2,
// ...: first all at once, then each apart.
func inOrder(p model.Program, _ model.KindSet, yield func(model.Program) bool) {
	each := []func(model.Program){hostsInOrder, namesInOrder, handlesInOrder, dataInOrder}
	before := p.String()
	all := p.Clone()
	for _, f := range each {
		f(all)
	}
	if all.String() == before || !yield(all) {
		return
	}
	for _, f := range each {
		q := p.Clone()
		if f(q); q.String() != before && !yield(q) {
			return
		}
	}
}

// namesOf lists the paths in p besides the root, in order of first use.
func namesOf(p model.Program) []model.Path {
	var all []model.Path
	seen := map[model.Path]bool{"": true, model.Root: true}
	for _, s := range p.Steps {
		for _, path := range [...]model.Path{s.Path, s.To} {
			if !seen[path] {
				seen[path] = true
				all = append(all, path)
			}
		}
	}
	return all
}

// rename is p with the name from, and what is below it, called to. ok is false
// if that would be too deep or a directory in itself.
func rename(p model.Program, from, to model.Path) (q model.Program, ok bool) {
	q = p.Clone()
	for i := range q.Steps {
		for _, path := range [...]*model.Path{&q.Steps[i].Path, &q.Steps[i].To} {
			if rest, found := strings.CutPrefix(string(*path), string(from)); found && (rest == "" || rest[0] == '/') {
				if *path = to + model.Path(rest); !path.Valid() {
					return q, false
				}
			}
		}
	}
	return q, true
}

// letter is the n-th name: "a", "b", ..., "z", "n26", ...
func letter(n int) string {
	if n < 26 {
		return string(rune('a' + n))
	}
	return "n" + strconv.Itoa(n)
}

// freshTop is the first name in the root directory that nothing in used is or
// is in.
func freshTop(used []model.Path) model.Path {
	for n := 0; ; n++ {
		top, taken := model.Root.Child(letter(n)), false
		for _, u := range used {
			taken = taken || u.Top() == top
		}
		if !taken {
			return top
		}
	}
}

func hostsInOrder(p model.Program) {
	var to [model.MaxHosts]model.Host
	var seen [model.MaxHosts]bool
	next := model.Host(0)
	number := func(h model.Host) {
		if !seen[h] {
			seen[h], to[h] = true, next
			next++
		}
	}
	for _, s := range p.Steps {
		if s.Host != model.Everyone {
			number(s.Host)
		}
		if other, parted := partedFrom(s); parted {
			number(other)
		}
	}
	for h := range p.Hosts {
		number(model.Host(h))
	}
	renumberHosts(p, to)
}

func namesInOrder(p model.Program) {
	to := map[model.Path]model.Path{}
	children := map[model.Path]int{model.Root: 0} // names given so far in each directory
	for i := range p.Steps {
		for _, path := range [...]*model.Path{&p.Steps[i].Path, &p.Steps[i].To} {
			if *path != "" && *path != model.Root {
				*path = inOrderPath(*path, to, children)
			}
		}
	}
}

// inOrderPath is the new name of path, given now if it is met for the first
// time.
func inOrderPath(path model.Path, to map[model.Path]model.Path, children map[model.Path]int) model.Path {
	if path == model.Root {
		return path
	}
	if known, ok := to[path]; ok {
		return known
	}
	dir := inOrderPath(path.Parent(), to, children)
	to[path] = dir.Child(letter(children[dir]))
	children[dir]++
	return to[path]
}

func handlesInOrder(p model.Program) {
	type handle struct {
		host model.Host
		slot uint8
	}
	to := map[handle]uint8{}
	var used [model.MaxHosts]uint8
	for i := range p.Steps {
		s := &p.Steps[i]
		if s.File == 0 {
			continue
		}
		h := handle{s.Host, s.File}
		if to[h] == 0 {
			used[s.Host]++
			to[h] = used[s.Host]
		}
		s.File = to[h]
	}
}

func dataInOrder(p model.Program) {
	next := byte(0)
	for i := range p.Steps {
		if p.Steps[i].Data != 0 {
			next++
			p.Steps[i].Data = next
		}
	}
}
