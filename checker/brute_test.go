package checker_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/internal/brute"
	"github.com/doublemount/doublemount/internal/testscale"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
	"github.com/doublemount/doublemount/sim/designs"
)

var rungs = brute.Ladder

// threeRungs is those that the verdicts of older tables are of.
var threeRungs = []model.Guarantee{model.Linearizable, model.SyncToMount, model.NothingLost}

// Every hand-made history has the verdicts that an engineer expects of it.
func TestHandMadeHistories(t *testing.T) {
	for _, c := range brute.Cases {
		run := brute.History(c.Text)
		for i, want := range []bool{c.Lin, c.S2M, c.NL} {
			says(t, run, threeRungs[i], want)
		}
	}
}

// says fails t if the judge does not say want, and notes the history.
func says(t *testing.T, run model.Run, g model.Guarantee, want bool) {
	t.Helper()
	v := checker.New(0, g)(run)[0]
	if v.Outcome == model.Inconclusive || (v.Outcome == model.Held) != want {
		t.Errorf("%s: %v, want held=%v\n%s", g.Name, v.Outcome, want, text(run))
	}
}

// What earlier wordings of the rules got wrong, and what close-to-open adds, has
// the verdict that an engineer expects on each rung.
func TestCounterexamples(t *testing.T) {
	for _, c := range brute.LadderCases {
		for i, g := range brute.Ladder {
			t.Run(c.Source, func(t *testing.T) { says(t, brute.History(c.Text), g, c.Want[i] == '+') })
		}
	}
}

// The same for what hangs on a variant of a rung.
func TestVariants(t *testing.T) {
	for _, c := range brute.VariantCases {
		t.Run(c.Source, func(t *testing.T) { says(t, brute.History(c.Text), c.Guarantee, c.Want) })
	}
}

// bench is a judge for each of some guarantees.
type bench struct {
	guarantees []model.Guarantee
	judges     []model.Judge
}

// rungsAnd is the bench of the ladder and some variants.
func rungsAnd(variants ...model.Guarantee) (b bench) {
	for _, g := range append(slices.Clone(rungs), variants...) {
		b.guarantees = append(b.guarantees, g)
		b.judges = append(b.judges, checker.New(0, g))
	}
	return b
}

// agree compares the judges with the brute-force judge on one run.
func (b bench) agree(t *testing.T, run model.Run) bool {
	t.Helper()
	for i, g := range b.guarantees {
		v := b.judges[i](run)[0]
		want := brute.Judge(run, g)
		if v.Outcome == model.Inconclusive || (v.Outcome == model.Held) != want {
			t.Errorf("%+v: %v; brute force says held=%v\n%s", g, v.Outcome, want, text(run))
			return false
		}
	}
	return true
}

// On every history of a small bound the judge says what trying every order says:
// one file's life, directories, open handles, renames and links, on two hosts, on
// an empty disk and on one that has what the operations are about. The usual bound
// is two operations, the long one three, with every result and every overlap of
// neighbours, both orders of unmounting and every final observation. The usual
// form judges every 17th of them, the long one every one, or every n-th of
// DOUBLEMOUNT_SCALE=n. Of what renames do to a directory both bounds are two.
func TestAgreesWithBruteForceOnAll(t *testing.T) {
	file := []model.Step{{Kind: model.Create, Path: "/a"}, {Kind: model.Write, Path: "/a", Len: 8}}
	dir := []model.Step{{Kind: model.Mkdir, Path: "/d"}}
	handles := []model.Step{{Kind: model.Open, Path: "/a", File: 1}, {Kind: model.Read, File: 1, Len: 8},
		{Kind: model.Write, File: 1, Len: 8}, {Kind: model.Append, File: 1, Len: 8}, {Kind: model.Truncate, File: 1, Len: 8},
		{Kind: model.Unlink, Path: "/a"}, {Kind: model.Fsync, File: 1}, {Kind: model.Remount}}
	dirs := []model.Step{{Kind: model.Mkdir, Path: "/d"}, {Kind: model.Rmdir, Path: "/d"}, {Kind: model.Readdir, Path: "/d"},
		{Kind: model.Create, Path: "/d/x"}, {Kind: model.Unlink, Path: "/d/x"}, {Kind: model.Stat, Path: "/d/x"},
		{Kind: model.Sync}, {Kind: model.Remount}}
	length, every := 2, testscale.Every(17)
	if testscale.Long() {
		length = 3
	}
	rungsAnd(brute.Snapshots, brute.StrictMounts).agreeOnAll(t, every, []brute.EnumSpec{
		{Length: length, Forms: brute.SmallForms()}, {Length: length, Forms: brute.SmallForms(), Setup: file},
		{Length: length, Forms: handles, Setup: file},
		{Length: length, Forms: dirs}, {Length: length, Forms: dirs, Setup: dir},
		{Length: length, Forms: brute.NameForms()}, {Length: length, Forms: brute.NameForms(), Setup: file[:1]},
	})
	tree := append(dir, model.Step{Kind: model.Create, Path: "/d/x"})
	rungsAnd().agreeOnAll(t, testscale.Every(61), []brute.EnumSpec{{Length: 2, Forms: brute.TreeForms(), Setup: tree, Look: []model.Path{"/d", "/e/x"}}})
}

