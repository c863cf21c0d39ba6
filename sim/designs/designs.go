package designs

import "github.com/doublemount/doublemount/sim"

// All lists the designs, weakest first. Each carries its planted bugs.
func All() []sim.Design {
	return []sim.Design{Local(), LocalWritethrough(), LocalJournal(), ActivePassive(), ClusterLock(), Single()}
}
