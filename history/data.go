package history

import (
	"fmt"
	"strconv"

	"github.com/doublemount/doublemount/model"
)

// data gives each tag the byte that the judge knows it by. Numbers that fit stay
// what they are, and as many tags as there are numbers get one each. Beyond that
// each group of files that renames and links join has its own numbering, of the
// writes that somebody saw: nobody can tell the others apart.
func (rd *reader) data() error {
	written, small := 0, true
	for i := range rd.tags {
		t := &rd.tags[i]
		if t.writer == 0 {
			continue
		}
		written++
		n, err := strconv.Atoi(string(t.label))
		small = small && err == nil && n >= 1 && n <= model.MaxData
	}
	number := make([]byte, len(rd.tags)) // by tag, 0 for none
	rd.made.tags = map[byte]label{}
	switch {
	case small, written <= model.MaxData:
		next := byte(0)
		for i := range rd.tags {
			t := &rd.tags[i]
			if t.writer == 0 {
				continue
			}
			next++
			if number[i] = next; small {
				n, _ := strconv.Atoi(string(t.label))
				number[i] = byte(n)
			}
			rd.made.tags[number[i]] = t.label
		}
		rd.fill(func(_ int, t int32) byte { return number[t] })
	default:
		return rd.byGroup(number)
	}
	return nil
}

// unseen is the number of every write that nobody saw.
const unseen = model.MaxData

// byGroup numbers tags for each group of files apart.
func (rd *reader) byGroup(number []byte) error {
	g := groups{of: map[model.Path]model.Path{}}
	for i := range rd.ops {
		if op := &rd.ops[i]; op.Kind.TwoPaths() {
			g.join(op.Path.Top(), op.To.Top())
		}
	}
	group := make([]model.Path, len(rd.tags)) // by tag: the group that it is written in
	next := map[model.Path]byte{}
	for i := range rd.ops {
		x := &rd.more[i]
		if x.tag < 0 {
			continue
		}
		t := &rd.tags[x.tag]
		top := model.Root
		if x.path != "" {
			top = g.root(x.path.Top())
		}
		group[x.tag] = top
		if !t.read {
			number[x.tag] = unseen
			continue
		}
		if next[top] == unseen-1 {
			return &LineError{int(x.line), fmt.Errorf("one write more than the limit of %d that were read again, of %s and the files that renames and links join it to\nhint: spread writes over more files, or judge the history in parts", unseen-1, top)}
		}
		next[top]++
		number[x.tag] = next[top]
	}
	rd.fill(func(i int, t int32) byte {
		top := model.Root
		if p := rd.more[i].path; p != "" {
			top = g.root(p.Top())
		}
		if group[t] != top {
			return 0 // another file's
		}
		return number[t]
	})
	return nil
}

// fill puts the numbers in the operations. A word that no write can have left
// there is garbage.
func (rd *reader) fill(number func(op int, tag int32) byte) {
	for i := range rd.ops {
		op, x := &rd.ops[i], &rd.more[i]
		if x.tag >= 0 {
			op.Data = number(i, x.tag)
		}
		if len(x.runs) == 0 {
			continue
		}
		total := 0
		for _, r := range x.runs {
			total += int(r.words)
		}
		op.Result.Data = make([]byte, 0, total)
		for _, r := range x.runs {
			word := model.Hole
			if r.tag >= 0 {
				if word = number(i, r.tag); word == 0 {
					word = model.Garbage
				}
			}
			for range r.words {
				op.Result.Data = append(op.Result.Data, word)
			}
		}
		x.runs = nil
	}
}

// groups are the names of the root directory, joined by renames and links.
type groups struct {
	of map[model.Path]model.Path // the name that a name was joined to
}

func (g *groups) root(p model.Path) model.Path {
	for {
		up, ok := g.of[p]
		if !ok {
			return p
		}
		if upper, ok := g.of[up]; ok {
			g.of[p] = upper
		}
		p = up
	}
}

func (g *groups) join(a, b model.Path) {
	if a, b = g.root(a), g.root(b); a != b {
		g.of[b] = a
	}
}
