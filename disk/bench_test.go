package disk_test

import (
	"testing"

	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/model"
)

// One block of 256 bytes, submitted and completed: what a simulated host does
// most. With a volatile cache, every 16th command is a flush.
func BenchmarkOneBlock(b *testing.B) {
	for _, c := range []struct {
		name   string
		kind   model.CommandKind
		config disk.Config
	}{
		{"read", model.ReadCommand, disk.Config{}},
		{"write", model.WriteCommand, disk.Config{}},
		{"write to a volatile cache", model.WriteCommand, disk.Config{Volatile: true}},
	} {
		b.Run(c.name, func(b *testing.B) {
			template, err := disk.NewImage(c.config)
			if err != nil {
				b.Fatal(err)
			}
			d := disk.New(template, 4)
			d.Attach(0)
			p := make([]byte, template.BlockSize())
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				command := disk.Command{Kind: c.kind, Block: n & 63, Data: p}
				if c.config.Volatile && n&15 == 15 {
					command = disk.Command{Kind: model.FlushCommand}
				}
				ticket, err := d.Submit(0, command)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := d.Complete(ticket); err != nil {
					b.Fatal(err)
				}
				n++
			}
		})
	}
}
