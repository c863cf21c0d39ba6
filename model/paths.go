package model

import "slices"

// Paths lists every path that p names and the directories they are in, sorted,
// each once, without [Root]: what a Runner looks at when every host has
// unmounted. A directory comes before what is in it.
func (p Program) Paths() []Path {
	var all []Path
	for _, s := range p.Steps {
		for path := s.Path; path != "" && path != Root; path = path.Parent() {
			all = append(all, path)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
