package checker

import "github.com/doublemount/doublemount/model"

// find is the latest successful operation before the culprit returned that does
// what is asked for, none if there is none.
func (f *finding) find(does func(i int) bool) *model.Op {
	var found *model.Op
	for _, i := range f.c.story {
		op := &f.c.history[i]
		if i != f.i && op.Succeeded() && op.Call < f.op.Return && does(i) {
			found = op
		}
	}
	return found
}

// makes reports whether operation i makes something stand at f.path.
func (f *finding) makes(i int) bool {
	op := &f.c.history[i]
	switch op.Kind {
	case model.Create, model.Mkdir:
		return op.Path == f.path
	case model.Link:
		return op.To == f.path
	case model.Rename:
		return op.Path != op.To && (op.To == f.path || f.path.Below(op.To))
	}
	return false
}

// takes reports whether operation i takes away what stands at f.path.
func (f *finding) takes(i int) bool {
	op := &f.c.history[i]
	switch op.Kind {
	case model.Unlink, model.Rmdir:
		return op.Path == f.path
	case model.Rename:
		return op.Path != op.To && (op.Path == f.path || f.path.Below(op.Path))
	}
	return false
}

// fills reports whether operation i makes something in the directory f.path.
func (f *finding) fills(i int) bool {
	op := &f.c.history[i]
	switch op.Kind {
	case model.Create, model.Mkdir:
		return op.Path.Parent() == f.path
	case model.Rename, model.Link:
		return op.To.Parent() == f.path
	}
	return false
}

// writes reports whether operation i changes content that may be that of f.path.
func (f *finding) writes(i int) bool {
	switch f.c.history[i].Kind {
	case model.Write, model.Append, model.Truncate:
		return f.c.sameFileAt(f.c.pathOf(i), f.path)
	}
	return false
}

// sameFileAt reports whether some file can have stood at both names.
func (c *component) sameFileAt(p, q model.Path) bool {
	if p == q {
		return true
	}
	a, b := c.nameIndex(p, false), c.nameIndex(q, false)
	if a < 0 || b < 0 || len(c.moves) == 0 {
		return false
	}
	for node := 1; node < len(c.nodes); node++ {
		if c.nodes[node] == model.File && c.mayBe(node, a) && c.mayBe(node, b) {
			return true
		}
	}
	return false
}

// move names a rename or link that could not take effect: what it moves had gone,
// or, of a link, its new name was taken.
func (f *finding) move() {
	f.v.Anomaly, f.but = model.PhantomFile, "it answered ok and not ENOENT"
	f.v.Allowed = []string{"ENOENT"}
	if f.with = f.find(f.takes); f.with != nil {
		if f.c.g.FinalOnly && f.with.Kind == model.Rename {
			f.v.Anomaly = model.SplitBrain // both gave one file its new name
		}
		return
	}
	f.path = f.op.To
	f.v.Path = f.path
	if f.with = f.find(f.makes); f.with == nil {
		f.path = f.op.Path
		return
	}
	f.v.Anomaly, f.but = model.InvisibleFile, "it answered ok and not EEXIST"
	f.v.Allowed = []string{"EEXIST"}
	if f.op.Kind == model.Rename {
		f.but, f.v.Allowed = "it answered ok where that stands in the way", nil
	}
	if f.c.g.FinalOnly {
		f.v.Anomaly = model.SplitBrain
	}
}
