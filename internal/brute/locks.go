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
//
// With run.LocksApart there is a table for the whole file and one for ranges. A
// refusal may come from either. A lock or unlock in one may take the same words of
// the other from its handle. A lock of the whole file may give up, at any time
// before its return, what its handle has if that is not of the kind that it asks for.
func Exclusion(run model.Run) bool {
	t := tableOf(run.History, run.LocksApart)
	return t.run([2]lockTable{})
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
	old     bool // it gives up the whole file, if the handle has it in the other way
	done    bool
}

type lockSteps struct {
	steps []lockStep
	apart bool
}

func tableOf(ops []model.Op, apart bool) *lockSteps {
	t := &lockSteps{apart: apart}
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
			if apart && o.Kind == model.Lock && o.Len == 0 {
				s.old, s.unsure, s.refused = true, true, false
				t.steps = append(t.steps, s)
			}
		}
	}
	return t
}

// run reports whether the steps that are left can come after those that made now.
func (t *lockSteps) run(now [2]lockTable) bool {
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
		for _, next := range t.happen(s, now) {
			s.done = true
			found := t.run(next)
			if s.done = false; found {
				return true
			}
		}
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

// happen is the tables that a step can make of two.
func (t *lockSteps) happen(s *lockStep, now [2]lockTable) (all [][2]lockTable) {
	own := 0
	if t.apart && s.op.Len > 0 {
		own = 1
	}
	from, to := 0, lockWords
	if s.op.Len > 0 && !s.all {
		from, to = int(s.op.Off), int(s.op.Off+s.op.Len)
	}
	next := now
	switch {
	case s.all:
		for k := range next {
			next[k].give(s.handle, from, to)
		}
		return append(all, next)
	case s.old:
		if next[0].give(s.handle, from, to); s.op.Shared && now[0][0].alone == s.handle || !s.op.Shared && now[0][0].shared&(1<<s.handle) != 0 {
			all = append(all, next)
		}
		return all
	case s.refused:
		if !now[0].free(s, from, to) || !now[1].free(s, from, to) {
			all = append(all, now)
		}
		return all
	case s.op.Kind == model.Lock && !now[own].free(s, from, to):
		return nil
	}
	next[own].give(s.handle, from, to)
	if s.op.Kind == model.Lock {
		for w := from; w < to; w++ {
			if s.op.Shared {
				next[own][w].shared |= 1 << s.handle
			} else {
				next[own][w].alone = s.handle
			}
		}
	}
	all = append(all, next)
	if t.apart {
		next[1-own].give(s.handle, from, to)
		all = append(all, next)
	}
	return all
}

// free reports whether no other handle is in the way of a lock.
func (t *lockTable) free(s *lockStep, from, to int) bool {
	for _, w := range t[from:to] {
		if w.alone != 0 && w.alone != s.handle || !s.op.Shared && w.shared&^(1<<s.handle) != 0 {
			return false
		}
	}
	return true
}

// give takes words from a handle.
func (t *lockTable) give(handle, from, to int) {
	for w := from; w < to; w++ {
		t[w].shared &^= 1 << handle
		if t[w].alone == handle {
			t[w].alone = 0
		}
	}
}
