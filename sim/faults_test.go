package sim_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
)

// happenings is a trace without the mounts and what follows the last step, one
// word a record: "3.write" for a write of step 3.
func happenings(r model.Run) string {
	var all []string
	for _, rec := range r.Trace {
		n := int(rec.Step) - r.Program.Hosts
		if n < 1 || n > len(r.Program.Steps)-r.Program.Hosts {
			continue
		}
		who := ""
		if rec.Host != r.Program.Steps[rec.Step-1].Host {
			who = rec.Host.String()
		}
		all = append(all, fmt.Sprintf("%d%s.%v", n, who, rec.Kind))
	}
	return strings.Join(all, " ")
}

// faulty is program with steps that letters cannot say: "A crash keep 1", "all tick 2".
func faulty(hosts int, holds []model.Hold, strikes []model.Strike, lines ...string) model.Program {
	p := program(hosts, holds)
	for i, line := range lines {
		words := strings.Fields(line)
		s := model.Step{Host: model.Everyone}
		if words[0] != "all" {
			s.Host = model.Host(words[0][0] - 'A')
		}
		k, ok := model.ParseKind(words[1])
		if !ok {
			s.Kind, s.Path = model.Create, "/"+model.Path(words[1])
			p.Steps = append(p.Steps, s)
			continue
		}
		s.Kind = k
		switch {
		case k == model.Tick:
			fmt.Sscan(words[2], &s.Len)
		case len(words) > 2 && words[2] == "disk":
			s.Off = model.FromDisk
		case len(words) > 2 && words[2] == "keep":
			for _, n := range words[3:] {
				s.Off |= 1 << (n[0] - '1')
			}
		case len(words) > 2 && (k == model.Partition || k == model.Heal):
			s.Off = int32(words[2][0]-'A') + 1
		case len(words) > 2:
			s.Path = model.Path(words[2])
		}
		p.Steps = append(p.Steps, s)
		_ = i
	}
	for _, k := range strikes {
		k.Step += hosts
		if k.Kind == model.Delay {
			k.Arg += hosts
		}
		p.Strikes = append(p.Strikes, k)
	}
	return p
}

func marks(r model.Run) string {
	var all []string
	for _, m := range r.Marks {
		all = append(all, fmt.Sprintf("%s x%d", m.Name, m.Count))
	}
	return strings.Join(all, ", ")
}

