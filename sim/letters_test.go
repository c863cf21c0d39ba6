package sim_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
)

// fake is a mount whose every operation calls one function with the text of the
// operation: "mount", "create /a", "read", "unmount".
type fake struct {
	h  *sim.Host
	do func(h *sim.Host, op string) error
}

func (f fake) Create(path string) error     { return f.do(f.h, "create "+path) }
func (f fake) Unlink(path string) error     { return f.do(f.h, "unlink "+path) }
func (f fake) Mkdir(path string) error      { return f.do(f.h, "mkdir "+path) }
func (f fake) Rmdir(path string) error      { return f.do(f.h, "rmdir "+path) }
func (f fake) Rename(from, to string) error { return f.do(f.h, "rename "+from+" "+to) }
func (f fake) Link(from, to string) error   { return f.do(f.h, "link "+from+" "+to) }
func (f fake) Stat(path string) (sim.Attr, error) {
	return sim.Attr{Type: model.File}, f.do(f.h, "stat "+path)
}
func (f fake) Readdir(path string) ([]string, error)               { return nil, f.do(f.h, "readdir "+path) }
func (f fake) Open(path string) (sim.Inode, error)                 { return 1, f.do(f.h, "open "+path) }
func (f fake) Close(sim.Inode) error                               { return f.do(f.h, "close") }
func (f fake) ReadAt(_ sim.Inode, p []byte, _ int64) (int, error)  { return len(p), f.do(f.h, "read") }
func (f fake) WriteAt(_ sim.Inode, p []byte, _ int64) (int, error) { return len(p), f.do(f.h, "write") }
func (f fake) ReadDirect(_ sim.Inode, p []byte, _ int64) (int, error) {
	return len(p), f.do(f.h, "direct read")
}
func (f fake) WriteDirect(_ sim.Inode, p []byte, _ int64) (int, error) {
	return len(p), f.do(f.h, "direct write")
}
func (f fake) Append(_ sim.Inode, p []byte) (int, error) { return len(p), f.do(f.h, "append") }
func (f fake) Truncate(sim.Inode, int64) error           { return f.do(f.h, "truncate") }
func (f fake) Fsync(sim.Inode) error                     { return f.do(f.h, "fsync") }
func (f fake) Sync() error                               { return f.do(f.h, "sync") }
func (f fake) Statfs() (int64, int64, error)             { return 1, 1, f.do(f.h, "statfs") }
func (f fake) Lock(sim.Inode, int, bool) error           { return f.do(f.h, "lock") }
func (f fake) Unlock(sim.Inode, int) error               { return f.do(f.h, "unlock") }
func (f fake) Unmount() error                            { return f.do(f.h, "unmount") }

// faking is a design of fakes. The disk is four blocks of 16 bytes.
func faking(do func(h *sim.Host, op string) error) sim.Design {
	return sim.Design{
		Name:   "fake",
		Disk:   disk.Config{BlockSize: 16, Blocks: 4},
		Format: func(disk.Device) error { return nil },
		Mount: func(h *sim.Host) (sim.FS, error) {
			if err := do(h, "mount"); err != nil {
				return nil, err
			}
			return fake{h, do}, nil
		},
	}
}

// letters is a design in which the name of a file says what creating it does:
// r, w, f read, write, flush; a, b take the cluster lock of that name and 1, 2
// give it up; m, n take and give up the mutex of the host; d makes block 1 dirty
// in the cache, g gets it, i forgets what is clean, y writes it; x panics.
func letters() sim.Design {
	d := faking(nil)
	d.Mount = func(h *sim.Host) (sim.FS, error) {
		m := &sim.Mutex{}
		return fake{h, func(h *sim.Host, op string) error {
			name, ok := strings.CutPrefix(op, "create /")
			if !ok {
				return nil
			}
			for _, c := range name {
				letter(h, m, c)
			}
			return nil
		}}, nil
	}
	return d
}

