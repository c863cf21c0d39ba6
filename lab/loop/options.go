package loop

import (
	"fmt"

	"github.com/doublemount/doublemount/disk"
	"github.com/doublemount/doublemount/model"
)

// blockSize is the bytes of a block of the disk, wordSize those of a word.
const (
	blockSize = 4096
	wordSize  = blockSize / model.WordsPerBlock
)

// DefaultSize is the bytes of a disk of which nobody said how large.
const DefaultSize = 64 << 20

// Options say how large a lab is. The zero value is two hosts on 64 MB.
type Options struct {
	Hosts int   // that a Program can have, 1 to 16; 0: 2
	Size  int64 // bytes of the disk, whole blocks of 4096, from [MinSize] to [MaxSize]; 0: [DefaultSize]
	_     struct{}
}

// MinSize and MaxSize are the least and the most bytes of a disk. A file system
// may want more than the least.
const (
	MinSize = 1 << 20
	MaxSize = disk.MaxBytes
)

// normal fills in the defaults and says what is out of range.
func (o *Options) normal() error {
	if o.Hosts == 0 {
		o.Hosts = 2
	}
	if o.Size == 0 {
		o.Size = DefaultSize
	}
	if o.Hosts < 1 || o.Hosts > model.MaxHosts {
		return fmt.Errorf("%d hosts; want 1 to %d", o.Hosts, model.MaxHosts)
	}
	if o.Size < MinSize || o.Size > MaxSize || o.Size%blockSize != 0 {
		return fmt.Errorf("a disk of %d bytes; want whole blocks of 4096, from %d to %d", o.Size, MinSize, MaxSize)
	}
	return nil
}
