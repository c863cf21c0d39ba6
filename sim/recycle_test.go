package sim_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/internal/testscale"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
)

// Giving runs back changes no later run, and none that was kept: whatever the
// design, how many hosts there are, whether a run ends in a defect, and in
// whatever order runs are made, given back, kept, or made bare.
func TestRecycleChangesNothing(t *testing.T) {
	crashing := letters()
	crashing.Name = "letters"
	for _, d := range append(everyDesign(), crashing) {
		t.Run(d.Name, func(t *testing.T) {
			plain, recycling := newRunner(t, d), newRunner(t, d)
			var kept []model.Run
			var texts []string
			runs := testscale.Count(400, 20_000)
			if strings.Contains(d.Name, "/") {
				runs /= 5 // a bug is its design in all but one place
			}
			if d.Name == "cluster-lock/stuck-lock" {
				runs /= 5 // some wait as long as the world lets them
			}
			for n := range runs {
				p := recycled(d, plain.Capabilities(), n)
				want, got := again(t, plain, p), again(t, recycling, p)
				if !reflect.DeepEqual(got, want) {
					t.Fatalf("run %d differs after others were given back\n%s\nwant\n%s\ngot\n%s", n, p, transcript(want), transcript(got))
				}
				switch n % 7 {
				case 2: // kept until the end
					kept, texts = append(kept, got), append(texts, transcript(got))
				case 3: // given back late: another run has been made since
					again(t, recycling, p)
					recycling.Recycle(got)
				case 4: // twice
					recycling.Recycle(got)
					recycling.Recycle(got)
				case 5: // before a bare run
					recycling.Recycle(got)
					if err := recycling.Bare(p); err != nil {
						t.Fatal(err)
					}
				case 6: // after one
					if err := recycling.Bare(p); err != nil {
						t.Fatal(err)
					}
					recycling.Recycle(got)
				default:
					recycling.Recycle(got)
				}
			}
			for i := range kept {
				if now := transcript(kept[i]); now != texts[i] {
					t.Fatalf("kept run %d was\n%s\nand has become\n%s", i, texts[i], now)
				}
			}
		})
	}
}

// recycled is program n: of 2 to 5 hosts in turn, and for the letters one that
// may overlap, wait for ever, misuse a lock or panic.
func recycled(d sim.Design, caps model.Capabilities, n int) model.Program {
	if d.Name != "letters" {
		return fuzz.Options{Seed: 9, Hosts: 2 + n/5%4}.Program(caps, n)
	}
	src := fuzz.NewPCG(9, n)
	word := func() string {
		b := make([]byte, 1+src.Intn(4))
		for i := range b {
			b[i] = "rwfab12mndgiyx"[src.Intn(14-n%2)] // every second without the panic
		}
		return string(b)
	}
	var lines []string
	for range 6 {
		lines = append(lines, fmt.Sprintf("%c %s", 'A'+src.Intn(3), word()))
	}
	hold := model.Hold{Step: 1 + src.Intn(3), At: model.WriteCommand, N: 1, Until: 4 + src.Intn(2)}
	return program(3, []model.Hold{hold}, lines...)
}
