package model

import (
	"slices"
	"strings"
)

// MaxPaths bounds [Program.Paths]: renamed directories carry what is in them
// along, and a few renames in a circle would name ever deeper paths.
const MaxPaths = 512

// Paths lists every path that p can give a file, and the directories they are
// in, sorted, each once, without [Root]: what p names, and what that becomes
// when a directory above it is renamed. It is what a Runner looks at when every
// host has unmounted. A directory comes before what is in it.
func (p Program) Paths() []Path {
	var all []Path
	var moves []Step
	add := func(path Path) {
		for ; path != Root && len(all) < MaxPaths && path.Valid(); path = path.Parent() {
			if !slices.Contains(all, path) {
				all = append(all, path)
			}
		}
	}
	for _, s := range p.Steps {
		if s.Path != "" {
			add(s.Path)
		}
		if s.To != "" {
			add(s.To)
		}
		if s.Kind == Rename && s.Path != s.To {
			moves = append(moves, s)
		}
	}
	for i := 0; i < len(all) && len(moves) > 0; i++ { // all grows meanwhile
		for _, s := range moves {
			if all[i].Below(s.Path) {
				add(all[i].Moved(s.Path, s.To))
			}
		}
	}
	slices.Sort(all)
	return all
}

// Moved is what p becomes when the directory from above it is renamed to to.
func (p Path) Moved(from, to Path) Path {
	return to + Path(strings.TrimPrefix(string(p), string(from)))
}
