package designs_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/internal/testscale"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
	"github.com/doublemount/doublemount/sim/designs"
)

// resized gives a design a disk of another shape, with as much room beside the
// file system as its own has.
func resized(d sim.Design, shape disk.Config) sim.Design {
	d.Disk.BlockSize, d.Disk.Blocks = shape.BlockSize, shape.Blocks+d.Disk.Blocks-64
	if shape.BlockSize == 64 && strings.HasPrefix(d.Name, "cluster-lock") {
		d.Disk.Blocks -= 6 // here the inodes of all designs have a block each
	}
	return d
}

// workloads each have something that a journal can get wrong.
var workloads = map[string]string{
	"a file": `create /a
		write /a 0 20 #1
		fsync /a
		append /a 10 #2
		writeback
		append /a 10 #3
		sync
		unlink /a`,
	"another file is synced": `create /b
		create /a
		write /a 0 20 #1
		fsync /b
		append /a 10 #2
		fsync /b
		truncate /a 5
		fsync /b
		truncate /a 30
		append /a 2 #3
		fsync /b
		write /a 0 4 #4
		link /b /c
		fsync /c
		unlink /a
		write /b 0 16 #5
		fsync /c`,
	"time passes": `create /a
		write /a 0 20 #1
		tick 5
		append /a 10 #2
		tick 9
		rename /a /b
		tick 1
		write /b 4 8 #3`,
	"cut and grow": `create /a
		write /a 0 8 #1
		sync
		truncate /a 3
		writeback
		append /a 4 #2
		writeback
		truncate /a 2
		truncate /a 12
		writeback
		write /a 13 1 #3
		writeback
		fsync /a
		truncate /a 5
		write /a 7 4 #4`,
	"overwrite and extend in one block": `create /a
		write /a 0 4 #1
		sync
		write /a 2 4 #2
		writeback
		write /a 1 2 #3
		writeback
		fsync /a
		append /a 4 #4
		writeback
		write /a 0 30 #5
		writeback
		sync
		write /a 28 4 #6
		fsync /a
		write /a 25 2 #7
		fsync /a`,
	"overwrite and fsync": `create /a
		write /a 0 16 #1
		sync
		write /a 4 8 #2
		fsync /a
		write /a 0 4 #3
		writeback
		write /a 8 4 #4
		fsync /a`,
	"a small transaction under a large one": `create /a
		fsync /a
		mkdir /b
		mkdir /c
		sync
		mkdir /d
		sync
		create /b/a
		sync
		unlink /b/a
		create /c/a
		create /d/a
		link /a /b/b
		rename /c/a /b/a
		mkdir /c/d
		sync`,
	"directories become data after a remount": `mkdir /d
		create /d/a
		remount
		unlink /d/a
		rmdir /d
		sync
		create /b
		write /b 0 24 #1
		fsync /b
		create /c
		sync`,
	"replace by rename": `create /a
		write /a 0 8 #1
		sync
		create /b
		write /b 0 8 #2
		fsync /b
		rename /b /a
		write /a 0 8 #3
		writeback
		sync`,
	"a rename undone": `create /a
		write /a 0 16 #1
		sync
		rename /a /b
		write /b 0 8 #2
		writeback
		link /b /c
		write /c 8 8 #3
		writeback
		unlink /b
		write /c 0 4 #4
		writeback`,
	"directories become data": `mkdir /d
		create /d/a
		sync
		unlink /d/a
		rmdir /d
		sync
		create /b
		write /b 0 24 #1
		fsync /b
		create /c
		sync`,
	"data becomes directories": `create /a
		write /a 0 24 #1
		sync
		truncate /a 0
		sync
		mkdir /d
		create /d/a
		mkdir /d/b
		create /d/b/c
		sync
		rename /d/b /e
		rmdir /d
		writeback`,
	"indirect blocks": `create /a
		write /a 88 24 #1
		sync
		truncate /a 90
		writeback
		create /b
		write /b 0 24 #2
		writeback
		fsync /b
		unlink /a
		sync`,
	"open without a name": `create /a
		write /a 0 24 #1
		open /a f1
		unlink /a
		append f1 8 #2
		fsync f1
		create /b
		writeback
		close f1
		write /b 0 24 #3
		fsync /b`,
	"the journal gets full": `create /a
		fsync /a
		mkdir /d
		fsync /a
		create /d/b
		fsync /a
		rename /a /c
		fsync /c
		mkdir /d/e
		fsync /c
		unlink /c
		sync
		create /d/e/a
		sync`,
	"past the cache": `create /a
		write /a 0 16 #1 direct
		fsync /a
		write /a 8 16 #2 direct
		truncate /a 20
		sync
		write /a 16 8 #3 direct
		writeback
		rename /a /b
		write /b 0 8 #4 direct
		sync`,
	"remount": `create /a
		write /a 0 12 #1
		remount
		write /a 4 12 #2
		mkdir /d
		unmount`,
	"reuse on a full disk": `create /a
		write /a 0 400 #1
		sync
		truncate /a 8
		create /b
		write /b 0 300 #2
		writeback
		unlink /b
		write /a 0 350 #3`,
}

