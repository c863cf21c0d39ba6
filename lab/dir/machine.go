package dir

import (
	"os"

	"github.com/doublemount/doublemount/model"
)

// machine is the hosts of one run and what their clients have seen so far.
type machine struct {
	root    *os.Root
	opts    Options
	direct  bool
	written [256]bool // the words that some write of the Program leaves
	hosts   [model.MaxHosts]host
	history []model.Op
	clock   int64  // counts calls and returns
	buffer  []byte // of the last read or write, aligned for direct ones
}

// host is what a mount gives and an unmount takes away.
type host struct {
	mounted bool
	files   [model.MaxFile + 1]*os.File // by handle slot; 0 is not used
}

func newMachine(root *os.Root, opts Options, p model.Program) *machine {
	m := &machine{root: root, opts: opts}
	m.written[model.Hole] = true
	for _, s := range p.Steps {
		if s.Data != 0 {
			m.written[s.Data] = true
		}
	}
	return m
}

// step carries out step n of the Program, or notes that it was skipped. A
// remount and a reboot are an unmount and a mount: there is no machine to
// forget.
func (m *machine) step(n int, s model.Step) {
	mounted := int(s.Host) < len(m.hosts) && m.hosts[s.Host].mounted
	switch {
	case s.Kind == model.Mount:
		m.record(n, s, !mounted)
	case mounted && (s.Kind == model.Remount || s.Kind == model.Reboot):
		m.record(n, model.Step{Host: s.Host, Kind: model.Unmount}, true)
		m.record(n, model.Step{Host: s.Host, Kind: model.Mount}, true)
	default:
		m.record(n, s, mounted && kinds.Has(s.Kind) && (!s.Direct || m.direct))
	}
}

// record notes the call of s, carries it out if it can be, and notes the
// answer, which it returns.
func (m *machine) record(n int, s model.Step, can bool) model.Result {
	op := model.Op{Step: n, Host: s.Host, Kind: s.Kind, Path: s.Path, To: s.To, File: s.File,
		Off: s.Off, Len: s.Len, Data: s.Data, Direct: s.Direct, Skipped: !can}
	m.clock++
	op.Call = m.clock
	if can {
		op.Result = m.apply(s)
	}
	m.clock++
	op.Return = m.clock
	m.history = append(m.history, op)
	return op.Result
}

// apply carries out s. Only a mounted host, or Final, gets here.
func (m *machine) apply(s model.Step) model.Result {
	switch s.Kind {
	case model.Mount, model.Unmount:
		return m.mount(s)
	case model.Sync:
		return model.Result{} // all hosts share one cache; see Options.Durable
	case model.Create:
		return m.create(s.Path)
	case model.Mkdir:
		return answer(m.root.Mkdir(local(s.Path), 0o700))
	case model.Unlink:
		return answer(unlink(m.root, local(s.Path)))
	case model.Rmdir:
		return answer(rmdir(m.root, local(s.Path)))
	case model.Rename:
		return answer(rename(m.root, local(s.Path), local(s.To)))
	case model.Link:
		return answer(link(m.root, local(s.Path), local(s.To)))
	case model.Readdir:
		return m.readdir(s.Path)
	case model.Stat:
		return m.stat(s.Path)
	case model.Open:
		return m.open(s)
	case model.Close:
		return m.close(s)
	}
	return m.withFile(s)
}

func (m *machine) mount(s model.Step) model.Result {
	if s.Host == model.Final {
		return model.Result{}
	}
	h := &m.hosts[s.Host]
	h.mounted = s.Kind == model.Mount
	var first error
	for slot, f := range h.files {
		if f == nil {
			continue
		}
		if err := f.Close(); err != nil && first == nil {
			first = err
		}
		h.files[slot] = nil
	}
	return answer(first)
}

// closeAll closes what a run that was interrupted has left open.
func (m *machine) closeAll() {
	for i := range m.hosts {
		m.mount(model.Step{Host: model.Host(i), Kind: model.Unmount})
	}
}

// observe is the closing observation: what is left for a host that mounts when
// all others have unmounted.
func (m *machine) observe(paths []model.Path) {
	do := func(s model.Step) model.Result {
		s.Host = model.Final
		return m.record(0, s, true)
	}
	do(model.Step{Kind: model.Mount})
	do(model.Step{Kind: model.Readdir, Path: model.Root})
	for _, p := range paths {
		switch r := do(model.Step{Kind: model.Stat, Path: p}); {
		case r.Type == model.Dir:
			do(model.Step{Kind: model.Readdir, Path: p})
		case r.Type == model.File && r.Size > 0:
			do(model.Step{Kind: model.Read, Path: p, Len: int32(min(r.Size, model.MaxWords))})
		}
	}
	do(model.Step{Kind: model.Unmount})
}
