package checker

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/doublemount/doublemount/model"
)

// judgeCapacity: the disk never holds more than its size, and is never full
// without a reason.
//
// Verified: (1) at no publish do the blocks of files that are definitely live
// exceed the disk; (2) ENOSPC is answered only where everything that can have
// been written, never mind what was freed, can have filled the disk or its
// inodes; (3) at the end, what is free and what the closing observation saw
// fit on the disk together.
//
// Not verified: files whose names were unlinked, renamed, truncated or made
// twice, or whose directory was removed or renamed, count nothing in (1), nor do appends, which may
// lie over each other below linearizable, nor does what a crash, power loss or
// fence may have undone; space freed and not given back is
// fsck's business; statfs of hosts that work.
func judgeCapacity(run model.Run, info []opInfo, v *model.Verdict) {
	if run.Space.Blocks == 0 {
		return
	}
	for i := range run.History {
		op := &run.History[i]
		switch {
		case op.Kind.Changes() && op.Result.Errno == model.ENOSPC && !op.Skipped && !op.Pending():
			if !fullPossible(run, op) {
				unexplained(run, op, v)
				return
			}
		case op.Host == model.Final && op.Kind == model.Statfs && op.Succeeded():
			if used := seenBlocks(run.History); used+op.Result.Free > op.Result.Total {
				v.Outcome, v.Anomaly = model.Violated, model.StaleSpace
				v.Observed = op.Answer()
				v.Allowed = []string{fmt.Sprintf("at most %d of %d free", op.Result.Total-used, op.Result.Total)}
				v.Proof = [2]string{
					fmt.Sprintf("the final mount read %d blocks of data, so at most %d of %d are free.", used, op.Result.Total-used, op.Result.Total),
					fmt.Sprintf("however the final statfs answered %s.", op.Answer()),
				}
				return
			}
		}
	}
	if !mayExceed(run) {
		return
	}
	if live, steps := liveBlocks(run.History, info); live > run.Space.Blocks {
		v.Outcome, v.Anomaly, v.Steps = model.Violated, model.CapacityOvercmt, steps
		v.Observed = fmt.Sprintf("%d blocks stored", live)
		v.Allowed = []string{fmt.Sprintf("at most %d, then ENOSPC", run.Space.Blocks)}
		v.Proof = [2]string{
			fmt.Sprintf("the disk holds %d blocks, so writes beyond that have to answer ENOSPC.", run.Space.Blocks),
			fmt.Sprintf("however steps %s were all acknowledged, %d blocks of files that nobody removed.", numbers(steps), live),
		}
	}
}

// mayExceed is a cheap upper bound: whether all writes together are more than
// the disk holds.
func mayExceed(run model.Run) bool {
	blocks := 0
	for i := range run.History {
		if op := &run.History[i]; op.Kind == model.Write && op.Succeeded() {
			blocks += touched(op)
		}
	}
	return blocks > run.Space.Blocks
}

func unexplained(run model.Run, op *model.Op, v *model.Verdict) {
	v.Outcome, v.Anomaly, v.Observed = model.Violated, model.SpuriousError, "ENOSPC"
	v.Steps, v.Path = []int{op.Step}, op.Path
	v.Allowed = []string{"ok"}
	v.Proof = [2]string{
		fmt.Sprintf("all that was ever written when %s returned fits on the disk of %d blocks and %d inodes.", naming(op), run.Space.Blocks, run.Space.Inodes),
		"however it answered ENOSPC.",
	}
}

// fullPossible reports whether the disk can have been full for op: an upper
// bound of what was ever stored, with a block for each indirect block and
// directory, reaches its size.
func fullPossible(run model.Run, op *model.Op) bool {
	blocks, nodes := 0, 0
	for i := range run.History {
		o := &run.History[i]
		if o == op || o.Call > op.Return || o.Skipped || o.Result.Errno != model.OK {
			continue
		}
		switch o.Kind {
		case model.Create, model.Mkdir:
			blocks, nodes = blocks+2, nodes+1
		case model.Write, model.Append:
			blocks += touched(o) + 1
		case model.Rename, model.Link:
			blocks++ // a directory may have grown
		}
	}
	return nodes >= run.Space.Inodes || blocks+touched(op)+2 > run.Space.Blocks
}

