package model

import (
	"encoding/binary"
	"maps"
	"slices"
)

// Clone is a file system of its own that is as fs is: what is done to one is not
// seen in the other. Names and handles of one file lead to one file there too.
func (fs *FS) Clone() *FS {
	other := &FS{nodes: maps.Clone(fs.nodes), handles: maps.Clone(fs.handles)}
	copies := map[*inode]*inode{}
	copied := func(n *inode) *inode {
		if copies[n] == nil {
			copies[n] = &inode{dir: n.dir, words: slices.Clone(n.words)}
		}
		return copies[n]
	}
	for p, n := range other.nodes { // any order: each has its own place
		other.nodes[p] = copied(n)
	}
	for h, n := range other.handles { // any order: each has its own place
		other.handles[h] = copied(n)
	}
	return other
}

// AppendState appends what fs is to b: names, handles, contents, and which of them
// lead to one file. Two file systems answer all that is to come alike if and only if
// they append the same, so it serves as a key and for a hash.
func (fs *FS) AppendState(b []byte) []byte {
	number := map[*inode]uint64{}
	content := func(n *inode) {
		k, seen := number[n]
		if !seen {
			k = uint64(len(number))
			number[n] = k
		}
		b = binary.AppendUvarint(b, k)
		if seen {
			return
		}
		if n.dir {
			b = append(b, 1)
			return
		}
		b = append(binary.AppendUvarint(append(b, 0), uint64(len(n.words))), n.words...)
	}
	b = binary.AppendUvarint(b, uint64(len(fs.nodes)))
	for _, p := range slices.Sorted(maps.Keys(fs.nodes)) {
		b = append(binary.AppendUvarint(b, uint64(len(p))), p...)
		content(fs.nodes[p])
	}
	byHost := func(a, c handle) int {
		return (int(a.host)<<8 | int(a.slot)) - (int(c.host)<<8 | int(c.slot))
	}
	for _, h := range slices.SortedFunc(maps.Keys(fs.handles), byHost) {
		b = append(b, byte(h.host), h.slot)
		content(fs.handles[h])
	}
	return b
}
