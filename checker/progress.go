package checker

import (
	"fmt"
	"slices"

	"github.com/doublemount/doublemount/model"
)

// judgeProgress: every operation returned, the design did nothing that no file
// system may, and no operation failed for a reason that its caller cannot have
// caused.
//
// What a fault excuses: an operation that was under way when its host crashed or
// was fenced need not return, nor one called while a fault lasts that never heals.
// ESTALE, and what says that the disk or the server cannot be had (EIO, EROFS,
// EBADE, ETIMEDOUT ...), is allowed on a host that a fault has touched,
// until it mounts the next time; that mount itself has to succeed once all faults
// have healed, but EBUSY, the answer that another host has the disk, is ordinary
// where one has. A design resets or fences only hosts that a fault has touched, or
// any while one lasts that hides hosts from each other.
// Whom a command that was struck served is not known, so it touches every host; a
// disk that lies can make any structure look damaged, for ever.
//
// Not judged: EBADF and EMFILE, since which handles are open is not followed here, ENOSPC (capacity does), EDQUOT (whose quota is not known), EAGAIN of a lock (exclusion does), ENOLCK, how long anything took.
func judgeProgress(run model.Run, info []opInfo, v *model.Verdict) {
	if len(run.Defects) > 0 {
		d := run.Defects[0]
		v.Outcome, v.Anomaly, v.Observed = model.Violated, model.Anomaly(d.Kind.String()), d.Text
		v.Steps = []int{d.Step}
		v.Proof = [2]string{
			fmt.Sprintf("step %d on %v has to return an answer.", d.Step, d.Host),
			fmt.Sprintf("however the design did not let it: %s.", d.Text),
		}
		return
	}
	f := faults{history: run.History, strikes: run.Program.Strikes, fired: run.Strikes}
	for i := range run.History {
		op := &run.History[i]
		switch {
		case op.Skipped:
			continue
		case op.Pending():
			if info[i].crash >= 0 || info[i].zombie || f.found().lasting {
				continue
			}
			v.Anomaly = model.NoProgress
		case op.Kind == model.Crash || op.Kind == model.Fence:
			if ordered(&run, i) || f.found().provoked(op) {
				continue
			}
			v.Anomaly = model.AccessLoss
		case op.Kind == model.Mount && op.Result.Errno == model.EBUSY && taken(run.History, i):
			continue
		case op.Result.Errno == model.ENOSPC, op.Result.Errno == model.EDQUOT, op.Result.Errno == model.EBADF, op.Result.Errno == model.EMFILE,
			informative(op), ofDirectory(run.History, op):
			continue
		case op.Kind == model.Lock && (op.Result.Errno == model.EAGAIN || op.Result.Errno == model.ENOLCK):
			continue // exclusion judges whether a lock was in the way
		case f.found().excuse(op):
			continue
		case op.Result.Errno.Severed():
			v.Anomaly = model.AccessLoss
		case openAndGone(run.History, info, i):
			v.Anomaly = model.DeleteWhileOpen
		default:
			v.Anomaly = model.SpuriousError
		}
		v.Outcome, v.Observed, v.Path = model.Violated, op.Answer(), op.Path
		v.Steps = []int{op.Step}
		v.Allowed = []string{"ok, or an error that its caller caused"}
		why := "no fault has touched this host"
		switch op.Kind {
		case model.Mount:
			why = "no fault lasts"
			if op.Result.Errno == model.EBUSY {
				why = "no other host has the disk"
			}
		case model.Crash, model.Fence:
			v.Observed, v.Allowed = op.AsStep().String(), []string{"no " + op.Kind.String()}
			v.Proof = [2]string{
				fmt.Sprintf("step %d: no fault has touched host %v, so it goes on.", op.Step, op.Host),
				fmt.Sprintf("however the design made a %v of it.", op.Kind),
			}
			return
		}
		v.Proof = [2]string{
			fmt.Sprintf("%s: %s, so it answers ok or an error that the caller caused.", naming(op), why),
			fmt.Sprintf("however it answered %s (%s).", op.Answer(), op.Result.Errno.Meaning()),
		}
		return
	}
}

// ofDirectory reports whether op answered EPERM, the answer for a link of a
// directory and an unlink of one, where a directory may have been.
func ofDirectory(history []model.Op, op *model.Op) bool {
	if op.Result.Errno != model.EPERM || op.Skipped || op.Pending() || !ruled(op) {
		return false
	}
	return op.Path == model.Root || slices.ContainsFunc(history, func(o model.Op) bool {
		return o.Kind == model.Mkdir && !o.Skipped && o.Call < op.Return && (made(&o) || failed(&o))
	})
}

// faults is what faults a run had, for the errors that they excuse.
type faults struct {
	history []model.Op
	strikes []model.Strike
	fired   []bool // by strike: its command was issued
	list    []touch
	made    bool // the list is
	lasting bool // one never heals
	lies    bool // the disk lied
}

// touch is a fault from its beginning to its end: on a host, or all.
type touch struct {
	host     model.Host
	from, to int64 // to is Never while it lasts for ever
	spreads  bool  // who does not see the host may be the one to go
}

