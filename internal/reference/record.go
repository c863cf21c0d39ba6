package reference

import (
	"math/rand/v2"

	"github.com/doublemount/doublemount/model"
)

// recorder runs a system and writes down what its hosts are answered.
type recorder struct {
	rng     *rand.Rand
	life    life
	storage storage
	ops     []model.Op
	now     int64
	at      [2]int // for each host its call in ops, or -1
	done    [2]bool
	down    [2]bool
	open    [2]bool // handle f1
}

func (r *recorder) tick() int64 { r.now++; return r.now }

func (r *recorder) call(s model.Step, number int) int {
	r.ops = append(r.ops, model.Op{Step: number, Host: s.Host, Kind: s.Kind, Path: s.Path, To: s.To, File: s.File,
		Off: s.Off, Len: s.Len, Data: s.Data, Call: r.tick(), Return: model.Never})
	return len(r.ops) - 1
}

// once records a step that nothing overlaps.
func (r *recorder) once(s model.Step, number int) {
	i := r.call(s, number)
	r.ops[i].Result = r.storage.do(s)
	r.ops[i].Return = r.tick()
	r.note(&r.ops[i])
}

// note keeps account of what hosts have open and mounted.
func (r *recorder) note(o *model.Op) {
	switch o.Kind {
	case model.Mount:
		if o.Host < 2 {
			r.down[o.Host] = false
		}
	case model.Unmount, model.Crash:
		if o.Host < 2 {
			r.open[o.Host], r.down[o.Host] = false, true
		}
	case model.Open:
		r.open[o.Host] = r.open[o.Host] || o.Result.Errno == model.OK
	case model.Close:
		r.open[o.Host] = false
	}
}

func (r *recorder) record(draw func(int) model.Step, n int) model.Run {
	r.at = [2]int{-1, -1}
	r.down = [2]bool{true, true}
	r.once(model.Step{Kind: model.Mount}, 0)
	for _, s := range r.life.setup {
		r.once(s, 0)
	}
	r.once(model.Step{Kind: model.Unmount}, 0)
	if !r.life.inTurn {
		r.once(model.Step{Kind: model.Mount}, 0)
		r.once(model.Step{Host: 1, Kind: model.Mount}, 0)
	}
	for called := 0; called < n || r.at != [2]int{-1, -1}; {
		h := model.Host(r.rng.IntN(2))
		switch {
		case r.at[h] >= 0 && !r.done[h]:
			o := &r.ops[r.at[h]]
			o.Result, r.done[h] = r.storage.do(o.AsStep()), true
		case r.at[h] >= 0:
			o := &r.ops[r.at[h]]
			o.Return, r.at[h] = r.tick(), -1
			r.note(o)
		case called == n || !r.life.overlap && r.at[1-h] >= 0:
		default:
			called++
			r.next(h, draw(called-1), called)
		}
	}
	order := []model.Host{0, 1}
	if r.rng.IntN(2) == 0 {
		order = []model.Host{1, 0}
	}
	for _, h := range order {
		if !r.down[h] {
			r.once(model.Step{Host: h, Kind: model.Unmount}, n+1)
		}
	}
	r.once(model.Step{Host: model.Final, Kind: model.Mount}, 0)
	for _, p := range r.life.look {
		r.once(model.Step{Host: model.Final, Kind: model.Read, Path: p, Len: 24}, 0)
	}
	return model.Run{History: r.ops, Program: model.Program{Hosts: 2, Unmounts: order}}
}

// next begins the next thing on a host that is idle: now and then an event, else s.
func (r *recorder) next(h model.Host, s model.Step, number int) {
	idle := r.at == [2]int{-1, -1}
	other := 1 - h
	switch {
	case r.life.inTurn && r.down[h]:
		if !r.down[other] {
			r.once(model.Step{Host: other, Kind: model.Unmount}, number)
		}
		r.once(model.Step{Host: h, Kind: model.Mount}, number)
	case r.down[h]:
		r.once(model.Step{Host: h, Kind: model.Mount}, number)
	case r.life.crashes && idle && r.rng.IntN(12) == 0:
		r.once(model.Step{Host: h, Kind: model.Crash}, number)
		return
	case r.life.crashes && r.at[other] >= 0 && r.rng.IntN(12) == 0: // in the middle of an operation
		o := &r.ops[r.at[other]]
		o.Result, r.at[other] = model.Result{}, -1
		r.once(model.Step{Host: other, Kind: model.Crash}, number)
		return
	case r.life.ticks && idle && r.rng.IntN(5) == 0:
		r.once(model.Step{Host: model.Everyone, Kind: model.Tick, Len: int32(1 + r.rng.IntN(2))}, number)
		return
	case !r.life.inTurn && idle && r.rng.IntN(12) == 0:
		r.once(model.Step{Host: h, Kind: model.Unmount}, number)
		return
	}
	s.Host = h
	if s.File != 0 && s.Kind != model.Open && !r.open[h] {
		s = model.Step{Host: h, Kind: model.Open, Path: "/a", File: 1}
	} else if s.Kind == model.Open && r.open[h] {
		s = model.Step{Host: h, Kind: model.Close, File: 1}
	}
	r.at[h], r.done[h] = r.call(s, number), false
}
