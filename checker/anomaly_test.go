package checker_test

import (
	"strings"
	"testing"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/internal/brute"
	"github.com/doublemount/doublemount/model"
)

// What is found is called what the field calls it, and the proof speaks of the
// two steps that contradict each other.
func TestAnomaliesByName(t *testing.T) {
	const seed = "C create a; C truncate a 16; C unmount; A mount; B mount; "
	for _, c := range []struct {
		name    string
		history string
		rung    model.Guarantee
		want    model.Anomaly
		proof   string // a part of the first sentence
	}{
		{"a name that is on the disk", "A create a; B stat a -> ENOENT; end; F stat a -> 0", model.Linearizable, model.InvisibleFile, "A create /a"},
		{"a listing without it", "A create a; B readdir / -> empty; end; F stat a -> 0", model.Linearizable, model.InvisibleFile, "A create /a"},
		{"a name that is gone at the end", "A create a; end; F stat a -> ENOENT", model.NothingLost, model.LostFile, "A create /a"},
		{"gone after a remount, and for good", "A create a; A remount; A stat a -> ENOENT; end; F stat a -> ENOENT", model.SyncToMount, model.LostFile, "A create /a"},
		{"a name that was removed, still seen", seed + "A unlink a; B stat a -> 16; end; F stat a -> ENOENT", model.Linearizable, model.PhantomFile, "A unlink /a"},
		{"a name that was removed, and came back", seed + "A unlink a; end; F stat a -> 16", model.NothingLost, model.ResurrectedFile, "A unlink /a"},
		{"two files of one name", "A create a; B create a; end; F stat a -> 0", model.NothingLost, model.SplitBrain, "A create /a"},
		{"old words", seed + "A write a[0]=5; B read a -> 00; end; F read a -> 50", model.Linearizable, model.StaleRead, "A write /a"},
		{"an old size", seed + "A append a=5; B stat a -> 16; end; F read a -> 00", model.Linearizable, model.StaleAttributes, "A append /a"},
		{"words that are gone at the end", seed + "A write a[0]=5; end; F read a -> 00", model.NothingLost, model.LostUpdate, "A write /a"},
		{"half of a write", seed + "A write a[0+16]=5; end; F read a -> 50", model.NothingLost, model.TornWrite, "A write /a"},
		{"another file's words", "A create a; A write a[0]=1; A create b; A write b[0]=2; end; F read a -> 2; F read b -> 2", model.NothingLost, model.CrossLinked, "the final read /a"},
		{"a directory removed over a name in it", "C mkdir d; C unmount; A mount; B mount; B create d/x; A rmdir d; end; F stat d -> ENOENT", model.Linearizable, model.InvisibleFile, "B create /d/x"},
		{"an answer that cannot be", seed + "A read f1 -> 00; end; F read a -> 00", model.Linearizable, model.SpuriousError, "cannot be answered"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := checker.New(0, c.rung)(brute.History(c.history))[0]
			if v.Outcome != model.Violated || v.Anomaly != c.want {
				t.Fatalf("%v %q, want violated %q\n%s\n%s", v.Outcome, v.Anomaly, c.want, v.Proof[0], v.Proof[1])
			}
			if !strings.Contains(v.Proof[0], c.proof) || !strings.HasPrefix(v.Proof[1], "however ") {
				t.Errorf("the proof does not speak of %q:\n%s\n%s", c.proof, v.Proof[0], v.Proof[1])
			}
			if v.Observed == "" {
				t.Error("nothing is said of what was observed")
			}
		})
	}
}

// Bytes that no write of the program has are exposed data, not an old version.
func TestGarbageIsExposure(t *testing.T) {
	run := brute.History("A create a; A truncate a 8; end; F read a[0] -> 0")
	for i := range run.History {
		if op := &run.History[i]; op.Kind == model.Read {
			op.Result.Data = []byte{0, 0, 0, model.Garbage, 0, 0, 0, 0}
		}
	}
	if v := checker.New(0, model.NothingLost)(run)[0]; v.Anomaly != model.StaleDataExposure {
		t.Errorf("%v %q", v.Outcome, v.Anomaly)
	}
}

// Two operations that overlap can have come in either order: a proof says that
// they contradict each other only where no order will do.
func TestProofOfWhatOverlaps(t *testing.T) {
	for history, want := range map[string]string{
		"C create a; C unmount; A mount; B mount; A write a[0]=5 { B read a -> 5; B read a -> nothing }": "no order of the other operations",
		"A create a | B create a": "both answered ok, and only the first can",
	} {
		v := checker.New(0, model.Linearizable)(brute.History(history))[0]
		if !strings.Contains(v.Proof[1], want) {
			t.Errorf("%s\n%s\n%s", history, v.Proof[0], v.Proof[1])
		}
	}
}

