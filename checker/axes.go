package checker

import (
	"fmt"

	"github.com/doublemount/doublemount/model"
)

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
