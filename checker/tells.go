package checker

import "github.com/doublemount/doublemount/model"

// informative reports whether the answer of op says something about names or
// contents: success, or an error that the name rules have for an operation of that
// kind with such paths. Any other error is the wrong one, whatever the names are, so
// it is no evidence of any: a create that answers EPERM has not seen another file
// than was there. Progress judges those.
//
// EPERM is no evidence of a directory either, though the rules have it for a link of
// one and, as POSIX does, for an unlink: systems answer it as often because they
// have no hard links, or for whose the file is.
func informative(op *model.Op) bool {
	switch e := op.Result.Errno; {
	case e == model.OK:
		return true
	case e == model.EPERM:
		return false
	case op.Path == model.Root:
		return telling[op.Kind][deepPath|deepTo|unrelated]&(1<<e) != 0
	default:
		return ruled(op)
	}
}

// ruled reports whether the name rules have the error of op for an operation of that
// kind with such paths. One that goes through a handle knows of its file only
// that it is gone.
func ruled(op *model.Op) bool {
	e := op.Result.Errno
	if e > model.EINVAL { // the last that is in a rule
		return false
	}
	if op.File != 0 && op.Kind.TakesData() {
		return e == model.ENOENT
	}
	paths := 0
	if op.Path.Parent() != model.Root {
		paths |= deepPath
	}
	if op.Kind.TwoPaths() {
		if op.To.Parent() != model.Root {
			paths |= deepTo
		}
		switch {
		case op.Path == op.To:
			paths |= same
		case op.To.Below(op.Path):
			paths |= into
		case op.Path.Below(op.To):
			paths |= above
		}
	}
	return telling[op.Kind][paths]&(1<<e) != 0
}

// What paths an operation has: whether there is a directory above, which need not be
// one, and how the two names of a rename or link stand to each other.
const (
	deepPath = 1 << iota
	deepTo

	unrelated = 0
	same      = 1 << 2
	into      = 2 << 2 // the new name stands below the old one
	above     = 3 << 2

	pathSorts = 4 << 2
)

// telling has, by kind and paths, the errors that the name rules have, as bits.
var telling = func() (table [model.Tick + 1][pathSorts]uint32) {
	all := []model.NodeType{model.Absent, model.File, model.Dir, model.FullDir}
	ways := func(deep bool) []model.NodeType {
		if deep {
			return all[:3]
		}
		return all[2:3]
	}
	for _, kind := range model.Kinds() {
		switch {
		case kind.Event(), kind == model.Close, kind == model.Sync, kind == model.Statfs, kind == model.Lock, kind == model.Unlock:
			continue // they ask about no name
		}
		for sort := range pathSorts {
			set := &table[kind][sort]
			add := func(errors []model.Errno) {
				for _, e := range errors {
					*set |= 1 << e
				}
			}
			for _, parent := range ways(sort&deepPath != 0) {
				for _, entry := range all {
					if !kind.TwoPaths() {
						add(model.NameResult(kind, parent, entry))
						continue
					}
					for _, toParent := range ways(sort&deepTo != 0) {
						for _, to := range all {
							add(model.TwoNamesResult(kind, model.TwoNames{Parent: parent, Entry: entry, ToParent: toParent, ToEntry: to,
								SameFile: sort&^3 == same, IntoItself: sort&^3 == into, OntoAbove: sort&^3 == above}))
						}
					}
				}
			}
		}
	}
	return table
}()
