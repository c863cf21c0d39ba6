package doublemount_test

import (
	"context"
	"slices"
	"testing"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/internal/testscale"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
	"github.com/doublemount/doublemount/sim/designs"
)

// campaign is a hunt on a design that a test looks at as a whole.
func campaign(t *testing.T, d sim.Design, seed uint64, runs int) (fuzz.Result, model.Capabilities) {
	t.Helper()
	return campaignOn(t, d, 2, seed, runs)
}

func campaignOn(t *testing.T, d sim.Design, hosts int, seed uint64, runs int) (fuzz.Result, model.Capabilities) {
	t.Helper()
	r, err := sim.New(d)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	judge := checker.New(0, append([]model.Guarantee{d.Guarantee}, model.Axes()...)...)
	result, err := fuzz.Hunt(context.Background(), r, judge, fuzz.Options{Seed: seed, Hosts: hosts, Runs: runs})
	if err != nil {
		t.Fatal(err)
	}
	return result, r.Capabilities()
}

// The design that is right is found right, by runs that would have shown it
// wrong: two hosts wrote one block in 30 % of them, a hold fired in 20 %, and
// every operation gave every result that the specification has for it.
func TestSingleIsCleanAndNotWeak(t *testing.T) {
	result, caps := campaign(t, designs.Single(), 1, testscale.Reaching(10_000, 200_000))
	for _, f := range result.Findings {
		t.Errorf("%s: %s\n%s", f.Verdict.Guarantee, f.Verdict.Anomaly, f.Program)
	}
	if result.Inconclusive > 0 || result.HarnessErrors > 0 || len(result.Nondeterministic) > 0 {
		t.Errorf("%d inconclusive, %d harness errors, nondeterministic: %v", result.Inconclusive, result.HarnessErrors, result.Nondeterministic)
	}
	c := result.Coverage
	if weak := c.Weak(caps); len(weak) > 0 {
		t.Errorf("weak: %q", weak)
	}
	t.Logf("%d runs; two hosts wrote one block in %d, a hold fired in %d", c.Runs, c.Collided, c.Overlapped)
	if c.Collided*100 < c.Runs*30 || c.Overlapped*100 < c.Runs*20 {
		t.Errorf("of %d runs two hosts wrote one block in %d (want 30 %%), a hold fired in %d (want 20 %%)", c.Runs, c.Collided, c.Overlapped)
	}
	for _, k := range (fuzz.Options{}).Within(caps).Kinds.Kinds() {
		for _, e := range model.Results(k) {
			if c.Answers[k][e] == 0 {
				t.Errorf("%v never answered %v", k, e)
			}
		}
	}
}

// A design that says that it survives faults is clean with all of them on, by
// runs that reached each fault and each instant that matters: crashes inside
// operations, between commit and checkpoint, fences with a write in flight.
func TestSurvivorsAreCleanAndNotWeak(t *testing.T) {
	for _, c := range []struct {
		design sim.Design
		hosts  int
		long   int
	}{
		{designs.LocalJournal(), 1, 200_000},
		{designs.ActivePassive(), 2, 300_000},
		{designs.ClusterLock(), 2, 300_000},
		{designs.ClusterLock(), 3, 60_000},
	} {
		result, caps := campaignOn(t, c.design, c.hosts, 1, testscale.Count(c.long/20, c.long))
		for _, f := range result.Findings {
			t.Errorf("%s: %s: %s\n%s", c.design.Name, f.Verdict.Guarantee, f.Verdict.Anomaly, f.Program)
		}
		if result.Inconclusive > 0 || result.HarnessErrors > 0 || len(result.Nondeterministic) > 0 {
			t.Errorf("%s: %d inconclusive, %d harness errors, nondeterministic: %v", c.design.Name, result.Inconclusive, result.HarnessErrors, result.Nondeterministic)
		}
		cov := result.Coverage
		if weak := cov.Weak(caps); len(weak) > 0 {
			t.Errorf("%s: weak: %q", c.design.Name, weak)
		}
		for _, k := range (fuzz.Options{}).Within(caps).Kinds.Kinds() {
			if k.Event() && cov.Answers.Succeeded(k) == 0 && !(c.hosts == 1 && (k == model.Pause || k == model.Resume)) {
				t.Errorf("%s: %v never happened", c.design.Name, k)
			}
		}
		t.Logf("%s: %d %% of %d operations succeeded; %v", c.design.Name, cov.Succeeded*100/cov.Attempted, cov.Attempted, cov.Marks)
	}
}

