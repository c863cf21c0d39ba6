package fuzz

import (
	"math/bits"
	"math/rand/v2"
)

// Source is where a Program's choices come from. It is small so that many
// things can be one: a property-testing library's draws, a seeded generator,
// the bytes of native fuzzing, an enumerator of all choices.
//
// Intn returns a number in [0, n), n > 0, each about equally often where the
// Source is random. A Source that shrinks or runs out of input should favour 0:
// a Generator that is given nothing but zeros makes a short, plain Program.
type Source interface {
	Intn(n int) int
}

// PCG is the Source of a campaign: a fast seeded generator, one stream for each
// run number. The zero value is a stream too, but no campaign's; make one with
// [NewPCG].
type PCG struct {
	pcg rand.PCG
}

// NewPCG is the Source of run number run in the campaign of seed.
func NewPCG(seed uint64, run int) *PCG {
	p := new(PCG)
	p.Reset(seed, run)
	return p
}

// Reset makes p equal to NewPCG(seed, run) without allocating.
func (p *PCG) Reset(seed uint64, run int) {
	// Neighbouring run numbers must not have neighbouring states.
	p.pcg.Seed(scramble(seed), scramble(seed^scramble(uint64(run))))
}

// Intn is a number in [0, n), or 0 for n < 1. The bias, below n/2^64, is left
// in: what matters here is that every choice costs the same and takes one draw.
func (p *PCG) Intn(n int) int {
	if n < 1 {
		return 0
	}
	high, _ := bits.Mul64(p.pcg.Uint64(), uint64(n))
	return int(high)
}

// scramble spreads the bits of x: the finaliser of SplitMix64.
func scramble(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// fold adds v to the running digest h; the order of the values matters.
func fold(h, v uint64) uint64 { return scramble(h ^ v) }
