package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/doublemount/doublemount/model"
)

// row is one line of the table before it is laid out.
type row struct {
	label string // step number, or "final"
	mark  bool   // the proof or the cause speaks of it
	host  model.Host
	text  string // what the host was told and what it answered
	disk  string // the disk commands of it
}

// moment is the start or the end of a step on the run's clock, or something that
// befell a host meanwhile.
type moment struct {
	time int64
	step int
	end  bool
	fate *model.Op
}

// rowsOf is the run as rows in the order of its clock: one for each step and
// closing unmount, two for a step during which another one started.
func rowsOf(f Finding) []row {
	program := f.Run.Program
	byStep := map[int][]model.Op{}
	var moments []moment
	for _, o := range f.Run.History {
		switch s, ok := program.StepAt(o.Step); {
		case o.Host == model.Final:
		case ok && !ownOf(s, o):
			moments = append(moments, moment{time: o.Call, step: o.Step, fate: &o})
		default:
			byStep[o.Step] = append(byStep[o.Step], o)
		}
	}
	var last int64 // a step without a call stands after the step before it
	for n := 1; n <= len(program.Steps)+len(program.Unmounts); n++ {
		ops := byStep[n]
		if len(ops) == 0 {
			if n <= len(program.Steps) {
				moments = append(moments, moment{time: last, step: n})
			}
			continue
		}
		last = ops[0].Call
		moments = append(moments, moment{time: last, step: n})
		if returned := ops[len(ops)-1].Return; returned != model.Never && overlapped(f.Run.History, n, last, returned) {
			moments = append(moments, moment{time: returned, step: n, end: true})
		}
	}
	slices.SortStableFunc(moments, func(a, b moment) int { return cmp.Compare(a.time, b.time) })

	split := map[int]bool{} // steps with two rows
	for _, m := range moments {
		if m.end {
			split[m.step] = true
		}
	}
	before, after := recordsOf(f.Run.Trace)
	var rows []row
	for _, m := range moments {
		if m.fate != nil {
			rows = append(rows, row{host: m.fate.Host, text: "(" + m.fate.AsStep().Action() + ")"})
			continue
		}
		s, _ := program.StepAt(m.step)
		r := row{label: strconv.Itoa(m.step), host: s.Host, mark: f.speaksOf(m.step)}
		action := safeStep(s).Action() + heldAt(f.Run, m.step) + struckAt(f.Run, m.step)
		result := answer(f.Run, m.step, byStep[m.step])
		switch {
		case !split[m.step]:
			r.text = action + " -> " + result
			r.disk = commands(append(slices.Clip(before[m.step]), after[m.step]...), s.Host)
		case m.end:
			r.text = "... -> " + result
			r.disk = commands(after[m.step], s.Host)
		default:
			r.text = action
			r.disk = commands(before[m.step], s.Host)
		}
		rows = append(rows, r)
	}
	return rows
}

// ownOf reports whether an operation is what its step asked for, and not what
// befell a host while the step was carried out: a fence or a reset by the design,
// or what heals at the end.
func ownOf(s model.Step, o model.Op) bool {
	switch o.Kind {
	case model.Fence, model.Resume, model.Heal:
		return s.Kind == o.Kind && s.Host == o.Host
	case model.Crash: // also what becomes of an unmount that fails
		return s.Host == o.Host && (s.Kind == model.Crash || s.Kind == model.Unmount || s.Kind == model.Remount || s.Kind == model.Reboot)
	}
	return true
}

// overlapped reports whether an operation other than step n's was called
// between the two times.
func overlapped(history []model.Op, n int, call, returned int64) bool {
	return slices.ContainsFunc(history, func(o model.Op) bool {
		return o.Step != n && o.Call > call && o.Call < returned
	})
}

// recordsOf divides a trace by steps, and what a step did by whether it did it
// before it went on from its hold. Without a hold all of it is before.
func recordsOf(trace []model.Record) (before, after map[int][]model.Record) {
	before, after = map[int][]model.Record{}, map[int][]model.Record{}
	released := map[int]bool{}
	for _, r := range trace {
		n := int(r.Step)
		switch {
		case r.Kind == model.HoldEnded || r.Kind == model.HoldCut:
			released[n] = true
		case released[n]:
			after[n] = append(after[n], r)
		default:
			before[n] = append(before[n], r)
		}
	}
	return before, after
}

// heldAt is " (held at write#2)" for a step that a hold stopped.
func heldAt(run model.Run, n int) string {
	for i, h := range run.Program.Holds {
		if h.Step != n || i >= len(run.Holds) {
			continue
		}
		switch run.Holds[i] {
		case model.Fired:
			return fmt.Sprintf(" (held at %v#%d)", h.At, h.N)
		case model.FiredEarly:
			return fmt.Sprintf(" (held at %v#%d, released early)", h.At, h.N)
		}
	}
	return ""
}

// struckAt is " (write#2: fail)" for each command of a step that a strike hit.
func struckAt(run model.Run, n int) (text string) {
	for i, k := range run.Program.Strikes {
		if k.Step == n && i < len(run.Strikes) && run.Strikes[i] {
			text += fmt.Sprintf(" (%v#%d: %v)", k.At, k.N, k.Kind)
		}
	}
	return text
}

// answer is what a step came to. A remount and a reboot are two operations;
// they are told apart only if one of them failed. A defect stands beside it.
func answer(run model.Run, n int, ops []model.Op) string {
	text := "not run"
	for i, o := range ops {
		switch one := safeOp(o).Answer(); {
		case i == 0:
			text = one
		case text != one:
			text = fmt.Sprintf("%v %s, %v %s", ops[0].Kind, text, o.Kind, one)
		}
	}
	for _, d := range run.Defects {
		if d.Step == n {
			text += " [" + d.Kind.String() + "]"
		}
	}
	return text
}

// finalRows is what was left on the disk: everything the observer saw if that
// is little, else what it saw of the name that the verdict is about.
func finalRows(f Finding) []row {
	const few = 6
	var all, about []row
	for _, o := range f.Run.History {
		quiet := o.Kind == model.Mount || o.Kind == model.Unmount
		if o.Host != model.Final || quiet && o.Succeeded() {
			continue
		}
		o := safeOp(o)
		r := row{label: "final", host: model.Final, text: o.AsStep().Action() + " -> " + o.Answer()}
		all = append(all, r)
		path := f.Verdict.Path
		if path != "" && (o.Path == path || o.Kind == model.Readdir && o.Path == path.Parent()) || quiet {
			about = append(about, r)
		}
	}
	switch {
	case len(all) <= few:
		return all
	case len(about) == 0:
		about = all[:few]
	}
	about = slices.Clip(about[:min(few, len(about))])
	return append(about, row{label: "final", host: model.Final, text: fmt.Sprintf("+%d more", len(all)-len(about))})
}

// safeStep is s with a path that can be printed.
func safeStep(s model.Step) model.Step {
	s.Path, s.To = model.Path(safe(string(s.Path))), model.Path(safe(string(s.To)))
	return s
}

// safeOp is o with path and names that can be printed.
func safeOp(o model.Op) model.Op {
	o.Path, o.To = model.Path(safe(string(o.Path))), model.Path(safe(string(o.To)))
	o.Result.Names = slices.Clone(o.Result.Names)
	for i, name := range o.Result.Names {
		o.Result.Names[i] = safeName(name)
	}
	return o
}

// notes says what the table cannot show.
func notes(run model.Run) string { return strings.Join(run.Missed(), "; ") }
