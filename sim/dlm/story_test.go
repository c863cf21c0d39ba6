package dlm

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

// story makes a program out of lines such as "A mount", "B k0e" (create /k0e),
// "A partition B", "all tick 3".
func story(hosts int, lines string) model.Program {
	p := model.Program{Hosts: hosts}
	for i := range hosts {
		p.Unmounts = append(p.Unmounts, model.Host(i))
	}
	for line := range strings.SplitSeq(lines, "; ") {
		words := append(strings.Fields(line), "")
		s := model.Step{Host: model.Everyone}
		if words[0] != "all" {
			s.Host = model.Host(words[0][0] - 'A')
		}
		kind, ok := model.ParseKind(words[1])
		switch s.Kind = kind; {
		case !ok:
			s.Kind, s.Path = model.Create, model.Path("/"+words[1])
		case kind == model.Tick:
			fmt.Sscan(words[2], &s.Len)
		case words[2] == "disk":
			s.Off = model.FromDisk
		case kind == model.Partition || kind == model.Heal:
			s.Off = model.FromAll
			if words[2] != "all" {
				s.Off = int32(words[2][0]-'A') + 1
			}
		}
		p.Steps = append(p.Steps, s)
	}
	return p
}

// told is the answers of the creates, and what happened to the hosts by
// themselves: "B:EIO C!fence".
func told(run model.Run) string {
	var all []string
	for _, op := range run.History {
		step := model.Step{}
		if op.Step > 0 && op.Step <= len(run.Program.Steps) {
			step = run.Program.Steps[op.Step-1]
		}
		switch {
		case op.Host == model.Final:
		case op.Kind == model.Create:
			all = append(all, fmt.Sprintf("%v:%v", op.Host, strings.Fields(op.Answer())[0]))
		case (op.Kind == model.Fence || op.Kind == model.Crash) && step.Kind != op.Kind:
			all = append(all, fmt.Sprintf("%v!%v", op.Host, op.Kind))
		case op.Kind == model.Mount && op.Result.Errno != model.OK:
			all = append(all, fmt.Sprintf("%v!%v", op.Host, op.Result.Errno))
		}
	}
	return strings.Join(all, " ")
}

func TestStories(t *testing.T) {
	for _, c := range []struct {
		name  string
		hosts int
		steps string
		want  string
		marks string // that must be there
	}{
		{"a lock goes from host to host", 2, "A mount; B mount; A k0e; B k0e; A k0p; B k0p",
			"A:ok B:ok A:ok B:ok", ""},
		{"a dead holder: fenced, recovered, then granted", 2, "A mount; B mount; A k0e; A crash; B k0e",
			"A:ok B:ok", "recovery of a dead member"},
		{"the master dies, and a third knows what it has", 3, "A mount; B mount; C mount; B k0e; A crash; C k0p",
			"B:ok C:ok", "recovery of a dead member"},
		{"back before it was missed: recovered, not fenced", 2, "A mount; B mount; A k0e; A crash; A mount; B k0e",
			"A:ok B:ok", "recovery of a dead member"},
		{"all are gone, one comes back", 3, "A mount; B mount; C mount; B k0e; C k1e; all power-loss; C mount; C k0e; C k1e",
			"B:ok C:ok C:ok C:ok", "recovery of a dead member"},
		{"a pause too long: fenced; the zombie cannot go on", 2, "A mount; B mount; A k0e; A pause; B k0e; A resume; A k0e; B k0p",
			"A:ok B:ok A!fence A:EIO B:ok A!crash", "a fenced host goes on"},
		{"a pause not too long", 2, "A mount; B mount; A k0e; A pause; all tick 2; A resume; B k0e; A k0e; B k0p",
			"A:ok B:ok A:ok B:ok", ""},
		{"two without a network: the master stays", 2, "A mount; B mount; B k0e; B partition A; A k0e; all tick 8; B k0e; A k0e",
			"B:ok A:ok B!fence B!crash B:skipped A:ok", "members out of the master's reach evicted"},
		{"the master alone on its side goes", 3, "A mount; B mount; C mount; A k0e; A partition all; B k0e; all tick 9; all tick 5; C k0p",
			"A:ok B:ok A!crash C:ok", "a master without its members resets itself"},
		{"a partition that heals in time", 2, "A mount; B mount; A k0e; B partition A; all tick 3; B heal A; B k0e; A k0e",
			"A:ok B:ok A:ok", ""},
		{"no way to the disk", 2, "A mount; B mount; A k0e; A partition disk; B k0e; all tick 6; A heal disk; A k0p; B k0p",
			"A:ok B:ok A!fence A!crash A:skipped B:ok", "recovery of a dead member"},
		{"and the watchdog ends that", 2, "A mount; B mount; A partition disk; all tick 8; all tick 8; A k0e; A heal disk; A mount; A k0e",
			"A!fence A!crash A:skipped A:ok", "the watchdog bites"},
		{"a fence from outside", 2, "A mount; B mount; A k0e; A fence; B k0e; A k1e; A remount; A k0p",
			"A:ok B:ok A:EIO A!crash A:ok", "recovery of a dead member"},
		{"a clock that runs ahead gives up the living", 2, "A mount; B mount; A k0e; B tick 6; B k0e; A k1e",
			"A!fence A:ok B:ok A:EIO A!crash", "recovery of a dead member"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, r := newGame(t)
			run, err := g.play(r, story(c.hosts, c.steps))
			if err != nil {
				t.Error(err)
			}
			got := strings.Fields(told(run))
			want := strings.Fields(c.want)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("told %q, want %q", told(run), c.want)
			}
			if c.marks != "" && !slices.ContainsFunc(run.Marks, func(m model.Mark) bool { return m.Name == c.marks }) {
				t.Errorf("marks %v; want %q", run.Marks, c.marks)
			}
			again, _ := g.play(r, story(c.hosts, c.steps))
			if again.Digest != run.Digest {
				t.Error("run twice, it is not the same")
			}
		})
	}
}

