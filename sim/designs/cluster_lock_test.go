package designs_test

import (
	"testing"

	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/internal/testscale"
	"github.com/doublemount/doublemount/sim/designs"
)

// Alone, and with hosts that take turns, a cluster file system is an ordinary
// one.
func TestClusterLockAgrees(t *testing.T) {
	j := newJudge(t, designs.ClusterLock())
	caps := j.runner.Capabilities()
	for n := range testscale.Count(1_000, 50_000) {
		j.agree(fuzz.Options{Seed: 11, Hosts: 1, Steps: 40, Faults: fuzz.NoFaults}.Program(caps, n))
		p := fuzz.Options{Seed: 12, Hosts: 3, Steps: 40, Faults: fuzz.NoFaults}.Program(caps, n)
		p.Holds = nil
		j.agree(p)
	}
	if j.full == 0 {
		t.Error("no program filled the disk")
	}
}

// What one host does is there for the next at once, whatever becomes of the
// first; an answer says so.
func TestClusterLockStories(t *testing.T) {
	for name, lines := range map[string]string{
		"what was flushed for another host survives": `
			A mount
			B mount
			A create /a
			A write /a 0 8 #1
			B read /a 0 8 -> 8x#1
			A crash
			B read /a 0 8 -> 8x#1`,
		"what nobody has seen or synced may go with its host": `
			A mount
			B mount
			A create /a
			A crash
			B stat /a -> ENOENT`,
		"what was synced stays: the journal is replayed by another": `
			A mount
			B mount
			A create /a
			A sync
			A crash
			B stat /a -> file of 0`,
		"a file is locked for all hosts": `
			A mount
			B mount
			A create /a
			A open /a f1
			B open /a f1
			A lock f1 shared -> ok
			B lock f1 shared -> ok
			B lock f1 -> EAGAIN
			A close f1
			B lock f1 -> ok
			B unlock f1
			B close f1`,
		"the lock of a host that died is free when that was recovered": `
			A mount
			B mount
			A create /a
			A open /a f1
			B open /a f1
			A lock f1
			B lock f1 shared -> EAGAIN
			A crash
			B lock f1 -> ok`,
		"an fsync is good for what others have changed": `
			A mount
			B mount
			B create /a
			A write /a 0 8 #1
			B fsync /a -> ok
			A crash
			B read /a 0 8 -> 8x#1`,
		"unlinked while another host has it open": `
			A mount
			B mount
			A create /a
			A write /a 0 8 #1
			B open /a f1
			A unlink /a
			A statfs -> 58 of 59 free
			B read f1 0 8 -> 8x#1
			B close f1
			A statfs -> 59 of 59 free`,
		"and that host dies": `
			A mount
			B mount
			A create /a
			A write /a 0 8 #1
			B open /a f1
			A unlink /a
			B crash
			A stat /a -> ENOENT
			all tick 8
			A statfs -> 59 of 59 free`,
		"a host that stands still is given up": `
			A mount
			B mount
			A create /a
			A sync
			A pause
			B create /b -> ok
			A resume
			B readdir / -> a b`,
		"so is one without a way to the disk": `
			A mount
			B mount
			A create /a
			A sync
			A partition disk
			B create /b -> ok
			A heal disk
			A create /c -> EIO
			B readdir / -> a b
			A remount
			A readdir / -> a b`,
	} {
		t.Run(name, func(t *testing.T) {
			got := script(t, designs.ClusterLock(), 2, lines)
			if len(got.Defects) > 0 || len(got.Audit) > 0 {
				t.Errorf("defects %v, fsck %v", got.Defects, got.Audit)
			}
		})
	}
}
