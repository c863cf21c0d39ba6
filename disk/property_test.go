package disk_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/model"
	"pgregory.net/rapid"
)

// A disk is a map from blocks to bytes that counts its writes; Base is what the
// incarnation last read or wrote; and after Reset all of it starts again.
func TestDiskIsAMap(t *testing.T) {
	const ports, blocks = 3, 4
	template := image(t)
	rapid.Check(t, func(t *rapid.T) {
		d := disk.New(template, ports)
		var want simple
		want.reset()
		type flight struct {
			ticket disk.Ticket
			port   int
			life   [2]int // resets, attaches of the port
			c      disk.Command
		}
		var flights []flight
		resets := 0
		submit := func(t *rapid.T, kind model.CommandKind, data byte) {
			port, b := rapid.IntRange(0, ports-1).Draw(t, "port"), rapid.IntRange(0, blocks-1).Draw(t, "block")
			c := disk.Command{Kind: kind, Block: b, Data: block(data)}
			ticket, err := d.Submit(disk.Port(port), c)
			if want.attached[port] == 0 {
				if !errors.Is(err, disk.ErrDetached) {
					t.Fatalf("submit on a detached port: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			flights = append(flights, flight{ticket, port, [2]int{resets, want.attached[port]}, c})
		}
		t.Repeat(map[string]func(*rapid.T){
			"attach": func(t *rapid.T) {
				port := rapid.IntRange(0, ports-1).Draw(t, "port")
				want.attached[port]++
				want.seen[port] = [blocks]int32{-1, -1, -1, -1}
				if n := d.Attach(disk.Port(port)); int(n) != want.attached[port] {
					t.Fatalf("incarnation %d, want %d", n, want.attached[port])
				}
			},
			"read":  func(t *rapid.T) { submit(t, model.ReadCommand, '?') },
			"write": func(t *rapid.T) { submit(t, model.WriteCommand, rapid.Byte().Draw(t, "data")) },
			"complete": func(t *rapid.T) {
				if len(flights) == 0 {
					t.Skip("nothing in flight")
				}
				i := rapid.IntRange(0, len(flights)-1).Draw(t, "which")
				f := flights[i]
				flights = append(flights[:i], flights[i+1:]...)
				got, err := d.Complete(f.ticket)
				if f.life != [2]int{resets, want.attached[f.port]} {
					if !errors.Is(err, disk.ErrDetached) {
						t.Fatalf("a command of an old incarnation landed: %v", err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				base, b := int32(-1), f.c.Block
				if f.c.Kind == model.WriteCommand {
					base = want.seen[f.port][b]
					want.data[b], want.versions[b] = f.c.Data[0], want.versions[b]+1
				}
				want.seen[f.port][b] = want.versions[b]
				if got.Version != want.versions[b] || got.Base != base || !bytes.Equal(f.c.Data, block(want.data[b])) {
					t.Fatalf("%v of block %d: version %d from %d, %q; want %d from %d, %q", f.c.Kind, b,
						got.Version, got.Base, f.c.Data[0], want.versions[b], base, want.data[b])
				}
			},
			"reset": func(*rapid.T) {
				d.Reset()
				want.reset()
				resets++
			},
			"": func(t *rapid.T) {
				for b := range blocks {
					p := block(0)
					if err := d.Image().ReadBlock(b, p); err != nil || !bytes.Equal(p, block(want.data[b])) {
						t.Fatalf("block %d is %q, want %q (%v)", b, p[0], want.data[b], err)
					}
				}
				for port := range ports {
					if n := d.Incarnation(disk.Port(port)); int(n) != want.attached[port] {
						t.Fatalf("port %d: incarnation %d, want %d", port, n, want.attached[port])
					}
				}
			},
		})
	})
}

// simple is what a disk is to be.
type simple struct {
	data     [4]byte
	versions [4]int32
	attached [3]int
	seen     [3][4]int32
}

func (s *simple) reset() { *s = simple{data: [4]byte{'a', 'b', 'c', 'd'}} }
