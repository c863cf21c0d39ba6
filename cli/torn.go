package cli

import (
	"slices"

	"github.com/doublemount/doublemount/model"
)

// notTorn is a judge for hosts whose writes cannot be held at the disk. A look at a
// file, while one operation that writes more than one block of it is under way, may
// see some of its blocks and not the others: Linux takes no lock for a read or a stat
// of most file systems, and a client of a file server sends a large write in parts.
// Such a look is no evidence against a rung. Where a verdict rests on one, the run is
// judged again without it; it changes nothing, so what is left is a run, too.
func notTorn(judge model.Judge) model.Judge {
	return func(run model.Run) []model.Verdict {
		verdicts := judge(run)
		for range len(run.History) {
			look := -1
			for _, v := range verdicts {
				if g, err := model.ParseGuarantee(v.Guarantee); err == nil && !g.Axis && v.Outcome == model.Violated && look < 0 {
					look = torn(run, v)
				}
			}
			if look < 0 {
				break
			}
			run.History = slices.Clone(run.History)
			run.History[look].Skipped = true
			verdicts = judge(run)
		}
		return verdicts
	}
}

// torn is where the history has the look that a verdict says was wrong, if it is one
// at what was being written; else negative.
func torn(run model.Run, v model.Verdict) int {
	if len(v.Steps) == 0 {
		return -1
	}
	last := slices.Max(v.Steps)
	for i := range run.History {
		look := &run.History[i]
		if look.Step != last || last == 0 || look.Skipped || look.Kind != model.Stat && look.Kind != model.Read {
			continue
		}
		for j := range run.History {
			w := &run.History[j]
			if w.Host != look.Host && !w.Skipped && w.Call < look.Return && look.Call < w.Return && spans(w) && sameFile(run, look, w) {
				return i
			}
		}
	}
	return -1
}

// sameFile reports whether two operations may be on one file: by one name, by a handle,
// or where files have several names or change them.
func sameFile(run model.Run, a, b *model.Op) bool {
	return a.Path == b.Path || a.File != 0 || b.File != 0 ||
		slices.ContainsFunc(run.History, func(op model.Op) bool { return !op.Skipped && op.Kind.TwoPaths() })
}

// spans reports whether an operation may write in more than one block. Where an append
// begins is not known.
func spans(w *model.Op) bool {
	switch w.Kind {
	case model.Append:
		return true
	case model.Write:
		return w.Off/model.WordsPerBlock != (w.Off+w.Len-1)/model.WordsPerBlock
	}
	return false
}
