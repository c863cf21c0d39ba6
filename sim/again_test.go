package sim_test

import (
	"fmt"
	"hash/fnv"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/internal/testscale"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
	"github.com/doublemount/doublemount/sim/designs"
	"pgregory.net/rapid"
)

// everyDesign is all that comes with the project, and planted bugs.
func everyDesign() []sim.Design {
	all := designs.All()
	for _, d := range designs.All() {
		all = append(all, d.Bugs...)
	}
	return all
}

// The same Program gives the same Run, whatever the Runner did before: nothing,
// other programs, bare runs, worlds of another size, runs that ended in a
// defect with steps left on their way.
func TestSameProgramSameRun(t *testing.T) {
	for _, d := range append(everyDesign(), letters()) {
		t.Run(d.Name, func(t *testing.T) {
			used := newRunner(t, d)
			caps := used.Capabilities()
			wrong := program(3, []model.Hold{{Step: 1, At: model.WriteCommand, N: 1, Until: 3}}, "A awb21", "B bx", "C mab")
			for n := range testscale.Count(60, 2_000) {
				p := fuzz.Options{Seed: 3}.Program(caps, n)
				want := run(t, d, p)
				for _, before := range []func(){
					func() {},
					func() { again(t, used, p) },
					func() { again(t, used, fuzz.Options{Seed: 4, Hosts: 5}.Program(caps, n)) },
					func() { again(t, used, wrong) },
					func() {
						if err := used.Bare(p); err != nil {
							t.Fatal(err)
						}
					},
				} {
					before()
					if got := again(t, used, p); !reflect.DeepEqual(got, want) {
						t.Fatalf("run %d differs from itself\n%s\nfirst\n%s\nthen\n%s", n, p, transcript(want), transcript(got))
					}
				}
			}
		})
	}
}

// transcript is all of a run as text.
func transcript(r model.Run) string {
	s := fmt.Sprintf("digest %x holds %v defects %v audit %v\n", r.Digest, r.Holds, r.Defects, r.Audit)
	for _, op := range r.History {
		s += fmt.Sprintln(op.Call, op.Return, op)
	}
	for _, rec := range r.Trace {
		s += fmt.Sprintln(rec)
	}
	return s
}

func TestProcessorsDoNotMatter(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, d := range everyDesign() {
		var want uint64
		for i, n := range []int{1, 2, 8} {
			runtime.GOMAXPROCS(n)
			_, got := digests(t, d, testscale.Count(100, 100))
			if i > 0 && got != want {
				t.Errorf("%s: %d processors give %x, one gives %x", d.Name, n, got, want)
			}
			want = got
		}
	}
}

