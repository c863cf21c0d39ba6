package files

import "github.com/doublemount/doublemount/model"

// Observe has do carry out the closing observation of a run, step by step: what
// a host that mounts when all others have unmounted finds in the root directory
// and at each of paths ([model.Program.Paths]). The steps are of the host
// [model.Final]; mount and unmount are not among them.
func Observe(paths []model.Path, do func(model.Step) model.Result) {
	final := func(s model.Step) model.Result {
		s.Host = model.Final
		return do(s)
	}
	final(model.Step{Kind: model.Readdir, Path: model.Root})
	for _, p := range paths {
		switch r := final(model.Step{Kind: model.Stat, Path: p}); {
		case r.Type == model.Dir:
			final(model.Step{Kind: model.Readdir, Path: p})
		case r.Type == model.File && r.Size > 0:
			final(model.Step{Kind: model.Read, Path: p, Len: int32(min(r.Size, model.MaxWords))})
		}
	}
}