func TestEvents(t *testing.T) {
	const w = model.WriteCommand
	type holds = []model.Hold
	for _, c := range []struct {
		name  string
		steps []string
		holds holds
		want  string
		marks string
	}{
		{"a crash between operations", []string{"A w", "A crash", "A r", "A mount", "A r"}, nil,
			"1.start 1.write 1.end 2.crash 4.start 4.attach 4.end 5.start 5.read 5.end", ""},
		{"inside an operation: the write never lands", []string{"A wfw", "A crash", "B r"}, holds{{Step: 1, At: w, N: 2, Until: 2}},
			"1.start 1.write 1.flush 1.held 2.crash 3.start 3.read 3.end",
			"crash inside an operation x1, crash with a write in flight x1"},
		{"inside an operation: the write lands", []string{"A wfw", "A crash keep 1", "B r"}, holds{{Step: 1, At: w, N: 2, Until: 2}},
			"1.start 1.write 1.flush 1.held 2.crash 1.write 3.start 3.read 3.end",
			"crash inside an operation x1, crash with a write in flight x1"},
		{"the lock of the dead is free", []string{"A aw1", "A crash", "B a1"}, holds{{Step: 1, At: w, N: 1, Until: 2}},
			"1.start 1.lock 1.held 2.crash 3.start 3.lock 3.unlock 3.end",
			"crash inside an operation x1, crash with a write in flight x1"},
		{"dirty blocks are gone", []string{"A d", "A crash", "A mount", "A y"}, nil,
			"1.start 1.read 1.end 2.crash 3.start 3.attach 3.end 4.start 4.end", "crash with dirty blocks x1"},
		{"who was held until the dead step goes on", []string{"B w", "A w", "A crash"},
			holds{{Step: 1, At: w, N: 1, Until: 2}, {Step: 2, At: w, N: 1, Until: 3}},
			"1.start 1.held 2.start 2.held 3.crash 1.released 1.write 1.end",
			"crash inside an operation x1, crash with a write in flight x1"},
		{"a fence: nothing lands any more", []string{"A dw", "A fence", "A wy", "B r"}, holds{{Step: 1, At: w, N: 1, Until: 2}},
			"1.start 1.read 1.held 2.cut 1.released 1.end 3.start 3.end 4.start 4.read 4.end",
			"fence of a host with dirty blocks x1, fence with a write in flight x1"},
		{"after a fence a mount attaches anew", []string{"A fence", "A unmount", "A mount", "A w"}, nil,
			"1.cut 2.start 2.end 3.start 3.attach 3.end 4.start 4.write 4.end", ""},
		{"pause: a step of the host is skipped, one on its way stands still",
			[]string{"A w", "A pause", "A r", "B w", "B w", "A resume", "A r"}, holds{{Step: 1, At: w, N: 1, Until: 4}},
			"1.start 1.held 2.pause 4.start 4.write 4.end 5.start 5.write 5.end 6.resume 1.released 1.write 1.end 7.start 7.read 7.end", ""},
		{"the zombie: fenced while it stood still", []string{"A w", "A pause", "A fence", "B w", "A resume", "B r"}, holds{{Step: 1, At: w, N: 1, Until: 4}},
			"1.start 1.held 2.pause 3.cut 4.start 4.write 4.end 5.resume 1.released 1.end 6.start 6.read 6.end",
			"a fenced host goes on x1, fence with a write in flight x1"},
		{"the end lets a paused host go on", []string{"A w", "A pause", "B w"}, holds{{Step: 1, At: w, N: 1, Until: 3}},
			"1.start 1.held 2.pause 3.start 3.write 3.end 3A.resume 1.released 1.write 1.end", ""},
		{"who waits for a paused host waits", []string{"A aw1", "A pause", "B a1", "A resume"}, holds{{Step: 1, At: w, N: 1, Until: 2}},
			"1.start 1.lock 1.held 2.pause 3.start 4.resume 1.released 1.write 1.unlock 1.end 3.lock 3.unlock 3.end", ""},
		{"no way to the disk for a while", []string{"A partition disk", "A w", "A heal disk", "A w"}, nil,
			"1.part 2.start 2.end 3.heal 4.start 4.write 4.end", ""},
		{"what cannot happen is skipped", []string{"A resume", "A unmount", "A crash", "A fence", "B pause", "B pause"}, nil,
			"2.start 2.end 5.pause 6.resume", ""},
		{"a power loss takes all", []string{"A w", "all power-loss", "B r", "B mount", "B r"}, nil,
			"1.start 1.write 1.end 2.crash 4.start 4.attach 4.end 5.start 5.read 5.end", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := run(t, letters(), faulty(2, c.holds, nil, c.steps...))
			noDefect(t, r)
			got := strings.NewReplacer("2.power-loss", "2.crash").Replace(happenings(r))
			if got != c.want {
				t.Errorf("happened\n%s\nwant\n%s", got, c.want)
			}
			if got := marks(r); got != c.marks {
				t.Errorf("marks %q; want %q", got, c.marks)
			}
		})
	}
}

