package doublemount_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/corpus"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
)

// mechanisms are the cases whose cause has a name in the field.
var mechanisms = map[string]checker.Mechanism{
	"journal-replay-over-live-mount": checker.LiveReplay,
	"late-replay":                    checker.LateReplay,
	"grant-before-replay":            checker.GrantBeforeRecovery,
	"no-fence-pause":                 checker.ZombieWrite,
	"no-fence-partition":             checker.ZombieWrite,
	"volatile-fence-disk-reset":      checker.FenceLoss,
	"spurious-access-loss":           checker.FalseFencing,
	"no-progress":                    checker.StuckLock,
	"delete-while-open":              checker.EarlyFree,
	"no-barriers-power-loss":         checker.LostFlush,
	"no-ordered-data-crash":          checker.LateWriteback,
	"stale-read":                     "", // nothing but a copy that is old
	"writethrough-lost-file":         "",
}

// Each mechanism has a case, and is found in it from the trace: the cause stands the
// intervention, and says which event was absent.
func TestMechanismsOfCases(t *testing.T) {
	shown := map[checker.Mechanism]bool{}
	for name, want := range mechanisms {
		c, err := corpus.ReadFile(filepath.Join("corpus", "cases", name+".case"))
		if err != nil {
			t.Fatal(err)
		}
		runner, err := sim.New(design(t, c.Design))
		if err != nil {
			t.Fatal(err)
		}
		g, err := model.ParseGuarantee(c.Expect[0].Guarantee)
		if err != nil {
			t.Fatal(err)
		}
		judge := checker.New(0, g)
		run, err := runner.Run(context.Background(), c.Program)
		if err != nil {
			t.Fatal(err)
		}
		v := judge(run)[0]
		_, cause, err := checker.Explain(context.Background(), runner, judge, c.Program, v)
		runner.Close()
		switch {
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case !cause.Verified || cause.Mechanism != want:
			t.Errorf("%s: verified %v, %q, want %q: %s", name, cause.Verified, cause.Mechanism, want, cause.Text)
		case want != "" && cause.Absent == "":
			t.Errorf("%s: nothing is said to be absent: %s", name, cause.Text)
		}
		t.Logf("%s: %s %s", name, cause.Text, cause.Change)
		shown[want] = true
	}
	for _, m := range checker.Mechanisms() {
		if !shown[m] {
			t.Errorf("no case of %q", m)
		}
	}
}
