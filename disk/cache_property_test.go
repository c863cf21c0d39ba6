package disk_test

import (
	"bytes"
	"testing"

	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/model"
	"pgregory.net/rapid"
)

// story is a disk as the list of everything that was ever written to it.
type story struct {
	volatile bool
	written  []written
	ports    [3]struct {
		incarnation int
		cut         bool
		seen        [4]int32
	}
	life int // resets
}

type written struct {
	block        int
	letter       byte
	version      int32
	stable, lost bool
}

func (s *story) reset() {
	*s = story{volatile: s.volatile, life: s.life + 1}
	for b := range 4 {
		s.written = append(s.written, written{block: b, letter: byte('a' + b), stable: true})
	}
}

// newest is what is in a block.
func (s *story) newest(b int) written {
	for i := len(s.written) - 1; ; i-- {
		if w := s.written[i]; w.block == b && !w.lost {
			return w
		}
	}
}

func (s *story) write(b int, letter byte, stable bool) written {
	w := written{block: b, letter: letter, stable: stable || !s.volatile}
	for _, old := range s.written {
		if old.block == b {
			w.version = old.version + 1
		}
	}
	s.written = append(s.written, w)
	return w
}

// unflushed lists what a power loss could take, oldest first.
func (s *story) unflushed() (at []int) {
	for i, w := range s.written {
		replaced := false
		for _, later := range s.written[i+1:] {
			replaced = replaced || later.block == w.block && later.stable
		}
		if !w.stable && !w.lost && !replaced {
			at = append(at, i)
		}
	}
	return at
}

func (s *story) attach(p disk.Port) int {
	q := &s.ports[p]
	q.incarnation++
	q.cut, q.seen = false, [4]int32{-1, -1, -1, -1}
	return q.incarnation
}

// A disk with a volatile cache does what the whole history of its writes says,
// under every order of commands, fates, cuts and power losses.
func TestDiskIsItsHistory(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := &story{volatile: rapid.Bool().Draw(r, "volatile")}
		d := formatted(t, disk.Config{Volatile: s.volatile, Compare: true}, 3)
		s.reset()
		for p := range disk.Port(3) {
			s.attach(p)
		}
		type flight struct {
			ticket disk.Ticket
			a      act
			life   [2]int
			mark   int // of s.written
			dead   bool
		}
		var flying []flight
		for i, a := range script(r, 80, drawCommand) {
			port := &s.ports[a.port]
			switch a.kind {
			case "submit":
				a.c.Data = bytes.Clone(a.c.Data)
				ticket, err := d.Submit(a.port, a.c)
				if port.incarnation == 0 {
					if !errIs(err, disk.ErrDetached) {
						r.Fatalf("act %d %v: %v", i, a, err)
					}
					break
				}
				if err != nil {
					r.Fatalf("act %d %v: %v", i, a, err)
				}
				flying = append(flying, flight{ticket, a, [2]int{s.life, port.incarnation}, len(s.written), port.cut})
			case "complete", "abort":
				if a.which >= len(flying) {
					break
				}
				f := flying[a.which]
				flying = append(flying[:a.which], flying[a.which+1:]...)
				q := &s.ports[f.a.port]
				dead := f.dead || f.life != [2]int{s.life, q.incarnation} || q.cut
				var err error
				if a.kind == "abort" {
					_, err = d.Abort(f.ticket, a.keep)
				} else {
					_, err = d.CompleteWith(f.ticket, a.fate)
				}
				want, wantErr := s.complete(a, f.a, f.mark, dead)
				if !errIs(err, wantErr) {
					r.Fatalf("act %d %v of %v: %v, want %v", i, a, f.a, err, wantErr)
				}
				if got := d.Results(); results(got) != results(want) {
					r.Fatalf("act %d %v of %v: %s, want %s", i, a, f.a, results(got), results(want))
				}
				if f.a.c.Kind == model.ReadCommand && len(want) > 0 {
					for j, w := range want {
						if f.a.c.Data[j*16] != s.newest(w.Block).letter {
							r.Fatalf("act %d %v of %v: read %q", i, a, f.a, f.a.c.Data)
						}
					}
				}
			case "cut":
				d.Cut(a.port)
				port.cut = true
			case "attach":
				if got, want := d.Attach(a.port), s.attach(a.port); int(got) != want {
					r.Fatalf("act %d: incarnation %d, want %d", i, got, want)
				}
			case "power-loss", "device-reset":
				for n, at := range s.unflushed() {
					if a.keep>>(n%31)&1 != 0 {
						s.written[at].stable = true
					} else {
						s.written[at].lost = true
					}
				}
				if a.kind == "device-reset" {
					d.DeviceReset(a.keep)
					break
				}
				for p := range s.ports {
					s.ports[p].cut = true
				}
				d.PowerLoss(a.keep)
			case "reset":
				s.reset()
				d.Reset()
			}
			if got, want := d.Unflushed(), len(s.unflushed()); got != want {
				r.Fatalf("act %d %v: %d unflushed, want %d", i, a, got, want)
			}
			for b := range 4 {
				if got, want := content(t, d, b), s.newest(b).letter; got != want {
					r.Fatalf("act %d %v: block %d is %q, want %q", i, a, b, got, want)
				}
			}
		}
	})
}

// complete is what completing or aborting what was submitted should give.
func (s *story) complete(a, submitted act, mark int, dead bool) ([]disk.BlockResult, error) {
	c, q := &submitted.c, &s.ports[submitted.port]
	if dead {
		return nil, disk.ErrDetached
	}
	n, at, known := len(c.Data)/16, c.Block, true
	if a.kind == "complete" {
		switch a.fate.Kind {
		case disk.Failed:
			return nil, disk.ErrMedia
		case disk.Lost:
			return nil, nil
		case disk.Misdirected:
			if c.Kind == model.FlushCommand {
				break
			}
			at, known = a.fate.Block, false
			if at < 0 || at+n > 4 {
				return nil, disk.ErrRange
			}
		}
	}
	var want []disk.BlockResult
	matched := true
	switch c.Kind {
	case model.FlushCommand:
		for i := range mark {
			s.written[i].stable = s.written[i].stable || a.kind == "complete"
		}
		return nil, nil
	case model.ReadCommand:
		for i := range n {
			if a.kind == "abort" {
				break
			}
			w := s.newest(at + i)
			want = append(want, disk.BlockResult{Block: at + i, Result: disk.Result{Version: w.version, Base: -1, Overwrote: -1}})
			if known {
				q.seen[at+i] = w.version
			}
		}
		return want, nil
	case model.CompareCommand:
		for i := range n {
			matched = matched && c.Compare[i*16] == s.newest(at+i).letter
		}
	}
	for i := range n {
		lands := matched
		if a.kind == "abort" && c.Kind == model.CompareCommand {
			lands = lands && a.keep&1 != 0
		} else if a.kind == "abort" {
			lands = a.keep>>(i%31)&1 != 0
		}
		if !lands {
			continue
		}
		over, base := s.newest(at+i).version, q.seen[at+i]
		if c.Kind == model.CompareCommand {
			base = over
		}
		w := s.write(at+i, c.Data[i*16], c.FUA && a.kind == "complete")
		want = append(want, disk.BlockResult{Block: at + i, Result: disk.Result{Version: w.version, Base: base, Overwrote: over}})
		if known {
			q.seen[at+i] = w.version
		}
	}
	return want, nil
}