// What a power loss leaves of unflushed writes is what it says it keeps.
func TestPowerLossKeeps(t *testing.T) {
	d := faking(nil)
	d.Disk.Volatile = true
	var read byte
	d.Mount = func(h *sim.Host) (sim.FS, error) {
		return fake{h, func(h *sim.Host, op string) error {
			name, _ := strings.CutPrefix(op, "create /")
			p := make([]byte, 16)
			switch {
			case name == "read":
				err := h.ReadBlock(0, p)
				read = p[0]
				return err
			case name == "flush":
				return h.Flush()
			case len(name) == 1:
				p[0] = name[0]
				return h.WriteBlock(0, p)
			}
			return nil
		}}, nil
	}
	for _, c := range []struct {
		steps string
		want  byte
	}{
		{"A a; A b; all power-loss; A mount; A readit", 0},
		{"A a; A flush; A b; all power-loss; A mount; A readit", 'a'},
		{"A a; A flush; A b; all power-loss keep 1; A mount; A readit", 'b'},
		{"A a; A b; A c; all power-loss keep 2; A mount; A readit", 'b'},
		{"A a; A b; A c; all power-loss keep 1 3; A mount; A readit", 'c'},
		{"A a; A crash; A mount; A readit", 'a'},
	} {
		read = 255
		p := faulty(1, nil, nil, strings.Split(strings.ReplaceAll(c.steps, "readit", "x"), "; ")...)
		for i := range p.Steps {
			if p.Steps[i].Path == "/x" {
				p.Steps[i].Path = "/read"
			}
			if p.Steps[i].Path == "/flush" {
				continue
			}
		}
		noDefect(t, run(t, d, p))
		if read != c.want {
			t.Errorf("%s: read %q, want %q", c.steps, read, c.want)
		}
	}
}

func TestStrikes(t *testing.T) {
	const w, rd = model.WriteCommand, model.ReadCommand
	type strikes = []model.Strike
	for _, c := range []struct {
		name    string
		steps   []string
		strikes strikes
		want    string
		hit     []bool
	}{
		{"a write fails", []string{"A ww"}, strikes{{Step: 1, At: w, N: 1, Kind: model.Fail}},
			"1.start 1.strike 1.write 1.end", []bool{true}},
		{"it goes on failing until a new attachment", []string{"A wwr", "A w", "A reboot", "A w"}, strikes{{Step: 1, At: w, N: 1, Kind: model.FailOn}},
			"1.start 1.strike 1.read 1.end 2.start 2.end 3.start 3.end 3.attach 3.start 3.end 4.start 4.write 4.end", []bool{true}},
		{"a write is lost", []string{"A wr"}, strikes{{Step: 1, At: w, N: 1, Kind: model.LoseWrite}},
			"1.start 1.strike 1.read 1.end", []bool{true}},
		{"a write goes astray", []string{"A w"}, strikes{{Step: 1, At: w, N: 1, Kind: model.Misdirect, Arg: 3}},
			"1.start 1.strike 1.write 1.end", []bool{true}},
		{"the command never comes", []string{"A w"}, strikes{{Step: 1, At: w, N: 2, Kind: model.Fail}, {Step: 1, At: rd, N: 1, Kind: model.Fail}},
			"1.start 1.write 1.end", []bool{false, false}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := run(t, letters(), faulty(1, nil, c.strikes, c.steps...))
			noDefect(t, r)
			if got := happenings(r); got != c.want {
				t.Errorf("happened\n%s\nwant\n%s", got, c.want)
			}
			if !slices.Equal(r.Strikes, c.hit) {
				t.Errorf("strikes hit %v; want %v", r.Strikes, c.hit)
			}
			if c.strikes[0].Kind == model.Misdirect {
				i := slices.IndexFunc(r.Trace, func(rec model.Record) bool { return rec.Kind == model.BlockWritten })
				if r.Trace[i].Block != 3 {
					t.Errorf("the write landed in block %d", r.Trace[i].Block)
				}
			}
		})
	}
}

