package checker

import (
	"slices"

	"github.com/doublemount/doublemount/model"
)

// parts divides a history into components: the names of the root directory, each
// with what is below it, and those together that a rename or link joins. Points
// are real times and nothing is ordered across names and files, so a history is
// right if each component is: the division divides work and nothing else.
type parts struct {
	tops    []model.Path
	joined  []int // by top: itself or an earlier one of its component
	members []model.Path
}

func (p *parts) divide(history []model.Op, info []opInfo) {
	p.tops, p.joined = p.tops[:0], p.joined[:0]
	for i := range history {
		op := &history[i]
		if op.Path == model.Root {
			for _, n := range op.Result.Names {
				p.top(model.Root.Child(n))
			}
		} else if op.Path != "" {
			a := p.top(op.Path.Top())
			if op.Kind.TwoPaths() && info[i].used {
				p.join(a, p.top(op.To.Top()))
			}
		}
	}
}

// top is the number of a name of the root directory, a new one if need be.
func (p *parts) top(name model.Path) int {
	if i := slices.Index(p.tops, name); i >= 0 {
		return i
	}
	p.tops, p.joined = append(p.tops, name), append(p.joined, len(p.tops))
	return len(p.tops) - 1
}

func (p *parts) join(a, b int) {
	a, b = p.first(a), p.first(b)
	p.joined[max(a, b)] = min(a, b)
}

// first is the earliest top of a component.
func (p *parts) first(n int) int {
	for p.joined[n] != n {
		n = p.joined[n]
	}
	return n
}

// of is the component whose earliest top is n; none if n belongs to another's.
// It is good until the next call.
func (p *parts) of(n int) []model.Path {
	p.members = p.members[:0]
	for k := n; k < len(p.tops) && p.joined[n] == n; k++ {
		if p.first(k) == n {
			p.members = append(p.members, p.tops[k])
		}
	}
	return p.members
}
