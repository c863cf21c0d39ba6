package cli

import (
	"slices"

	"github.com/doublemount/doublemount/model"
)

// notTorn is a judge for hosts whose writes cannot be held at the disk. A look at a
// file, while one operation that writes more than one block of it is under way, may
// see some of its blocks and not the others: Linux takes no lock for a read or a stat
// of most file systems, and a client of a file server sends a large write in parts.
// Such a look is no evidence against a rung, so a verdict that rests on one is
// withdrawn.
func notTorn(judge model.Judge) model.Judge {
	return func(run model.Run) []model.Verdict {
		verdicts := judge(run)
		for i, v := range verdicts {
			if g, err := model.ParseGuarantee(v.Guarantee); err == nil && !g.Axis && v.Outcome == model.Violated && torn(run.History, v) {
				verdicts[i] = model.Verdict{Guarantee: v.Guarantee, Outcome: model.Held}
			}
		}
		return verdicts
	}
}

// torn reports whether what a verdict says was wrong is a look at what was being
// written.
func torn(history []model.Op, v model.Verdict) bool {
	if len(v.Steps) == 0 {
		return false
	}
	last := slices.Max(v.Steps)
	for i := range history {
		look := &history[i]
		if look.Step != last || last == 0 || look.Kind != model.Stat && look.Kind != model.Read {
			continue
		}
		for j := range history {
			w := &history[j]
			if w.Host != look.Host && !w.Skipped && w.Call < look.Return && look.Call < w.Return && spans(w) {
				return true
			}
		}
	}
	return false
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
