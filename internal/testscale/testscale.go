// Package testscale says how much a test does: little by default, all of it
// with DOUBLEMOUNT_LONG=1, a part of that with DOUBLEMOUNT_SCALE=n, which
// divides what is long. Only tests use it.
package testscale

import (
	"os"
	"strconv"
)

// Long reports whether DOUBLEMOUNT_LONG=1 asks for the long form of tests.
func Long() bool { return os.Getenv("DOUBLEMOUNT_LONG") == "1" }

// Count is usual, a quarter of that with the race detector, or with
// DOUBLEMOUNT_LONG=1 long divided by DOUBLEMOUNT_SCALE, but not less than usual.
func Count(usual, long int) int {
	if Race {
		usual = max(1, usual/4)
	}
	return Reaching(usual, long)
}

// Reaching is Count for a test that says what it has to reach on the way, which with
// less it would not: the race detector makes no difference.
func Reaching(usual, long int) int {
	if !Long() {
		return usual
	}
	return max(usual, long/Divisor())
}

// Divisor is DOUBLEMOUNT_SCALE, 1 if it is not set to a number above that.
func Divisor() int {
	if n, err := strconv.Atoi(os.Getenv("DOUBLEMOUNT_SCALE")); err == nil && n > 1 {
		return n
	}
	return 1
}

// Every is for a test that tries each n-th of many things: n, with the race detector
// one a little above four times that, with DOUBLEMOUNT_LONG=1 Divisor.
func Every(n int) int {
	switch {
	case Long():
		return Divisor()
	case Race:
		return 4*n + 1
	}
	return n
}
