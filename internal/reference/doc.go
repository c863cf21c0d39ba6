// Package reference has small systems of hosts that share storage and are right by
// construction: each keeps the guarantee that it says, on every run, for a reason
// that fits into its doc comment. And each with a piece left out, which is not.
// Tests hold the judge against them: the first it must never flag, the others it
// must.
//
// They are not designs ([github.com/doublemount/doublemount/sim]): they have no disk
// blocks and no messages, only what makes a guarantee kept or broken, and they share
// no code with the simulator or with a judge. A run is a function of the choices of
// its generator of random numbers.
package reference

import (
	"math/rand/v2"

	"github.com/doublemount/doublemount/model"
)

// System is one of them.
type System struct {
	Name  string
	Keeps model.Guarantee // on every run; or, where a piece is left out, not on many
	Lacks string          // the piece left out, or empty

	start func(*rand.Rand) storage
	draw  func(*rand.Rand, int) model.Step
	life  life
}

// storage is what hosts see through their operations. do carries out a step of a
// host at one moment and returns its result; events too.
type storage interface {
	do(model.Step) model.Result
}

// life is what happens to the hosts of a system besides operations.
type life struct {
	overlap bool // operations of two hosts overlap; each host has one at a time
	crashes bool
	ticks   bool
	inTurn  bool // one host at a time is mounted
	setup   []model.Step
	look    []model.Path // what Final reads
}

// Systems lists those that are right.
func Systems() []System {
	return []System{atomicStore(""), lockAndFlush(""), closeToOpen(""), handOver(""), lastSyncWins("")}
}

// Broken lists those with a piece left out.
func Broken() []System {
	return []System{
		atomicStore("unlink"), atomicStore("exclusion"),
		lockAndFlush("flush"), lockAndFlush("invalidation"), lockAndFlush("fsync"),
		closeToOpen("flush at close"), closeToOpen("revalidation at open"), closeToOpen("expiry"),
		handOver("flush at unmount"), handOver("invalidation at mount"),
		lastSyncWins("blocks"), lastSyncWins("dirty bits"),
	}
}

// Run is a history of n operations of two hosts, with what Final sees at the end.
func (s System) Run(rng *rand.Rand, n int) model.Run {
	r := recorder{rng: rng, life: s.life, storage: s.start(rng)}
	return r.record(func(i int) model.Step { return s.draw(rng, i) }, n)
}
