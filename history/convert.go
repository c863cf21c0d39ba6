package history

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/doublemount/doublemount/model"
)

// instant are the events that happen at one moment and answer nothing, so that
// they need no return.
var instant = model.SetOf(model.Crash, model.PowerLoss, model.DiskReset, model.Pause, model.Resume,
	model.Partition, model.Heal, model.Fence, model.Tick)

// kindOf is the operation or event of a name. A remount and a reboot are two
// events each, with an answer each.
func kindOf(name string) (model.Kind, error) {
	k, ok := model.ParseKind(name)
	switch {
	case !ok:
		return 0, fmt.Errorf("unknown operation %.40q\nhint: docs/CASES.md lists them", name)
	case k == model.Remount:
		return 0, errors.New("a remount is written as an unmount and a mount")
	case k == model.Reboot:
		return 0, errors.New("a reboot is written as an unmount, or a crash, and a mount")
	}
	return k, nil
}

// hostOf is the host of a name: "A" to "P", "final", "all".
func hostOf(name string) (model.Host, error) {
	switch {
	case name == model.Final.String():
		return model.Final, nil
	case name == model.Everyone.String():
		return model.Everyone, nil
	case len(name) == 1 && name[0] >= 'A' && name[0] < 'A'+model.MaxHosts:
		return model.Host(name[0] - 'A'), nil
	}
	return 0, fmt.Errorf("unknown host %.40q; want A to %v, final, or all", name, model.Host(model.MaxHosts-1))
}

// operation is a line as the judge takes it, but for its times, its handle and
// its data.
func (l *line) operation() (op model.Op, err error) {
	switch {
	case l.ID == nil:
		return op, errors.New(`no "id"`)
	case l.Call == nil:
		return op, errors.New(`no "call"`)
	case *l.Call < 0 || l.Return != nil && *l.Return < *l.Call:
		return op, fmt.Errorf("called at %d and returned at %d; want a time of 0 or more, and then a later one", *l.Call, valueOr(l.Return, *l.Call))
	}
	if op.Kind, err = kindOf(l.Op); err != nil {
		return op, err
	}
	if op.Host, err = hostOf(l.Host); err != nil {
		return op, err
	}
	if l.Cached && (op.Host != model.Final || op.Kind == model.Mount) {
		return op, errors.New("cached says that the final host did not mount to look; it belongs to what final does and to nothing else")
	}
	switch takes := op.Kind == model.Write || op.Kind == model.Append; {
	case takes && l.Data == nil:
		return op, fmt.Errorf(`%v: no "data", which tells its words from all others`, op.Kind)
	case op.Kind == model.Open && l.Handle == nil:
		return op, errors.New(`open: no "handle", a name for what it opens`)
	case op.Kind != model.Open && l.Handle != nil && l.Path != "":
		return op, fmt.Errorf("%v: a path and a handle; want one of them", op.Kind)
	}
	op.Path, op.To, op.Direct, op.Shared = model.Path(l.Path), model.Path(l.To), l.Direct, l.Shared
	for i, n := range []*int64{l.Offset, l.Length, l.Ticks} {
		if n != nil && (*n < 0 || *n > math.MaxInt32) {
			return op, fmt.Errorf("%s %d; want 0 to %d", [...]string{"offset", "length", "ticks"}[i], *n, math.MaxInt32)
		}
	}
	op.Off, op.Len = int32(valueOr(l.Offset, 0)), int32(valueOr(l.Length, 0))
	if op.Kind.Event() {
		if err := l.event(&op); err != nil {
			return op, err
		}
	} else if l.Ticks != nil || l.From != "" {
		return op, fmt.Errorf("%v takes no ticks or from", op.Kind)
	}
	if l.HandleOf != nil && (l.Handle == nil || op.Kind == model.Open) {
		return op, errors.New("handle_of says whose an open handle is; there is none")
	}
	s := op.AsStep()
	if l.Handle != nil {
		s.File = 1 // which one is seen later
	}
	if l.Data != nil {
		s.Data = 1
	}
	if op.Host == model.Final {
		switch {
		case op.Kind.Changes() || op.Kind.Event() && op.Kind != model.Mount && op.Kind != model.Unmount:
			return op, fmt.Errorf("the final host looks and changes nothing; it cannot %v", op.Kind)
		case l.Handle != nil:
			return op, errors.New("the final host reads by path, without handles")
		}
		s.Host = 0
	}
	if err := s.Validate(); err != nil {
		return op, err
	}
	return op, l.answer(&op)
}

