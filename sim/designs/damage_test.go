package designs_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/internal/testscale"
	"github.com/doublemount/doublemount/model"
	"github.com/doublemount/doublemount/sim"
	"github.com/doublemount/doublemount/sim/designs"
)

// whatever is a program that does everything there is to the names that a
// damaged disk may have.
var whatever = func() model.Program {
	p := model.Program{Hosts: 1, Unmounts: []model.Host{0}}
	add := func(steps ...model.Step) { p.Steps = append(p.Steps, steps...) }
	add(model.Step{Kind: model.Mount}, model.Step{Kind: model.Readdir, Path: "/"}, model.Step{Kind: model.Statfs})
	data := byte(0)
	for _, path := range []model.Path{"/d", "/d/a", "/b", "/new", "/d/new"} {
		data += 3
		add(model.Step{Kind: model.Stat, Path: path},
			model.Step{Kind: model.Create, Path: path},
			model.Step{Kind: model.Open, Path: path, File: 1},
			model.Step{Kind: model.Read, File: 1, Len: 200},
			model.Step{Kind: model.Write, Path: path, Off: 90, Len: 20, Data: data},
			model.Step{Kind: model.Append, File: 1, Len: 9, Data: data + 1},
			model.Step{Kind: model.Fsync, File: 1},
			model.Step{Kind: model.Truncate, File: 1, Len: 99},
			model.Step{Kind: model.Readdir, Path: path},
			model.Step{Kind: model.Mkdir, Path: path},
			model.Step{Kind: model.Link, Path: path, To: "/d/other"},
			model.Step{Kind: model.Rename, Path: path, To: "/d/moved"},
			model.Step{Kind: model.Rename, Path: "/d/moved", To: path},
			model.Step{Kind: model.Rename, Path: "/d/other", To: "/b"},
			model.Step{Kind: model.Write, File: 1, Off: 8, Len: 16, Data: data + 2, Direct: true},
			model.Step{Kind: model.Read, File: 1, Len: 40, Direct: true},
			model.Step{Kind: model.Sync},
			model.Step{Kind: model.Unlink, Path: path},
			model.Step{Kind: model.Rmdir, Path: path},
			model.Step{Kind: model.Truncate, File: 1, Len: 5},
			model.Step{Kind: model.Close, File: 1})
	}
	add(model.Step{Kind: model.Remount})
	return p
}()

// survives fails if any design, fsck or the meaning of a block does anything on
// the image but answer.
func survives(t *testing.T, m *disk.Image) {
	t.Helper()
	local := designs.Local() // fsck and the meaning of blocks are the same for all
	for _, p := range local.Audit(m) {
		if p.Text == "" || p.Anomaly == model.NoAnomaly {
			t.Fatalf("a problem that says nothing: %+v", p)
		}
	}
	for b := 0; b < m.Blocks(); b += 3 {
		if local.Block(m, b) == "" {
			t.Fatalf("block %d is nothing", b)
		}
	}
	for _, d := range designs.All() {
		d.Disk.BlockSize, d.Disk.Blocks = m.BlockSize(), m.Blocks()
		d.Format = func(to disk.Device) error {
			p := make([]byte, m.BlockSize())
			for b := range m.Blocks() {
				if err := errors.Join(m.ReadBlock(b, p), to.WriteBlock(b, p)); err != nil {
					return err
				}
			}
			return nil
		}
		r, err := sim.New(d)
		if errors.Is(err, model.EUCLEAN) {
			continue // refused, as it should be
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.Run(context.Background(), whatever)
		r.Close()
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Defects) > 0 {
			t.Fatalf("%s: %v", d.Name, got.Defects)
		}
		for _, op := range got.History {
			if op.Pending() || op.Result.Errno == model.EOTHER || op.Result.Errno == model.EIO ||
				op.Result.Errno == model.EINVAL && op.Kind != model.Rename {
				t.Fatalf("%s: %v", d.Name, op)
			}
		}
	}
}

// damaged makes an image of data. The first byte says how: all of it is data,
// with a superblock that will be mounted or without; or the sample disk, with
// bytes changed.
func damaged(t testing.TB, template *disk.Image, data []byte) *disk.Image {
	t.Helper()
	m := clone(t, template)
	if len(data) == 0 {
		return m
	}
	how, data := data[0]%4, data[1:]
	if how < 2 {
		for b := int(1 - how); b < m.Blocks(); b++ {
			patch(t, m, b, func(p []byte) {
				clear(p)
				data = data[copy(p, data):]
			})
		}
		return m
	}
	// Changes of three bytes: most of them where the pointers are.
	places := []int{1, 2, 2, 2, 3, 4, 5, indirectOfB}
	for ; len(data) >= 3; data = data[3:] {
		patch(t, m, places[int(data[0])%len(places)], func(p []byte) { p[data[1]] = data[2] })
	}
	return m
}

func TestDamagedDisks(t *testing.T) {
	template := sample(t)
	for n := range testscale.Count(600, 50_000) {
		r := rand.New(rand.NewPCG(7, uint64(n)))
		data := make([]byte, 1+r.IntN(60))
		if data[0] = byte(r.Uint32()); data[0]%4 < 2 {
			data = append(data[:1], make([]byte, 6*256)...)
		}
		for i := range data[1:] {
			data[i+1] = byte(r.Uint32() >> (8 * r.IntN(4))) // zeroes are in
			if r.IntN(2) == 0 {
				data[i+1] %= 24 // numbers that mean something
			}
		}
		survives(t, damaged(t, template, data))
	}
}

// FuzzAudit looks for an image on which a design panics, leaves the disk or
// never returns.
func FuzzAudit(f *testing.F) {
	template := sample(f)
	f.Add([]byte{})
	f.Add([]byte{0, 0xff, 0xff})
	f.Add([]byte{1})
	f.Add([]byte{2, 1, 64, 2, 1, 72, 5, 5, 0, 1})               // a directory that has itself as a block
	f.Add([]byte{2, 1, 199, 255, 1, 198, 255, 1, 224, 0})       // a file as large as there can be
	f.Add([]byte{3, 1, 0x47, 0x7f, 4, 0, 0, 7, 0, 4, 7, 2, 19}) // an indirect block that points to itself
	f.Fuzz(func(t *testing.T, data []byte) { survives(t, damaged(t, template, data)) })
}
