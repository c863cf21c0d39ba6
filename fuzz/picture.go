package fuzz

import "github.com/doublemount/doublemount/model"

// The whole name space. A small one is what makes hosts collide.
const (
	dirA = iota
	fileB
	childAA
	childAB
	childBA
	childBB
	root
	noName = -1
)

var names = [...]model.Path{"/a", "/b", "/a/a", "/a/b", "/b/a", "/b/b", model.Root}

// Shapes are the sets of names that a run may use, plain ones first.
var shapes = [...][]int8{
	{dirA},
	{dirA, fileB},
	{dirA, fileB, childAA},
	{dirA, childAA, childAB},
	{dirA, fileB, childAB, childBA},
	{dirA, fileB, childAA, childAB, childBA, childBB},
}

// everyName is the shape that has them all.
var everyName = shapes[len(shapes)-1]

func parentOf(name int) int {
	switch name {
	case childAA, childAB:
		return dirA
	case childBA, childBB:
		return fileB
	}
	return root
}

// traffic is what disk commands a step is expected to issue, for placing holds.
type traffic uint8

const (
	readsMaybe traffic = 1 << iota
	readsLikely
	writesMaybe
	writesLikely
	flushes
)

// picture is the Generator's rough idea of the world after the steps so far: as
// if there were one file system, and each host knew it. It may be wrong; it
// only makes most steps succeed and lets the others fail on purpose.
type picture struct {
	types   [len(names)]model.NodeType
	changed bool // by anyone, ever
	mounted [model.MaxHosts]bool
	dirty   [model.MaxHosts]bool  // changed something since it last wrote all back
	warm    [model.MaxHosts]uint8 // operations since the mount: a cold cache reads
	slots   [model.MaxHosts][model.MaxFile + 1]bool
}

// typeOf is the type of a name as the name rules want it.
func (w *picture) typeOf(name int) model.NodeType {
	t := w.types[name]
	if t != model.Dir {
		return t
	}
	for child := childAA; child <= childBB; child++ {
		if w.types[child] != model.Absent && parentOf(child) == name {
			return model.FullDir
		}
	}
	return model.Dir
}

// allows reports whether k on name would succeed.
func (w *picture) allows(k model.Kind, name int) bool {
	return model.NameResult(k, w.types[parentOf(name)], w.typeOf(name))[0] == model.OK
}

// apply carries out s, whose path is name, on the picture, and says what disk
// commands s may issue.
func (w *picture) apply(s model.Step, name int) traffic {
	h := s.Host
	var t traffic
	switch s.Kind {
	case model.Mount, model.Unmount, model.Remount, model.Reboot:
		if s.Kind != model.Unmount {
			t |= readsLikely
		}
		if s.Kind != model.Mount && w.dirty[h] {
			t |= writesLikely | flushes
		}
		w.mounted[h] = s.Kind != model.Unmount
		w.dirty[h], w.warm[h], w.slots[h] = false, 0, [model.MaxFile + 1]bool{}
		return t
	}
	if !w.mounted[h] {
		return 0 // it will be skipped
	}
	switch s.Kind {
	case model.Sync, model.Fsync, model.Writeback:
		if w.dirty[h] {
			t = writesLikely | flushes
		}
		if s.Kind == model.Sync {
			w.dirty[h] = false
		}
		return t
	case model.Close:
		w.slots[h][s.File] = false
		return 0
	}

	const warmed = 3 // so many operations after a mount, most blocks are cached
	if t = readsMaybe; w.warm[h] < warmed {
		w.warm[h]++
		t = readsLikely
	}
	if name != noName && !w.allows(s.Kind, name) {
		return t
	}
	switch s.Kind {
	case model.Create:
		w.types[name] = model.File
	case model.Mkdir:
		w.types[name] = model.Dir
	case model.Unlink, model.Rmdir:
		w.types[name] = model.Absent
	case model.Open:
		w.slots[h][s.File] = true
	}
	if s.Kind.Changes() {
		w.changed, w.dirty[h] = true, true
		t |= writesMaybe
	}
	return t
}