// Golden digests: an accidental change of what a run is shows here. When the
// programs' digest has changed too, the generator changed.
func TestGoldenDigests(t *testing.T) {
	golden := map[string][2]uint64{
		"local":                            {0xc2ec84f9619b3d11, 0x3b20b95e23b1f3d6},
		"local-writethrough":               {0xc2ec84f9619b3d11, 0xed6ae30df7eca275},
		"local-journal":                    {0x4b3d44bd13b7083f, 0xd60c00ab8f5bfafb},
		"active-passive":                   {0xb88b151bc378e072, 0x7374bcac8152914d},
		"single":                           {0x4cb76bb29a27b15d, 0x5e1fd8a11ae6b639},
		"local-journal/no-barriers":        {0xd7741362a02f4214, 0xd66cd189a9bb9575},
		"local-journal/no-ordered-data":    {0xd7741362a02f4214, 0x2df2a1f4514c9065},
		"active-passive/no-fence":          {0xdbd23b01e38b496b, 0x6d34907cc0369f1},
		"active-passive/no-abort":          {0xdbd23b01e38b496b, 0x449d465fe0643ee5},
		"active-passive/volatile-fence":    {0xdbd23b01e38b496b, 0xf5cc0ec824a1858a},
		"cluster-lock":                     {0x67c593d31324aae7, 0xd21f7656148b0f69},
		"cluster-lock/late-invalidate":     {0x8e49eb24c69137fe, 0x2163a43b857fc663},
		"cluster-lock/late-replay":         {0x8e49eb24c69137fe, 0xc9ed6f7c19848cc8},
		"cluster-lock/grant-before-replay": {0x8e49eb24c69137fe, 0x7f23cc532cd5e84d},
		"active-passive/impatient":         {0xe53e9a144e764912, 0xc18a3e6a91200c3e},
		"cluster-lock/append-race":         {0x8e49eb24c69137fe, 0xf9eb08ad9a522809},
		"cluster-lock/no-open-locks":       {0x8e49eb24c69137fe, 0x9bf616a15d51b2d2},
		"cluster-lock/stuck-lock":          {0x8e49eb24c69137fe, 0x312ed61832727a66},
		"cluster-lock/kept-flock":          {0x8e49eb24c69137fe, 0xd4dec2a924837f4c},
		"single/no-lock":                   {0x8b50f49a7d15ff25, 0x423fb4ad8ede0753},
	}
	for _, d := range everyDesign() {
		n := 2_000
		if strings.Contains(d.Name, "/") {
			n = 500 // a bug is its design in all but one place
			if testscale.Race {
				continue
			}
		}
		programs, runs := digests(t, d, n)
		if got := [2]uint64{programs, runs}; got != golden[d.Name] {
			t.Errorf("%q: {%#x, %#x}, // was {%#x, %#x}", d.Name, programs, runs, golden[d.Name][0], golden[d.Name][1])
		}
	}
}

// digests runs the first n programs of a campaign.
func digests(t *testing.T, d sim.Design, n int) (programs, runs uint64) {
	t.Helper()
	r := newRunner(t, d)
	defer r.Close()
	p, q := fnv.New64a(), fnv.New64a()
	for i := range n {
		program := fuzz.Options{Seed: 1}.Program(r.Capabilities(), i)
		fmt.Fprint(p, program)
		fmt.Fprintf(q, "%x\n", again(t, r, program).Digest)
	}
	return p.Sum64(), q.Sum64()
}

// A Run is the caller's: runs that come later change nothing of it, and nothing
// that the caller does to it reaches a later one.
func TestRunIsTheCallers(t *testing.T) {
	for _, d := range []sim.Design{designs.Local(), designs.Single()} {
		r := newRunner(t, d)
		rapid.Check(t, func(t *rapid.T) {
			var kept []model.Run
			var texts []string
			for range rapid.IntRange(2, 6).Draw(t, "runs") {
				n := rapid.IntRange(0, 500).Draw(t, "run")
				p := fuzz.Options{Seed: 5}.Program(r.Capabilities(), n)
				if rapid.Bool().Draw(t, "bare") {
					if err := r.Bare(p); err != nil {
						t.Fatal(err)
					}
					continue
				}
				got := again(t, r, p)
				if rapid.Bool().Draw(t, "spoil") {
					for i := range got.History {
						clear(got.History[i].Result.Data)
					}
					clear(got.History)
					clear(got.Trace)
					clear(got.Holds)
					continue
				}
				kept, texts = append(kept, got), append(texts, transcript(got))
			}
			for i := range kept {
				if now := transcript(kept[i]); now != texts[i] {
					t.Fatalf("run %d was\n%s\nand has become\n%s", i, texts[i], now)
				}
			}
		})
	}
}

// A design that says it has read more than it has shows nothing of earlier runs.
func TestReadBufferIsFresh(t *testing.T) {
	r := newRunner(t, faking(func(*sim.Host, string) error { return nil }))
	read := model.Program{Hosts: 1, Unmounts: []model.Host{0}, Steps: []model.Step{
		{Kind: model.Mount}, {Kind: model.Read, Path: "/a", Len: 4}}}
	write := read.Clone()
	write.Steps[1] = model.Step{Kind: model.Write, Path: "/a", Len: 4, Data: 9}
	again(t, r, write)
	if data := again(t, r, read).History[1].Result.Data; !reflect.DeepEqual(data, make([]byte, 4)) {
		t.Errorf("read %v of a design that reads nothing", data)
	}
}