// event fills in what events have besides a host.
func (l *line) event(op *model.Op) error {
	switch {
	case l.Offset != nil || l.Length != nil:
		return fmt.Errorf("%v takes no offset or length", op.Kind)
	case l.Client != nil:
		return fmt.Errorf("a %v happens to a host, not to a client", op.Kind)
	case (l.Ticks != nil) != (op.Kind == model.Tick):
		return fmt.Errorf("%v: ticks belong to tick and to nothing else", op.Kind)
	case l.From != "" && op.Kind != model.Partition && op.Kind != model.Heal:
		return fmt.Errorf("%v takes no from", op.Kind)
	}
	op.Len = int32(valueOr(l.Ticks, 0))
	switch l.From {
	case "":
	case "disk":
		op.Off = model.FromDisk
	default:
		h, err := hostOf(l.From)
		if err != nil || h >= model.MaxHosts || h == op.Host {
			return fmt.Errorf("parted from %.40q; want disk or another host", l.From)
		}
		op.Off = int32(h) + 1
	}
	return nil
}

// answer fills in the result, but for the data of a read.
func (l *line) answer(op *model.Op) error {
	r := l.Result
	if l.Return == nil && !instant.Has(op.Kind) {
		if r != nil {
			return errors.New("a result without a return; what had not returned has neither")
		}
		return nil
	}
	if r == nil {
		if instant.Has(op.Kind) {
			return nil
		}
		return errors.New("a return without a result; {} is success")
	}
	var ok bool
	if r.Error != "" {
		if op.Result.Errno, ok = model.ParseErrno(r.Error); !ok || op.Result.Errno == model.OK {
			return fmt.Errorf("unknown error %.40q\nhint: names are those of errno.h, as ENOENT; any other is EOTHER", r.Error)
		}
	}
	failed := r.Error != ""
	late := failed && r.Written != nil && (op.Kind == model.Write || op.Kind == model.Append) // its close failed
	if late {
		if op.Result.Size = *r.Written; op.Result.Size < 0 || op.Result.Size > int64(op.Len) {
			return fmt.Errorf("%d words written of %d", op.Result.Size, op.Len)
		}
	}
	has := func(given bool, field string, kinds ...model.Kind) error {
		if given && (failed || !slices.Contains(kinds, op.Kind)) {
			return fmt.Errorf("%v that answers %v has no %q", op.Kind, op.Result.Errno, field)
		}
		return nil
	}
	if err := errors.Join(
		has(r.Type != "", "type", model.Stat), has(r.Size != nil, "size", model.Stat),
		has(r.Written != nil && !late, "written", model.Write, model.Append), has(r.Data != nil, "data", model.Read),
		has(r.Names != nil, "names", model.Readdir),
		has(r.Total != nil, "total", model.Statfs), has(r.Free != nil, "free", model.Statfs)); err != nil || failed {
		return err
	}
	for _, n := range []*int64{r.Size, r.Written, r.Total, r.Free} {
		if n != nil && *n < 0 {
			return fmt.Errorf("a result of %d; want 0 or more", *n)
		}
	}
	switch op.Kind {
	case model.Stat:
		switch {
		case r.Type == model.File.String() && r.Size != nil:
			op.Result.Type, op.Result.Size = model.File, *r.Size
		case r.Type == model.Dir.String() && r.Size == nil:
			op.Result.Type = model.Dir
		default:
			return errors.New("stat answers a type of file and a size, or a type of dir and none")
		}
	case model.Write, model.Append:
		if op.Result.Size = valueOr(r.Written, int64(op.Len)); op.Result.Size > int64(op.Len) {
			return fmt.Errorf("%d words written of %d", op.Result.Size, op.Len)
		}
	case model.Readdir:
		for _, name := range r.Names {
			if p := op.Path.Child(name); !p.Valid() || p.Name() != name {
				return fmt.Errorf("bad name %.40q in a directory", name)
			}
		}
		slices.Sort(r.Names)
		op.Result.Names = r.Names
	case model.Statfs:
		op.Result.Total, op.Result.Free = valueOr(r.Total, 0), valueOr(r.Free, 0)
	}
	return nil
}

func valueOr(n *int64, other int64) int64 {
	if n == nil {
		return other
	}
	return *n
}
