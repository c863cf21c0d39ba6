package dir

import (
	"encoding/binary"
	"hash/fnv"

	"github.com/doublemount/doublemount/model"
)

// digest is a hash over everything in a history, in order.
func digest(history []model.Op) uint64 {
	h := fnv.New64a()
	var b []byte
	text := func(s string) {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	for _, op := range history {
		b = b[:0]
		r := op.Result
		for _, n := range []int64{int64(op.Step), int64(op.Host), int64(op.Kind), int64(op.File),
			int64(op.Off), int64(op.Len), int64(op.Data), op.Call, op.Return,
			int64(r.Errno), int64(r.Type), r.Size, r.Total, r.Free, int64(len(r.Names))} {
			b = binary.AppendVarint(b, n)
		}
		flags := byte(0)
		if op.Skipped {
			flags |= 1
		}
		if op.Direct {
			flags |= 2
		}
		if op.Shared {
			flags |= 4
		}
		b = append(b, flags)
		text(string(op.Path))
		if op.Kind.TwoPaths() {
			text(string(op.To))
		}
		text(string(r.Data))
		for _, name := range r.Names {
			text(name)
		}
		h.Write(b)
	}
	return h.Sum64()
}
