package dlm

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/doublemount/doublemount/internal/testscale"
)

// step makes a request of host 0, 1, 2 out of "0EX", "1PR?" (NoQueue), "2-" (give
// up), "0!" (cancel the last), "1EX=5" (with a value).
func (r *resource) step(seq uint32, word string) {
	slot := word[0] - '0'
	q := request{slot: slot, seq: seq}
	rest, value, writes := strings.Cut(word[1:], "=")
	if writes {
		q.writes, q.version = true, r.version+1
		q.value[0] = value[0] - '0'
	}
	rest, q.noQueue = strings.CutSuffix(rest, "?")
	switch rest {
	case "!":
		r.cancel(slot, r.lock(slot).seq)
		return
	case "-":
	default:
		q.mode = Mode(slices.Index(modeNames[:], rest))
	}
	r.request(&q)
}

// state is who has and who waits for what: "0PR 1:EX 2NL:PR", then the value.
func (r *resource) state() string {
	var all []string
	for _, l := range r.locks {
		text := fmt.Sprint(l.slot)
		if l.granted != None {
			text += l.granted.String()
		}
		if l.queued {
			text += ":" + l.wanted.String()
		}
		if l.tell && l.answer != granted {
			text += []string{"", " busy", " deadlock", " canceled"}[l.answer]
		}
		all = append(all, text)
	}
	text := strings.Join(all, " ")
	if r.value[0] != 0 {
		text += fmt.Sprintf(" =%d", r.value[0])
	}
	return text
}

// What is granted, and in which order: the numbers are those of the rules in
// Linux fs/dlm/lock.c, _can_be_granted.
func TestGrantOrder(t *testing.T) {
	for _, c := range []struct{ why, steps, want string }{
		{"compatible", "0PR 1PR", "0PR 1PR"},
		{"not compatible: it waits", "0PR 1EX", "0PR 1:EX"},
		{"6-4: a new request waits behind those that wait, compatible or not", "0PR 1EX 2PR", "0PR 1:EX 2:PR"},
		{"and is granted in order", "0PR 1EX 2PR 0-", "0 1EX 2:PR"},
		{"all that fit, in order", "0EX 1PR 2PR 0-", "0 1PR 2PR"},
		{"a null lock never waits (EXPEDITE)", "0EX 1EX 2NL", "0EX 1:EX 2NL"},
		{"6-3: a conversion goes before new requests", "0PR 1CR 2EX 1PR", "0PR 1PR 2:EX"},
		{"new requests wait while a conversion does", "0PR 1CR 1EX 2CR", "0PR 1CR:EX 2:CR"},
		{"conversions in order (QUECVT)", "0PR 1NL 2NL 1EX 2PR", "0PR 1NL:EX 2NL:PR"},
		{"and the second once the first is through", "0PR 1NL 2NL 1EX 2PR 0- 1PR", "0 1PR 2PR"},
		{"a way down is granted at once", "0EX 1EX 0PR", "0PR 1:EX"},
		{"down past a queue of conversions", "0PR 1PR 2NL 2EX 1NL", "0PR 1NL 2NL:EX"},
		{"PR to CW is no way down", "0PR 1PR 0CW", "0PR:CW 1PR"},
		{"conversion deadlock: both read, both want to write", "0PR 1PR 0EX 1EX", "0PR:EX 1PR deadlock"},
		{"who has given way can be waited for", "0PR 1PR 0EX 1EX 1-", "0EX 1"},
		{"no deadlock: the first does not mind the second's", "0CW 1CR 2NL 2PR 1EX", "0CW 1CR:EX 2NL:PR"},
		{"NoQueue", "0PR 1EX?", "0PR 1 busy"},
		{"NoQueue of a conversion leaves what there was", "0PR 1PR 1EX?", "0PR 1PR busy"},
		{"NoQueue that fits", "0PR 1PR?", "0PR 1PR"},
		{"NoQueue does not jump the queue", "0PR 1EX 2PR?", "0PR 1:EX 2 busy"},
		{"cancel of a new request", "0PR 1EX 1!", "0PR 1 canceled"},
		{"cancel lets the next through", "0PR 1EX 2PR 1!", "0PR 1 canceled 2PR"},
		{"cancel of a conversion", "0PR 1PR 1EX 1!", "0PR 1PR canceled"},
		{"cancel comes too late", "0PR 1PR 1!", "0PR 1PR"},
		{"EX to NL writes the value", "0EX 0NL=7 1PR", "0NL 1PR =7"},
		{"PR to NL does not", "0NL 1PR 1NL=7", "0NL 1NL"},
		{"PW to EX does not: it reads", "0NL 1PW 1EX=7", "0NL 1EX"},
		{"an unlock writes it", "0NL 1PW 1-=7", "0NL 1 =7"},
		{"with the last lock the value goes", "0EX 0-=7 1PR", "0 1PR"},
		{"a null lock keeps it", "1NL 0EX 0-=7 1-", "1 0"},
	} {
		r := &resource{valid: true}
		for i, word := range strings.Fields(c.steps) {
			if word == "0!" || word == "1!" {
				for j := range r.locks {
					r.locks[j].tell = false
				}
			}
			r.step(uint32(i+1), word)
		}
		if got := r.state(); got != c.want {
			t.Errorf("%s: %s gives %q, want %q", c.why, c.steps, got, c.want)
		}
	}
}

