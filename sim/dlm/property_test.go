package dlm

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/internal/testscale"
	"github.com/doublemount/doublemount/model"
	"pgregory.net/rapid"
)

// chaos is a program of three or four hosts that lock, convert and unlock while
// the faults of the set befall them.
func chaos(intn func(int) int, faults model.Faults) model.Program {
	p := model.Program{Hosts: 3 + intn(2)}
	for i := range p.Hosts {
		p.Steps = append(p.Steps, model.Step{Host: model.Host(i), Kind: model.Mount})
		p.Unmounts = append(p.Unmounts, model.Host((i+1)%p.Hosts))
	}
	var kinds []model.Kind
	for _, k := range []model.Kind{model.Crash, model.Pause, model.Resume, model.Resume, model.Partition, model.Heal, model.Fence, model.PowerLoss} {
		s := model.Step{Kind: k}
		if faults.Has(s.Fault()) || s.Fault() == model.Partitions && faults.Has(model.DiskPartitions) {
			kinds = append(kinds, k)
		}
	}
	steps, span := 8+intn(14), 1+intn(things) // few things: more contention
	for range steps {
		s := model.Step{Host: model.Host(intn(p.Hosts))}
		switch n := intn(20); {
		case n < 13:
			do := "kkkkkrrrdtbz"[intn(12)]
			s.Kind, s.Path = model.Create, model.Path(fmt.Sprintf("/%c%d%c", do, intn(span), "ncwppqeeex"[intn(10)]))
		case n < 15 && len(kinds) > 0:
			s.Kind = kinds[intn(len(kinds))]
			switch s.Kind {
			case model.PowerLoss:
				s.Host, s.Off = model.Everyone, int32(intn(4))
			case model.Crash:
				s.Off = int32(intn(4))
			case model.Partition, model.Heal:
				s.Off = int32(intn(p.Hosts+2)) - 1
				switch {
				case !faults.Has(model.Partitions):
					s.Off = model.FromDisk
				case s.Off == int32(s.Host)+1 || s.Off < 0 && !faults.Has(model.DiskPartitions):
					s.Off = model.FromAll
				}
			}
		case n < 17:
			s.Kind = model.Mount
		case n < 18:
			s.Kind = []model.Kind{model.Unmount, model.Remount, model.Reboot}[intn(3)]
		default:
			s.Host, s.Kind, s.Len = model.Everyone, model.Tick, int32(1+intn(8))
			if faults.Has(model.LostMessages) { // few: what is late is sent again, and nobody is given up
				s.Len = int32(1 + intn(3))
			}
			if faults.Has(model.SkewedClocks) && intn(3) == 0 {
				s.Host = model.Host(intn(p.Hosts))
			}
		}
		p.Steps = append(p.Steps, s)
	}
	commands := []model.CommandKind{model.ReadCommand, model.WriteCommand, model.CompareCommand, model.SendCommand, model.SendCommand}
	last := len(p.Steps)
	taken := make([]bool, last+1)
	for range intn(8) {
		h := model.Hold{Step: 1 + intn(last-1), At: commands[intn(5)], N: 1 + intn(3)}
		h.Until = h.Step + 1 + intn(min(4, last-h.Step))
		if !taken[h.Step] {
			taken[h.Step] = true
			p.Holds = append(p.Holds, h)
		}
	}
	clear(taken)
	for range intn(8) {
		k := model.Strike{Step: 1 + intn(last-1), N: 1 + intn(3)}
		switch {
		case faults.Has(model.LostMessages) && (!faults.Has(model.IOErrors) || intn(2) == 0):
			k.At, k.Kind = model.SendCommand, model.Drop+model.StrikeKind(intn(3))
			if k.Kind == model.Delay {
				k.Arg = k.Step + 1 + intn(last-k.Step)
			}
		case faults.Has(model.IOErrors):
			k.At, k.Kind = commands[intn(3)], model.Fail+model.StrikeKind(intn(2))
		default:
			continue
		}
		if !taken[k.Step] {
			taken[k.Step] = true
			p.Strikes = append(p.Strikes, k)
		}
	}
	return p
}

// givenUp is an error if a host was fenced or reset that no fault had touched.
func givenUp(run model.Run) error {
	for _, op := range run.History {
		if op.Skipped || op.Kind != model.Fence && op.Kind != model.Crash {
			continue
		}
		touched := false
		for _, s := range run.Program.Steps {
			touched = touched || s.Host == op.Host && s.Fault() != 0
		}
		if !touched {
			return fmt.Errorf("step %d: %v", op.Step, op)
		}
	}
	return nil
}

const everything = model.Crashes | model.PowerLosses | model.Pauses | model.Partitions | model.DiskPartitions |
	model.Fences | model.IOErrors | model.LostMessages | model.SkewedClocks

func text(p model.Program) string {
	var b strings.Builder
	for i, s := range p.Steps {
		fmt.Fprintf(&b, "%d %v\n", i+1, s)
	}
	for _, h := range p.Holds {
		fmt.Fprintln(&b, h)
	}
	for _, k := range p.Strikes {
		fmt.Fprintln(&b, k)
	}
	return b.String()
}

// Whatever happens, no two hosts have modes that exclude each other, values that
// are valid are the latest, nothing of a dead host lands after its recovery, and
// everybody gets his answer once the faults are over.
func TestChaos(t *testing.T) {
	for _, c := range []struct {
		name   string
		faults model.Faults
	}{
		{"calm", 0},
		{"crashes", model.Crashes},
		{"power", model.PowerLosses | model.Crashes},
		{"pauses", model.Pauses},
		{"partitions", model.Partitions},
		{"disk partitions", model.DiskPartitions},
		{"fences", model.Fences},
		{"messages", model.LostMessages},
		{"clocks", model.SkewedClocks},
		{"io errors", model.IOErrors},
		{"everything", everything},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, r := newGame(t)
			for n := range testscale.Count(1_500, 30_000) {
				rng := rand.New(rand.NewPCG(3, uint64(n)))
				p := chaos(rng.IntN, c.faults)
				run, err := g.play(r, p)
				if err == nil && !c.faults.Has(model.Partitions) && !c.faults.Has(model.DiskPartitions) &&
					!c.faults.Has(model.IOErrors) && !c.faults.Has(model.SkewedClocks) {
					err = givenUp(run)
				}
				if err != nil {
					t.Fatalf("program %d: %v\n%s", n, err, text(p))
				}
				r.Recycle(run)
			}
			t.Logf("%d grants, %d callbacks, %d deadlocks, %d busy, %d canceled, %d recoveries, %d values lost, %d claims of zombies",
				g.grants, g.blocked, g.deadlocks, g.busies, g.cancels, g.recovered, g.invalid, g.zombies)
		})
	}
}

// The same, with programs that shrink.
func TestChaosShrinking(t *testing.T) {
	g, r := newGame(t)
	rapid.Check(t, func(t *rapid.T) {
		p := chaos(func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "choice") }, everything)
		if _, err := g.play(r, p); err != nil {
			t.Fatalf("%v\n%s", err, text(p))
		}
	})
}
