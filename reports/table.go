package reports

import (
	"fmt"
	"slices"
	"strings"

	"github.com/doublemount/doublemount/model"
)

const (
	maxWidth  = 110 // of every line but the command to paste
	minColumn = 14  // a host's column narrower than this cannot be read
	maxRows   = 80  // of a table; more are folded
)

// table lays out rows: the step, a column for each host, one for the disk.
// Where the hosts do not fit beside each other they share one column.
type table struct {
	hosts  []model.Host
	shared bool // one column for all hosts
	rows   []row
	label  int   // widths
	column []int // of each host, or of the shared one
	disk   int   // 0: no column
}

func layout(hosts []model.Host, rows []row) table {
	t := table{hosts: hosts, rows: fold(rows), label: len("step*")}
	for _, r := range t.rows {
		t.disk = max(t.disk, len(r.disk))
	}
	if t.disk > 0 {
		t.disk = max(t.disk, len("disk"))
	}
	budget := maxWidth - t.label
	if t.disk > 0 {
		budget -= len(" | ") + t.disk
	}
	t.column = t.natural()
	t.shared = len(hosts) == 0 || len(hosts)*(len(" | ")+minColumn) > budget
	if t.shared {
		t.column = t.natural()
	}
	for {
		sum, widest := 0, 0
		for i, w := range t.column {
			sum += len(" | ") + w
			if w > t.column[widest] {
				widest = i
			}
		}
		if sum <= budget {
			return t
		}
		t.column[widest]--
	}
}

// natural is the width that each column would like.
func (t table) natural() []int {
	if t.shared {
		w := len("operation")
		for _, r := range t.rows {
			w = max(w, len(t.cell(r)))
		}
		return []int{w}
	}
	widths := make([]int, len(t.hosts))
	for i, h := range t.hosts {
		widths[i] = len(h.String())
		for _, r := range t.rows {
			if r.host == h {
				widths[i] = max(widths[i], len(r.text))
			}
		}
	}
	return widths
}

// cell is a row's text; in a shared column it names its host.
func (t table) cell(r row) string {
	if t.shared && r.host != model.Final && r.text != "" {
		return r.host.String() + " " + r.text
	}
	return r.text
}

// String is the table with its heading, ending in a newline.
func (t table) String() string {
	var b strings.Builder
	head := make([]string, len(t.column))
	rule := strings.Repeat("-", t.label)
	for i, w := range t.column {
		head[i] = "operation"
		if !t.shared {
			head[i] = t.hosts[i].String()
		}
		rule += "-+-" + strings.Repeat("-", w)
	}
	disk := ""
	if t.disk > 0 {
		disk = "disk"
		rule += "-+-" + strings.Repeat("-", t.disk)
	}
	t.line(&b, "step ", head, disk)
	fmt.Fprintln(&b, rule)
	for _, r := range t.rows {
		t.row(&b, r)
	}
	return b.String()
}

// row prints a row on as many lines as its text needs. The observer's rows, and
// folded ones, belong to no host and run across the columns.
func (t table) row(b *strings.Builder, r row) {
	label := fmt.Sprintf("%4s ", r.label)
	if r.label == "final" {
		label = r.label
	}
	if r.mark {
		label = fmt.Sprintf("%4s*", r.label)
	}
	i := 0
	if !t.shared {
		i = slices.Index(t.hosts, r.host)
	}
	if r.host == model.Final || i < 0 {
		for _, text := range wrap(r.text, maxWidth-t.label-len(" | ")) {
			fmt.Fprintf(b, "%-*s | %s\n", t.label, label, text)
			label = ""
		}
		return
	}
	disk := r.disk
	for _, text := range wrap(t.cell(r), t.column[i]) {
		cells := make([]string, len(t.column))
		cells[i] = text
		t.line(b, label, cells, disk)
		label, disk = "", ""
	}
}

// line prints one line of cells; each fits its column.
func (t table) line(b *strings.Builder, label string, cells []string, disk string) {
	line := fmt.Sprintf("%-*s", t.label, label)
	for i, c := range cells {
		line += fmt.Sprintf(" | %-*s", t.column[i], c)
	}
	if t.disk > 0 {
		line += " | " + disk
	}
	fmt.Fprintln(b, strings.TrimRight(line, " "))
}

// fold keeps the beginning, the end and what the proof and the cause speak of,
// from a table that nobody would read to its end, and says how much it leaves
// out.
func fold(rows []row) []row {
	if len(rows) <= maxRows {
		return rows
	}
	const head, tail = 10, 40
	var kept []row
	hidden := 0
	for i, r := range rows {
		if i >= head && i < len(rows)-tail && !r.mark {
			hidden++
			continue
		}
		if hidden > 0 {
			kept = append(kept, row{label: "...", host: model.Final, text: fmt.Sprintf("%d rows not shown", hidden)})
			hidden = 0
		}
		kept = append(kept, r)
	}
	return kept
}
