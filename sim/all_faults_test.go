package sim_test

import (
	"fmt"
	"reflect"
	"runtime"
	"testing"

	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/internal/testscale"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
)

// everyFault is all that can go wrong, the disk that lies too.
const everyFault = model.Crashes | model.PowerLosses | model.DiskResets | model.Pauses | model.Partitions | model.DiskPartitions |
	model.Fences | model.IOErrors | model.LostMessages | model.SkewedClocks | model.LyingDisk

// robust is every design, and one whose hosts talk, said to survive everything.
// They do not; but what a run is must not depend on it.
func robust() []sim.Design {
	talking := post()
	talking.Name = "post"
	all := append(everyDesign(), talking)
	for i := range all {
		all[i].Survives = everyFault
	}
	return all
}

// troubles is program n of a campaign with every fault, and for the design whose
// hosts talk one of its words.
func troubles(d sim.Design, caps model.Capabilities, n int) model.Program {
	p := fuzz.Options{Seed: 21, Hosts: 2 + n%3}.Program(caps, n)
	if n%50 == 49 {
		p = fuzz.Options{Seed: 22, Hosts: model.MaxHosts, Steps: 60}.Program(caps, n)
	}
	if d.Name != "post" {
		return p
	}
	src := fuzz.NewPCG(23, n)
	words := [...]string{"sb", "sa", "sc", "wx", "tb", "ta", "z3", "d2", "d9", "x", "fa", "fb", "o", "e"}
	for i := range p.Steps {
		if s := &p.Steps[i]; !s.Kind.Event() {
			host := s.Host
			word := words[src.Intn(len(words))]
			if len(word) == 2 && (word[0] == 's' || word[0] == 't' || word[0] == 'f') && (int(word[1]-'a') == int(host) || int(word[1]-'a') >= p.Hosts) {
				word = "o"
			}
			*s = model.Step{Host: host, Kind: model.Create, Path: model.Path("/" + word)}
		}
	}
	return p
}

// contract is what is wrong with a history as the judges read it, or "".
func contract(r model.Run) string {
	const last = model.MaxHosts + 1
	times := map[int64]bool{}
	var mounted, zombie [last + 1]bool
	call := int64(0)
	for i, op := range r.History {
		h := min(int(op.Host), last)
		if op.Call <= call || op.Return <= op.Call || times[op.Call] || !op.Pending() && times[op.Return] {
			return fmt.Sprintf("op %d, %v: call %d, return %d", i, op, op.Call, op.Return)
		}
		call = op.Call
		times[op.Call] = true
		if !op.Pending() {
			times[op.Return] = true
		}
		if op.Skipped {
			continue
		}
		switch {
		case op.Kind == model.Mount && mounted[h]:
			return fmt.Sprintf("op %d: mounted twice", i)
		case op.Kind == model.Mount:
			mounted[h] = op.Pending() || op.Succeeded()
		case op.Kind == model.Unmount:
			mounted[h] = op.Pending()
		case op.Kind == model.Crash:
			mounted[h] = false
		case op.Kind == model.PowerLoss:
			mounted = [last + 1]bool{}
		case op.Kind == model.Fence:
			zombie[h] = true
		case !op.Kind.Event() && !mounted[h]:
			return fmt.Sprintf("op %d, %v: the host has nothing mounted", i, op)
		}
	}
	if len(r.Defects) > 0 {
		return ""
	}
	for i, op := range r.History { // without a defect only a crash leaves something that never returns
		if !op.Pending() {
			continue
		}
		died := false
		for _, later := range r.History[i+1:] {
			died = died || !later.Skipped && (later.Kind == model.PowerLoss || later.Kind == model.Crash && later.Host == op.Host)
		}
		if !died {
			return fmt.Sprintf("op %d, %v: never returned, and its host did not crash", i, op)
		}
	}
	return ""
}

