package cli

import (
	"cmp"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/doublemount/doublemount/lab/agent"
	"github.com/doublemount/doublemount/lab/identity"
)

// pair is two hosts that have one disk mounted, each as if it were alone.
type pair struct{ a, b agent.Root }

// twice finds such hosts; nil if there are none.
func twice(roots []agent.Root) *pair {
	for i, a := range roots {
		for _, b := range roots[i+1:] {
			if a.Err == nil && b.Err == nil && identity.Compare(a.Identity, b.Identity) == identity.Twice {
				return &pair{a, b}
			}
		}
	}
	return nil
}

// sentence says it. Where nobody can tell the disk from a copy of it, that is said,
// too.
func (p *pair) sentence() string {
	text := fmt.Sprintf("one disk, mounted twice without coordination: %s and %s both have the %s with UUID %s", p.a.Host, p.b.Host, p.a.Type, p.a.UUID)
	if p.a.Disk == nil || p.b.Disk == nil || p.a.Disk.File && p.a.Kernel != p.b.Kernel {
		text += " (or one has a copy of it: the disks have no names that could be compared)"
	}
	return text
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
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s, %d\t%s\t%s\t%s\n", r.Host, printable(r.Path), printable(r.Type), printable(id), cmp.Or(r.Device, "-"), r.Inode,
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
