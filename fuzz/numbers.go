package fuzz

import (
	"math/bits"
	"slices"

	"github.com/doublemount/doublemount/model"
)

// plainerNumbers makes offsets 0, lengths a block or a word, time short, sets of
// writes that survive small, and the writeback of some blocks that of all.
func plainerNumbers(p model.Program, _ model.KindSet, yield func(model.Program) bool) {
	for i, s := range p.Steps {
		with := func(off, length int32) bool {
			q := p.Clone()
			q.Steps[i].Off, q.Steps[i].Len = off, length
			return yield(q)
		}
		switch s.Kind {
		case model.Crash, model.PowerLoss, model.DiskReset:
			for _, set := range smaller(s.Off) {
				if !with(set, 0) {
					return
				}
			}
			continue
		case model.Partition, model.Heal: // see plainerEvents
			continue
		case model.Writeback:
			if s.Len > 0 && !with(0, 0) || s.Off > 0 && (!with(0, s.Len) || !with(s.Off-1, s.Len)) || s.Len > 1 && !with(s.Off, s.Len-1) {
				return
			}
			continue
		}
		for _, off := range []int32{0, s.Off / model.WordsPerBlock * model.WordsPerBlock} {
			if off < s.Off && !with(off, s.Len) {
				return
			}
		}
		for _, length := range shorter(s.Kind, s.Len) {
			if !with(s.Off, length) {
				return
			}
		}
	}
}

// smaller lists sets of kept writes that are plainer than set: with fewer
// members, or with one replaced by an earlier one.
func smaller(set int32) []int32 {
	var all []int32
	add := func(s int32) {
		if s != set && !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	add(0)
	if n := bits.Len32(uint32(set)); n > 1 {
		add(set & (1<<(n/2) - 1))  // the earlier half
		add(set &^ (1<<(n/2) - 1)) // the later half
	}
	for left := set; left != 0; left &= left - 1 {
		add(set &^ (left & -left))
	}
	for left := set; left != 0; left &= left - 1 {
		if bit := left & -left; bit > 1 && set&(bit>>1) == 0 {
			add(set&^bit | 1<<bits.TrailingZeros32(^uint32(set)))
			add(set&^bit | bit>>1)
		}
	}
	return all
}

// shorter lists the lengths that are plainer than n for a step of kind k, the
// plainest first. Every list leads on to the ends of it: none is plainer than a
// block, or than 0 where that is allowed.
func shorter(k model.Kind, n int32) []int32 {
	const block = model.WordsPerBlock
	plainness := func(n int32) int32 {
		switch {
		case n == block:
			return 0
		case n == 1:
			return 1
		}
		return n + 2
	}
	candidates := []int32{block, 1, n / 2 / block * block, n - block, n - 1}
	least := int32(1)
	switch k {
	case model.Tick:
		candidates, plainness = []int32{1, n / 2, n - 1}, func(n int32) int32 { return n }
	case model.Truncate:
		candidates, least = slices.Insert(candidates, 0, 0), 0
		whole := plainness
		plainness = func(n int32) int32 {
			if n == 0 {
				return -1
			}
			return whole(n)
		}
	case model.Read, model.Write, model.Append:
	default:
		return nil
	}
	return slices.DeleteFunc(candidates, func(c int32) bool { return c < least || plainness(c) >= plainness(n) })
}