// wrong is why a run is not what a crash may leave, empty if it is.
func wrong(run model.Run, m *moments) string {
	if len(run.Defects) > 0 || len(run.Audit) > 0 {
		return fmt.Sprintf("defects %v, fsck %v", run.Defects, run.Audit)
	}
	return m.explains(run)
}

// After a crash at any place, and any loss of what was not flushed, the disk is
// sound and has what was synced and some first part of the rest.
func TestJournalCrashEverywhere(t *testing.T) {
	total := 0
	for name, lines := range workloads {
		t.Run(name, func(t *testing.T) {
			crashEverywhere(t, runner(t, designs.LocalJournal()), workload(t, lines), func(p model.Program, run model.Run, m *moments) {
				total++
				if why := wrong(run, m); why != "" {
					t.Fatalf("%s\n%v", why, p)
				}
			})
		})
	}
	t.Log(total, "crashes")
	if total < 10_000 {
		t.Errorf("only %d crashes", total)
	}
}

// A mount that is cut while it replays leaves what the next one can replay.
func TestJournalCrashInReplay(t *testing.T) {
	replays := 0
	for name, lines := range workloads {
		t.Run(name, func(t *testing.T) {
			r := runner(t, designs.LocalJournal())
			steps := workload(t, lines)
			for cut := 2; cut <= len(steps); cut++ {
				m := follow(steps[:cut], true)
				for _, keep := range []int32{0, 0x2a, 0x155} {
					for n := 1; ; n++ {
						p := crashed(steps, cut, model.NoCommand, 0, model.Step{Kind: model.PowerLoss, Host: model.Everyone, Off: keep})
						p.Steps = append(p.Steps, model.Step{Kind: model.Mount}, model.Step{Kind: model.PowerLoss, Host: model.Everyone, Off: keep})
						p.Holds = []model.Hold{{Step: cut + 2, At: model.WriteCommand, N: n, Until: cut + 3}}
						run := execute(t, r, p)
						if why := wrong(run, m); why != "" {
							t.Fatalf("%s\n%v", why, p)
						}
						if run.Holds[0] == model.NeverFired {
							break
						}
						replays++
					}
				}
			}
		})
	}
	if replays < 500 {
		t.Errorf("only %d replays were cut", replays)
	}
}

