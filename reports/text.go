package reports

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/doublemount/doublemount/checker"
	"github.com/doublemount/doublemount/model"
)

// maxList is how many defects or fsck problems are printed.
const maxList = 5

// Text writes f for a person at a terminal: what was observed, the run as a
// table of hosts and disk, why it is wrong, what brought it about, and as the
// last line the command that shows it again. No line but that of the case file
// and the command is wider than 110 columns. It is written in one piece; an
// error is w's.
func Text(w io.Writer, f Finding) error {
	var b bytes.Buffer
	headline := wrap(f.Headline(), maxWidth)
	fmt.Fprintln(&b, strings.Join(headline, "\n"))
	fmt.Fprintln(&b)
	section(&b, "design:", safe(f.Design)+size(f))
	section(&b, "guarantee:", f.Guarantee.Name+": "+f.Guarantee.Rule)
	fmt.Fprintln(&b)

	f.table(&b)
	list(&b, "defect:", f.Run.Defects, func(i int) string { return f.Run.Defects[i].String() })
	list(&b, "fsck:", f.Run.Audit, func(i int) string { return string(f.Run.Audit[i].Anomaly) + ": " + f.Run.Audit[i].Text })
	section(&b, "why:", safeText(f.Verdict.Proof[0]))
	section(&b, "", safeText(f.Verdict.Proof[1]))
	section(&b, "allowed:", f.allowed())
	section(&b, "observed:", safeText(f.observed()))
	section(&b, "cause:", causeText(f.Cause))
	if f.Cause.Verified {
		section(&b, "nearest passing run:", safeText(f.Cause.Change))
		for _, line := range added(f.Run.Program, f.Cause.Nearest) {
			fmt.Fprintf(&b, "           + %s\n", safe(line))
		}
	}
	if f.Reruns > 0 {
		section(&b, "again:", fmt.Sprintf("it came back %d of %d times", f.CameBack, f.Reruns))
	}
	unbroken(&b, "case:", f.File)
	unbroken(&b, "replay:", f.Replay)
	_, err := w.Write(b.Bytes())
	return err
}

// Table is a run as the table of hosts and disk that [Text] has, with its
// legend. No line is wider than 110 columns. Blocks may be nil.
func Table(run model.Run, blocks Blocks) string {
	var b bytes.Buffer
	Finding{Run: run, Blocks: blocks}.table(&b)
	return b.String()
}

// table is the run, or the program alone where there is no run to show: the
// process that made it has ended with it.
func (f Finding) table(b *bytes.Buffer) {
	if len(f.Run.History)+len(f.Run.Trace) == 0 {
		b.WriteString("no run to show; the program is:\n")
		for line := range strings.Lines(f.Run.Program.String()) {
			b.WriteString(safe(strings.TrimSuffix(line, "\n")) + "\n")
		}
		fmt.Fprintln(b)
		section(b, "note:", notes(f.Run))
		return
	}
	t := layout(f.involved(), append(rowsOf(f), finalRows(f)...))
	b.WriteString(t.String())
	fmt.Fprintln(b)
	section(b, "legend:", legend(t))
	if t.disk > 0 {
		section(b, "blocks:", f.Blocks.text())
	}
	section(b, "note:", notes(f.Run))
}

// size is ", 2 hosts, 6 steps (143 before minimising)".
func size(f Finding) string {
	p := f.Run.Program
	text := fmt.Sprintf(", %s, %s", count(p.Hosts, "host"), count(len(p.Steps), "step"))
	if f.Original > len(p.Steps) {
		text += fmt.Sprintf(" (%d before minimising)", f.Original)
	}
	return text
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// legend explains the marks that a table has, and no others.
func legend(t table) string {
	var parts []string
	if t.disk > 0 {
		parts = append(parts, "r7 v2 = read block 7 at version 2", "w7 v3 = block 7 became version 3")
	}
	stale, marked := false, false
	for _, r := range t.rows {
		stale = stale || strings.Contains(r.disk, "!")
		marked = marked || r.mark
	}
	if stale {
		parts = append(parts, "! = from a stale copy")
	}
	if marked {
		parts = append(parts, "* = in the proof or the cause")
	}
	return strings.Join(parts, ", ")
}

// causeText is the cause as one sentence that does not claim more than was
// verified.
func causeText(c checker.Cause) string {
	const unknown = "cause not isolated"
	switch {
	case c.Verified:
		name := ""
		if c.Mechanism != "" {
			name = string(c.Mechanism) + ": "
		}
		return name + safeText(c.Text) + " (verified)"
	case c.Text == "" || c.Text == unknown:
		return unknown
	}
	return unknown + "; suspected: " + safeText(c.Text)
}

// section prints a label and text beside it, broken into lines; nothing if
// there is no text. An empty label goes on with the section before.
func section(b *bytes.Buffer, label, text string) {
	if text == "" {
		return
	}
	const indent = 11
	label += " "
	for _, line := range wrap(text, maxWidth-max(indent, len(label))) {
		fmt.Fprintf(b, "%-*s%s\n", indent, label, line)
		label = ""
	}
}

// list prints the first few of a list of things, one section each.
func list[T any](b *bytes.Buffer, label string, all []T, text func(int) string) {
	for i := range all {
		if i == maxList {
			section(b, label, fmt.Sprintf("+%d more", len(all)-i))
			return
		}
		section(b, label, safeText(text(i)))
	}
}

// unbroken prints a line that is to be pasted and therefore never broken.
func unbroken(b *bytes.Buffer, label, text string) {
	if text != "" {
		fmt.Fprintf(b, "%-11s%s\n", label, safeCommand(text))
	}
}