// With every fault, too, the same Program gives the same Run: on a Runner that is
// fresh, used, bare in between, or has had runs given back; and what it tells
// keeps to what the judges rely on.
func TestFaultsAreDeterministic(t *testing.T) {
	for _, d := range robust() {
		t.Run(d.Name, func(t *testing.T) {
			plain, recycling := newRunner(t, d), newRunner(t, d)
			hit := map[model.DefectKind]int{}
			crashes := 0
			for n := range testscale.Count(200, 20_000) {
				p := troubles(d, plain.Capabilities(), n)
				want := again(t, plain, p)
				if err := contract(want); err != "" {
					t.Fatalf("run %d: %s\n%s\n%s", n, err, p, transcript(want))
				}
				for _, defect := range want.Defects {
					if hit[defect.Kind]++; defect.Kind == model.Hang {
						t.Fatalf("run %d: %v\n%s", n, defect, p)
					}
				}
				for _, op := range want.History {
					if op.Kind == model.Crash && !op.Skipped {
						crashes++
					}
				}
				if n%4 == 0 {
					if err := recycling.Bare(p); err != nil {
						t.Fatal(err)
					}
				}
				got := again(t, recycling, p)
				if !reflect.DeepEqual(got, want) {
					t.Fatalf("run %d differs\n%s\nwant\n%s\ngot\n%s", n, p, transcript(want), transcript(got))
				}
				if n%3 > 0 {
					recycling.Recycle(got)
				}
				if n%10 == 0 {
					fresh, err := sim.New(d)
					if err != nil {
						t.Fatal(err)
					}
					got := again(t, fresh, p)
					fresh.Close()
					if !reflect.DeepEqual(got, want) {
						t.Fatalf("run %d differs from the first of a Runner\n%s\nwant\n%s\ngot\n%s", n, p, transcript(got), transcript(want))
					}
				}
			}
			t.Logf("%d crashes, defects %v", crashes, hit)
			if crashes == 0 {
				t.Error("no crash")
			}
		})
	}
}

// However many hosts die, their coroutines are used again.
func TestCrashesLeaveNoCoroutines(t *testing.T) {
	r := newRunner(t, post())
	p := faulty(3, []model.Hold{{Step: 1, At: model.WriteCommand, N: 1, Until: 6}}, nil,
		"A o", "B pause", "C tb", "C d2", "A crash", "all tick 3", "C crash", "all power-loss", "A mount", "B mount", "A x")
	noDefect(t, again(t, r, p))
	before := runtime.NumGoroutine()
	for range 10_000 {
		again(t, r, p)
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines before 10,000 runs, %d after", before, after)
	}
}

// A bare run with faults allocates nothing beyond what the design does.
func TestBareFaultsAllocateNothing(t *testing.T) {
	nop := fake{do: func(*sim.Host, string) error { return nil }}
	d := faking(nil)
	p16 := make([]byte, 16)
	d.Mount = func(h *sim.Host) (sim.FS, error) { return plainFS{nop, h, p16}, nil }
	r := newRunner(t, d)
	p := faulty(2, nil, nil, "A o", "A crash", "A mount", "A o", "B pause", "B o", "all tick 3", "B resume", "A fence", "A o",
		"all power-loss", "A mount", "A o")
	bare := func() {
		if err := r.Bare(p); err != nil {
			t.Fatal(err)
		}
	}
	bare()
	quiet := faulty(2, nil, nil, "A o", "A mount", "A o", "A o")
	faults := testing.AllocsPerRun(200, bare)
	without := testing.AllocsPerRun(200, func() {
		if err := r.Bare(quiet); err != nil {
			t.Fatal(err)
		}
	})
	t.Logf("%v allocations with faults, %v without", faults, without)
	// Two mounts more, which the test's design allocates, and one command that
	// fails after the fence, whose error the disk words.
	if faults > without+2+8 {
		t.Errorf("%v allocations with faults, %v without", faults, without)
	}
}

// plainFS writes a block in each create.
type plainFS struct {
	fake
	h *sim.Host
	p []byte
}

func (f plainFS) Create(string) error { return f.h.WriteBlock(0, f.p) }
