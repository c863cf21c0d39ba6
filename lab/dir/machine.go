package dir

import (
	"os"

	"github.com/doublemount/doublemount/lab/files"
	"github.com/doublemount/doublemount/model"
)

// machine is the hosts of one run and what their clients have seen so far.
type machine struct {
	hosts   [model.MaxHosts]host
	final   *files.Client // the closing observer
	written *files.Written
	history []model.Op
	clock   int64 // counts calls and returns
}

// host is what a mount gives and an unmount takes away.
type host struct {
	mounted bool
	*files.Client
}

func newMachine(root *os.Root, opts files.Options, p model.Program) *machine {
	m := &machine{final: files.NewClient(root, opts), written: files.WrittenBy(p)}
	for h := range p.Hosts {
		m.hosts[h].Client = files.NewClient(root, opts)
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
		m.record(n, s, mounted)
	}
}

// record notes the call of s, carries it out if it can be, and notes the
// answer, which it returns.
func (m *machine) record(n int, s model.Step, can bool) model.Result {
	op := model.Op{Step: n, Host: s.Host, Kind: s.Kind, Path: s.Path, To: s.To, File: s.File,
		Off: s.Off, Len: s.Len, Data: s.Data, Direct: s.Direct, Shared: s.Shared}
	m.clock++
	op.Call = m.clock
	if can {
		op.Result, can = m.apply(s)
	}
	op.Skipped = !can
	m.clock++
	op.Return = m.clock
	m.history = append(m.history, op)
	return op.Result
}

// apply carries out s, if that can be done in a directory. Only a mounted host,
// or Final, gets here.
func (m *machine) apply(s model.Step) (r model.Result, done bool) {
	client := m.final
	if s.Host != model.Final {
		h := &m.hosts[s.Host]
		client = h.Client
		switch s.Kind {
		case model.Mount, model.Unmount:
			h.mounted = s.Kind == model.Mount
			return client.CloseFiles(), true
		}
	}
	if !kinds.Has(s.Kind) {
		return r, false
	}
	if s.Kind.Event() {
		return r, true
	}
	r, done = client.Do(s)
	m.written.Judge(r.Data)
	return r, done
}

// closeAll closes what a run that was interrupted has left open.
func (m *machine) closeAll() {
	for i := range m.hosts {
		if m.hosts[i].Client != nil {
			m.hosts[i].CloseFiles()
		}
	}
}

// observe is the closing observation: what is left for a host that mounts when
// all others have unmounted.
func (m *machine) observe(paths []model.Path) {
	m.record(0, model.Step{Host: model.Final, Kind: model.Mount}, true)
	files.Observe(paths, func(s model.Step) model.Result { return m.record(0, s, true) })
	m.record(0, model.Step{Host: model.Final, Kind: model.Unmount}, true)
}