// ordered reports whether the Program asked for a crash or fence, or a crash is
// what became of an unmount that failed.
func ordered(run *model.Run, i int) bool {
	op := &run.History[i]
	if s, ok := run.Program.StepAt(op.Step); !ok || s.Kind == op.Kind && s.Host == op.Host {
		return true // in a history without its Program, whoever wrote it did
	}
	for j := i - 1; j >= 0 && op.Kind == model.Crash; j-- {
		if o := &run.History[j]; o.Host == op.Host {
			return o.Kind == model.Unmount && !o.Pending() && o.Result.Errno != model.OK
		}
	}
	return false
}

// taken reports whether another host had the disk when a mount was refused: it
// was mounting, mounted, or has not unmounted since. When the closing observer
// comes nobody has.
func taken(history []model.Op, i int) bool {
	op := &history[i]
	if op.Host == model.Final {
		return false
	}
	var has [model.MaxHosts]bool
	for j := range history {
		o := &history[j]
		if int(o.Host) >= len(has) || o.Host == op.Host || o.Skipped {
			continue
		}
		switch {
		case o.Kind == model.Mount && o.Call < op.Return && (o.Succeeded() || o.Pending() || o.Return > op.Call):
			has[o.Host] = true
		case o.Kind == model.Unmount && o.Succeeded() && o.Return < op.Call:
			has[o.Host] = false
		}
	}
	return slices.Contains(has[:], true)
}

// found lists the faults of the run, which most runs need not ask.
func (f *faults) found() *faults {
	if !f.made {
		f.made = true
		f.find()
	}
	return f
}

func (f *faults) find() {
	for i := range f.history {
		op := &f.history[i]
		if op.Skipped || op.AsStep().Fault() == 0 {
			continue
		}
		switch op.Kind {
		case model.Resume, model.Heal:
		case model.Pause:
			f.add(op, op.Host, model.Resume)
		case model.Partition:
			switch {
			case op.Off == model.FromDisk:
				f.add(op, op.Host, model.Heal)
			case op.Off == model.FromAll:
				f.add(op, model.Everyone, model.Heal)
			default:
				f.add(op, op.Host, model.Heal)
				f.add(op, model.Host(op.Off-1), model.Heal)
			}
		case model.Tick: // who runs ahead takes others for dead
			f.list = append(f.list, touch{model.Everyone, op.Call, op.Return, true})
		default: // they happen at one moment
			f.list = append(f.list, touch{host: op.Host, from: op.Call, to: op.Return})
		}
	}
	for i, k := range f.strikes {
		if i >= len(f.fired) || !f.fired[i] {
			continue
		}
		f.lies = f.lies || k.Kind.Fault() == model.LyingDisk
		from, to := int64(model.Never), int64(0)
		for j := range f.history {
			if op := &f.history[j]; op.Step == k.Step {
				from, to = min(from, op.Call), max(to, op.Return)
			}
		}
		if k.Kind == model.FailOn {
			to = model.Never // a mount does not end it, and which host attaches anew is not known
		}
		f.list = append(f.list, touch{host: model.Everyone, from: from, to: to})
	}
}

// add lists a fault that lasts until an event of kind end heals it.
func (f *faults) add(op *model.Op, host model.Host, end model.Kind) {
	t := touch{host: host, from: op.Call, to: model.Never}
	for i := range f.history {
		o := &f.history[i]
		if o.Kind == end && !o.Skipped && o.Call > op.Call && (end == model.Resume && o.Host == op.Host || end == model.Heal && heals(o, op)) {
			t.to = o.Return
			break
		}
	}
	f.lasting = f.lasting || t.to == model.Never
	t.spreads = true
	f.list = append(f.list, t)
}

// heals reports whether a heal ends a partition. That between two hosts either of
// them can end.
func heals(heal, partition *model.Op) bool {
	if heal.Host == partition.Host {
		return heal.Off == partition.Off || heal.Off == model.FromAll && partition.Off != model.FromDisk
	}
	return partition.Off > 0 && heal.Host == model.Host(partition.Off-1) &&
		(heal.Off == model.FromAll || heal.Off == int32(partition.Host)+1)
}

// excuse reports whether a fault excuses the error that op answered.
func (f *faults) excuse(op *model.Op) bool {
	if e := op.Result.Errno; !e.Severed() && e != model.ESTALE {
		return f.lies
	}
	if f.lies {
		return true
	}
	mounted := f.mounted(op)
	if op.Kind == model.Mount {
		mounted = op.Call // what was before, it ends
	}
	return slices.ContainsFunc(f.list, func(t touch) bool {
		others := t.host == op.Host || t.host == model.Everyone || op.Kind == model.Mount
		return others && t.from < op.Return && t.to > mounted
	})
}

// provoked reports whether a crash or fence that the design made is of a host
// that a fault may have made unfit, or that may have seemed so.
func (f *faults) provoked(op *model.Op) bool {
	mounted := f.mounted(op)
	return f.lies || slices.ContainsFunc(f.list, func(t touch) bool {
		return (t.spreads || t.host == op.Host || t.host == model.Everyone) && t.from < op.Call && t.to > mounted
	})
}

// mounted is the call of the host's last successful mount before op.
func (f *faults) mounted(op *model.Op) (call int64) {
	for i := range f.history {
		o := &f.history[i]
		if o.Kind == model.Mount && o.Host == op.Host && o.Succeeded() && o.Return < op.Call {
			call = o.Call
		}
	}
	return call
}
