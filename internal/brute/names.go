package brute

import (
	"slices"

	"github.com/doublemount/doublemount/model"
)

// look is one name asked about and the types that the answer allows.
type look struct {
	name  model.Path
	types types
}

// types is a set of Absent, File and Dir.
type types uint8

func only(t model.NodeType) types { return 1 << t }

const present = types(1<<model.File | 1<<model.Dir)

// causes lists the ways in which names can explain the answer of o, each a list
// of names that must all look as it says, no name twice. It is the name rules of
// package model read backwards.
func (h *history) causes(o model.Op) [][]look {
	if o.Kind.TwoPaths() {
		return h.causesOfTwo(o)
	}
	gives := func(parent, entry model.NodeType) bool {
		return slices.Contains(model.NameResult(o.Kind, parent, entry), o.Result.Errno)
	}
	var all [][]look
	for _, t := range []model.NodeType{model.Absent, model.File} {
		if gives(t, model.Absent) {
			all = append(all, unreachable(o.Path, t)...)
		}
	}
	explained := func(more ...look) { all = append(all, append(reachable(o.Path), more...)) }
	children := h.children(o.Path)

	switch {
	case o.Kind == model.Rmdir:
		for _, t := range []model.NodeType{model.Absent, model.File} {
			if gives(model.Dir, t) {
				explained(look{o.Path, only(t)})
			}
		}
		if gives(model.Dir, model.Dir) {
			explained(h.empty(o.Path)...)
		}
		if gives(model.Dir, model.FullDir) {
			for _, child := range children {
				explained(look{o.Path, only(model.Dir)}, look{child, present})
			}
		}
	case o.Kind == model.Readdir && o.Result.Errno == model.OK:
		var listing []look
		if o.Path != model.Root {
			listing = append(listing, look{o.Path, only(model.Dir)})
		}
		for _, child := range children {
			listed := only(model.Absent)
			if slices.Contains(o.Result.Names, child.Name()) {
				listed = present
			}
			listing = append(listing, look{child, listed})
		}
		explained(listing...)
	case o.Path == model.Root:
		if o.Result.Errno == model.OK && o.Result.Type == model.Dir {
			explained()
		}
	default:
		var entry types
		for _, t := range []model.NodeType{model.Absent, model.File, model.Dir} {
			if gives(model.Dir, t) {
				entry |= only(t)
			}
		}
		if o.Kind == model.Stat && o.Result.Errno == model.OK {
			entry &= only(o.Result.Type)
		}
		if entry != 0 {
			explained(look{o.Path, entry})
		}
	}
	return all
}

// causesOfTwo is the causes of a rename or link: of an error each condition that
// brings it, and nothing else; of success each pair of names that allows it.
func (h *history) causesOfTwo(o model.Op) (all [][]look) {
	type typeSet = types
	absent, file, dir := only(model.Absent), only(model.File), only(model.Dir)
	from := func(t typeSet) []look { return append(reachable(o.Path), look{o.Path, t}) }
	to := func(t typeSet) []look { return append(reachable(o.To), look{o.To, t}) }
	cause := func(parts ...[]look) {
		if looks, possible := joined(parts...); possible {
			all = append(all, looks)
		}
	}
	each := func(causes [][]look) {
		for _, c := range causes {
			cause(c)
		}
	}
	rename, same := o.Kind == model.Rename, o.Path == o.To
	switch o.Result.Errno {
	case model.ENOENT:
		each(unreachable(o.Path, model.Absent))
		each(unreachable(o.To, model.Absent))
		cause(from(absent))
	case model.ENOTDIR:
		each(unreachable(o.Path, model.File))
		each(unreachable(o.To, model.File))
		if rename {
			cause(from(dir), to(file))
		}
	case model.EISDIR:
		if rename {
			cause(from(file), to(dir))
		}
	case model.EINVAL:
		if rename && o.To.Below(o.Path) {
			cause(from(dir))
		}
	case model.EPERM:
		if !rename {
			cause(from(dir))
		}
	case model.ENOTEMPTY, model.EEXIST:
		if !rename {
			if o.Result.Errno == model.EEXIST {
				cause(to(present))
			}
			break
		}
		if o.Path.Below(o.To) {
			cause(from(present))
		}
		if !same {
			for _, child := range h.children(o.To) {
				cause(to(dir), []look{{child, present}})
			}
		}
	case model.OK:
		switch {
		case !rename:
			cause(from(file), to(absent))
		case same:
			cause(from(present))
		case !o.Path.Below(o.To):
			cause(from(file), to(absent|file))
			if !o.To.Below(o.Path) {
				cause(from(dir), to(absent))
				cause(from(dir), reachable(o.To), h.empty(o.To))
			}
		}
	}
	return all
}

// joined is all parts as one list with each name once; possible is false if two
// of them contradict each other.
func joined(parts ...[]look) (all []look, possible bool) {
	for _, l := range slices.Concat(parts...) {
		if k := slices.IndexFunc(all, func(other look) bool { return other.name == l.name }); k < 0 {
			all = append(all, l)
		} else if all[k].types &= l.types; all[k].types == 0 {
			return nil, false
		}
	}
	return all, true
}

// above lists the directories that p is in, the outermost first, without Root.
func above(p model.Path) (dirs []model.Path) {
	for p = p.Parent(); p != model.Root; p = p.Parent() {
		dirs = append(dirs, p)
	}
	slices.Reverse(dirs)
	return dirs
}

// reachable is that everything above p is a directory.
func reachable(p model.Path) (looks []look) {
	for _, dir := range above(p) {
		looks = append(looks, look{dir, only(model.Dir)})
	}
	return looks
}

// unreachable lists the ways in which the first thing above p that is no
// directory is of type t.
func unreachable(p model.Path, t model.NodeType) (causes [][]look) {
	for _, dir := range above(p) {
		causes = append(causes, append(reachable(dir), look{dir, only(t)}))
	}
	return causes
}

// empty is that p is a directory with nothing in it.
func (h *history) empty(p model.Path) []look {
	looks := []look{{p, only(model.Dir)}}
	for _, child := range h.children(p) {
		looks = append(looks, look{child, only(model.Absent)})
	}
	return looks
}

// children lists the names of the history in directory p.
func (h *history) children(p model.Path) []model.Path {
	var all []model.Path
	for _, name := range h.names {
		if name.Parent() == p && name != p {
			all = append(all, name)
		}
	}
	return all
}