// touched is the most blocks that a write can have taken.
func touched(o *model.Op) int {
	switch o.Kind {
	case model.Write:
		return int(o.Off+o.Len+model.WordsPerBlock-1)/model.WordsPerBlock - int(o.Off)/model.WordsPerBlock
	case model.Append:
		return int(o.Len)/model.WordsPerBlock + 2
	}
	return 0
}

// seenBlocks is how many blocks of data the closing observation read. Where a
// link was made, two names with the same content may be one file.
func seenBlocks(history []model.Op) int64 {
	used := int64(0)
	linked := slices.ContainsFunc(history, func(op model.Op) bool { return op.Kind == model.Link && made(&op) })
	for i := range history {
		op := &history[i]
		if op.Host != model.Final || op.Kind != model.Read || !op.Succeeded() {
			continue
		}
		if linked && slices.ContainsFunc(history[:i], func(other model.Op) bool {
			return other.Host == model.Final && other.Kind == model.Read && other.Succeeded() && bytes.Equal(other.Result.Data, op.Result.Data)
		}) {
			continue
		}
		for at := 0; at < len(op.Result.Data); at += model.WordsPerBlock {
			for _, w := range op.Result.Data[at:min(at+model.WordsPerBlock, len(op.Result.Data))] {
				if w != model.Hole {
					used++
					break
				}
			}
		}
	}
	return used
}

// liveBlocks is a lower bound of the blocks of files that live at the end, when
// everything has been published, and the steps that wrote them: files made once
// and never unlinked or cut, in directories that were never removed.
func liveBlocks(history []model.Op, info []opInfo) (blocks int, steps []int) {
	type extent struct {
		path  model.Path
		block int
	}
	times, spoiled, removed := map[model.Path]int{}, map[model.Path]bool{}, map[model.Path]bool{}
	var written []extent
	var by []int
	for i := range history {
		op := &history[i]
		path := pathOf(history, info, i)
		if op.Skipped || !op.Kind.Changes() {
			continue
		}
		if in := &info[i]; in.zombie || in.cut || in.crash >= 0 && in.sync == model.Never {
			// A crash may have undone it: it takes nothing, and may have taken away.
			if op.Kind != model.Write {
				spoiled[path], spoiled[op.To] = true, true
				removed[path], removed[op.To] = true, true
			}
			continue
		}
		switch op.Kind {
		case model.Create:
			if op.Succeeded() {
				times[path]++
			}
		case model.Mkdir, model.Unlink, model.Rmdir, model.Truncate, model.Rename, model.Link:
			if made(op) || failed(op) {
				spoiled[path] = spoiled[path] || op.Kind != model.Link
				removed[path] = removed[path] || op.Kind == model.Rmdir || op.Kind == model.Rename
			}
			if (made(op) || failed(op)) && op.Kind.TwoPaths() {
				spoiled[op.To], removed[op.To] = true, true
			}
		case model.Write:
			if !op.Succeeded() {
				continue
			}
			last := int(op.Off) + int(op.Result.Size)
			for b := int(op.Off) / model.WordsPerBlock; b*model.WordsPerBlock < last; b++ {
				written = append(written, extent{path, b})
				by = append(by, op.Step)
			}
		}
	}
	counted := map[extent]bool{}
	for i, e := range written {
		if times[e.path] != 1 || spoiled[e.path] || removedAbove(removed, e.path) || counted[e] {
			continue
		}
		counted[e] = true
		blocks++
		if len(steps) == 0 || steps[len(steps)-1] != by[i] {
			steps = append(steps, by[i])
		}
	}
	return blocks, steps
}

// removedAbove reports whether a directory that path is in is among those removed.
func removedAbove(removed map[model.Path]bool, path model.Path) bool {
	for p := path.Parent(); p != model.Root; p = p.Parent() {
		if removed[p] {
			return true
		}
	}
	return false
}

// numbers is "3, 5 and 6".
func numbers(steps []int) string {
	text := ""
	for i, n := range steps {
		switch {
		case i > 0 && i == len(steps)-1:
			text += " and "
		case i > 0:
			text += ", "
		}
		text += fmt.Sprint(n)
	}
	return text
}
