package designs_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/corpus"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
	"github.com/doublemount/doublemount/sim/designs"
)

// script runs a program on so many hosts, "step -> answer" a line, and holds the
// answers against those given; holds and strikes are lines of their own. It ends
// with the hosts unmounted in order.
func script(t *testing.T, d sim.Design, hosts int, lines string) model.Run {
	t.Helper()
	var text strings.Builder
	want := map[int]string{}
	steps := 0
	var rest []string
	for line := range strings.Lines(lines) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if strings.HasPrefix(line, "hold ") || strings.HasPrefix(line, "strike ") {
			rest = append(rest, line)
			continue
		}
		steps++
		step, answer, ok := strings.Cut(line, " -> ")
		text.WriteString(step + "\n")
		if ok {
			want[steps] = answer
		}
	}
	for _, line := range rest {
		text.WriteString(line + "\n")
	}
	p := parseProgram(t, hosts, text.String())
	got, err := runner(t, d).Run(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range got.History {
		if answer, ok := want[op.Step]; ok && op.Answer() != answer && op.Kind == p.Steps[op.Step-1].Kind {
			t.Errorf("%s: step %d: %v, want %q", d.Name, op.Step, op, answer)
		}
	}
	return got
}

func parseProgram(t *testing.T, hosts int, lines string) model.Program {
	t.Helper()
	var b strings.Builder
	b.WriteString("doublemount case 1\ndesign: -\nhosts: ")
	b.WriteString(string(rune('0' + hosts)))
	b.WriteString("\nexpect: held nothing-lost\n\n")
	n := 0
	for line := range strings.Lines(lines) {
		if !strings.HasPrefix(line, "hold") && !strings.HasPrefix(line, "strike") {
			n++
			fmt.Fprintf(&b, "%d ", n)
		}
		b.WriteString(line)
	}
	for h := range hosts {
		b.WriteString("end " + model.Host(h).String() + " unmount\n")
	}
	c, err := corpus.Parse("script", []byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	return c.Program
}

func TestFailover(t *testing.T) {
	for name, lines := range map[string]string{
		"the active host lives": `
			A mount -> ok
			A create /a -> ok
			B mount -> EBUSY
			B create /b -> skipped
			A unmount -> ok
			B mount -> ok
			B stat /a -> file of 0`,
		"it is dead": `
			A mount -> ok
			A create /a -> ok
			A sync -> ok
			A create /b -> ok
			A crash
			B mount -> ok
			B stat /a -> file of 0
			B stat /b -> ENOENT
			A mount -> EBUSY`,
		"it is dead and comes back first": `
			A mount -> ok
			A create /a -> ok
			A sync -> ok
			A crash
			A mount -> ok
			A stat /a -> file of 0
			B mount -> EBUSY`,
		"it stands still and comes back": `
			A mount -> ok
			A create /a -> ok
			A sync -> ok
			A write /a 0 8 #1 -> ok
			A pause
			B mount -> ok
			B stat /a -> file of 0
			B create /c -> ok
			A resume
			A stat /a -> EBADE
			A create /d -> EBADE
			B stat /d -> ENOENT
			B unmount -> ok
			A unmount -> EBADE
			A mount -> ok
			A stat /c -> file of 0
			A stat /d -> ENOENT`,
		"it stands still with a write in flight": `
			A mount -> ok
			A create /a -> ok
			A sync -> EIO
			A pause
			B mount -> ok
			B create /b -> ok
			A resume
			B stat /a -> ENOENT
			B stat /b -> file of 0
			hold 3 at write#1 until 6`,
		"it stands still with a stat that waits for a sync": `
			A mount -> ok
			A create /a -> ok
			A write /a 0 8 #1 -> ok
			A sync -> ok
			A write /a 0 8 #2 -> ok
			A sync -> EIO
			C pause
			A stat /a -> EIO
			A pause
			B mount -> ok
			B unlink /a -> ok
			A resume
			hold 6 at write#1 until 9`,
		"its mount takes longer than a challenger waits": `
			A mount -> EBUSY
			B mount -> ok
			B create /a -> skipped
			all tick 8
			B create /b -> ok
			B unmount -> ok
			hold 1 at reserve#1 until 3
			hold 2 at read#1 until 4`,
		"it stood still for a moment only": `
			A mount -> ok
			A create /a -> ok
			A pause
			all tick 3
			A resume
			A stat /a -> file of 0
			B mount -> EBUSY`,
		"it has lost the disk": `
			A mount -> ok
			A create /a -> ok
			A partition disk
			A sync -> EIO
			B mount -> ok
			B create /b -> ok
			A heal disk
			A stat /a -> EIO
			B stat /b -> file of 0`,
		"it cannot read what it needs in the middle of an unlink": `
			A mount -> ok
			A create /a -> ok
			A write /a 0 97 #1 -> ok
			A unmount -> ok
			A mount -> ok
			A stat /a -> file of 97
			A partition disk
			A unlink /a -> EIO
			A heal disk
			A stat /a -> EIO
			A unmount -> EIO
			B mount -> ok
			B stat /a -> file of 97`,
		"it was fenced by hand": `
			A mount -> ok
			A create /a -> ok
			A fence
			B mount -> ok
			B create /b -> ok
			A create /c -> EIO
			B stat /c -> ENOENT`,
		"everything loses power": `
			A mount -> ok
			A create /a -> ok
			A sync -> ok
			all power-loss
			B mount -> ok
			B stat /a -> file of 0`,
		"the disk loses power while it stands still": `
			A mount -> ok
			A create /a -> ok
			A pause
			B mount -> ok
			all disk-reset
			B create /b -> ok
			B sync -> ok
			A resume
			A create /c -> EBADE
			B stat /b -> file of 0
			B stat /c -> ENOENT`,
		"two challengers": `
			A mount -> ok
			A create /a -> ok
			A sync -> ok
			A pause
			B mount -> EBUSY
			C mount -> ok
			C stat /a -> file of 0
			hold 5 at reserve#5 until 6`,
		"clocks that run apart": `
			A mount -> ok
			A create /a -> ok
			B tick 50
			B mount -> EBUSY
			A stat /a -> file of 0`,
	} {
		t.Run(name, func(t *testing.T) {
			r := script(t, designs.ActivePassive(), 3, lines)
			if len(r.Defects) > 0 || len(r.Audit) > 0 {
				t.Errorf("defects %v, fsck %v", r.Defects, r.Audit)
			}
		})
	}
}
