package fuzz

import "github.com/doublemount/doublemount/model"

// traffic is what disk commands a step is expected to issue, for placing holds
// and strikes.
type traffic uint8

const (
	readsMaybe traffic = 1 << iota
	readsLikely
	writesMaybe
	writesLikely
	flushes
)

// picture is the Generator's rough idea of the world after the steps so far: as
// if there were one file system, and each host knew it, and no crash lost
// anything. It may be wrong; it only makes most steps succeed and lets the
// others fail on purpose.
type picture struct {
	types   [nameCount]model.NodeType
	files   [nameCount]uint8 // which file or directory a name leads to, to know links
	made    uint8            // files and directories so far
	changed bool             // by anyone, ever
	crashed bool             // anyone, ever: the next mount may have to repair
	mounted [model.MaxHosts]bool
	paused  [model.MaxHosts]bool
	fenced  [model.MaxHosts]bool
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
	for child, parent := range parents {
		if int(parent) == name && child != root && w.types[child] != model.Absent {
			return model.FullDir
		}
	}
	return model.Dir
}

// allows reports whether k on name would succeed; for a rename or link, whether
// it would with some new name.
func (w *picture) allows(k model.Kind, name int) bool {
	if k.TwoPaths() {
		t := w.types[name]
		return name != root && (t == model.File || t == model.Dir && k == model.Rename)
	}
	return model.NameResult(k, w.types[parents[name]], w.typeOf(name))[0] == model.OK
}

// allowsTo reports whether a rename or link of name to to would succeed.
func (w *picture) allowsTo(k model.Kind, name, to int) bool {
	return model.TwoNamesResult(k, model.TwoNames{
		Parent: w.types[parents[name]], Entry: w.typeOf(name),
		ToParent: w.types[parents[to]], ToEntry: w.typeOf(to),
		SameFile:   w.sameFile(name, to),
		IntoItself: names[to].Below(names[name]), OntoAbove: names[name].Below(names[to]),
	})[0] == model.OK
}

func (w *picture) sameFile(a, b int) bool {
	return a == b || w.types[a] != model.Absent && w.types[b] != model.Absent && w.files[a] == w.files[b]
}

// apply carries out s, whose path is name, on the picture, and says what disk
// commands s may issue.
func (w *picture) apply(s model.Step, name int) traffic {
	h := s.Host
	switch s.Kind {
	case model.PowerLoss:
		w.crashed = true
		for h := range w.mounted {
			w.down(model.Host(h))
		}
		return 0
	case model.Crash:
		w.crashed = true
		w.down(h)
		return 0
	case model.Pause, model.Resume:
		w.paused[h] = s.Kind == model.Pause
		return 0
	case model.Fence:
		w.fenced[h] = w.mounted[h]
		return 0
	case model.Tick:
		return readsMaybe | writesMaybe // leases and heartbeats
	case model.Partition, model.Heal, model.DiskReset:
		return 0
	case model.Mount, model.Unmount, model.Remount, model.Reboot:
		var t traffic
		if s.Kind != model.Unmount {
			t |= readsLikely
			if w.crashed {
				t |= writesMaybe
			}
		}
		if s.Kind != model.Mount && w.dirty[h] {
			t |= writesLikely | flushes
		}
		w.down(h)
		w.mounted[h] = s.Kind != model.Unmount
		return t
	}
	if !w.mounted[h] || w.paused[h] {
		return 0 // it will be skipped
	}
	var t traffic
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
	case model.Lock, model.Unlock:
		return readsMaybe | writesMaybe
	}

	const warmed = 3 // so many operations after a mount, most blocks are cached
	if t = readsMaybe; w.warm[h] < warmed {
		w.warm[h]++
		t = readsLikely
	}
	if s.Direct {
		t = readsLikely
	}
	to := noName
	if s.Kind.TwoPaths() {
		to = indexOf(s.To)
	}
	switch {
	case to != noName && !w.allowsTo(s.Kind, name, to), name != noName && !w.allows(s.Kind, name):
		return t
	case s.Kind == model.Open:
		w.slots[h][s.File] = true
	}
	w.rename(s.Kind, name, to)
	if s.Kind.Changes() {
		w.changed, w.dirty[h] = true, true
		if t |= writesMaybe; s.Direct {
			t |= writesLikely
		}
	}
	return t
}

// rename carries out what a successful k does to the names.
func (w *picture) rename(k model.Kind, name, to int) {
	switch k {
	case model.Create, model.Mkdir:
		w.made++
		w.types[name], w.files[name] = model.File, w.made
		if k == model.Mkdir {
			w.types[name] = model.Dir
		}
	case model.Unlink, model.Rmdir:
		w.types[name] = model.Absent
	case model.Link:
		w.types[to], w.files[to] = w.types[name], w.files[name]
	case model.Rename:
		if w.sameFile(name, to) {
			return
		}
		w.types[to], w.files[to] = w.types[name], w.files[name]
		w.types[name] = model.Absent
		for child := range names {
			if !names[child].Below(names[name]) {
				continue
			}
			if moved := movedTo[name][to][child]; moved != noName {
				w.types[moved], w.files[moved] = w.types[child], w.files[child]
			}
			w.types[child] = model.Absent
		}
	}
}

// down is what every end of a mount leaves of a host.
func (w *picture) down(h model.Host) {
	w.mounted[h], w.paused[h], w.fenced[h] = false, false, false
	w.dirty[h], w.warm[h], w.slots[h] = false, 0, [model.MaxFile + 1]bool{}
}
