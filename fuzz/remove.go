package fuzz

import (
	"slices"

	"github.com/doublemount/doublemount/model"
)

// OneAway lists every Program that is p with one thing taken away: one step, one
// hold, or one strike. Numbers are fixed up: a hold or strike goes with the step
// that it befalls; a hold or a late message that waits for a step that is gone
// goes too, or waits for the step that took its number, both are listed. p must
// be valid; it is not changed.
func OneAway(p model.Program) []model.Program {
	var all []model.Program
	removeOne(p, 0, func(q model.Program) bool {
		all = append(all, q)
		return true
	})
	return all
}

// A rule yields candidates: Programs plainer than p by its own measure, which
// no rule after it undoes, so that applying rules ends. It stops when yield
// says false. The kinds in can are those a candidate may use anew. A candidate
// shares nothing with p.
type rule func(p model.Program, can model.KindSet, yield func(model.Program) bool)

// rules are tried in order: what takes most away first.
var rules = []rule{
	removeChunks,
	removeOne,
	removePairs,
	removeHosts,
	plainerKinds,
	plainerEvents,
	pathsForHandles,
	plainerHolds,
	plainerStrikes,
	fewerNames,
	plainerNumbers,
	inOrder,
	plainerUnmounts,
}

// removeChunks takes away runs of neighbouring steps, from halves to pairs,
// late ones first: later steps depend on earlier ones.
func removeChunks(p model.Program, _ model.KindSet, yield func(model.Program) bool) {
	for size := len(p.Steps) / 2; size > 1; size /= 2 {
		for end := len(p.Steps); end > 0; end -= size {
			gone := func(i int) bool { return i < end && i >= end-size }
			waits := len(p.Holds)+len(p.Strikes) > 0
			if !yield(without(p, true, gone)) || waits && !yield(without(p, false, gone)) {
				return
			}
		}
	}
}

// removeOne takes away one step, one hold or one strike.
func removeOne(p model.Program, _ model.KindSet, yield func(model.Program) bool) {
	for i := len(p.Steps) - 1; i >= 0; i-- {
		gone := func(j int) bool { return j == i }
		if !yield(without(p, true, gone)) {
			return
		}
		awaited := slices.ContainsFunc(p.Holds, func(h model.Hold) bool { return h.Until == i+1 }) ||
			slices.ContainsFunc(p.Strikes, func(k model.Strike) bool { return k.Kind == model.Delay && k.Arg == i+1 })
		if awaited && !yield(without(p, false, gone)) {
			return
		}
	}
	for i := range p.Holds {
		q := p.Clone()
		q.Holds = slices.Delete(q.Holds, i, i+1)
		if !yield(q) {
			return
		}
	}
	for i := range p.Strikes {
		q := p.Clone()
		q.Strikes = slices.Delete(q.Strikes, i, i+1)
		if !yield(q) {
			return
		}
	}
}

// removePairs takes away an event together with what ends it: a pause that is
// never resumed may hide more than no pause at all.
func removePairs(p model.Program, _ model.KindSet, yield func(model.Program) bool) {
	for i := len(p.Steps) - 1; i >= 0; i-- {
		ends := endsOf(p, i)
		if len(ends) == 0 {
			continue
		}
		gone := func(j int) bool { return j == i || slices.Contains(ends, j) }
		if !yield(without(p, true, gone)) || !yield(without(p, false, gone)) {
			return
		}
	}
}

// endsOf are the steps after step i (from 0) that end what it began: one for
// each host that it befell.
func endsOf(p model.Program, i int) (ends []int) {
	s := p.Steps[i]
	var ended [model.MaxHosts]bool
	for j := i + 1; j < len(p.Steps); j++ {
		t := p.Steps[j]
		if s.Host != t.Host && s.Kind != model.PowerLoss || int(t.Host) >= len(ended) || ended[t.Host] {
			continue
		}
		found := false
		switch s.Kind {
		case model.Pause:
			found = t.Kind == model.Resume
		case model.Partition:
			found = t.Kind == model.Heal && t.Off == s.Off
		case model.Crash, model.PowerLoss, model.Unmount:
			found = t.Kind == model.Mount
		case model.Fence:
			found = t.Kind == model.Remount || t.Kind == model.Reboot || t.Kind == model.Mount
		}
		if found {
			ends, ended[t.Host] = append(ends, j), true
		}
	}
	return ends
}

// removeHosts takes away a host with all its steps, or gives its steps to
// another host; those after it move up.
func removeHosts(p model.Program, _ model.KindSet, yield func(model.Program) bool) {
	for h := p.Hosts - 1; h >= 0 && p.Hosts > 1; h-- {
		if !yield(withoutHost(p, model.Host(h))) {
			return
		}
		for to := range h {
			q := p.Clone()
			for i := range q.Steps {
				if q.Steps[i].Host == model.Host(h) {
					q.Steps[i].Host = model.Host(to)
				}
			}
			if !yield(withoutHost(q, model.Host(h))) {
				return
			}
		}
	}
}

// withoutHost is p less host, all its steps, and what parts others from it.
func withoutHost(p model.Program, host model.Host) model.Program {
	q := without(p, true, func(i int) bool {
		other, parted := partedFrom(p.Steps[i])
		return p.Steps[i].Host == host || parted && other == host
	})
	q.Hosts--
	q.Unmounts = slices.DeleteFunc(q.Unmounts, func(h model.Host) bool { return h == host })
	var to [model.MaxHosts]model.Host
	for i := range to {
		to[i] = model.Host(i)
		if to[i] > host {
			to[i]--
		}
	}
	renumberHosts(q, to)
	return q
}

// partedFrom is the one host that s parts its own from, or heals it with.
func partedFrom(s model.Step) (model.Host, bool) {
	return model.Host(s.Off - 1), (s.Kind == model.Partition || s.Kind == model.Heal) && s.Off > 0
}

// without is p less the steps (from 0) that are gone. Where a hold or a late
// message waits for a step that is gone, it waits for the next that is left, or
// the last, if move; else it goes.
func without(p model.Program, move bool, gone func(i int) bool) model.Program {
	q := model.Program{Hosts: p.Hosts, Unmounts: slices.Clone(p.Unmounts)}
	number := make([]int, len(p.Steps)+1) // of a step in q, or of the next that is left
	for i, s := range p.Steps {
		number[i+1] = len(q.Steps) + 1
		if !gone(i) {
			q.Steps = append(q.Steps, s)
		}
	}
	for _, h := range p.Holds {
		if gone(h.Step-1) || !move && gone(h.Until-1) {
			continue
		}
		h.Step, h.Until = number[h.Step], min(number[h.Until], len(q.Steps))
		if h.Until > h.Step {
			q.Holds = append(q.Holds, h)
		}
	}
	for _, k := range p.Strikes {
		late := k.Kind == model.Delay
		if gone(k.Step-1) || late && !move && gone(k.Arg-1) {
			continue
		}
		k.Step = number[k.Step]
		if late {
			k.Arg = min(number[k.Arg], len(q.Steps))
		}
		if !late || k.Arg > k.Step {
			q.Strikes = append(q.Strikes, k)
		}
	}
	return q
}

// renumberHosts gives each host of p the number to[host], in place.
func renumberHosts(p model.Program, to [model.MaxHosts]model.Host) {
	for i := range p.Steps {
		s := &p.Steps[i]
		if other, parted := partedFrom(*s); parted {
			s.Off = int32(to[other]) + 1
		}
		if s.Host != model.Everyone {
			s.Host = to[s.Host]
		}
	}
	for i := range p.Unmounts {
		p.Unmounts[i] = to[p.Unmounts[i]]
	}
}
