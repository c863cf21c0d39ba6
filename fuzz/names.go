package fuzz

import "github.com/doublemount/doublemount/model"

// The whole name space. A small one is what makes hosts collide. It has the
// names below /b that those below /a get when /a is renamed to /b.
const (
	dirA = iota
	fileB
	childAA
	childAB
	childBA
	childBB
	deepAAA
	deepBAA
	deepAAAA
	deepBAAA
	root
	nameCount
	noName = -1
)

var names = [nameCount]model.Path{"/a", "/b", "/a/a", "/a/b", "/b/a", "/b/b",
	"/a/a/a", "/b/a/a", "/a/a/a/a", "/b/a/a/a", model.Root}

// Shapes are the sets of names that a run may use, plain ones first.
var shapes = [...][]int8{
	{dirA},
	{dirA, fileB},
	{dirA, fileB, childAA},
	{dirA, childAA, childAB},
	{dirA, fileB, childAB, childBA},
	{dirA, fileB, childAA, childAB, childBA, childBB},
}

// deepShapes are for designs that can move directories with all that is below.
var deepShapes = [...][]int8{
	{dirA, childAA, deepAAA},
	{dirA, fileB, childAA, childBA, deepAAA},
	{dirA, fileB, childAA, childBA, deepAAA, deepBAA, deepAAAA},
}

// everyName is the shape that a run uses that fills the disk.
var everyName = shapes[len(shapes)-1]

// indexOf is the number of a path in names, or noName.
func indexOf(path model.Path) int {
	for i, name := range names {
		if name == path {
			return i
		}
	}
	return noName
}

// parents has the directory of each name.
var parents = func() (table [nameCount]int8) {
	for i, name := range names {
		table[i] = int8(indexOf(name.Parent()))
	}
	return table
}()

// movedTo has what a name becomes when a directory above it is renamed:
// movedTo[from][to][name], noName if it is not below from or gets a name that is
// none of these.
var movedTo = func() (table [nameCount][nameCount][nameCount]int8) {
	for from := range names {
		for to := range names {
			for i, name := range names {
				table[from][to][i] = noName
				if from != root && to != root && name.Below(names[from]) {
					table[from][to][i] = int8(indexOf(name.Moved(names[from], names[to])))
				}
			}
		}
	}
	return table
}()
