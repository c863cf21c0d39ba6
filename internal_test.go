package doublemount

import (
	"testing"

	"pgregory.net/rapid"
)

// Every number must come about equally often: rapid's own ranges would give
// small ones far more often.
func TestSourceIsEven(t *testing.T) {
	for _, n := range []int{1, 2, 3, 6, 32, 100} {
		counts := make([]int, n)
		draws := 0
		rapid.Check(t, func(rt *rapid.T) {
			for range 20 * n {
				counts[source{rt}.Intn(n)]++
				draws++
			}
			bit.Draw(rt, "")
		})
		mean := draws / n
		for number, count := range counts {
			if count < mean*3/4 || count > mean*5/4 {
				t.Errorf("Intn(%d) gave %d %d times of %d", n, number, count, draws)
			}
		}
	}
}

func TestReplayLine(t *testing.T) {
	for _, test := range []struct{ name, file, want string }{
		{"TestX", "/tmp/a-b.case", "DOUBLEMOUNT_REPLAY=/tmp/a-b.case go test . -run '^TestX$'"},
		{"TestX/a+b/#01", "/tmp/a b.case", `DOUBLEMOUNT_REPLAY='/tmp/a b.case' go test . -run '^TestX$/^a\+b$/^#01$'`},
		{"Test/it's", "/tmp/$it's.case", `DOUBLEMOUNT_REPLAY='/tmp/$it'\''s.case' go test . -run '^Test$/^it'\''s$'`},
	} {
		if got := replayLine(test.name, test.file); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
}