// What is planted in them is found within 200,000 runs, and three causes in four that
// are told of a bug stand an intervention.
func TestPlantedFaultsAreFound(t *testing.T) {
	for _, c := range []struct {
		bugs  []sim.Design
		hosts int
	}{
		{designs.LocalJournal().Bugs, 1},
		{designs.ActivePassive().Bugs, 2},
		{designs.ClusterLock().Bugs, 2},
	} {
		if testscale.Race {
			c.bugs = c.bugs[:1]
		}
		for _, d := range c.bugs {
			told, verified := 0, 0
			for seed := range uint64(testscale.Count(1, 10)) {
				var findings []fuzz.Finding
				for runs := 1000; runs <= 200_000 && len(findings) == 0; runs *= 8 {
					result, _ := campaignOn(t, d, c.hosts, seed, runs)
					findings = result.Findings
				}
				if len(findings) == 0 {
					t.Errorf("%s, seed %d: nothing found", d.Name, seed)
				}
				told, verified = told+len(findings), verified+causesThatStand(t, d, findings)
			}
			if t.Logf("%s: %d of %d causes stood", d.Name, verified, told); verified*4 < told*3 || verified == 0 {
				t.Errorf("%s: %d of %d causes stood; want three quarters", d.Name, verified, told)
			}
		}
	}
}

// causesThatStand counts the findings whose cause is verified.
func causesThatStand(t *testing.T, d sim.Design, findings []fuzz.Finding) (verified int) {
	t.Helper()
	r, err := sim.New(d)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	judge := checker.New(0, append([]model.Guarantee{d.Guarantee}, model.Axes()...)...)
	for _, f := range findings {
		_, cause, err := checker.Explain(context.Background(), r, judge, f.Program, f.Verdict)
		if err != nil {
			t.Errorf("%s: %v", d.Name, err)
		}
		if cause.Verified {
			verified++
		}
	}
	return verified
}

// One journal and two hosts: what was synced is lost, and the structure damaged.
func TestSharedJournalIsFound(t *testing.T) {
	result, _ := campaign(t, designs.LocalJournal(), 1, 2000)
	found := map[model.Anomaly]bool{}
	for _, f := range result.Findings {
		found[f.Verdict.Anomaly] = true
	}
	for _, a := range []model.Anomaly{model.DurabilityViolation, model.StructureDamage, model.LostFile} {
		if !found[a] {
			t.Errorf("no %s in 2,000 runs", a)
		}
	}
}

// The planted bug is found within 1,000 runs, and what an ordinary file system
// loses on a shared disk with every seed.
func TestBrokenDesignsAreFound(t *testing.T) {
	for seed := range uint64(20) {
		result, _ := campaign(t, designs.Local(), seed, 256)
		found := false
		for _, f := range result.Findings {
			found = found || f.Verdict.Guarantee == model.NothingLost.Name
		}
		if !found {
			t.Errorf("local, seed %d: nothing-lost not violated", seed)
		}
	}
	for _, bug := range designs.Single().Bugs {
		result, _ := campaign(t, bug, 1, 1000)
		found := false
		for _, f := range result.Findings {
			found = found || f.Verdict.Guarantee == bug.Guarantee.Name
		}
		if !found {
			t.Errorf("%s: %s not violated within 1,000 runs", bug.Name, bug.Guarantee.Name)
		}
	}
}

// What the minimiser leaves needs every step and every hold that it has: taking
// any one away makes the finding go. Over random failures of every kind.
func TestFindingsAreMinimal(t *testing.T) {
	ctx := context.Background()
	want := testscale.Count(150, 3000)
	for _, d := range []sim.Design{designs.Local(), designs.LocalWritethrough(), designs.Single().Bugs[0]} {
		r, err := sim.New(d)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		judge := checker.New(0, append([]model.Guarantee{model.Linearizable, model.NothingLost}, model.Axes()...)...)
		opts := fuzz.Options{Seed: 5}
		found := map[model.Anomaly]int{}
		for n, total := 0, 0; total < want; n++ {
			p := opts.Program(r.Capabilities(), n)
			run, err := r.Run(ctx, p)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range judge(run) {
				if v.Outcome != model.Violated {
					continue
				}
				total++
				found[v.Anomaly]++
				small, _, _, err := fuzz.Minimise(ctx, r, judge, p, v)
				if err != nil {
					t.Fatal(err)
				}
				for _, q := range fuzz.OneAway(small) {
					run, err := r.Run(ctx, q)
					if err != nil {
						t.Fatal(err)
					}
					if slices.ContainsFunc(judge(run), v.Same) {
						t.Fatalf("%s run %d, %s %s: not minimal:\n%s\nsince this gives it too:\n%s", d.Name, n, v.Guarantee, v.Anomaly, small, q)
					}
				}
			}
		}
		t.Logf("%s: %v", d.Name, found)
	}
}

// A campaign's digest covers every trace record of every run. This one changes
// only when programs, the simulator or the designs do; then say so in the
// changelog, since case files may read otherwise.
func TestGoldenDigest(t *testing.T) {
	const golden = 0x3419dd47b6e9ed3e
	result, _ := campaign(t, designs.Local(), 7, 5000)
	if result.Digest != golden {
		t.Errorf("digest %#x, was %#x", result.Digest, uint64(golden))
	}
}
