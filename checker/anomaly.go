package checker

import (
	"slices"

	"github.com/doublemount/doublemount/model"
)

// What an anomaly's name asks about the rest of a history. All of these are about
// what was observed, and none about how it came to be.

// evidence is what a file's words are when the culprit asks: what it read itself;
// of another question about a file the closing read of it, since that is where it
// comes to rest. It is none if nobody read it.
func (f *finding) evidence() *model.Op {
	if f.op.Kind == model.Read {
		return f.op
	}
	for i := range f.c.history {
		if op := &f.c.history[i]; op.Host == model.Final && op.Kind == model.Read && op.Path == f.path && op.Succeeded() {
			return op
		}
	}
	return nil
}

// atRest reports whether op is of the closing observer, and shows what things came
// to: it mounted for that. One whose host was there all the time may have had a
// cache as old as the run, and then what it misses is not gone for good, for all
// that is known.
func (c *component) atRest(op *model.Op) bool {
	if op.Host != model.Final {
		return false
	}
	for i := range c.history {
		if o := &c.history[i]; o.Host == model.Final && o.Kind == model.Mount && o.Succeeded() && o.Return < op.Call {
			return true
		}
	}
	return false
}

// count is how many words of a write a read saw.
func count(read, write *model.Op) (n int32) {
	for _, w := range read.Result.Data {
		if w == write.Data {
			n++
		}
	}
	return n
}

// appendOverlap is the append whose words are not all there, since another append
// that is there began before its end: nothing else changed the file since, and it
// is too short for both. Where appends take their offset from a view, that is
// allowed. Who may see an old end of the file has to have seen words where they
// cannot be.
func (f *finding) appendOverlap() *model.Op {
	read := f.evidence()
	if read == nil || !f.c.atomic() || read.Host != model.Final && len(read.Result.Data) >= int(read.Len) {
		return nil
	}
	atRest := f.c.atRest(read)
	for _, i := range f.c.ops {
		lost := &f.c.history[i]
		if lost.Kind != model.Append || !lost.Succeeded() || !f.writes(i) || lost.Call > read.Return || count(read, lost) == lost.Len {
			continue
		}
		for _, j := range f.c.ops {
			other := &f.c.history[j]
			if other != lost && other.Kind == model.Append && other.Succeeded() && f.writes(j) && other.Call < read.Return &&
				count(read, other) > 0 && !f.changedSince(min(lost.Call, other.Call)) && (atRest || f.misplaced(read, lost, other)) {
				return lost
			}
		}
	}
	return nil
}

// misplaced reports whether a read saw words of an append before the end of
// another one that had returned when it was called, while nothing made the file
// shorter.
func (f *finding) misplaced(read, lost, other *model.Op) bool {
	if lost.Return > other.Call {
		return false
	}
	first := slices.Index(read.Result.Data, other.Data)
	end := lost.Len // at least: where the earlier one ends
	for k, w := range read.Result.Data[:max(first, 0)] {
		if x := f.c.writer(w); x >= 0 && f.c.history[x].Return < lost.Call {
			end = max(end, read.Off+int32(k)+1+lost.Len) // it began behind this word
		}
	}
	return first >= 0 && read.Off+int32(first) < end
}

// changedSince reports whether anything but appends changed words or the size of
// f.path, or what stands there, after a time.
func (f *finding) changedSince(t int64) bool {
	for _, i := range f.c.ops {
		if op := &f.c.history[i]; op.Kind != model.Append && op.Return > t && made(op) && (f.writes(i) || f.takes(i) || f.makes(i)) {
			return true
		}
	}
	return false
}

// falselyShared reports whether none of a write's words in some block are there at
// the end, and those of another host's write to other words of that block are.
func (f *finding) falselyShared(lost *model.Op) bool {
	read := f.evidence()
	if read == nil || !f.c.atRest(read) || lost.Kind != model.Write {
		return false
	}
	for block := lost.Off / model.WordsPerBlock; block*model.WordsPerBlock < lost.Off+lost.Len; block++ {
		from, to := block*model.WordsPerBlock, (block+1)*model.WordsPerBlock
		if seenIn(read, lost, from, to) > 0 {
			continue
		}
		for _, i := range f.c.ops {
			other := &f.c.history[i]
			disjoint := other.Off+other.Len <= lost.Off || lost.Off+lost.Len <= other.Off
			if other.Kind == model.Write && other.Host != lost.Host && other.Succeeded() && disjoint && f.writes(i) && seenIn(read, other, from, to) > 0 {
				return true
			}
		}
	}
	return false
}

