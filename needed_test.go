package doublemount_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/corpus"
	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
	"github.com/doublemount/doublemount/sim/designs"
)

// design finds a design or a planted bug of ours by its name.
func design(t *testing.T, name string) sim.Design {
	t.Helper()
	for _, d := range designs.All() {
		for _, d := range append([]sim.Design{d}, d.Bugs...) {
			if d.Name == name {
				return d
			}
		}
	}
	t.Fatalf("no design %q", name)
	return sim.Design{}
}

// neededCase is a case that shows what a kind of event, or an operation with two
// names, does.
type neededCase struct {
	name    string
	needs   []model.Kind
	holds   int
	plainer bool // the finding has a plainer form, with another operation instead
}

var needed = []neededCase{
	{name: "journal-replay-over-live-mount", needs: []model.Kind{model.Crash}},
	{name: "no-ordered-data-crash", needs: []model.Kind{model.Tick, model.Crash}},
	{name: "no-barriers-power-loss", needs: []model.Kind{model.PowerLoss}},
	{name: "no-fence-pause", needs: []model.Kind{model.Pause}},
	{name: "no-abort-write-in-flight", needs: []model.Kind{model.Pause}, holds: 1},
	{name: "no-fence-partition", needs: []model.Kind{model.Partition}},
	{name: "no-fence-fenced-and-back", needs: []model.Kind{model.Fence}},
	{name: "volatile-fence-disk-reset", needs: []model.Kind{model.Pause, model.DiskReset}},
	{name: "grant-before-replay", needs: []model.Kind{model.Pause}},
	{name: "rename-both-names", needs: []model.Kind{model.Rename}},
	{name: "rename-neither-name", needs: []model.Kind{model.Rename}, plainer: true},
	{name: "link-double-free", needs: []model.Kind{model.Link}, plainer: true},
}

// TestEverythingInTheCaseIsNeeded takes away each step and each hold of a case:
// the finding, which is what the case expects first, must go. So no such case
// would stay as it is without the event.
func TestEverythingInTheCaseIsNeeded(t *testing.T) {
	for _, test := range needed {
		t.Run(test.name, func(t *testing.T) {
			c, err := corpus.ReadFile(filepath.Join("corpus", "cases", test.name+".case"))
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range test.needs {
				if !slices.ContainsFunc(c.Program.Steps, func(s model.Step) bool { return s.Kind == k }) {
					t.Errorf("it has no %v", k)
				}
			}
			if len(c.Program.Holds) != test.holds {
				t.Errorf("%d holds, want %d", len(c.Program.Holds), test.holds)
			}
			runner, err := sim.New(design(t, c.Design))
			if err != nil {
				t.Fatal(err)
			}
			defer runner.Close()
			g, err := model.ParseGuarantee(c.Expect[0].Guarantee)
			if err != nil {
				t.Fatal(err)
			}
			judge := checker.New(0, g)
			want := model.Verdict{Outcome: c.Expect[0].Outcome, Guarantee: g.Name, Anomaly: c.Expect[0].Anomaly}
			found := func(p model.Program) bool {
				run, err := runner.Run(context.Background(), p)
				if err != nil {
					return false // nothing that can be run
				}
				return slices.ContainsFunc(judge(run), want.Same)
			}
			if !found(c.Program) {
				t.Fatalf("%v %v is not found", want.Guarantee, want.Anomaly)
			}
			less := fuzz.OneAway(c.Program)
			if len(less) < len(c.Program.Steps)+len(c.Program.Holds) {
				t.Fatalf("only %d programs are smaller by one", len(less))
			}
			for _, p := range less {
				if found(p) {
					t.Errorf("this is enough%#v", p)
				}
			}
			small, err := fuzz.Minimiser{Runner: runner, Judge: judge}.Minimise(context.Background(), c.Program, want)
			if err != nil || small.Cut {
				t.Fatalf("cut: %v, %v", small.Cut, err)
			}
			if same := small.Program.String() == c.Program.String(); same == test.plainer {
				t.Errorf("the minimiser comes to%#v", small.Program)
			}
		})
	}
}

// TestCasesWithFaultsAreNeeded lets nobody commit a case with a fault in it that
// the test above does not know.
func TestCasesWithFaultsAreNeeded(t *testing.T) {
	files, err := corpus.ReadDir(filepath.Join("corpus", "cases"))
	if err != nil {
		t.Fatal(err)
	}
	faulty := 0
	for _, f := range files {
		p := f.Case.Program
		fault := slices.ContainsFunc(p.Steps, func(s model.Step) bool { return s.Fault() != 0 })
		if !fault && len(p.Strikes) == 0 {
			continue
		}
		faulty++
		name := strings.TrimSuffix(filepath.Base(f.Name), ".case")
		if !slices.ContainsFunc(needed, func(n neededCase) bool { return n.name == name }) {
			t.Errorf("%s has a fault and is not in the list", f.Name)
		}
	}
	if faulty < 8 {
		t.Errorf("only %d cases have a fault", faulty)
	}
}