// Calls that a lock manager cannot make sense of.
func TestMisuse(t *testing.T) {
	v := &Value{}
	for _, c := range []struct {
		do   func(n *Node)
		want string
	}{
		{func(n *Node) { n.Lock(name(0), PR, Options{}); n.Lock(name(0), PR, Options{}) }, "lock of lock 7/0: the host has it in PR"},
		{func(n *Node) { n.Convert(name(1), PR, Options{}) }, "convert of lock 7/1: the host does not have it"},
		{func(n *Node) { n.Unlock(name(1), nil) }, "unlock of lock 7/1: the host does not have it"},
		{func(n *Node) { n.Lock(name(1), PR, Options{}); n.Unlock(name(1), nil); n.Unlock(name(1), nil) }, "the host does not have it"},
		{func(n *Node) { n.Lock(name(0), None, Options{}) }, "no such mode: none"},
		{func(n *Node) { n.Lock(name(0), 9, Options{}) }, "no such mode: mode 9"},
		{func(n *Node) { n.Lock(name(0), PR, Options{}); n.Unlock(name(0), v) }, "a value cannot be set from PR to none"},
		{func(n *Node) { n.Lock(name(0), PR, Options{Value: v}) }, "a value cannot be set from none to PR"},
		{func(n *Node) { n.Cancel(name(0)) }, "cancel of lock 7/0, which nobody waits for"},
	} {
		g := &game{}
		d, armed := g.design(), false // not in the trial mount
		d.Mount = func(h *sim.Host) (sim.FS, error) {
			n, err := Join(h, Config{View: viewBlock, Beats: beatBlock, Dead: 4, Silent: 6})
			if err == nil && armed && h.ID() == 1 {
				c.do(n)
			}
			return &player{g: g, h: h, n: n}, err
		}
		r, err := sim.New(d)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		armed = true
		run, err := r.Run(context.Background(), story(2, "B mount"))
		if err != nil || len(run.Defects) != 1 || run.Defects[0].Kind != model.Misuse || !strings.Contains(run.Defects[0].Text, c.want) {
			t.Errorf("%v, defects %v; want %q", err, run.Defects, c.want)
		}
	}
}

// A disk on which nothing was formatted, or whose blocks are too small.
func TestNoLockSpace(t *testing.T) {
	g := &game{}
	d := g.design()
	d.Disk.BlockSize = 40
	if _, err := sim.New(d); err == nil || !strings.Contains(err.Error(), "blocks of 40 bytes") {
		t.Error(err)
	}
	d = g.design()
	d.Format = func(disk.Device) error { return nil }
	if _, err := sim.New(d); err == nil || !strings.Contains(err.Error(), "EUCLEAN") {
		t.Error(err)
	}
}
