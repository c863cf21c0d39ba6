package checker

import (
	"fmt"

	"github.com/doublemount/doublemount/model"
)

// data names what is wrong with the words that a read returned.
func (f *finding) data() {
	got := f.op.Result.Data
	final := f.op.Host == model.Final
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
	for _, w := range got {
		if x := f.c.writer(w); x >= 0 && f.c.foreign(x, f.path) {
			f.v.Anomaly = model.CrossLinked
			f.with = nil
			f.fact = fmt.Sprintf("%s had written #%d, and to another file", naming(&f.c.history[x]), w)
			f.v.Allowed = []string{fmt.Sprintf("words written to %s", f.path)}
			return
		}
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
			if there > 0 && final && !f.overwritten(op) {
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
