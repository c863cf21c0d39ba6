package brute

import (
	"slices"

	"github.com/doublemount/doublemount/model"
)

// layout puts steps in time, one after the other.
type layout struct {
	ops  []model.Op
	now  int64
	down [2]bool // A, B
}

func (l *layout) add(number int, s model.Step, r model.Result) {
	l.ops = append(l.ops, model.Op{Step: number, Host: s.Host, Kind: s.Kind, Path: s.Path, To: s.To, File: s.File,
		Off: s.Off, Len: s.Len, Data: s.Data, Direct: s.Direct, Shared: s.Shared, Call: l.now + 1, Return: l.now + 2, Result: r})
	l.now += 2
}

// step adds step number n, and before it the mount of a host that is down.
func (l *layout) step(n int, s model.Step, r model.Result) {
	switch {
	case s.Kind == model.PowerLoss:
		l.down = [2]bool{true, true}
	case s.Host == model.Everyone: // time passes
	case l.down[s.Host]:
		l.add(0, model.Step{Host: s.Host, Kind: model.Mount}, model.Result{})
		l.down[s.Host] = false
	}
	if s.Kind == model.Crash {
		l.down[s.Host] = true
	}
	if s.Kind == model.Remount || s.Kind == model.Reboot {
		s.Kind = model.Unmount
		l.add(n, s, model.Result{})
		s.Kind = model.Mount
	}
	l.add(n, s, r)
}

// lay makes one run: the setup, n steps of the hosts, of which number overlap
// and the next overlap, or never returns if the next is a cut of its host, the
// unmounts, and the steps of Final.
func lay(setup, steps []model.Step, results []model.Result, n, overlap int, unmounts []model.Host) model.Run {
	l := layout{ops: make([]model.Op, 0, len(setup)+len(steps)+12)}
	if len(setup) > 0 {
		var fs model.FS
		l.add(0, model.Step{Kind: model.Mount}, model.Result{})
		for _, s := range setup {
			l.add(0, s, fs.Apply(s))
		}
		l.add(0, model.Step{Kind: model.Unmount}, model.Result{})
	}
	for host := range model.Host(2) {
		l.add(0, model.Step{Host: host, Kind: model.Mount}, model.Result{})
	}
	for i, s := range steps[:n] {
		first := len(l.ops) - 1
		l.step(i+1, s, results[i])
		switch second := len(l.ops) - 1; {
		case overlap == none || i != overlap+1:
		case isCut(s):
			l.ops[first].Return, l.ops[first].Result = model.Never, model.Result{}
		default:
			l.ops[first].Return, l.ops[second].Call = l.ops[second].Call, l.ops[first].Return
		}
	}
	for i, host := range unmounts {
		if !l.down[host] {
			l.add(n+1+i, model.Step{Host: host, Kind: model.Unmount}, model.Result{})
		}
	}
	l.add(0, model.Step{Host: model.Final, Kind: model.Mount}, model.Result{})
	for i, s := range steps[n:] {
		l.add(0, s, results[n+i])
	}
	return model.Run{
		Program: model.Program{Hosts: 2, Steps: slices.Clone(steps[:n]), Unmounts: unmounts},
		History: l.ops,
	}
}

// downBefore reports whether the host of steps[i] is down until then.
func downBefore(steps []model.Step, i int) bool {
	for _, s := range slices.Backward(steps[:i]) {
		switch {
		case s.Kind == model.PowerLoss, s.Kind == model.Crash && s.Host == steps[i].Host:
			return true
		case s.Host == steps[i].Host:
			return false
		}
	}
	return false
}

// same reports whether two results are equal.
func same(a, b model.Result) bool {
	return a.Errno == b.Errno && a.Type == b.Type && a.Size == b.Size &&
		slices.Equal(a.Data, b.Data) && slices.Equal(a.Names, b.Names)
}