// The same with a crash, a power loss or a fence: three operations, one of which
// is that, of one file's life with a rename, and of renames and links. The usual
// form judges every 199th of them.
func TestAgreesWithBruteForceOnCrashes(t *testing.T) {
	file := []model.Step{{Kind: model.Create, Path: "/a"}, {Kind: model.Write, Path: "/a", Len: 8}}
	every := testscale.Every(199)
	fences := append(brute.CutForms()[:7], model.Step{Kind: model.Fence})
	names := append(brute.NameForms(), model.Step{Kind: model.Crash}, model.Step{Kind: model.PowerLoss})
	rungsAnd(brute.DurableAtClose, brute.DurableAtReturn).agreeOnAll(t, every, []brute.EnumSpec{
		{Length: 3, Cuts: 1, Forms: brute.CutForms()}, {Length: 3, Cuts: 1, Forms: brute.CutForms(), Setup: file},
		{Length: 3, Cuts: 1, Forms: fences, Setup: file},
		{Length: 3, Cuts: 1, Forms: names, Setup: file[:1]},
	})
}

// The same on every history of three operations out of all kinds that the ladder
// speaks of: create, unlink, rename, write, read and stat of a file of one block with
// every result, open, close, reads and writes through a handle, fsync, sync, remount,
// tick, crash; on an empty disk and on one with a file. The usual form judges every
// 997th of them.
func TestAgreesWithBruteForceOnLives(t *testing.T) {
	file := []model.Step{{Kind: model.Create, Path: "/a"}, {Kind: model.Write, Path: "/a", Len: 8}}
	a := []model.Path{"/a"}
	every := testscale.Every(997)
	rungsAnd(brute.NoStaleness).agreeOnAll(t, every, []brute.EnumSpec{
		{Length: 3, Forms: brute.LifeForms(), Look: a}, {Length: 3, Forms: brute.LifeForms(), Look: a, Setup: file},
	})
	rungsAnd(brute.DurableAtClose, brute.DurableAtReturn).agreeOnAll(t, every, []brute.EnumSpec{
		{Length: 3, Cuts: 1, Forms: brute.LifeForms()}, {Length: 3, Cuts: 1, Forms: brute.LifeForms(), Setup: file},
	})
}

// agreeOnAll compares the judges on every n-th history of each spec.
func (b bench) agreeOnAll(t *testing.T, every int, specs []brute.EnumSpec) {
	t.Helper()
	for _, spec := range specs {
		spec.Overlap, spec.Every = true, every
		name := fmt.Sprintf("%d operations of %d forms after %d with %d cuts", spec.Length, len(spec.Forms), len(spec.Setup), spec.Cuts)
		t.Run(name, func(t *testing.T) {
			judged, differ := 0, 0
			n := brute.Enumerate(spec, func(run model.Run) bool {
				judged++
				if !b.agree(t, run) {
					differ++
				}
				if long, ok := overCut(run); ok {
					judged++
					if !b.agree(t, long) {
						differ++
					}
				}
				return differ < 3
			})
			t.Logf("%d histories, %d judged", n, judged)
		})
	}
}

// overCut is a history in which the operation before a crash, fence or power loss,
// of another host, returns only after it; ok is false if there is none. What was true of the history may not be of this one.
func overCut(run model.Run) (long model.Run, ok bool) {
	long.History = slices.Clone(run.History)
	for i := range long.History {
		op := &long.History[i]
		op.Call *= 4
		if !op.Pending() {
			op.Return *= 4
		}
	}
	for i := 1; i < len(long.History); i++ {
		before, cut := &long.History[i-1], &long.History[i]
		isCut := cut.Kind == model.Crash || cut.Kind == model.PowerLoss || cut.Kind == model.Fence
		if isCut && !cut.Skipped && !before.Skipped && !before.Kind.Event() && before.Host != cut.Host && cut.Kind != model.PowerLoss && before.Return < cut.Call {
			before.Return = cut.Return + 1
			return long, true
		}
	}
	return long, false
}

