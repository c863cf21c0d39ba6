package brute

import (
	"testing"

	"github.com/doublemount/doublemount/model"
)

// verdicts is what Judge says on each rung of Ladder.
func verdicts(run model.Run) (v [4]bool) {
	for r, g := range Ladder {
		v[r] = Judge(run, g)
	}
	return v
}

func TestLadderCases(t *testing.T) {
	for _, c := range LadderCases {
		run := History(c.Text)
		if err := run.Program.Validate(); err != nil {
			t.Errorf("%s\n%s: %v", c.Text, c.Source, err)
		}
		got := ""
		for _, held := range verdicts(run) {
			got += map[bool]string{true: "+", false: "-"}[held]
		}
		if got != c.Want {
			t.Errorf("%s\n%s: linearizable, close-to-open, sync-to-mount, nothing-lost: got %v, want %v", c.Text, c.Source, got, c.Want)
		}
	}
}

func TestVariantCases(t *testing.T) {
	for _, c := range VariantCases {
		if got := Judge(History(c.Text), c.Guarantee); got != c.Want {
			t.Errorf("%s\n%s: got %v, want %v", c.Text, c.Source, got, c.Want)
		}
	}
}

func TestCases(t *testing.T) {
	for _, c := range Cases {
		run := History(c.Text)
		if err := run.Program.Validate(); err != nil {
			t.Errorf("%s\n%s: %v", c.Text, c.Source, err)
		}
		want := [3]bool{c.Lin, c.S2M, c.NL}
		v := verdicts(run)
		if got := [3]bool{v[0], v[2], v[3]}; got != want {
			t.Errorf("%s\n%s: linearizable, sync-to-mount, nothing-lost: got %v, want %v", c.Text, c.Source, got, want)
		}
	}
}

// TestCasesPlain holds the two shortcuts of the search against the enumeration
// of all orders.
func TestCasesPlain(t *testing.T) {
	for _, c := range Cases {
		run := History(c.Text)
		if len(run.History) > 12 {
			continue // too many orders
		}
		for _, g := range Ladder {
			if got, want := judge(run.History, g, false), Judge(run, g); got != want {
				t.Errorf("%s\n%s: %s: got %v, want %v", c.Text, c.Source, g.Name, got, want)
			}
		}
	}
}

func TestOtherGuarantee(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a guarantee without a judge is judged")
		}
	}()
	Judge(model.Run{}, model.Capacity)
}

func TestHistory(t *testing.T) {
	tests := []struct{ text, want string }{
		{"A write a[4+8]=5 -> 3 | B read /a -> 4x0,3x5 { A fsync a }; B remount; end B A; F readdir / -> a d", `
  1-  2 A mount -> ok
  3-  4 B mount -> ok
  5-  9 A write /a 4 8 #5 -> 3 written
  6- 10 B read /a 0 16 -> 4x0 3x#5
  7-  8 A fsync /a -> ok
 11- 12 B unmount -> ok
 13- 14 B mount -> ok
 15- 16 B unmount -> ok
 17- 18 A unmount -> ok
 19- 20 final mount -> ok
 21- 22 final readdir / -> a d
`},
		{"A link a d/b -> pending { A crash }; B rename a b -> ENOENT; B fence; all tick 2; C mount; all power-loss; A mount; end", `
  1-  2 A mount -> ok
  3-  4 B mount -> ok
  5-4611686018427387903 A link /a /d/b -> never returned
  6-  7 A crash -> ok
  8-  9 B rename /a /b -> ENOENT
 10- 11 B fence -> ok
 12- 13 all tick 2 -> ok
 14- 15 C mount -> ok
 16- 17 all power-loss -> ok
 18- 19 A mount -> ok
 20- 21 A unmount -> ok
`},
	}
	for _, c := range tests {
		run := History(c.text)
		if got := "\n" + text(run); got != c.want {
			t.Errorf("got%swant%s", got, c.want)
		}
		if err := run.Program.Validate(); err != nil {
			t.Error(err)
		}
	}
}
