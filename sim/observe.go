package sim

import (
	"slices"

	"github.com/doublemount/doublemount/model"
)

// observe is the closing observation: a host of its own mounts the disk, asks
// about every name of the program, reads every file, lists every directory and
// asks for the free space.
func (w *world) observe(t *task) {
	h := t.host
	w.mount(t)
	if h.phase != mounted {
		return
	}
	w.look(t, model.Step{Kind: model.Readdir, Path: model.Root})
	for _, p := range w.program.Paths() {
		switch r := w.look(t, model.Step{Kind: model.Stat, Path: p}); r.Type {
		case model.File:
			// A damaged inode can claim any size; no file is longer than the disk.
			most := int64(w.disk.Image().Blocks() * model.WordsPerBlock)
			if size := min(r.Size, most, model.MaxWords); size > 0 {
				w.look(t, model.Step{Kind: model.Read, Path: p, Len: int32(size)})
			}
		case model.Dir:
			w.look(t, model.Step{Kind: model.Readdir, Path: p})
		}
	}
	w.look(t, model.Step{Kind: model.Statfs})
	w.unmount(t)
}

func (w *world) look(t *task, s model.Step) model.Result {
	if !w.kinds.Has(s.Kind) {
		return model.Result{}
	}
	s.Host = model.Final
	w.call(t, s)
	r := t.host.operate(s)
	w.done(t, r)
	return r
}

// audit is the design's fsck, with its problems in an order that does not
// depend on how it found them.
func (w *world) audit() (problems []model.Problem, panicked any) {
	if w.design.Audit == nil || w.stopped {
		return nil, nil
	}
	defer func() { panicked = recover() }()
	problems = w.design.Audit(w.disk.Image())
	slices.SortStableFunc(problems, func(a, b model.Problem) int { return int(a.Block) - int(b.Block) })
	return problems, nil
}