// post is a design whose hosts talk: creating /sB sends a message to B, /w waits
// until one has come, /tB does both. A daemon answers every message but answers.
// /zN sleeps N ticks, /dN feeds the watchdog for N ticks, /x resets the machine,
// /FB fences B.
func post() sim.Design {
	d := faking(nil)
	d.Mount = func(h *sim.Host) (sim.FS, error) {
		var m sim.Mutex
		var came sim.Event
		got := 0
		h.Now()
		h.Go(func() {
			for {
				msg := h.Receive()
				if string(msg.Data) == "question" {
					h.Send(msg.From, []byte("answer"))
					continue
				}
				m.Lock(h)
				got++
				m.Unlock(h)
				came.Broadcast(h)
			}
		})
		return fake{h, func(h *sim.Host, op string) error {
			name, ok := strings.CutPrefix(op, "create /")
			if !ok {
				return nil
			}
			send := func() { h.Send(model.Host(name[1]-'b')+1, []byte("question")) }
			wait := func() {
				m.Lock(h)
				for got == 0 {
					came.Wait(h, &m)
				}
				got--
				m.Unlock(h)
			}
			switch name[0] {
			case 's':
				send()
			case 'w':
				wait()
			case 't':
				send()
				wait()
			case 'z':
				h.Sleep(int(name[1] - '0'))
			case 'd':
				h.Watchdog(int(name[1] - '0'))
			case 'x':
				h.Reset()
			case 'f':
				h.Fence(model.Host(name[1]-'b') + 1)
			case 'o':
				h.WriteBlock(0, make([]byte, 16))
			case 'e':
				m.Lock(h)
				if came.WaitFor(h, &m, 3) {
					got = 0
				}
				m.Unlock(h)
			}
			return nil
		}}, nil
	}
	return d
}

