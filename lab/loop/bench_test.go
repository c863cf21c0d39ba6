//go:build linux

package loop_test

import (
	"os"
	"testing"

	"github.com/doublemount/doublemount/fuzz"
	"github.com/doublemount/doublemount/lab/loop"
)

// BenchmarkRun is one run of two hosts as a hunt draws them: a fresh disk, mounts,
// operations, faults, the closing observation and the file system's checker.
func BenchmarkRun(b *testing.B) {
	if os.Getenv(labEnv) != "1" {
		b.Skipf("mounts file systems of this kernel, as root: only with %s=1", labEnv)
	}
	for _, name := range []string{"ext4", "ext4-nojournal", "xfs", "btrfs", "ntfs"} {
		b.Run(name, func(b *testing.B) {
			s, err := loop.Lookup(name)
			if err != nil {
				b.Fatal(err)
			}
			r, err := loop.New(b.Context(), s, loop.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer r.Close()
			options, n := fuzz.Options{Seed: 1, Hosts: 2}, 0
			for b.Loop() {
				if _, err := r.Run(b.Context(), options.Program(r.Capabilities(), n%64)); err != nil {
					b.Fatal(err)
				}
				n++
			}
		})
	}
}
