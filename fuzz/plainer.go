package fuzz

import (
	"slices"

	"github.com/doublemount/doublemount/model"
)

// plainerKinds does less where less will do.
func plainerKinds(p model.Program, can model.KindSet, yield func(model.Program) bool) {
	plainer := func(s model.Step) []model.Step {
		at := func(k model.Kind, path model.Path) model.Step { return model.Step{Host: s.Host, Kind: k, Path: path} }
		switch s.Kind {
		case model.Reboot:
			return []model.Step{at(model.Unmount, ""), at(model.Remount, "")}
		case model.Remount, model.Crash:
			return []model.Step{at(model.Unmount, "")}
		case model.Append:
			s.Kind = model.Write // at offset 0
			return []model.Step{s}
		case model.Rename:
			return []model.Step{at(model.Create, s.To), at(model.Unlink, s.Path)}
		case model.Link:
			return []model.Step{at(model.Create, s.To)}
		case model.Lock:
			var all []model.Step
			if s.Shared {
				t := s
				t.Shared = false
				all = append(all, t)
			}
			if s.Len > 0 {
				s.Off, s.Len = 0, 0
				all = append(all, s)
			}
			return all
		case model.Read, model.Write:
			if s.Direct {
				s.Direct = false
				return []model.Step{s}
			}
		}
		return nil
	}
	for i, s := range p.Steps {
		for _, t := range plainer(s) {
			if !can.Has(t.Kind) {
				continue
			}
			q := p.Clone()
			q.Steps[i] = t
			if !yield(q) {
				return
			}
		}
	}
	filesForDirectories(p, yield)
}

// filesForDirectories makes files of what need not be directories: a lost file
// is the plainer story. A name is changed in all its steps at once, and so is
// what it is renamed to, since a file that is removed with rmdir would be
// another story.
func filesForDirectories(p model.Program, yield func(model.Program) bool) {
	for i, s := range p.Steps {
		if s.Kind != model.Mkdir || slices.ContainsFunc(p.Steps[:i], func(t model.Step) bool { return t.Kind == model.Mkdir && t.Path == s.Path }) {
			continue
		}
		q := p.Clone()
		called := []model.Path{s.Path}
		for j, t := range q.Steps {
			if !slices.Contains(called, t.Path) {
				continue
			}
			switch t.Kind {
			case model.Mkdir:
				q.Steps[j].Kind = model.Create
			case model.Rmdir:
				q.Steps[j].Kind = model.Unlink
			case model.Readdir:
				q.Steps[j].Kind = model.Stat
			case model.Rename:
				called = append(called, t.To)
			}
		}
		if !yield(q) {
			return
		}
	}
}

// pathsForHandles names the file where a step goes through a handle: first in
// all steps of one handle, whose open and close then go, then in one step.
func pathsForHandles(p model.Program, _ model.KindSet, yield func(model.Program) bool) {
	for i, open := range p.Steps {
		if open.Kind != model.Open {
			continue
		}
		all, uses := p.Clone(), []int{}
		end := len(p.Steps)
		for j := i + 1; j < len(p.Steps); j++ {
			s := p.Steps[j]
			if s.Host != open.Host || s.File != open.File {
				continue
			}
			if !s.Kind.TakesData() {
				end = j // its close, or the next open
				break
			}
			all.Steps[j].File, all.Steps[j].Path = 0, open.Path
			uses = append(uses, j)
		}
		if len(uses) == 0 {
			continue
		}
		closed := end < len(p.Steps) && p.Steps[end].Kind == model.Close
		if !yield(without(all, true, func(j int) bool { return j == i || closed && j == end })) {
			return
		}
		for _, j := range uses {
			one := p.Clone()
			one.Steps[j] = all.Steps[j]
			if !yield(one) {
				return
			}
		}
	}
}

// plainerHolds stops at an earlier command and lets go sooner.
func plainerHolds(p model.Program, _ model.KindSet, yield func(model.Program) bool) {
	for i, h := range p.Holds {
		with := func(n, until int) bool {
			q := p.Clone()
			q.Holds[i].N, q.Holds[i].Until = n, until
			return yield(q)
		}
		if h.N > 1 && (!with(1, h.Until) || !with(h.N-1, h.Until)) {
			return
		}
		if h.Until > h.Step+1 && (!with(h.N, h.Step+1) || !with(h.N, h.Until-1)) {
			return
		}
	}
}

// plainerUnmounts lets the hosts unmount in the order of their letters, or
// nearer to that.
func plainerUnmounts(p model.Program, _ model.KindSet, yield func(model.Program) bool) {
	if slices.IsSorted(p.Unmounts) {
		return
	}
	q := p.Clone()
	slices.Sort(q.Unmounts)
	if !yield(q) {
		return
	}
	for i := 1; i < len(p.Unmounts); i++ {
		if p.Unmounts[i-1] < p.Unmounts[i] {
			continue
		}
		q := p.Clone()
		q.Unmounts[i-1], q.Unmounts[i] = q.Unmounts[i], q.Unmounts[i-1]
		if !yield(q) {
			return
		}
	}
}