// seenIn is how many words of a write a read saw where they were written, between
// two words of the file.
func seenIn(read, write *model.Op, from, to int32) (n int) {
	for at, w := range read.Result.Data {
		if pos := read.Off + int32(at); pos >= max(from, write.Off) && pos < min(to, write.Off+write.Len) && w == write.Data {
			n++
		}
	}
	return n
}

// cutBefore reports whether word pos of f.path, which operation x had written, had
// been cut off before the culprit was called, and the file made longer again
// without writing there: then that word is of the past.
func (f *finding) cutBefore(x *model.Op, pos int32) bool {
	cut := int64(model.Never)
	for _, i := range f.c.ops {
		op := &f.c.history[i]
		if !op.Succeeded() || !f.writes(i) {
			continue
		}
		switch {
		case op.Kind == model.Truncate && op.Len <= pos && op.Call > x.Return && op.Return < f.op.Call:
			cut = min(cut, op.Return)
		case op.Call > cut && op.Kind == model.Truncate && op.Len > pos,
			op.Call > cut && op.Kind == model.Write && op.Off > pos,
			op.Call > cut && op.Kind == model.Append:
			return true
		}
	}
	return false
}

// removedBefore reports whether the file that operation x wrote to was removed, or
// cut, before the culprit returned: its words are nobody's any more.
func (f *finding) removedBefore(x *model.Op, path model.Path) bool {
	for i := range f.c.history {
		op := &f.c.history[i]
		if !op.Succeeded() || op.Call < x.Call || op.Return > f.op.Return {
			continue
		}
		switch op.Kind {
		case model.Unlink:
			if op.Path == path {
				return true
			}
		case model.Rename:
			if op.To == path && op.Path != path {
				return true
			}
		case model.Truncate:
			if pathOf(f.c.history, f.c.info, i) == path {
				return true
			}
		}
	}
	return false
}

// openAndGone reports whether operation i went through a handle whose file lost
// its name between the open and the operation's return.
func openAndGone(history []model.Op, info []opInfo, i int) bool {
	return removal(history, info, i) >= 0
}

// removal is the operation that took the name of the file which operation i reached
// through a handle, after the open: under that name, or one that it was given since.
// It is -1 if there is none.
func removal(history []model.Op, info []opInfo, i int) int {
	opener := info[i].opener
	if opener < 0 {
		return -1
	}
	name := history[opener].Path
	for j := range history {
		op := &history[j]
		if !op.Succeeded() || op.Return < history[opener].Call || op.Call > history[i].Return {
			continue
		}
		switch {
		case op.Kind == model.Unlink && op.Path == name, op.Kind == model.Rename && op.To == name && op.Path != name:
			return j
		case op.Kind == model.Rename && op.Path == name:
			name = op.To
		}
	}
	return -1
}

// vanished reports whether a read saw no word of any write to its file.
func (f *finding) vanished() bool {
	if f.op.Kind != model.Read {
		return false
	}
	for _, w := range f.op.Result.Data {
		if x := f.c.writer(w); x >= 0 && !f.c.foreign(x, f.path) {
			return false
		}
	}
	return true
}

// bothNames reports whether a file that was renamed away from f.path is, at the
// end, at its new name too.
func (f *finding) bothNames(rename *model.Op) bool {
	return f.c.atRest(f.op) && rename != nil && rename.Kind == model.Rename &&
		f.atTheEnd(f.path.Moved(rename.Path, rename.To)) && !f.madeSince(rename, f.path.Moved(rename.Path, rename.To)) && !f.madeSince(rename, f.path)
}

// neitherName reports whether a file that was renamed to f.path, and is not there,
// is not at its old name either.
func (f *finding) neitherName(rename *model.Op) bool {
	return rename != nil && rename.Kind == model.Rename && !f.atTheEnd(f.path.Moved(rename.To, rename.Path))
}

// atTheEnd reports whether the closing observer found a name.
func (f *finding) atTheEnd(name model.Path) bool {
	for i := range f.c.history {
		if op := &f.c.history[i]; op.Host == model.Final && op.Kind == model.Stat && op.Path == name {
			return op.Result.Errno == model.OK
		}
	}
	return false
}

// madeSince reports whether anything else was made at a name once op was called.
func (f *finding) madeSince(op *model.Op, name model.Path) bool {
	for i := range f.c.history {
		o := &f.c.history[i]
		if o == op || o.Return < op.Call || !made(o) || o.Skipped {
			continue
		}
		switch o.Kind {
		case model.Create, model.Mkdir:
			if o.Path == name {
				return true
			}
		case model.Rename, model.Link:
			if o.To == name {
				return true
			}
		}
	}
	return false
}
