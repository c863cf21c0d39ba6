package dlm

import "testing"

// The matrices are those of Linux fs/dlm/lock.c, which says that they are the
// ones of the VMS lock manager; rows and columns NL CR CW PR PW EX.
func TestCompatible(t *testing.T) {
	matrix := [6]string{ // __dlm_compat_matrix
		NL - 1: "111111",
		CR - 1: "111110",
		CW - 1: "111000",
		PR - 1: "110100",
		PW - 1: "110000",
		EX - 1: "100000",
	}
	for a := NL; a <= EX; a++ {
		for b := NL; b <= EX; b++ {
			if got, want := a.Compatible(b), matrix[a-1][b-1] == '1'; got != want {
				t.Errorf("%v beside %v: %v, want %v", a, b, got, want)
			}
		}
		if !a.Compatible(None) || !None.Compatible(a) {
			t.Errorf("%v is in the way of nothing", a)
		}
	}
}

func TestTransfer(t *testing.T) {
	matrix := [7]string{ // dlm_lvb_operations without its padding: r returns, w writes
		None: " rrrrrr",
		NL:   " rrrrrr",
		CR:   "  rrrrr",
		CW:   "   rrrr",
		PR:   "    rrr",
		PW:   "wwwwwwr",
		EX:   "wwwwwww",
	}
	kinds := map[transfer]byte{leaveValue: ' ', readValue: 'r', writeValue: 'w'}
	for from := None; from <= EX; from++ {
		for to := None; to <= EX; to++ {
			want := matrix[from][to]
			if to == None { // theirs has no row for it: unlocks are not conversions
				want = map[bool]byte{true: 'w', false: ' '}[from >= PW]
			}
			if from == None && to == None {
				continue // no request
			}
			if got := kinds[transferOf(from, to)]; got != want {
				t.Errorf("%v to %v: %q, want %q", from, to, got, want)
			}
		}
	}
}

// meet and Below against what compatibility says about them.
func TestMeetAndBelow(t *testing.T) {
	weaker := func(a, b Mode) bool { // a allows others all that b does
		return compatible[a]&compatible[b] == compatible[b]
	}
	for a := None; a <= EX; a++ {
		for b := None; b <= EX; b++ {
			m := meet(a, b)
			if !weaker(m, a) || !weaker(m, b) {
				t.Errorf("meet of %v and %v is %v, which takes more than one of them", a, b, m)
			}
			for c := m + 1; c <= EX; c++ {
				if weaker(c, a) && weaker(c, b) && compatible[c] != compatible[m] {
					t.Errorf("meet of %v and %v is %v, though both cover %v", a, b, m, c)
				}
			}
			low := a.Below(b)
			if !low.Compatible(b) || !a.Covers(low) {
				t.Errorf("%v below %v is %v", a, b, low)
			}
			for c := low + 1; c <= EX; c++ {
				if a.Covers(c) && c.Compatible(b) {
					t.Errorf("%v below %v is %v, not %v", a, b, low, c)
				}
			}
		}
	}
}
