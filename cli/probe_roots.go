package cli

import (
	"cmp"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/doublemount/doublemount/lab/agent"
	"github.com/doublemount/doublemount/lab/identity"
)

// pair is two hosts that have mounts which know nothing of each other, of one disk or
// of what may be one.
type pair struct {
	a, b  agent.Root
	twice bool // they have one UUID
}

// harmful reports whether a write of one damages what the other has: not if one of them
// can only read.
func (p *pair) harmful() bool { return !p.a.ReadOnly && !p.b.ReadOnly }

// twice finds such hosts, those of which a write does harm first; nil if there are
// none.
func twice(roots []agent.Root) (found *pair) {
	for i, a := range roots {
		for _, b := range roots[i+1:] {
			r := identity.Compare(a.Identity, b.Identity)
			if a.Err != nil || b.Err != nil || r != identity.Twice && r != identity.Doubtful {
				continue
			}
			if p := (&pair{a, b, r == identity.Twice}); found == nil || p.harmful() && !found.harmful() {
				found = p
			}
		}
	}
	return found
}

// sentence says it. Where nobody can tell the disk from a copy of it, that is said,
// too.
func (p *pair) sentence() string {
	if !p.twice {
		return fmt.Sprintf("cannot tell, because %s has a %s and %s a %s, and neither the file systems nor the disks have a name that could be compared: two disks, or one mounted twice", p.a.Host, p.a.Type, p.b.Host, p.b.Type)
	}
	id := "UUID " + p.a.UUID
	if p.a.UUID == "" {
		id = "f_fsid " + p.a.FSID
	}
	text := fmt.Sprintf("one disk, mounted twice without coordination: %s and %s both have the %s with %s", p.a.Host, p.b.Host, p.a.Type, id)
	if !identity.Certain(p.a.Identity, p.b.Identity) {
		text += " (or one has a copy of it: no name of the disks tells)"
	}
	return text
}

// conclusion is the answer for such hosts, after a look or after writes.
func (p *pair) conclusion(more string, written bool) conclusion {
	if written && p.harmful() {
		more += "; what was written may have damaged it: check it (fsck) before it is used"
	}
	if !p.twice {
		return conclusion{Class: classUnknown, Answer: p.sentence() + more, code: exitWeak}
	}
	return conclusion{Class: classTwice, Answer: p.sentence() + more, code: exitFound}
}

// printRoots prints what the hosts work on.
func printRoots(w io.Writer, roots []agent.Root) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "host\troot\tfile system\tidentity\tdevice, inode\tmounted\tuser\tfree")
	for _, r := range roots {
		if r.Err != nil {
			fmt.Fprintf(t, "%s\t%s\n", r.Host, printable(r.Err.Error()))
			continue
		}
		id := cmp.Or(r.UUID, r.FSID, "-")
		if r.Source != "" {
			id += " from " + r.Source
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s, %d\t%s\t%s\t%s\n", r.Host, printable(r.Path), printable(r.Type), printable(id), printable(cmp.Or(r.Device, "-")), r.Inode,
			printable(cmp.Or(r.Options, "-")), printable(r.User), freeSpace(r.Identity))
	}
	t.Flush()
	fmt.Fprintln(w)
}

// freeSpace is "1.9 of 3.9 GB".
func freeSpace(i identity.Identity) string {
	if i.Total == 0 {
		return "not told"
	}
	const kb, mb, gb = 1e3, 1e6, 1e9
	switch total := float64(i.Total); {
	case total >= gb:
		return fmt.Sprintf("%.1f of %.1f GB", float64(i.Free)/gb, total/gb)
	case total >= mb:
		return fmt.Sprintf("%.1f of %.1f MB", float64(i.Free)/mb, total/mb)
	default:
		return fmt.Sprintf("%.1f of %.1f kB", float64(i.Free)/kb, total/kb)
	}
}