// A request that comes again is carried out once, an old one not at all.
func TestRequestsAgain(t *testing.T) {
	r := &resource{valid: true}
	r.step(1, "0EX")
	r.locks[0].tell = false
	r.step(1, "0EX")
	if !r.locks[0].tell {
		t.Error("the answer was lost, and is not given again")
	}
	r.step(2, "0-")
	r.step(1, "0EX")
	if got := r.state(); got != "0" {
		t.Errorf("after a late copy of a request: %q", got)
	}
	r.step(3, "0PR")
	r.step(1, "1EX")
	r.locks[1].tell = false
	r.step(1, "1EX")
	if r.locks[1].tell || len(r.waiting) != 1 {
		t.Error("a copy of a request that waits is not what is to be answered")
	}
	// Carried out before the epoch, asked again in it: an old value.
	r = &resource{valid: true, version: 5, value: Value{5}}
	r.report(0, &entry{mode: EX, usable: NL, seq: 1, version: 5, valid: true}, false)
	r.report(1, &entry{mode: NL, usable: NL, seq: 1}, false)
	r.request(&request{slot: 0, seq: 2, mode: NL, writes: true, value: Value{4}, version: 5})
	if r.value[0] != 5 {
		t.Error("an old value was written over a newer one")
	}
}

// What becomes of the value in a new epoch (Linux fs/dlm/recover.c, recover_lvb).
func TestValueAfterRecovery(t *testing.T) {
	copyOf := func(usable Mode, version byte, valid bool) entry {
		return entry{mode: max(usable, NL), usable: usable, valid: valid, version: uint32(version), value: Value{version}}
	}
	for _, c := range []struct {
		why     string
		reports []entry
		value   byte
		valid   bool
	}{
		{"nobody knows it", nil, 0, false},
		{"a reader does", []entry{copyOf(PR, 3, true)}, 3, true},
		{"null locks only: perhaps an old one", []entry{copyOf(NL, 3, true)}, 3, false},
		{"CR lets writers in", []entry{copyOf(CR, 3, true), copyOf(NL, 4, true)}, 4, false},
		{"the reader's, whatever the others say", []entry{copyOf(NL, 2, true), copyOf(PR, 3, true), copyOf(CR, 1, true)}, 3, true},
		{"a reader who got no valid one", []entry{copyOf(PR, 3, false)}, 3, false},
		{"on the way down from EX: others may have had it since", []entry{{mode: EX, usable: NL, valid: true, version: 4, value: Value{4}}}, 4, false},
		{"the newer of two", []entry{copyOf(CW, 3, true), copyOf(CW, 4, true)}, 4, true},
	} {
		for range 2 { // in both orders
			r := &resource{}
			for i, e := range c.reports {
				r.report(uint8(i), &e, true)
			}
			if r.value[0] != c.value || r.valid != c.valid {
				t.Errorf("%s: %d %v, want %d %v", c.why, r.value[0], r.valid, c.value, c.valid)
			}
			slices.Reverse(c.reports)
		}
	}
	for mode := NL; mode <= EX; mode++ { // the master stays, the holder is gone
		r := &resource{valid: true, value: Value{1}, locks: []lock{{slot: 3, granted: mode}}}
		r.rebuild(func(slot uint8) bool { return slot == 3 })
		if r.valid != (mode < PW) || len(r.locks) > 0 { // nothing stays of it
			t.Errorf("a holder of %v has gone: valid %v, %d locks", mode, r.valid, len(r.locks))
		}
		r = &resource{valid: true, locks: []lock{{slot: 3, granted: mode}}}
		r.rebuild(func(slot uint8) bool { return false })
		if !r.valid {
			t.Errorf("a holder of %v is still there, and the value is no longer valid", mode)
		}
	}
}

// Random requests: what is granted is compatible, who waits is blocked by
// somebody, and it ends when all give up what they have.
func TestGrantsAtRandom(t *testing.T) {
	for n := range testscale.Count(3_000, 100_000) {
		rng := rand.New(rand.NewPCG(5, uint64(n)))
		r := &resource{valid: true}
		log := ""
		for seq := uint32(1); seq < 40; seq++ {
			slot := uint8(rng.IntN(4))
			if l := r.lock(slot); l != nil && l.queued {
				if rng.IntN(2) == 0 {
					r.cancel(slot, l.seq)
				}
				continue
			}
			q := request{slot: slot, seq: seq, mode: Mode(rng.IntN(int(numModes))), noQueue: rng.IntN(5) == 0}
			log += fmt.Sprintf(" %d%v", slot, q.mode)
			r.request(&q)
			for i, a := range r.locks {
				for _, b := range r.locks[:i] {
					if !a.granted.Compatible(b.granted) {
						t.Fatalf("%s: %s", log, r.state())
					}
				}
			}
			if next := r.head(); next != nil && r.mayHave(next) {
				t.Fatalf("%s: nobody is in the way of the next: %s", log, r.state())
			}
		}
		for seq := uint32(100); r.head() != nil; seq++ {
			if seq > 200 {
				t.Fatalf("%s: no end: %s", log, r.state())
			}
			for i := range r.locks {
				if l := &r.locks[i]; !l.queued && l.granted != None {
					r.request(&request{slot: l.slot, seq: seq})
				}
			}
			// Those who convert give way as they are asked to: the blockers of the head.
			next := r.head()
			for i := 0; next != nil && i < len(r.locks); i++ {
				if l := &r.locks[i]; l.slot != next.slot && l.queued && !l.granted.Compatible(next.wanted) {
					t.Fatalf("%s: host %d waits itself and blocks the next: %s", log, l.slot, r.state())
				}
			}
		}
	}
}
