package checker

import (
	"fmt"

	"github.com/doublemount/doublemount/model"
)

// judgeProgress: every operation returned, the design did nothing that no file
// system may, and no operation failed for a reason that its caller cannot have
// caused.
//
// Not judged: a refused mount (a design may let one host in at a time), ENOSPC
// (capacity does), how long anything took.
func judgeProgress(run model.Run, v *model.Verdict) {
	if len(run.Defects) > 0 {
		d := run.Defects[0]
		v.Outcome, v.Anomaly, v.Observed = model.Violated, model.Anomaly(d.Kind.String()), d.Text
		v.Steps = []int{d.Step}
		v.Proof = [2]string{
			fmt.Sprintf("step %d on %v has to return an answer.", d.Step, d.Host),
			fmt.Sprintf("however the design did not let it: %s.", d.Text),
		}
		return
	}
	for i := range run.History {
		op := &run.History[i]
		switch {
		case op.Skipped:
			continue
		case op.Pending():
			v.Anomaly = model.NoProgress
		case op.Kind == model.Mount && op.Result.Errno == model.EBUSY:
			continue
		case op.Result.Errno == model.ENOSPC, op.Result.Errno == model.EBADF, op.Result.Errno == model.EMFILE, informative(op.Result.Errno):
			continue
		default:
			v.Anomaly = model.SpuriousError
		}
		v.Outcome, v.Observed, v.Path = model.Violated, op.Answer(), op.Path
		v.Steps = []int{op.Step}
		v.Allowed = []string{"ok, or an error that its caller caused"}
		v.Proof = [2]string{
			fmt.Sprintf("%s: no fault has touched this host, so it answers ok or an error that the caller caused.", naming(op)),
			fmt.Sprintf("however it answered %s.", op.Answer()),
		}
		return
	}
}

// judgeFsck: what the design's own fsck says of the disk after all hosts have
// unmounted. The worst problem gives the anomaly its name.
func judgeFsck(run model.Run, v *model.Verdict) {
	worst := -1
	rank := func(a model.Anomaly) int {
		for i, b := range []model.Anomaly{model.CrossLinked, model.DoubleFree, model.StructureDamage, model.LeakedSpace} {
			if a == b {
				return i
			}
		}
		return 4
	}
	for i, p := range run.Audit {
		if worst < 0 || rank(p.Anomaly) < rank(run.Audit[worst].Anomaly) {
			worst = i
		}
	}
	if worst < 0 {
		return
	}
	p := run.Audit[worst]
	v.Outcome, v.Anomaly, v.Observed = model.Violated, p.Anomaly, p.Text
	v.Allowed = []string{"nothing to report"}
	v.Proof = [2]string{
		"every host has unmounted, so the disk is as a file system leaves it: every block and inode in use belongs to one name.",
		fmt.Sprintf("however %s.", p.Text),
	}
}

// naming is an operation with its step, for a sentence.
func naming(op *model.Op) string {
	s := op.AsStep()
	if op.Step == 0 {
		return fmt.Sprintf("the final %s", s.Action())
	}
	return fmt.Sprintf("step %d (%v)", op.Step, s)
}
