//go:build race

package testscale

// Race reports whether the race detector is on. With it everything takes some ten
// times longer, so tests do less: most of them are of one goroutine.
const Race = true
