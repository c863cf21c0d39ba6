package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/doublemount/doublemount/lab/identity"
	"github.com/doublemount/doublemount/model"
)

// Root is what a host's agent works below.
type Root struct {
	Host string `json:"host"`
	identity.Identity
	Reader bool  `json:"reader,omitempty"` // the host cannot write there: known after Open, but for a mount that nobody can write through
	Err    error `json:"error,omitempty"`  // why nothing is known of it: an *[Unusable]
}

// Roots is what the agents said of their roots when they were started.
func (r *Runner) Roots() []Root {
	var all []Root
	for _, m := range r.members {
		root := Root{Host: m.Name, Identity: m.is, Reader: m.readOnly || m.is.ReadOnly}
		if m.unusable != nil {
			root.Err = m.unusable
		}
		all = append(all, root)
	}
	return all
}

// Unusable says that a host cannot be worked with, and what its system answered. It
// says nothing of whether anything is shared.
type Unusable struct {
	Host  string
	Doing string      // "open its root"
	Errno model.Errno // of the system; [model.OK] if it was not the system
	Text  string      // in the words of the system, or ours
	Stuck bool        // it did not return in time, while the agent was alive
}

// Error is "B: open its root: ENOENT: open /mnt/b: no such file or directory".
func (e *Unusable) Error() string {
	if e.Errno == model.OK {
		return fmt.Sprintf("%s: %s: %s", e.Host, e.Doing, e.Text)
	}
	return fmt.Sprintf("%s: %s: %v: %s", e.Host, e.Doing, e.Errno, e.Text)
}

// unusableFor makes one of what a request came to. Other errors it leaves as they are.
func (m *member) unusableFor(doing string, err error) error {
	if e, ok := errors.AsType[*Refused](err); ok {
		return &Unusable{Host: m.Name, Doing: doing, Errno: e.Errno, Text: e.Text}
	}
	if errors.Is(err, ErrStuck) {
		m.giveUp(err)
		return &Unusable{Host: m.Name, Doing: doing, Text: "it did not return in time; its file system hangs", Stuck: true}
	}
	return err
}

// NotShared says that a host does not see a directory that another one made and
// synced: it answered ENOENT.
type NotShared struct {
	Maker, Host string
	Remounted   bool // the host was remounted meanwhile
	Waited      time.Duration

	// Proved says that there is another reason than that to believe it: what the two
	// roots are, a remount, or that the host could make a directory of the same name on
	// a file system whose server would have known.
	Proved bool
}

// Error is the sentence, with a hint.
func (e *NotShared) Error() string {
	if e.Proved {
		return e.Sentence() + "\nhint: is this the same file system on both?"
	}
	return e.Sentence() + "\nhint: if it is shared, " + e.Host + "'s cache of directories is older than that: --visible 6m waits longer"
}

// Sentence is "B did not see A's directory after A synced (waited 10s)".
func (e *NotShared) Sentence() string {
	remounted := ""
	if e.Remounted {
		remounted = " and " + e.Host + " remounted"
	}
	return fmt.Sprintf("%s did not see %s's directory after %s synced%s (waited %v)", e.Host, e.Maker, e.Maker, remounted, e.Waited.Round(time.Second))
}

// leastFree is how many bytes a host must be able to fill. A Program writes a tenth
// of it, but what others free and fill meanwhile must not decide what is seen.
const leastFree = 1 << 20

// Open finds out what the hosts can do: one makes a directory, syncs and tries to
// write, and the others open it and try the same. A host that may not write is one with
// fewer operations. The error is an *[Unusable], a *[NotShared], or that of a lost
// agent or a failed command.
func (r *Runner) Open(ctx context.Context) (err error) {
	operations := model.KindSet(0)
	r.ranges = true
	for _, m := range r.members {
		switch {
		case m.unusable != nil:
			return m.unusable
		case m.is.ReadOnly:
			m.readOnly = true
		case m.is.Total > 0 && m.is.Free < leastFree:
			return &Unusable{Host: m.Name, Doing: "look for free space", Errno: model.ENOSPC,
				Text: fmt.Sprintf("%d bytes of %d are free; want %d", m.is.Free, m.is.Total, leastFree)}
		}
		if err := m.ready(ctx, &r.config, &r.clock); err != nil {
			return err
		}
		operations |= m.kinds
		r.ranges = r.ranges && m.host.Hello().Ranges
		r.kinds |= model.SetOf(model.Unmount, model.Remount, model.Crash) &^ m.lacks()
	}
	r.kinds |= operations &^ r.config.Without
	dir := r.nextDir()
	err = r.make(ctx, dir)
	if r.maker != nil {
		defer r.leave(dir)
	}
	if err != nil {
		return err
	}
	for _, m := range r.members {
		if m == r.maker {
			continue
		}
		mount := m.mount(dir)
		mount.Try = true
		answer, err := r.mount(ctx, m, mount)
		if err != nil {
			return err
		}
		if err := r.tried(m, answer); err != nil {
			return err
		}
		if err := m.settle(); err != nil {
			return err
		}
	}
	return nil
}

