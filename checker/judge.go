package checker

import (
	"fmt"

	"github.com/doublemount/doublemount/model"
)

// DefaultLimit is how many steps the search of one component may take before
// the answer is inconclusive. Histories of twenty operations need some hundred.
const DefaultLimit = 1_000_000

// New makes a judge for the guarantees, which answers in their order. The zero
// limit means [DefaultLimit].
//
// Rungs are best given strongest first ([model.Guarantee.Compare]): what is kept on
// one rung is kept on all below and not judged again, so a run that is
// linearizable costs one greedy pass. Another order only costs more.
func New(limit int, guarantees ...model.Guarantee) model.Judge {
	if limit <= 0 {
		limit = DefaultLimit
	}
	j := &judge{guarantees: guarantees}
	j.component.limit = limit
	return j.run
}

type judge struct {
	guarantees []model.Guarantee
	windows    windows
	component  component
	parts      parts
	walk       walk
	rescue     rescue
	looked     []bool // by component: rescue has
	cutOf      []int  // by component: 1 plus its cut, 0 for none
	cuts       []cut
	walked     bool // parts and walk are of the run that is judged
	whole      bool // ... undivided
}

func (j *judge) run(run model.Run) []model.Verdict {
	verdicts := make([]model.Verdict, len(j.guarantees))
	if len(run.History) > MaxHistory {
		for i, g := range j.guarantees {
			verdicts[i] = model.Verdict{Guarantee: g.Name, Outcome: model.Inconclusive,
				Limit: fmt.Sprintf("%d operations and events; at most %d are judged", len(run.History), MaxHistory)}
		}
		return verdicts
	}
	j.walked = false
	if len(run.Defects) == 0 {
		j.windows.make(run.History)
	}
	for i, g := range j.guarantees {
		v := &verdicts[i]
		*v = model.Verdict{Guarantee: g.Name}
		if g.Name == model.Progress.Name {
			judgeProgress(run, j.windows.info, v)
			continue
		}
		if len(run.Defects) > 0 {
			v.Outcome, v.Limit = model.Inconclusive, "the run ended at a defect of the design"
			continue
		}
		switch g.Name {
		case model.Capacity.Name:
			judgeCapacity(run, j.windows.info, v)
			continue
		case model.Fsck.Name:
			judgeFsck(run, v)
			continue
		case model.Exclusion.Name:
			judgeExclusion(run, j.windows.info, j.component.limit, v)
			continue
		}
		if !j.implied(verdicts[:i], g) {
			j.rung(run, g, v)
		}
	}
	for i := range verdicts {
		if v := &verdicts[i]; v.Outcome == model.Violated {
			v.Limit = "" // another component's, which no longer matters
		}
	}
	return verdicts
}

// implied reports whether g is kept because a rung that was judged before is.
func (j *judge) implied(verdicts []model.Verdict, g model.Guarantee) bool {
	for i := range verdicts {
		if verdicts[i].Outcome == model.Held && weaker(j.guarantees[i], g) {
			return true
		}
	}
	return false
}

// weaker reports whether every history that keeps a keeps b too.
func weaker(a, b model.Guarantee) bool {
	return !a.Axis && !b.Axis && a.Publish <= b.Publish && a.Refresh <= b.Refresh && (!a.FinalOnly || b.FinalOnly) &&
		(a.Refresh != model.RefreshOpen || b.Refresh != model.RefreshOpen || a.Staleness <= b.Staleness) &&
		a.Durable >= b.Durable && (a.Ordered || !b.Ordered) && (a.StrictReaddir || !b.StrictReaddir) && a.Except&^b.Except == 0
}

// rung judges one rung of the ladder, component by component. The first that is
// violated is the answer; else any that could not be decided.
func (j *judge) rung(run model.Run, g model.Guarantee, v *model.Verdict) {
	j.windows.place(run.History, g)
	c := &j.component
	for i := range run.History {
		if !j.windows.suspect {
			break
		}
		if op := &run.History[i]; impossible(op, &j.windows.info[i]) && (!g.FinalOnly || op.Host == model.Final || op.Kind.Changes() && op.Succeeded()) {
			v.Outcome, v.Anomaly, v.Observed, v.Path = model.Violated, model.SpuriousError, op.Answer(), op.Path
			v.Steps = steps(op)
			switch {
			case op.Kind == model.Readdir:
				v.Anomaly = model.StructureDamage
			case openAndGone(run.History, j.windows.info, i):
				v.Anomaly = model.DeleteWhileOpen
			}
			v.Proof = [2]string{
				fmt.Sprintf("%s cannot be answered %s, whatever the files are.", naming(op), op.Answer()),
				"however it was.",
			}
			return
		}
	}
	if whole := g.Ordered || g.StrictReaddir; !j.walked || whole != j.whole {
		j.walked, j.whole = true, whole
		j.parts.divide(run.History, j.windows.info, whole)
		j.walk.make(run.History, j.windows.info, &j.parts, &j.rescue, maxHelp)
		j.looked, j.cutOf = resized(j.looked, len(j.parts.tops)), resized(j.cutOf, len(j.parts.tops))
		j.cuts = j.cuts[:0]
	}
	for n := range j.parts.tops {
		if j.walk.trouble[n] < 0 && !g.StrictReaddir {
			continue // linearizable, and so kept on every rung; but the walk takes a listing of the root name by name
		}
		if !g.StrictReaddir && j.rescued(run, n) {
			continue
		}
		if j.aloneViolated(g, run, n) {
			c.explain(v)
			return
		}
		if own, _ := j.parts.operations(n, run.History, j.windows.info); len(own) > maxOps {
			v.Outcome, v.Limit = model.Inconclusive, fmt.Sprintf("%s and what is joined with it have %d operations; at most %d are searched", j.parts.tops[n], len(own), maxOps)
			continue
		}
		if j.linear(run, g, n) {
			continue
		}
		j.reset(g, run, n)
		switch c.decide() {
		case model.Violated:
			c.explain(v)
			c.explainDurability(v)
			return
		case model.Inconclusive:
			v.Outcome, v.Limit = model.Inconclusive, c.reason()
		}
	}
}