func letter(h *sim.Host, m *sim.Mutex, c rune) {
	switch c {
	case 'r':
		h.ReadBlock(0, make([]byte, 16))
	case 'w':
		h.WriteBlock(0, make([]byte, 16))
	case 'f':
		h.Flush()
	case 'a', 'b':
		h.Lock(string(c))
	case '1', '2':
		h.Unlock(string(c - '1' + 'a'))
	case 'm':
		m.Lock(h)
	case 'n':
		m.Unlock(h)
	case 'g':
		h.Cache().Get(1)
	case 'd':
		p, err := h.Cache().Get(1)
		if err == nil {
			p[0]++
			h.Cache().Dirty(1)
		}
	case 'y':
		h.Cache().WriteBlock(1)
	case 'i':
		h.Cache().Invalidate(0, 0)
	case 'x':
		panic("letter x")
	}
}

// program makes one of lines: "A r" creates /r on A, "A remount" and the like
// are events, and "A stat /x" is the operation. Hosts are mounted before; the
// numbers of steps and holds start after that.
func program(hosts int, holds []model.Hold, lines ...string) model.Program {
	p := model.Program{Hosts: hosts}
	for h := range hosts {
		p.Steps = append(p.Steps, model.Step{Host: model.Host(h), Kind: model.Mount})
		p.Unmounts = append(p.Unmounts, model.Host(h))
	}
	for _, line := range lines {
		words := strings.Fields(line)
		s := model.Step{Host: model.Host(words[0][0] - 'A'), Kind: model.Create, Path: "/" + model.Path(words[1])}
		if k, ok := model.ParseKind(words[1]); ok {
			s.Kind, s.Path = k, ""
			if len(words) > 2 {
				s.Path = model.Path(words[2])
			}
		}
		p.Steps = append(p.Steps, s)
	}
	for _, h := range holds {
		h.Step, h.Until = h.Step+hosts, h.Until+hosts
		p.Holds = append(p.Holds, h)
	}
	return p
}

// run runs a program once on a design, on a Runner of its own.
func run(t testing.TB, d sim.Design, p model.Program) model.Run {
	t.Helper()
	return again(t, newRunner(t, d), p)
}

func newRunner(t testing.TB, d sim.Design) *sim.Runner {
	t.Helper()
	r, err := sim.New(d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// fatal is what *testing.T and *rapid.T have in common.
type fatal interface {
	Helper()
	Fatal(...any)
}

func again(t fatal, r *sim.Runner, p model.Program) model.Run {
	t.Helper()
	got, err := r.Run(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// order is when steps started, stopped and ended, without the mounts before:
// "1 start 1 held 2 start ...".
func order(r model.Run) string {
	var all []string
	for _, rec := range r.Trace {
		n := int(rec.Step) - r.Program.Hosts
		if n < 1 || n > len(r.Program.Steps)-r.Program.Hosts {
			continue
		}
		switch rec.Kind {
		case model.StepStarted, model.StepEnded, model.HoldStarted, model.HoldEnded, model.HoldCut:
			all = append(all, fmt.Sprintf("%d %v", n, rec.Kind))
		}
	}
	return strings.Join(all, ", ")
}

// wantDefect fails unless the run ended with one defect of the kind, at the
// step (numbered after the mounts), whose text contains text.
func wantDefect(t testing.TB, r model.Run, kind model.DefectKind, step int, text string) {
	t.Helper()
	if len(r.Defects) != 1 || r.Defects[0].Kind != kind || r.Defects[0].Step != step+r.Program.Hosts ||
		!strings.Contains(r.Defects[0].Text, text) {
		t.Errorf("defects %v; want one %v at step %d with %q", r.Defects, kind, step+r.Program.Hosts, text)
	}
	if i := slices.IndexFunc(r.History, func(op model.Op) bool { return op.Host == model.Final }); i >= 0 {
		t.Errorf("the run went on after its defect: %v", r.History[i])
	}
}

func noDefect(t testing.TB, r model.Run) {
	t.Helper()
	if len(r.Defects) > 0 {
		t.Errorf("defects: %v", r.Defects)
	}
}
