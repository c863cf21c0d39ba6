package brute

import "github.com/doublemount/doublemount/model"

// Exclusion reports whether the advisory locks of a run can have been one after the
// other, by trying every order of their taking, refusal and giving up. It is for
// histories in which all handles are of one file, with ranges among its first words.
//
// Each handle has for each of some words nothing, a shared or an exclusive lock, as
// fcntl(2) says; the last word stands for all further ones. A crash of a host gives
// up what its handles have, at any time from then on or never; its operations that
// had not returned by then may have happened before that, or not.
func Exclusion(run model.Run) bool {
	t := tableOf(run.History)
	return t.run(lockTable{})
}

const lockWords = 24

// lockTable says for each word who has it, with handles numbered from 1: one
// handle alone, or any that share it, as a set.
type lockTable [lockWords]struct {
	alone  int
	shared uint32
}

type lockStep struct {
	op      model.Op
	handle  int
	lo, hi  int64
	unsure  bool // it may not have happened
	refused bool
	all     bool // it gives up all that the handle has
	done    bool
}

type lockSteps struct{ steps []lockStep }

func tableOf(ops []model.Op) *lockSteps {
	t := &lockSteps{}
	type place struct {
		host model.Host
		slot uint8
	}
	open, handles := map[place]int{}, 0
	end := func(o model.Op, p place, hi int64) { // any order of map entries: each is a step of its own
		t.steps = append(t.steps, lockStep{op: o, handle: open[p], lo: o.Call, hi: hi, all: true})
		delete(open, p)
	}
	crashedAt := func(o model.Op) int64 {
		for _, c := range ops {
			if c.Kind == model.Crash && c.Host == o.Host && c.Call > o.Call && c.Call < o.Return {
				return c.Call
			}
		}
		return model.Never
	}
	for _, o := range ops {
		at := place{o.Host, o.File}
		s := lockStep{op: o, handle: open[at], lo: o.Call, hi: o.Return}
		switch o.Kind {
		case model.Open:
			if o.Succeeded() {
				handles++
				open[at] = handles
			}
		case model.Close:
			if o.Succeeded() {
				end(o, at, o.Return)
			}
		case model.Crash, model.Unmount:
			hi := o.Return
			if o.Kind == model.Crash {
				hi = model.Never
			}
			for slot := uint8(1); slot <= model.MaxFile; slot++ {
				if open[place{o.Host, slot}] != 0 {
					end(o, place{o.Host, slot}, hi)
				}
			}
		case model.Lock, model.Unlock:
			if s.handle == 0 {
				continue
			}
			if s.refused = o.Result.Errno == model.EAGAIN; o.Pending() || crashedAt(o) != model.Never {
				s.unsure, s.refused, s.hi = true, false, crashedAt(o)
			}
			t.steps = append(t.steps, s)
		}
	}
	return t
}

// run reports whether the steps that are left can come after those that made now.
func (t *lockSteps) run(now lockTable) bool {
	limit, left := model.Never, false
	for _, s := range t.steps {
		if !s.done && !s.unsure && s.hi != model.Never {
			left, limit = true, min(limit, s.hi)
		}
	}
	if !left {
		return true
	}
	for i := range t.steps {
		s := &t.steps[i]
		if s.done || s.lo > limit || s.unsure && t.passed(s.hi) {
			continue
		}
		next, ok := s.happen(now)
		if !ok {
			continue
		}
		s.done = true
		if t.run(next) {
			s.done = false
			return true
		}
		s.done = false
	}
	return false
}

// passed reports whether something that has been done began after a time.
func (t *lockSteps) passed(at int64) bool {
	for _, s := range t.steps {
		if s.done && s.lo > at {
			return true
		}
	}
	return false
}

func (s *lockStep) happen(now lockTable) (lockTable, bool) {
	from, to := 0, lockWords
	if s.op.Len > 0 && !s.all {
		from, to = int(s.op.Off), int(s.op.Off+s.op.Len)
	}
	me := uint32(1) << s.handle
	if s.op.Kind == model.Lock {
		free := true
		for w := from; w < to; w++ {
			others := now[w].alone != 0 && now[w].alone != s.handle
			free = free && !others && (s.op.Shared || now[w].shared&^me == 0)
		}
		if free == s.refused {
			return now, false
		}
		if s.refused {
			return now, true
		}
	}
	for w := from; w < to; w++ {
		now[w].shared &^= me
		if now[w].alone == s.handle {
			now[w].alone = 0
		}
		switch {
		case s.op.Kind != model.Lock:
		case s.op.Shared:
			now[w].shared |= me
		default:
			now[w].alone = s.handle
		}
	}
	return now, true
}