// reset prepares the component whose earliest top is n.
func (j *judge) reset(g model.Guarantee, run model.Run, n int) {
	own, listings := j.parts.operations(n, run.History, j.windows.info)
	j.component.reset(g, run.History, j.windows.info, j.parts.of(n), own, listings)
}

// MaxHistory is how many operations and events a history may have. One with more
// is refused: every guarantee is inconclusive, and the verdicts name the limit. The
// judge takes some 150 bytes for each, besides the history itself.
const MaxHistory = 20_000_000

// maxOps is how many operations a component may have that is searched as a whole.
const maxOps = 5000

// cutFrom is from how many operations on a component is judged from the moment on
// at which its state was last known; shorter ones, as they are.
const cutFrom = 64

// rescued reports whether a component that the walk could not explain is found to
// be linearizable, with a search where it has to be. It is looked at once in a run.
func (j *judge) rescued(run model.Run, n int) bool {
	if j.looked[n] {
		return j.walk.trouble[n] < 0
	}
	j.looked[n] = true
	own, listings := j.parts.operations(n, run.History, j.windows.info)
	explained, where, ok := j.rescue.again(&j.walk, int32(n), own, listings)
	if explained {
		j.walk.trouble[n] = -1
	}
	if ok && len(own) >= cutFrom {
		j.cuts = append(j.cuts, where)
		j.cutOf[n] = len(j.cuts)
	}
	return explained
}

// aloneViolated reports whether a component breaks a guarantee by what came since
// its state was last known. If so it is ready to be explained.
func (j *judge) aloneViolated(g model.Guarantee, run model.Run, n int) bool {
	if j.cutOf[n] == 0 || g.StrictReaddir || g.Except != 0 {
		return false
	}
	where := &j.cuts[j.cutOf[n]-1]
	own, listings := j.parts.operations(n, run.History, j.windows.info)
	before, own := where.of(own)
	_, listings = where.of(listings)
	if len(own)+len(listings) > maxOps {
		return false
	}
	c := &j.component
	c.reset(g, run.History, j.windows.info, j.parts.of(n), own, listings)
	if !c.atomic() {
		return false
	}
	earlier := make([]int, 0, len(before)+len(c.ops))
	for _, i := range before {
		if j.windows.info[i].used {
			earlier = append(earlier, int(i))
		}
	}
	return c.alone(where.given, earlier) && c.decide() == model.Violated
}

// quickLimit is how many steps the search for a linearization may take where less
// is asked.
const quickLimit = 2000

// linear reports whether a component is found linearizable with little work, for
// rungs below: what one greedy pass explains at once, then what one explains on
// the rung itself, then, where operations overlap or a host
// crashed, what a short search does: the
// narrow windows of linearizable leave it little to try.
func (j *judge) linear(run model.Run, g model.Guarantee, n int) bool {
	if g.Publish == model.PublishReturn && g.Refresh == model.RefreshCall {
		return false
	}
	strong := g // the same with the narrowest windows
	strong.Publish, strong.Refresh, strong.FinalOnly = model.PublishReturn, model.RefreshCall, false
	c := &j.component
	j.reset(strong, run, n)
	if c.obvious() {
		return true
	}
	overlap := c.overlaps() || c.endings
	j.reset(g, run, n)
	if c.obvious() {
		return true
	}
	if !overlap {
		return false
	}
	j.reset(strong, run, n)
	defer func(limit int) { c.limit = limit }(c.limit)
	c.limit = min(c.limit, quickLimit)
	return c.decide() == model.Held
}

// impossible reports whether no state of any file system gives the answer: an
// open handle is reported missing or a missing one used, the root is no directory, more is read than asked for, a listing has
// a name twice, something became a part of itself.
func impossible(op *model.Op, in *opInfo) bool {
	if op.Skipped || op.Pending() || in.cut || in.zombie {
		return false
	}
	r := &op.Result
	if op.File != 0 && op.Kind.TakesData() && (r.Errno == model.OK && in.opener < 0 || r.Errno != model.OK && informative(op)) {
		return true
	}
	if op.Path == model.Root && (informative(op) && r.Errno != model.OK || op.Kind == model.Stat && r.Errno == model.OK && r.Type != model.Dir) {
		return true
	}
	if r.Errno != model.OK {
		return false
	}
	switch op.Kind {
	case model.Rename:
		return nested(op)
	case model.Link:
		return nested(op) || op.Path == op.To
	case model.Read:
		return len(r.Data) > int(op.Len)
	case model.Write, model.Append:
		return r.Size < 0 || r.Size > int64(op.Len)
	case model.Readdir:
		for i := range r.Names {
			if i > 0 && r.Names[i] == r.Names[i-1] {
				return true
			}
		}
	}
	return false
}
