package doublemount_test

import (
	"context"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/doublemount/doublemount"
	"github.com/doublemount/doublemount/corpus"
	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
	"github.com/doublemount/doublemount/sim/designs"
)

func check(t *testing.T, d sim.Design, opts ...doublemount.Option) doublemount.Result {
	t.Helper()
	r, err := doublemount.Check(context.Background(), d, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestCheckHolds(t *testing.T) {
	r := check(t, designs.Single())
	if r.Runs != 2000 || r.Operations == 0 || r.Ended != fuzz.EndedRuns || len(r.Findings) > 0 || len(r.Weak) > 0 || r.Inconclusive > 0 {
		t.Errorf("%+v", r)
	}
}

func TestCheckIsDeterministic(t *testing.T) {
	opts := []doublemount.Option{doublemount.Seed(7), doublemount.Runs(600)}
	a, b := check(t, designs.Local(), opts...), check(t, designs.Local(), opts...)
	if !reflect.DeepEqual(a, b) {
		t.Errorf("two checks differ:\n%+v\n%+v", a, b)
	}
	if c := check(t, designs.Local(), doublemount.Seed(8), doublemount.Runs(600)); c.Digest == a.Digest {
		t.Error("another seed gave the same digest")
	}
	if len(a.Findings) == 0 {
		t.Error("local was found to keep nothing-lost")
	}
}

func TestCheckWritesCases(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	r := check(t, designs.Local(), doublemount.Runs(256), doublemount.Out(dir), doublemount.Hosts(3))
	files, err := corpus.ReadDir(dir)
	if err != nil || len(files) == 0 || len(files) > len(r.Findings) {
		t.Fatalf("%d files for %d findings, error %v", len(files), len(r.Findings), err)
	}
	for _, f := range r.Findings {
		c, err := corpus.ReadFile(f.File)
		if err != nil || c.Program.String() != f.Run.Program.String() || c.FoundBy == "" {
			t.Errorf("%s: error %v, case\n%v", f.File, err, c)
		}
		if f.Original < len(f.Run.Program.Steps) {
			t.Errorf("%d steps, %d before minimising", len(f.Run.Program.Steps), f.Original)
		}
	}
}

// A weaker promise is broken less often, a stronger one by another design.
func TestCheckGuarantees(t *testing.T) {
	strong := check(t, designs.Local(), doublemount.Guarantees(model.NothingLost, model.Linearizable), doublemount.Runs(256))
	seen := map[string]bool{}
	for _, f := range strong.Findings {
		seen[f.Guarantee.Name] = true
	}
	if !seen["linearizable"] || !seen["nothing-lost"] {
		t.Errorf("findings of %v", seen)
	}
	alone := check(t, designs.Local(), doublemount.Hosts(1), doublemount.Guarantees(model.Linearizable), doublemount.Runs(256))
	if len(alone.Findings) > 0 {
		t.Errorf("one host alone: %s", alone.Findings[0].Headline())
	}
}

// What a user builds from a rung is judged as what ships is, beside its base, and
// its case is replayed as any other.
func TestCheckBuiltGuarantee(t *testing.T) {
	built := model.Linearizable
	built.Durable, built.Except = model.DurableReturn, model.SetOf(model.Statfs)
	built = built.Named()
	dir := t.TempDir()
	r := check(t, designs.ClusterLock(), doublemount.Guarantees(model.NothingLost, built, model.Linearizable), doublemount.Runs(1024),
		doublemount.Hosts(1), doublemount.First(), doublemount.Out(dir))
	if len(r.Findings) == 0 {
		t.Fatal("no crash has undone anything")
	}
	for _, f := range r.Findings {
		if f.Guarantee != built || f.Verdict.Anomaly != model.DurabilityViolation {
			t.Errorf("%s of %+v", f.Verdict.Anomaly, f.Guarantee)
		}
	}
	replayed := run(t, "TestX", designs.ClusterLock(), doublemount.Corpus(dir), doublemount.Runs(1), doublemount.Guarantees(built))
	wants(t, replayed.errors, "cluster-lock broke linearizable+durable=return+except=statfs on a case", "except statfs")

	promising := designs.ClusterLock()
	promising.Guarantee = built
	replayed = run(t, "TestX", promising, doublemount.Corpus(dir), doublemount.Runs(1))
	wants(t, replayed.errors, "cluster-lock broke linearizable+durable=return+except=statfs on a case")
}

func TestCheckEnds(t *testing.T) {
	if r := check(t, designs.Local(), doublemount.First(), doublemount.Runs(1<<20)); r.Ended != fuzz.EndedFirst || len(r.Findings) == 0 {
		t.Errorf("ended by %q with %d findings", r.Ended, len(r.Findings))
	}
	late, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	r, err := doublemount.Check(late, designs.Single(), doublemount.Runs(1<<30))
	if err != nil || r.Ended != fuzz.EndedTime {
		t.Errorf("ended by %q, error %v", r.Ended, err)
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	r, err = doublemount.Check(cancelled, designs.Single())
	if err != nil || r.Ended != fuzz.EndedSignal || r.Runs != 0 {
		t.Errorf("ended by %q after %d runs, error %v", r.Ended, r.Runs, err)
	}
}
