package checker

import (
	"testing"

	"github.com/doublemount/doublemount/model"
)

// What is kept on one rung is not judged again below it, so that a wrong order of
// guarantees would be a verdict that nothing stands behind: it is a partial order
// over all the fields, and has no place for an axis.
func TestWeakerIsAPartialOrder(t *testing.T) {
	var all []model.Guarantee
	for publish := range model.PublishSync + 1 {
		for refresh := range model.RefreshMount + 1 {
			for _, staleness := range []int{0, 1, 2} {
				for durable := range model.DurableReturn + 1 {
					for bits := range 1 << 3 {
						for _, except := range []model.KindSet{0, model.SetOf(model.Append), model.SetOf(model.Stat)} {
							g := model.Guarantee{Name: "g", Publish: publish, Refresh: refresh, Staleness: staleness, Durable: durable,
								FinalOnly: bits&1 != 0, Ordered: bits&2 != 0, StrictReaddir: bits&4 != 0, Except: except}
							if g.Validate() == nil {
								all = append(all, g)
							}
						}
					}
				}
			}
		}
	}
	below := make([][]int, len(all)) // those that each implies
	for i, a := range all {
		for j, b := range all {
			if weaker(a, b) && i != j && a.Compare(b) >= 0 {
				t.Fatalf("the weaker one is to be judged first:\n%+v\n%+v", b, a)
			}
			if weaker(a, b) {
				below[i] = append(below[i], j)
			}
		}
	}
	for i, a := range all {
		if !weaker(a, a) {
			t.Fatalf("not reflexive: %+v", a)
		}
		for _, j := range below[i] {
			if i != j && weaker(all[j], a) {
				t.Fatalf("each is weaker than the other:\n%+v\n%+v", a, all[j])
			}
		}
		if i%7 != 0 { // a seventh of the chains is enough, and quick
			continue
		}
		for _, j := range below[i] {
			for _, k := range below[j] {
				if !weaker(a, all[k]) {
					t.Fatalf("not transitive:\n%+v\n%+v\n%+v", a, all[j], all[k])
				}
			}
		}
	}
	rungs := []model.Guarantee{model.Linearizable, model.CloseToOpen, model.SyncToMount, model.NothingLost}
	for i, a := range rungs {
		for j, b := range rungs {
			if weaker(a, b) != (i <= j) {
				t.Errorf("weaker(%s, %s) is %v", a.Name, b.Name, i > j)
			}
		}
		for _, axis := range model.Axes() {
			if weaker(a, axis) || weaker(axis, a) {
				t.Errorf("%s and %s are compared", a.Name, axis.Name)
			}
		}
	}
}