// The same on random histories, right ones and ones with a result changed, with
// directories, handles, appends, renames, links, overlap, and in every third a
// crash, a power loss or a fence.
func TestAgreesWithBruteForceOnRandom(t *testing.T) {
	b := rungsAnd(brute.DurableAtClose, brute.DurableAtReturn, brute.Snapshots, brute.NoStaleness)
	rng := rand.New(rand.NewPCG(1, 2))
	flagged := 0
	for range testscale.Count(300, 20000) {
		run := brute.Random(rng, 6)
		if !b.agree(t, run) {
			return
		}
		wrong := brute.Mutate(rng, run)
		if !b.agree(t, wrong) {
			return
		}
		if long, ok := overCut(run); ok && !b.agree(t, long) {
			return
		}
		if b.judges[0](wrong)[0].Outcome == model.Violated {
			flagged++
		}
	}
	if flagged == 0 {
		t.Error("no changed history was flagged: the test shows nothing")
	}
}

// The same on runs of designs, as they are and with a result changed: two and
// three hosts, with holds, up to six operations of which two read.
func TestAgreesWithBruteForceOnDesigns(t *testing.T) {
	b := rungsAnd()
	rng := rand.New(rand.NewPCG(3, 4))
	judged, held := 0, 0
	for _, d := range []sim.Design{designs.Local(), designs.LocalWritethrough(), designs.Single(), designs.Single().Bugs[0]} {
		r := runner(t, d)
		for n := range testscale.Count(400, 40_000) {
			p := fuzz.Options{Seed: 6, Hosts: 2 + n%2, Steps: 8 + n%3}.Program(r.Capabilities(), n)
			if !small(p) {
				continue
			}
			run, err := r.Run(context.Background(), p)
			if err != nil {
				t.Fatal(err)
			}
			if !b.agree(t, run) || !b.agree(t, brute.Mutate(rng, run)) {
				t.Fatalf("%s run %d\n%s", d.Name, n, p)
			}
			judged++
			if slices.Contains(run.Holds, model.Fired) {
				held++
			}
		}
	}
	t.Logf("%d runs judged, %d with a hold that fired", judged, held)
	if held*5 < judged {
		t.Error("too few runs overlap: the test shows little")
	}
}

// small reports whether every order of a run of p can be tried.
func small(p model.Program) bool {
	operations, reads := 0, 0
	for _, s := range p.Steps {
		switch s.Kind {
		case model.Sync, model.Statfs, model.Close:
			continue
		case model.Read, model.Readdir:
			reads++
		}
		if !s.Kind.Event() {
			operations++
		}
		if s.Off+s.Len > 3*model.WordsPerBlock {
			return false
		}
	}
	return operations <= 6 && reads <= 2
}

// What is kept on one rung is kept on all below, on runs of designs that keep
// none, some and all of them.
func TestLadderIsMonotone(t *testing.T) {
	judges := rungsAnd().judges
	for _, d := range []sim.Design{designs.Local(), designs.LocalWritethrough(), designs.Single(), designs.Single().Bugs[0]} {
		r := runner(t, d)
		gen := fuzz.NewGenerator(r.Capabilities(), fuzz.Options{Hosts: 2})
		for n := range testscale.Count(300, 20000) {
			run, err := r.Run(context.Background(), gen.Generate(fuzz.NewPCG(3, n)))
			if err != nil {
				t.Fatal(err)
			}
			above := model.Violated
			for i, judge := range judges {
				v := judge(run)[0]
				if above == model.Held && v.Outcome == model.Violated {
					t.Fatalf("%s run %d: %s held, %s violated\n%s%s", d.Name, n, rungs[i-1].Name, rungs[i].Name, run.Program, text(run))
				}
				above = v.Outcome
			}
		}
	}
}

func text(run model.Run) string {
	var b strings.Builder
	for _, op := range run.History {
		fmt.Fprintf(&b, "  %4d-%-4d %v\n", op.Call, op.Return, op)
	}
	return b.String()
}