func TestMessagesAndTime(t *testing.T) {
	const send = model.SendCommand
	type strikes = []model.Strike
	for _, c := range []struct {
		name    string
		steps   []string
		strikes strikes
		want    string
	}{
		{"question and answer", []string{"A tb"}, nil,
			"1.start 1.send 1B.receive 1B.send 1.receive 1.end"},
		{"nobody is there", []string{"B unmount", "A sb"}, nil,
			"1.start 1.end 2.start 2.send 2.lost 2.end"},
		{"the answer is lost; asked again it comes", []string{"A sb", "A tb"}, strikes{{Step: 1, At: send, N: 2, Kind: model.Drop}},
			"1.start 1.send 1.end 1B.receive 1B.strike 1B.send 1B.lost 2.start 2.send 2B.receive 2B.send 2.receive 2.end"},
		{"the answer comes twice", []string{"A tb", "A w"}, strikes{{Step: 1, At: send, N: 2, Kind: model.Double}},
			"1.start 1.send 1B.receive 1B.strike 1B.send 1.receive 1.receive 1.end 2.start 2.end"},
		{"the answer is late", []string{"A tb", "B o", "B o"}, strikes{{Step: 1, At: send, N: 2, Kind: model.Delay, Arg: 2}},
			"1.start 1.send 1B.receive 1B.strike 1B.send 2.start 2.write 2.end 1.receive 1.end 3.start 3.write 3.end"},
		{"who waits for an answer gives up", []string{"B unmount", "A e"}, nil,
			"1.start 1.end 2.start all.tick all.tick all.tick 2.end"},
		{"a partition loses it, the end of the program heals", []string{"A partition b", "A sb", "A heal b", "A tb"}, nil,
			"1.part 2.start 2.send 2.lost 2.end 3.heal 4.start 4.send 4B.receive 4B.send 4.receive 4.end"},
		{"who stands still answers later", []string{"B pause", "A tb", "B resume"}, nil,
			"1.pause 2.start 2.send 3.resume 2B.receive 2B.send 2.receive 2.end"},
		{"time passes for who sleeps", []string{"A z2", "B o"}, nil,
			"1.start all.tick all.tick 1.end 2.start 2.write 2.end"},
		{"who sleeps does so though another host stands still", []string{"B pause", "A z2", "all tick 1", "B resume"}, nil,
			"1.pause 2.start all.tick all.tick 2.end all.tick 4.resume"},
		{"clocks that run apart", []string{"B d3", "A tick 5", "B tick 2", "B o", "B tick 1", "B o"}, nil,
			"1.start 1.end all.tick all.tick all.tick all.tick all.tick all.tick all.tick 4.start 4.write 4.end 5.crash all.tick"},
		{"the watchdog bites the host that stands still", []string{"A d3", "A pause", "all tick 2", "all tick 1", "A o", "A mount"}, nil,
			"1.start 1.end 2.pause all.tick all.tick 4A.crash all.tick 6.start 6.attach 6.end"},
		{"a host resets itself", []string{"A x", "A o", "A mount", "A o"}, nil,
			"1.start 1.crash 3.start 3.attach 3.end 4.start 4.write 4.end"},
		{"a host fences another", []string{"A fb", "B o", "B remount", "B o"}, nil,
			"1.start 1B.cut 1.end 2.start 2.end 3.start 3.end 3.start 3.attach 3.end 4.start 4.write 4.end"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := run(t, post(), faulty(2, nil, c.strikes, lower(c.steps)...))
			noDefect(t, r)
			got := happenings(r)
			for _, n := range []string{"1", "2", "3", "4", "5", "6"} {
				got = strings.ReplaceAll(got, n+"all.tick", "all.tick")
				got = strings.ReplaceAll(got, n+".tick", "all.tick")
			}
			if got != c.want {
				t.Errorf("happened\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// lower gives the hosts of partitions back their letters.
func lower(steps []string) []string {
	all := slices.Clone(steps)
	for i := range all {
		if strings.Contains(all[i], " partition b") || strings.Contains(all[i], " heal b") {
			all[i] = all[i][:len(all[i])-1] + "B"
		}
	}
	return all
}

// What a design must not do with its services is a finding that names the call.
func TestMisuseOfServices(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(h *sim.Host)
		kind model.DefectKind
		text string
	}{
		{"a message to nobody", func(h *sim.Host) { h.Send(7, nil) }, model.Misuse, "send to host H of 1 hosts"},
		{"a message to itself", func(h *sim.Host) { h.Send(0, nil) }, model.Misuse, "send to host A"},
		{"a fence of nobody", func(h *sim.Host) { h.Fence(3) }, model.Misuse, "fence of host D of 1 hosts"},
		{"reservations that the disk has not", func(h *sim.Host) { h.Reserve(&disk.Reserve{Action: disk.Report}) }, model.Misuse, "not supported"},
		{"a compare-and-write that the disk has not", func(h *sim.Host) { h.CompareAndWrite(0, make([]byte, 16), make([]byte, 16)) }, model.Misuse, "not supported"},
		{"sleep for ever", func(h *sim.Host) {
			for {
				h.Sleep(1)
			}
		}, model.Deadlock, "never comes"},
		{"a message that never comes", func(h *sim.Host) { h.Receive() }, model.Deadlock, "never comes"},
		{"a daemon that computes for ever", func(h *sim.Host) {
			h.Go(func() {
				for {
					h.Now()
				}
			})
			h.Sleep(1)
		}, model.Hang, "called its host"},
		{"a daemon that panics", func(h *sim.Host) {
			h.Go(func() { panic("oops") })
			h.Sleep(1)
		}, model.Panic, "oops"},
		{"a daemon that ends with a lock", func(h *sim.Host) {
			h.Go(func() { h.Lock("x") })
			h.Sleep(1)
		}, model.Misuse, `lock "x"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := faking(func(h *sim.Host, op string) error {
				if op == "create /go" {
					c.do(h)
				}
				return nil
			})
			r := run(t, d, faulty(1, nil, nil, "A go"))
			wantDefect(t, r, c.kind, 1, c.text)
		})
	}
}

// A design that takes its host's death for a panic of its own is told so.
func TestSwallowedCrash(t *testing.T) {
	d := faking(func(h *sim.Host, op string) error {
		if op == "create /go" {
			func() {
				defer func() { recover() }()
				h.WriteBlock(0, make([]byte, 16))
			}()
		}
		return nil
	})
	p := faulty(1, []model.Hold{{Step: 1, At: model.WriteCommand, N: 1, Until: 2}}, nil, "A go", "A crash", "A mount", "A go")
	wantDefect(t, run(t, d, p), model.Misuse, 1, "recovered from a panic that was not its own")
}