// make has the first host that can make the directory, and makes it the maker.
func (r *Runner) make(ctx context.Context, dir string) error {
	var refused error
	for _, m := range r.members {
		if m.readOnly {
			refused = &Unusable{Host: m.Name, Doing: "make a directory", Errno: model.EROFS, Text: "its mount has the option ro"}
			continue
		}
		mount := m.mount(dir)
		mount.Make, mount.Try = true, true
		answer, err := m.host.Mount(mount)
		if err != nil {
			if uncertain(err) {
				r.left = append(r.left, dir)
			}
			err = m.unusableFor("make a directory", err)
			if e, ok := errors.AsType[*Unusable](err); ok && forbidden(e.Errno) {
				m.readOnly, refused = true, err
				continue
			}
			return err
		}
		r.maker, r.direct = m, true
		if err := r.tried(m, answer); err != nil {
			return err
		}
		return m.settle()
	}
	if e, ok := errors.AsType[*Unusable](refused); ok {
		e.Doing += ", nor can another host"
	}
	return refused
}

// MarshalJSON implements json.Marshaler.
func (e *Unusable) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Host  string `json:"host"`
		Doing string `json:"doing"`
		Errno string `json:"errno"`
		Text  string `json:"text"`
		Stuck bool   `json:"stuck,omitempty"`
	}{e.Host, e.Doing, e.Errno.String(), e.Text, e.Stuck})
}

// uncertain reports whether a request that failed may have been carried out all the
// same.
func uncertain(err error) bool { return errors.Is(err, ErrStuck) || errors.Is(err, ErrLost) }

// forbidden reports whether an error says that a host may not write at all.
func forbidden(e model.Errno) bool {
	return e == model.EROFS || e == model.EPERM || e == model.EACCES
}

// tried takes down what trying to write came to.
func (r *Runner) tried(m *member, answer Mounted) error {
	r.direct = r.direct && answer.Direct
	errno, ok := model.ParseErrno(answer.Write)
	switch {
	case !ok:
		return m.nonsense(fmt.Errorf("no error is called %s", shorten(answer.Write)))
	case errno == model.OK:
		return nil
	case forbidden(errno) && m != r.maker:
		m.readOnly = true
		return nil
	}
	return &Unusable{Host: m.Name, Doing: "write a file", Errno: errno, Text: "tried in a directory of its own"}
}

// mount opens a directory on a host. Where it is not seen it is waited for, after a
// remount where there is a command for that.
func (r *Runner) mount(ctx context.Context, m *member, mount Mount) (Mounted, error) {
	began, remounted := time.Now(), false
	for {
		answer, err := m.host.Mount(mount)
		e, ok := errors.AsType[*Refused](err)
		if err == nil || !ok || e.Errno != model.ENOENT || e.Root || mount.Make {
			r.afterRemount = r.afterRemount || err == nil && remounted
			if mount.Make && uncertain(err) {
				r.left = append(r.left, mount.Dir)
			}
			return answer, m.unusableFor("open a directory", err)
		}
		switch waited := time.Since(began); {
		case m.Remount != nil && !remounted && (!m.resting || waited > time.Second):
			if err := m.remount(ctx, &r.config); err != nil {
				return Mounted{}, err
			}
			remounted = true
		case waited >= r.config.Visible:
			n := &NotShared{Maker: r.maker.Name, Host: m.Name, Remounted: remounted, Waited: waited}
			n.Proved = remounted || r.apart(m, mount.Dir)
			return Mounted{}, n
		default:
			if err := sleep(ctx, min(r.config.Visible, 200*time.Millisecond)); err != nil {
				return Mounted{}, err
			}
		}
	}
}

// SeenAfterRemount reports whether a host has seen a directory that another one had
// made and synced only after it was remounted.
func (r *Runner) SeenAfterRemount() bool { return r.afterRemount }

// asksServer are the file systems that make no directory without asking who else has
// it: a server, or a lock manager. (A client such as rclone's believes its own list of
// names.)
var asksServer = []string{"9p", "afs", "ceph", "cifs", "fuse.glusterfs", "fuse.juicefs", "fuse.sshfs", "gfs2", "lustre", "nfs", "nfs4", "ocfs2", "smb3", "virtiofs"}

// apart reports whether a host that does not see a directory works on another file
// system than the one who made it.
func (r *Runner) apart(m *member, dir string) bool {
	switch identity.Compare(r.maker.is, m.is) {
	case identity.One: // and so they are two directories of it
		return r.maker.is.Inode != m.is.Inode
	case identity.Apart:
		return true
	}
	if !slices.Contains(asksServer, m.is.Type) || m.readOnly {
		return false
	}
	mount := m.mount(dir)
	mount.Make = true
	if _, err := m.host.Mount(mount); err != nil {
		return false
	}
	m.host.Unmount()
	return m.host.Remove(mount) == nil
}
