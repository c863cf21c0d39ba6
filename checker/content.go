package checker

import (
	"fmt"

	"github.com/doublemount/doublemount/model"
)

// data names what is wrong with the words that a read returned.
func (f *finding) data() {
	got := f.op.Result.Data
	final := f.c.atRest(f.op)
	f.v.Anomaly = model.StaleRead
	if final {
		f.v.Anomaly = model.LostUpdate
	}
	f.but = fmt.Sprintf("it read %s", f.op.Answer())
	f.with = f.find(f.writes)
	for _, w := range got {
		if w == model.Garbage {
			f.v.Anomaly = model.StaleDataExposure
			f.with, f.fact = nil, "some of those words are of no write of this program"
			return
		}
	}
	for at, w := range got {
		x := f.c.writer(w)
		if x < 0 {
			continue
		}
		by := &f.c.history[x]
		switch pos := f.op.Off + int32(at); {
		case f.c.foreign(x, f.path):
			f.v.Anomaly = model.CrossLinked
			f.with = nil
			f.fact = fmt.Sprintf("%s had written #%d, and to another file", naming(by), w)
			if f.removedBefore(by, f.c.pathOf(x)) {
				f.v.Anomaly = model.StaleDataExposure
				f.fact += ", which had been cut or removed"
			}
			f.v.Allowed = []string{fmt.Sprintf("words written to %s", f.path)}
			return
		case f.cutBefore(by, pos):
			f.v.Anomaly = model.StaleDataExposure
			f.with = nil
			f.fact = fmt.Sprintf("%s had written #%d, and word %d had been cut off since and nothing written there", naming(by), w, pos)
			f.v.Allowed = []string{"a hole there"}
			return
		}
	}
	if lost := f.appendOverlap(); lost != nil {
		f.overlapped(lost)
		return
	}
	// The latest write of which the read should have seen words and did not.
	for k := len(f.c.story) - 1; k >= 0; k-- {
		op := &f.c.history[f.c.story[k]]
		if op.Kind != model.Write || !op.Succeeded() || op.Call > f.op.Return || !f.c.sameFileAt(f.c.pathOf(f.c.story[k]), f.path) {
			continue
		}
		inside, there := 0, 0
		for w := op.Off; w < op.Off+op.Len; w++ {
			if at := int(w - f.op.Off); at >= 0 && at < len(got) {
				inside++
				if got[at] == op.Data {
					there++
				}
			}
		}
		if inside > there {
			f.with = op
			switch {
			case final && f.falselyShared(op):
				f.v.Anomaly = model.FalseSharing
			case there > 0 && final && !f.overwritten(op):
				f.v.Anomaly = model.TornWrite
			}
			f.v.Allowed = []string{fmt.Sprintf("%dx#%d in words %d to %d", op.Len, op.Data, op.Off, op.Off+op.Len-1)}
			return
		}
	}
}

// writer is the operation that wrote words of number w, -1 for a hole. A long
// history can have one number for writes of several components; then it is this one's.
func (c *component) writer(w byte) int {
	if w == model.Hole {
		return -1
	}
	for _, i := range c.ops {
		if op := &c.history[i]; op.Data == w && !op.Skipped {
			return i
		}
	}
	for i := range c.history {
		if op := &c.history[i]; op.Data == w && !op.Skipped {
			return i
		}
	}
	return -1
}

// foreign reports whether operation i wrote to another file than can stand at
// path.
func (c *component) foreign(i int, path model.Path) bool {
	return !c.sameFileAt(c.pathOf(i), path)
}

// overwritten reports whether anything later changed words of a write.
func (f *finding) overwritten(w *model.Op) bool {
	for _, i := range f.c.story {
		op := &f.c.history[i]
		if op == w || op.Return < w.Call || !op.Succeeded() {
			continue
		}
		switch {
		case f.takes(i):
			return true
		case !f.writes(i):
		case op.Kind != model.Write:
			return true
		default:
			if op.Off < w.Off+w.Len && w.Off < op.Off+op.Len {
				return true
			}
		}
	}
	return false
}

// overlapped names an append of which words are missing where another one's are.
func (f *finding) overlapped(lost *model.Op) {
	read := f.evidence()
	f.v.Anomaly, f.with = model.AppendOverlap, lost
	f.but = fmt.Sprintf("it saw %d of its %d words, and another append's there", count(read, lost), lost.Len)
	if read != f.op {
		f.but = fmt.Sprintf("it saw a size of %d words, too short for both appends", f.op.Result.Size)
	}
}