// Random programs, cut anywhere.
func TestJournalCrashRandom(t *testing.T) {
	r := runner(t, designs.LocalJournal())
	held := 0
	for n := range testscale.Reaching(3_000, 200_000) {
		random := rand.New(rand.NewPCG(21, uint64(n)))
		steps, whole := randomSteps(t, r, n)
		if len(steps) < 2 {
			continue
		}
		cut := 2 + random.IntN(len(steps)-1)
		for range 8 { // rather one that writes
			if commands(whole, cut, model.WriteCommand) > 0 {
				break
			}
			cut = 2 + random.IntN(len(steps)-1)
		}
		event := model.Step{Kind: model.Crash, Off: random.Int32N(1 << 30)}
		if random.IntN(3) > 0 {
			event.Kind, event.Host = model.PowerLoss, model.Everyone
			if random.IntN(2) == 0 { // late writes, as a disk that reorders has them
				event.Off <<= random.IntN(20)
				event.Off &= 1<<model.KeptBits - 1
			}
		}
		at, nth := model.WriteCommand, random.IntN(1+commands(whole, cut, model.WriteCommand))
		if random.IntN(4) == 0 {
			at, nth = model.FlushCommand, 1+random.IntN(3)
		}
		p := crashed(steps, cut, at, nth, event)
		run := execute(t, r, p)
		stopped := nth > 0 && run.Holds[0] != model.NeverFired
		if stopped {
			held++
		}
		if why := wrong(run, follow(steps[:cut], !stopped)); why != "" {
			t.Fatalf("run %d: %s\n%v", n, why, p)
		}
	}
	if held < 500 {
		t.Errorf("only %d operations were cut", held)
	}
}

// Lives of one host with any number of crashes and power losses end with a sound
// disk.
func TestJournalSound(t *testing.T) {
	r := runner(t, designs.LocalJournal())
	marks := map[string]int{}
	for n := range testscale.Reaching(3_000, 200_000) {
		p := fuzz.Options{Seed: 23, Hosts: 1, Steps: 30}.Program(r.Capabilities(), n)
		run := execute(t, r, p)
		if len(run.Defects) > 0 || len(run.Audit) > 0 {
			t.Fatalf("run %d: defects %v, fsck %v of\n%v", n, run.Defects, run.Audit, p)
		}
		for _, op := range run.History {
			if op.Result.Errno == model.EIO || op.Result.Errno == model.EUCLEAN || op.Result.Errno == model.EOTHER {
				t.Fatalf("run %d: %v\n%v", n, op, p)
			}
		}
		for _, m := range run.Marks {
			marks[m.Name] += m.Count
		}
	}
	for _, name := range []string{"journal replayed", "nameless file reclaimed", "commit for want of room",
		"crash inside an operation", "power loss with unflushed writes"} {
		if marks[name] == 0 {
			t.Errorf("%q was never reached; %v", name, marks)
		}
	}
	t.Log(marks)
}

// randomSteps is what one host does, without what it is told that there is no
// room for.
func randomSteps(t *testing.T, r *sim.Runner, n int) ([]model.Step, model.Run) {
	t.Helper()
	caps := r.Capabilities()
	caps.Survives = 0
	caps.Kinds &^= model.SetOf(model.Crash, model.PowerLoss, model.Pause, model.Resume, model.Partition, model.Heal, model.Fence)
	steps := fuzz.Options{Seed: 22, Hosts: 1, Steps: 24}.Program(caps, n).Steps
	for {
		run := execute(t, r, model.Program{Hosts: 1, Unmounts: []model.Host{0}, Steps: steps})
		drop := map[int]bool{}
		for _, op := range run.History {
			if op.Skipped || op.Result.Errno == model.ENOSPC || op.Result.Errno == model.EFBIG {
				drop[op.Step-1] = true
			}
		}
		var kept []model.Step
		for i, s := range steps {
			if !drop[i] {
				kept = append(kept, s)
			}
		}
		if len(kept) == len(steps) {
			return steps, run
		}
		steps = kept
	}
}

// execute runs a program.
func execute(t *testing.T, r *sim.Runner, p model.Program) model.Run {
	t.Helper()
	run, err := r.Run(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// The same crashes find what each planted bug leaves out, on one host.
func TestJournalBugsShow(t *testing.T) {
	show := map[string]string{
		"local-journal/no-barriers":     "overwrite and fsync",
		"local-journal/no-ordered-data": "another file is synced",
	}
	for _, d := range designs.LocalJournal().Bugs {
		found, total := 0, 0
		crashEverywhere(t, runner(t, d), workload(t, workloads[show[d.Name]]), func(p model.Program, run model.Run, m *moments) {
			total++
			if wrong(run, m) != "" {
				found++
			}
		})
		if t.Logf("%s: %d of %d crashes", d.Name, found, total); found == 0 {
			t.Errorf("%s: nothing in %d crashes", d.Name, total)
		}
	}
}