func TestAxes(t *testing.T) {
	judge := checker.New(0, model.Capacity, model.Fsck, model.Progress)
	space := model.Space{Blocks: 4, Inodes: 3}
	for _, c := range []struct {
		name    string
		history string
		change  func(*model.Run)
		want    [3]model.Anomaly // capacity, fsck, progress
	}{
		{name: "nothing wrong", history: "A create a; A write a[0]=5; end; F read a[0] -> 5"},
		{name: "as much as fits", history: "A create a; A write a[0+32]=5; end"},
		{name: "more than fits", history: "A create a; B create b; A write a[0+24]=5; B write b[0+24]=6; end",
			want: [3]model.Anomaly{model.CapacityOvercmt}},
		{name: "more, but one was removed", history: "A create a; A write a[0+24]=5; A unlink a; B create b; B write b[0+24]=6; end"},
		{name: "more, but its directory was removed", history: "A mkdir d; A create d/a; A write d/a[0+24]=5; B rmdir d; B create b; B write b[0+24]=6; end"},
		{name: "the same words twice", history: "A create a; A write a[0+24]=5; A write a[0+24]=6; end"},
		{name: "full for a reason", history: "A create a; A write a[0+32]=5; A create b; A write b[0]=6 -> ENOSPC; end"},
		{name: "full without a reason", history: "A create a; A write a[0]=5 -> ENOSPC; end",
			change: func(r *model.Run) { r.Space.Blocks = 16 },
			want:   [3]model.Anomaly{model.SpuriousError}},
		{name: "no inodes for a reason", history: "A create a; A create b; A create c; A create d -> ENOSPC; end"},
		{name: "more free than there can be", history: "A create a; A write a[0+16]=5; end; F read a -> 55; F statfs",
			change: func(r *model.Run) { last(r).Result = model.Result{Total: 4, Free: 3} },
			want:   [3]model.Anomaly{model.StaleSpace}},
		{name: "the worst of fsck's problems", history: "end",
			change: func(r *model.Run) {
				r.Audit = []model.Problem{{Anomaly: model.LeakedSpace, Text: "block 1"}, {Anomaly: model.CrossLinked, Text: "block 2"}}
			},
			want: [3]model.Anomaly{"", model.CrossLinked}},
		{name: "an error that nobody caused", history: "A create a -> EIO; end", want: [3]model.Anomaly{2: model.AccessLoss}},
		{name: "a damaged structure", history: "A stat a -> EUCLEAN; end", want: [3]model.Anomaly{2: model.SpuriousError}},
		{name: "a call that never returns", history: "A create a -> pending; end B", want: [3]model.Anomaly{2: model.NoProgress}},
		{name: "a mount that is refused", history: "A mount; B mount -> EBUSY; A create a; end A"},
	} {
		t.Run(c.name, func(t *testing.T) {
			run := brute.History(c.history)
			run.Space = space
			if c.change != nil {
				c.change(&run)
			}
			for i, v := range judge(run) {
				if v.Anomaly != c.want[i] || (v.Outcome == model.Violated) != (c.want[i] != "") {
					t.Errorf("%s: %v %q, want %q", v.Guarantee, v.Outcome, v.Anomaly, c.want[i])
				}
			}
		})
	}
}

func last(r *model.Run) *model.Op { return &r.History[len(r.History)-1] }

// A run that ended at a defect says so, and nothing else is held of it.
func TestDefects(t *testing.T) {
	for _, kind := range []model.DefectKind{model.Panic, model.Hang, model.BadIO, model.Misuse, model.Deadlock} {
		run := brute.History("A create a; end")
		run.Defects = []model.Defect{{Kind: kind, Step: 1, Text: "it did"}}
		verdicts := checker.New(0, model.Linearizable, model.Capacity, model.Fsck, model.Progress)(run)
		for _, v := range verdicts[:3] {
			if v.Outcome != model.Inconclusive || v.Limit == "" {
				t.Errorf("%v: %s is %v (%q)", kind, v.Guarantee, v.Outcome, v.Limit)
			}
		}
		if v := verdicts[3]; v.Outcome != model.Violated || string(v.Anomaly) != kind.String() || v.Steps[0] != 1 {
			t.Errorf("%v: progress is %v %q", kind, v.Outcome, v.Anomaly)
		}
	}
}

// A search that reaches its limit is inconclusive, whatever the answer would be.
func TestLimit(t *testing.T) {
	run := brute.History("A create a | B create a; end; F stat a -> 0")
	if v := checker.New(1, model.Linearizable)(run)[0]; v.Outcome != model.Inconclusive || v.Limit == "" {
		t.Errorf("%v (%q)", v.Outcome, v.Limit)
	}
	if v := checker.New(0, model.Linearizable)(run)[0]; v.Outcome != model.Violated {
		t.Errorf("without the limit: %v", v.Outcome)
	}
}
