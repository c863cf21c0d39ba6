package disk_test

import (
	"errors"
	"testing"

	"github.com/doublemount/doublemount/disk"
)

func TestConfigNormal(t *testing.T) {
	for _, c := range []struct {
		name     string
		in, want disk.Config
		ok       bool
	}{
		{"the defaults", disk.Config{}, disk.Config{BlockSize: 256, Blocks: 64}, true},
		{"only a block size", disk.Config{BlockSize: 512}, disk.Config{BlockSize: 512, Blocks: 64}, true},
		{"the smallest", disk.Config{BlockSize: 8, Blocks: 1}, disk.Config{BlockSize: 8, Blocks: 1}, true},
		{"the largest block", disk.Config{BlockSize: 64 << 10, Blocks: 1024}, disk.Config{BlockSize: 64 << 10, Blocks: 1024}, true},
		{"the most blocks", disk.Config{BlockSize: 1024, Blocks: 64 << 10}, disk.Config{BlockSize: 1024, Blocks: 64 << 10}, true},
		{"more than 64 MiB", disk.Config{BlockSize: 1032, Blocks: 64 << 10}, disk.Config{}, false},
		{"odd block size", disk.Config{BlockSize: 12}, disk.Config{}, false},
		{"too small a block", disk.Config{BlockSize: 4}, disk.Config{}, false},
		{"negative block size", disk.Config{BlockSize: -256}, disk.Config{}, false},
		{"too large a block", disk.Config{BlockSize: 64<<10 + 8}, disk.Config{}, false},
		{"negative blocks", disk.Config{Blocks: -1}, disk.Config{}, false},
		{"too many blocks", disk.Config{BlockSize: 8, Blocks: 64<<10 + 1}, disk.Config{}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.in.Normal()
			if c.ok && (err != nil || got != c.want) {
				t.Errorf("got %+v, %v; want %+v", got, err, c.want)
			}
			if !c.ok && err == nil {
				t.Errorf("%+v was accepted as %+v", c.in, got)
			}
			if _, err := disk.NewImage(c.in); (err == nil) != c.ok {
				t.Errorf("NewImage: %v", err)
			}
		})
	}
}

func TestImageRange(t *testing.T) {
	m := image(t)
	for _, c := range []struct {
		name  string
		block int
		size  int
		ok    bool
	}{
		{"first", 0, 16, true}, {"last", 3, 16, true},
		{"before the first", -1, 16, false}, {"after the last", 4, 16, false},
		{"short buffer", 0, 15, false}, {"long buffer", 0, 17, false}, {"no buffer", 0, 0, false},
	} {
		p := make([]byte, c.size)
		for what, err := range map[string]error{"read": m.ReadBlock(c.block, p), "write": m.WriteBlock(c.block, p)} {
			if (err == nil) != c.ok || err != nil && !errors.Is(err, disk.ErrRange) {
				t.Errorf("%s, %s: %v", what, c.name, err)
			}
		}
	}
	if err := m.Flush(); err != nil {
		t.Error(err)
	}
	if m.BlockSize() != 16 || m.Blocks() != 4 {
		t.Errorf("%d blocks of %d; want 4 of 16", m.Blocks(), m.BlockSize())
	}
}

// image is four blocks of 16 bytes, block b full of the letter 'a'+b.
func image(t testing.TB) *disk.Image {
	t.Helper()
	m, err := disk.NewImage(disk.Config{BlockSize: 16, Blocks: 4})
	if err != nil {
		t.Fatal(err)
	}
	for b := range 4 {
		if err := m.WriteBlock(b, block(byte('a'+b))); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// block is 16 bytes of c.
func block(c byte) []byte {
	p := make([]byte, 16)
	for i := range p {
		p[i] = c
	}
	return p
}
