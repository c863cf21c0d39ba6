package fuzz

import (
	"slices"

	"github.com/doublemount/doublemount/model"
)

// plainerKinds does less where less will do.
func plainerKinds(p model.Program, can model.KindSet, yield func(model.Program) bool) {
	plainer := func(k model.Kind) []model.Kind {
		switch k {
		case model.Reboot:
			return []model.Kind{model.Unmount, model.Remount}
		case model.Remount:
			return []model.Kind{model.Unmount}
		case model.Append:
			return []model.Kind{model.Write} // at offset 0
		}
		return nil
	}
	for i, s := range p.Steps {
		for _, k := range plainer(s.Kind) {
			if !can.Has(k) {
				continue
			}
			q := p.Clone()
			q.Steps[i].Kind = k
			if !yield(q) {
				return
			}
		}
	}
	filesForDirectories(p, yield)
}

// filesForDirectories makes files of what need not be directories: a lost file
// is the plainer story. A name is changed in all its steps at once, since a file
// that is removed with rmdir would be another story.
func filesForDirectories(p model.Program, yield func(model.Program) bool) {
	for i, s := range p.Steps {
		if s.Kind != model.Mkdir || slices.ContainsFunc(p.Steps[:i], func(t model.Step) bool { return t.Kind == model.Mkdir && t.Path == s.Path }) {
			continue
		}
		q := p.Clone()
		for j, t := range q.Steps {
			if t.Path != s.Path {
				continue
			}
			switch t.Kind {
			case model.Mkdir:
				q.Steps[j].Kind = model.Create
			case model.Rmdir:
				q.Steps[j].Kind = model.Unlink
			case model.Readdir:
				q.Steps[j].Kind = model.Stat
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

// plainerNumbers makes offsets 0, lengths a block or a word, and the writeback
// of some blocks that of all.
func plainerNumbers(p model.Program, _ model.KindSet, yield func(model.Program) bool) {
	for i, s := range p.Steps {
		with := func(off, length int32) bool {
			q := p.Clone()
			q.Steps[i].Off, q.Steps[i].Len = off, length
			return yield(q)
		}
		for _, off := range []int32{0, s.Off / model.WordsPerBlock * model.WordsPerBlock} {
			if off < s.Off && !with(off, s.Len) {
				return
			}
		}
		for _, length := range shorter(s.Kind, s.Len) {
			if !with(s.Off, length) {
				return
			}
		}
	}
}

// shorter lists the lengths that are plainer than n for a step of kind k, the
// plainest first. Every list leads on to the ends of it: none is plainer than a
// block, or than 0 where that is allowed.
func shorter(k model.Kind, n int32) []int32 {
	const block = model.WordsPerBlock
	plainness := func(n int32) int32 {
		switch {
		case n == block:
			return 0
		case n == 1:
			return 1
		}
		return n + 2
	}
	candidates := []int32{block, 1, n / 2 / block * block, n - block, n - 1}
	least := int32(1)
	switch k {
	case model.Writeback:
		candidates, least = []int32{0}, 0
		plainness = func(n int32) int32 { return n }
	case model.Truncate:
		candidates, least = slices.Insert(candidates, 0, 0), 0
		whole := plainness
		plainness = func(n int32) int32 {
			if n == 0 {
				return -1
			}
			return whole(n)
		}
	case model.Read, model.Write, model.Append:
	default:
		return nil
	}
	return slices.DeleteFunc(candidates, func(c int32) bool { return c < least || plainness(c) >= plainness(n) })
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
